//! The sources: adding, listing, and what a person sees of their state.

use fleetmend_model::SourceId;
use fleetmend_store::sources::{self, NewSource, SourceKind};

use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// Adds a feed's address or a folder, notes who did, and has it read at once.
pub async fn add(
    app: &App,
    location: &str,
    name: Option<&str>,
    actor: &Actor,
) -> Result<SourceId, ApiError> {
    let kind = kind_of(location)?;
    let source = NewSource {
        kind,
        location: location.to_owned(),
        name: name.unwrap_or(location).to_owned(),
        priority: 0,
        enabled: true,
    };
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let id = match sources::insert(&mut tx, &source).await {
        Ok(id) => id,
        Err(error @ fleetmend_store::Error::Exists { .. }) => {
            return Err(ApiError::Conflict(error.to_string()));
        }
        Err(error) => return Err(ApiError::Internal(error.into())),
    };
    let now = app.now();
    journal::record(
        &mut tx,
        actor,
        "add_source",
        &format!("source {id}"),
        location,
        now,
    )
    .await?;
    jobs::enqueue(&mut tx, jobs::Kind::SyncSource, id.0, now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(id)
}

fn kind_of(location: &str) -> Result<SourceKind, ApiError> {
    if location.starts_with("http://") || location.starts_with("https://") {
        return match reqwest::Url::parse(location) {
            Ok(url) if url.username().is_empty() && url.password().is_none() => {
                Ok(SourceKind::Feed)
            }
            Ok(_) => Err(ApiError::Bad(
                "a source's address must not carry a name or password: it is shown and logged"
                    .to_owned(),
            )),
            Err(error) => Err(ApiError::Bad(format!(
                "'{location}' is not an address: {error}"
            ))),
        };
    }
    if std::path::Path::new(location).is_absolute() {
        return Ok(SourceKind::Folder);
    }
    Err(ApiError::Bad(format!(
        "'{location}' is neither the address of a feed (https://…) nor the full path of a folder"
    )))
}
