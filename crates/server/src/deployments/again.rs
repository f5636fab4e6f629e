//! Jobs whose window closed before their devices could start: each is posted again, for the next window.

use fleetmend_model::Millis;
use fleetmend_model::status::Party;
use fleetmend_plan::night::Occasion;
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::{self, DeployJob, NewJob};

use super::NEXT_STEP;
use crate::jobs;

/// Posts a job again that its device ended because the order's time was over, where that was its window's
/// and not the job's own.
pub async fn window_closed(tx: &mut Tx, job: &DeployJob, now: Millis) -> anyhow::Result<()> {
    let occasion = Occasion::from_key(&job.occasion);
    let (Some(_), Some(occasion), None) = (job.order_until, occasion, &job.cancel_asked) else {
        return Ok(());
    };
    if job.deadline_at <= now {
        return Ok(());
    }
    let new = NewJob {
        device: job.device,
        patch: job.patch,
        release: None,
        cause: format!(
            "again for deploy job {}: its window closed before the device could start",
            job.id
        ),
        next_step: NEXT_STEP.to_owned(),
        deadline_at: job.deadline_at,
        redeploy_of: Some(job.id),
        occasion: occasion.key(),
        by: Party::Server,
    };
    deploy_jobs::create_many(tx, job.deployment, &[new], now).await?;
    jobs::enqueue(tx, jobs::Kind::MirrorPatch, job.patch.0, now).await
}
