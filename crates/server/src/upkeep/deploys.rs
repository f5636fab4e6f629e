//! What time does to deploy jobs.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::{self, DeployJob};

use super::life::Life;
use super::{BATCH, CHUNK};
use crate::app::App;
use crate::deployments::moves::{self, With};
use crate::policies::standards;

/// Every job ends by its deadline; after an outage, once devices had the time to tell what they did
/// meanwhile.
pub async fn expire(app: &Arc<App>, life: &Life) -> anyhow::Result<()> {
    if !life.can_judge_silence(app.policy.silence()) {
        return Ok(());
    }
    let now = life.now;
    loop {
        let mut jobs = deploy_jobs::expired(&app.db, now, BATCH).await?;
        let count = jobs.len();
        let mut ended = 0;
        for chunk in jobs.chunks_mut(CHUNK) {
            let mut tx = app.db.begin().await?;
            for job in chunk.iter_mut() {
                ended += usize::from(end(&mut tx, job, now).await?);
            }
            tx.commit().await?;
            for job in chunk {
                app.registry.wake(job.device);
            }
        }
        if ended > 0 {
            app.touch();
        }
        if count < BATCH as usize || ended == 0 {
            return Ok(());
        }
    }
}

/// `false`: somebody else moved it meanwhile.
async fn end(tx: &mut Tx, job: &mut DeployJob, now: Millis) -> anyhow::Result<bool> {
    let cause = format!(
        "it did not end by its deadline; last: {}",
        job.state.status.label()
    );
    let change = Change::End {
        ending: Ending::Expired,
    };
    let with = With::cause(cause);
    match moves::advance(tx, job, change, Party::Server, with, now).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_outrun() => {
            tracing::debug!("job {}: {error}", job.id);
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What ended long ago goes to the archive.
pub async fn archive(app: &Arc<App>, now: Millis) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    for some in standards::by(&mut tx, |it| it.keep.archive_days).await? {
        let before = now - Duration::from_secs(u64::from(some.what) * 24 * 3600);
        deploy_jobs::archive_finished_before(&mut tx, before, &some.of, now).await?;
    }
    Ok(tx.commit().await?)
}
