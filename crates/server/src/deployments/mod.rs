//! The deployments stage: from a person's word to a verified status.

mod afterwards;
pub mod download;
pub mod holds;
pub mod moves;
mod one;
pub mod orders;
pub mod reports;
mod request;
pub mod reset;
pub mod restarted;
pub(crate) mod tries;

pub use one::one;

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, Millis, PatchId};
use fleetmend_plan::Plan;
use fleetmend_store::deploy_jobs::{self, DeployJob, NewJob, Posted};
use fleetmend_store::{Tx, deployments};

use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

fn failed(error: fleetmend_store::Error) -> ApiError {
    ApiError::Internal(error.into())
}

/// Who would get a patch, and who not and why. Changes nothing.
pub async fn preview(
    app: &Arc<App>,
    patch: PatchId,
    devices: Option<&[DeviceId]>,
) -> Result<Plan, ApiError> {
    let mut tx = app.db.read().await.map_err(failed)?;
    let input = request::input(app, &mut tx, patch, devices, app.now()).await?;
    Ok(fleetmend_plan::plan(&input))
}

/// Deploys a patch to the devices named, or to all that lack it, as the plan says.
pub async fn deploy(
    app: &Arc<App>,
    patch: PatchId,
    devices: Option<&[DeviceId]>,
    actor: &Actor,
) -> Result<(Option<DeploymentId>, Plan), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(failed)?;
    let input = request::input(app, &mut tx, patch, devices, now).await?;
    let plan = fleetmend_plan::plan(&input);
    let chosen: Vec<_> = plan.deploys().collect();
    if chosen.is_empty() {
        return Ok((None, plan));
    }
    let deployment = deployments::insert(&mut tx, patch, &actor.name, "", now)
        .await
        .map_err(failed)?;
    let cause = format!("asked for by {}", actor.name);
    let new: Vec<_> = chosen
        .iter()
        .map(|device| new_job(app, *device, patch, &cause, None, now))
        .collect();
    deploy_jobs::create_many(&mut tx, deployment, &new, now)
        .await
        .map_err(failed)?;
    let subject = format!("patch {patch}");
    journal::record(
        &mut tx,
        actor,
        "deploy_patch",
        &subject,
        plan.to_text().trim(),
        now,
    )
    .await?;
    jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, patch.0, now).await?;
    tx.commit().await.map_err(failed)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok((Some(deployment), plan))
}

fn new_job(
    app: &App,
    device: DeviceId,
    patch: PatchId,
    cause: &str,
    redeploy_of: Option<DeployJobId>,
    now: Millis,
) -> NewJob {
    NewJob {
        device,
        patch,
        release: None,
        cause: cause.to_owned(),
        next_step: "the server gets the patch's files".to_owned(),
        deadline_at: now + Duration::from_secs(app.policy.deadline_seconds),
        redeploy_of,
    }
}

/// Posts new jobs for jobs that failed, as far as the plan lets them; returns how many.
pub async fn redeploy(app: &Arc<App>, old: &[DeployJobId], actor: &Actor) -> Result<u64, ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(failed)?;
    let mut posted = 0;
    let mut refusal = None;
    for id in old {
        let job = get(&mut tx, *id).await?;
        if !job.state.can_redeploy() {
            refusal = Some(format!("job {id} is at '{}'", job.state.shown()));
            continue;
        }
        let input = request::input(app, &mut tx, job.patch, Some(&[job.device]), now).await?;
        let plan = fleetmend_plan::plan(&input);
        if plan.deploys().next().is_none() {
            refusal = Some(format!(
                "job {id} is not deployed again:\n{}",
                plan.to_text()
            ));
            continue;
        }
        let deployment = deployments::insert(&mut tx, job.patch, &actor.name, "redeploy", now)
            .await
            .map_err(failed)?;
        let cause = format!("redeployed by {}", actor.name);
        let new = new_job(app, job.device, job.patch, &cause, Some(*id), now);
        let created = deploy_jobs::create_many(&mut tx, deployment, &[new], now)
            .await
            .map_err(failed)?;
        posted += created
            .iter()
            .filter(|it| matches!(it, Posted::Created(_)))
            .count() as u64;
        journal::record(&mut tx, actor, "redeploy", &format!("job {id}"), "", now).await?;
        jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, job.patch.0, now).await?;
    }
    if let (0, Some(refusal)) = (posted, refusal) {
        return Err(ApiError::Conflict(refusal));
    }
    tx.commit().await.map_err(failed)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(posted)
}

/// What came of a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// The job is over: its device never had it.
    Ended,
    /// The device may have it: it confirms, or it has started and goes on.
    AskedFor,
}

/// Calls a job off. What its device may have is only asked for: the device could have started
/// meanwhile, and what happens on it must be shown.
pub async fn cancel(app: &Arc<App>, id: DeployJobId, actor: &Actor) -> Result<Cancelled, ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(failed)?;
    let mut job = get(&mut tx, id).await?;
    let asked = deploy_jobs::ask_cancel(&mut tx, id, &actor.name, now)
        .await
        .map_err(failed)?;
    let outcome = match asked {
        Some(asked) if asked.order_sent_at.is_some() => {
            moves::note(&mut tx, &asked, String::new(), now)
                .await
                .map_err(failed)?;
            Cancelled::AskedFor
        }
        Some(mut unsent) => {
            let with = moves::With::cause("its order was never sent to the device");
            end_cancelled(&mut tx, &mut unsent, Party::Server, with, now).await?;
            Cancelled::Ended
        }
        None => {
            let with = moves::With::cause(format!("called off by {}", actor.name));
            end_cancelled(&mut tx, &mut job, Party::User, with, now).await?;
            Cancelled::Ended
        }
    };
    journal::record(&mut tx, actor, "cancel_job", &format!("job {id}"), "", now).await?;
    tx.commit().await.map_err(failed)?;
    app.registry.wake(job.device);
    app.touch();
    Ok(outcome)
}

async fn end_cancelled(
    tx: &mut Tx,
    job: &mut DeployJob,
    by: Party,
    with: moves::With,
    now: Millis,
) -> Result<(), ApiError> {
    let change = Change::End {
        ending: Ending::Cancelled,
    };
    match moves::advance(tx, job, change, by, with, now).await {
        Ok(()) => Ok(()),
        Err(moves::MoveError::Illegal(_)) => Err(ApiError::Conflict(format!(
            "job {} is at '{}': only what has not started can be called off",
            job.id,
            job.state.shown()
        ))),
        Err(moves::MoveError::Store(fleetmend_store::Error::Moved { .. })) => Err(
            ApiError::Conflict(format!("job {} moved on meanwhile: try again", job.id)),
        ),
        Err(moves::MoveError::Store(error)) => Err(failed(error)),
    }
}

async fn get(tx: &mut Tx, id: DeployJobId) -> Result<DeployJob, ApiError> {
    deploy_jobs::get(tx, id)
        .await
        .map_err(failed)?
        .ok_or_else(|| ApiError::Missing(format!("there is no job {id}")))
}
