//! A person lets an update go: it is offered again, on a device or everywhere.

use std::sync::Arc;

use fleetmend_store::holds;

use crate::app::App;
use crate::deployments::failed;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1000;

/// Releases a hold. The version may be held again when it is in vain again.
pub async fn release(app: &Arc<App>, id: i64, reason: &str, actor: &Actor) -> Result<(), ApiError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ApiError::Bad(
            "field 'reason' is empty: say why the update is worth another try".to_owned(),
        ));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(ApiError::Bad(format!(
            "field 'reason' is longer than {LONGEST_REASON} characters"
        )));
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(failed)?;
    let held = holds::listed(&mut tx, id)
        .await
        .map_err(failed)?
        .ok_or_else(|| ApiError::Missing(format!("no update is held under the number {id}")))?;
    if !holds::end(&mut tx, id, Some(&actor.name), reason, now)
        .await
        .map_err(failed)?
    {
        return Err(ApiError::Conflict(format!("hold {id} is over already")));
    }
    let place = held.hostname.as_deref().unwrap_or("all devices");
    let subject = format!(
        "patch {} {} {} on {place}",
        held.hold.patch, held.title, held.version
    );
    let after = format!("{reason}; it was held because {}", held.hold.cause);
    journal::record(&mut tx, actor, "release_hold", &subject, &after, now).await?;
    tx.commit().await.map_err(failed)?;
    app.touch();
    Ok(())
}
