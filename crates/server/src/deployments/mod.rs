//! The deployments stage: from a person's word to a verified status.

mod afterwards;
mod again;
pub mod download;
pub mod gate;
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
pub use request::Asked;

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, Millis};
use fleetmend_plan::Plan;
use fleetmend_plan::night::Slot;
use fleetmend_store::deploy_jobs::{self, DeployJob, NewJob, Posted};
use fleetmend_store::{Tx, deployments};

use crate::app::App;
use crate::config::Policy;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// What comes first for a job.
pub(crate) const NEXT_STEP: &str = "the server gets the patch's files";

fn failed(error: fleetmend_store::Error) -> ApiError {
    ApiError::Internal(error.into())
}

/// Who would get a patch and when, and who not and why. Changes nothing.
pub async fn preview(app: &Arc<App>, asked: &Asked<'_>) -> Result<Plan, ApiError> {
    let mut tx = app.db.read().await.map_err(failed)?;
    request::plan(app, &mut tx, asked, app.now()).await
}

/// Deploys a patch to the devices named, or to all that lack it, as the plan says.
pub async fn deploy(
    app: &Arc<App>,
    asked: &Asked<'_>,
    actor: &Actor,
) -> Result<(Option<DeploymentId>, Plan), ApiError> {
    let (now, patch) = (app.now(), asked.patch);
    let mut tx = app.db.begin().await.map_err(failed)?;
    let plan = request::plan(app, &mut tx, asked, now).await?;
    let cause = format!("asked for by {}", actor.name);
    let new = plan.starts().map(|(device, start)| NewJob {
        device,
        patch,
        release: None,
        cause: cause.clone(),
        next_step: NEXT_STEP.to_owned(),
        deadline_at: deadline(app, &start.slot),
        redeploy_of: None,
        occasion: asked.occasion().key(),
        by: Party::User,
    });
    let new: Vec<_> = new.collect();
    if new.is_empty() {
        return Ok((None, plan));
    }
    let deployment = deployments::insert(&mut tx, patch, &actor.name, "", now)
        .await
        .map_err(failed)?;
    deploy_jobs::create_many(&mut tx, deployment, &new, now)
        .await
        .map_err(failed)?;
    let subject = format!("patch {patch}");
    let mut says = plan.to_text();
    if asked.at_any_time {
        says.push_str("at any time, windows and days without changes or not");
    }
    journal::record(&mut tx, actor, "deploy_patch", &subject, says.trim(), now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, patch.0, now).await?;
    tx.commit().await.map_err(failed)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok((Some(deployment), plan))
}

/// When a job is given up: as its policy says, unless whoever starts the server says how long jobs take
/// where policies do not. A window that comes later is waited for all the same.
pub(crate) fn deadline(app: &App, slot: &Slot) -> Millis {
    let (own, default) = (
        app.policy.deadline_seconds,
        Policy::default().deadline_seconds,
    );
    if own == default || !slot.is_default_deadline {
        return slot.deadline;
    }
    let own = Duration::from_secs(own);
    let waits = slot.at > slot.run;
    let by_window = slot.window_end.filter(|_| waits).unwrap_or(slot.at + own);
    by_window.max(slot.run + own)
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
        let asked = Asked {
            patch: job.patch,
            devices: Some(&[job.device]),
            at_any_time: false,
        };
        let plan = request::plan(app, &mut tx, &asked, now).await?;
        let Some((device, start)) = plan.starts().next() else {
            refusal = Some(format!(
                "job {id} is not deployed again:\n{}",
                plan.to_text()
            ));
            continue;
        };
        let deployment = deployments::insert(&mut tx, job.patch, &actor.name, "redeploy", now)
            .await
            .map_err(failed)?;
        let new = NewJob {
            device,
            patch: job.patch,
            release: None,
            cause: format!("redeployed by {}", actor.name),
            next_step: NEXT_STEP.to_owned(),
            deadline_at: deadline(app, &start.slot),
            redeploy_of: Some(*id),
            occasion: asked.occasion().key(),
            by: Party::User,
        };
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
