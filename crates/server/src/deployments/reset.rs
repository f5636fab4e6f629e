//! Reset Download Count: a person has files tried to be had again.

use fleetmend_model::{Millis, PatchId, SourceId};
use fleetmend_store::{Tx, downloads, feed_refusals, patches};

use super::failed;
use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// Forgets the tries for these patches and has those that jobs wait for tried at once; gives how many
/// had any.
pub async fn reset(app: &App, patches: &[PatchId], actor: &Actor) -> Result<u64, ApiError> {
    let now = app.now();
    let mut count = 0;
    let mut tx = app.db.begin().await.map_err(failed)?;
    for patch in patches {
        let is_known = downloads::reset(&mut tx, *patch).await.map_err(failed)?;
        if !(reset_in_feed(&mut tx, *patch, now).await? || is_known) {
            continue;
        }
        count += 1;
        let subject = format!("patch {patch}");
        journal::record(&mut tx, actor, "reset_download_count", &subject, "", now).await?;
        jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, patch.0, now).await?;
    }
    tx.commit().await.map_err(failed)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(count)
}

/// Has the package of a patch brought into the feed again where that was given up; whether it was tried.
async fn reset_in_feed(tx: &mut Tx, patch: PatchId, now: Millis) -> Result<bool, ApiError> {
    let patch = patches::get(&mut *tx, patch).await.map_err(failed)?;
    let Some(package) = patch.and_then(|it| it.package) else {
        return Ok(false);
    };
    let is_known = feed_refusals::reset(tx, package).await.map_err(failed)?;
    if is_known {
        jobs::enqueue(tx, jobs::Kind::BringToFeed, package.0, now).await?;
    }
    Ok(is_known)
}

/// The same for all that comes from a source, in the transaction of a change that makes it worth
/// another try. It is ready when the queue is rung.
pub async fn reset_of_source(app: &App, tx: &mut Tx, source: SourceId) -> anyhow::Result<()> {
    for patch in downloads::reset_of_source(tx, source).await? {
        jobs::enqueue(tx, jobs::Kind::MirrorPatch, patch.0, app.now()).await?;
    }
    Ok(())
}
