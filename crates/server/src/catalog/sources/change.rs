//! Changing a source.

use fleetmend_model::SourceId;
use fleetmend_store::source_pages;
use fleetmend_store::sources::{self, SourceKind};

use super::super::sync;
use super::add::reachable;
use super::same::refuse_same;
use super::settings::{Given, LoginChange, difference};
use super::{NO_LOGIN, existing, store_login};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// Changes what is given of a source, and notes who did. It is read at once if that may bring
/// something else.
pub async fn change(
    app: &App,
    id: SourceId,
    given: &Given<'_>,
    actor: &Actor,
) -> Result<(), ApiError> {
    let source = existing(&app.db, id).await?;
    let before = &source.settings;
    let login = given.login()?;
    let after = given.changed(&source).map_err(ApiError::Bad)?;
    if source.kind != SourceKind::Feed && matches!(login, LoginChange::Set(_)) {
        return Err(ApiError::Bad(NO_LOGIN.to_owned()));
    }
    if source.kind == SourceKind::Imported && before.dialect != after.dialect {
        return Err(ApiError::Bad(
            "which versions an imported source has is set where it is exported".to_owned(),
        ));
    }
    let known = &source.private_hosts;
    let has_other_reach =
        before.location != after.location || given.allow_private || !given.private_hosts.is_empty();
    let private_hosts = if has_other_reach {
        reachable(app, source.kind, &after.location, given, known).await?
    } else {
        known.clone()
    };
    let mut changes = difference(before, &after);
    let has_new_login = !matches!(login, LoginChange::Keep);
    let login = login.given();
    if has_new_login {
        let user = login.as_ref().map_or("none", |it| &it.name);
        changes = [changes, format!("user: {user}")].join("; ");
    }
    if private_hosts != *known {
        let hosts = format!("private hosts: {}", private_hosts.join(", "));
        changes = [changes, hosts].join("; ");
    }
    if changes.is_empty() {
        return Ok(());
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    if before.location != after.location {
        let all = sources::list(&mut tx).await.map_err(stored)?;
        refuse_same(&all, source.kind, &after.location, Some(id))?;
    }
    sources::update(&mut tx, id, &after).await.map_err(stored)?;
    if has_new_login {
        store_login(app, &mut tx, id, login.as_ref()).await?;
    }
    if private_hosts != *known {
        sources::set_private_hosts(&mut tx, id, &private_hosts)
            .await
            .map_err(stored)?;
    }
    let is_other_feed = before.location != after.location;
    if is_other_feed || before.dialect != after.dialect {
        // What was read of it says nothing about what it has now.
        source_pages::drop_all(&mut tx, id).await.map_err(stored)?;
        sources::forget_read(&mut tx, id).await.map_err(stored)?;
    }
    let is_switched_on = after.enabled && !before.enabled;
    let has_new_hosts = private_hosts != *known;
    let has_new_time = before.every_seconds != after.every_seconds;
    let is_read_anew =
        is_other_feed || is_switched_on || has_new_login || has_new_hosts || has_new_time;
    let is_read = source.kind != SourceKind::Imported;
    if is_read && after.enabled && (is_read_anew || before.dialect != after.dialect) {
        sync::enqueue(app, &mut tx, id, now).await?;
    }
    if before.priority != after.priority || before.enabled != after.enabled {
        // What is offered now may not have been looked at yet.
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
        jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    }
    if before.internalize != after.internalize {
        // What stayed out of the own feed because of that is looked at again.
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    }
    let subject = format!("source {id}");
    journal::record(&mut tx, actor, "set_source", &subject, &changes, now).await?;
    tx.commit().await.map_err(stored)?;
    app.pace
        .allow(&sources::list(&app.db).await.map_err(stored)?);
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
