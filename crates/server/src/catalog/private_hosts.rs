//! Which hosts a source may lead to although they are in one's own network: set by a person.

use fleetmend_model::SourceId;
use fleetmend_store::sources::SourceKind;
use fleetmend_store::{packages, sources};

use super::guard::hosts;
use super::sources::existing;
use super::sync;
use crate::app::App;
use crate::deployments::reset;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// Sets the private hosts of a source, has it read at once, and has what could not be had from it
/// tried anew.
pub async fn set(
    app: &App,
    id: SourceId,
    hosts: impl IntoIterator<Item = &str>,
    actor: &Actor,
) -> Result<(), ApiError> {
    let hosts = hosts::normals(hosts).map_err(ApiError::Bad)?;
    let source = existing(&app.db, id).await?;
    if source.kind == SourceKind::Imported {
        return Err(ApiError::Bad(
            "nothing is asked for of an imported source: it has no private hosts".to_owned(),
        ));
    }
    let now = app.now();
    let change = async {
        let mut tx = app.db.begin().await?;
        sources::set_private_hosts(&mut tx, id, &hosts).await?;
        let (subject, after) = (format!("source {id}"), hosts.join(", "));
        journal::record(&mut tx, actor, "set_private_hosts", &subject, &after, now).await?;
        if source.settings.enabled {
            packages::retry_now(&mut tx, id, now).await?;
            reset::reset_of_source(app, &mut tx, id).await?;
            sync::enqueue(app, &mut tx, id, now).await?;
        }
        anyhow::Ok(tx.commit().await?)
    };
    change.await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
