//! Jobs at 10 whose device restarted: what came of them, by detection in the new boot and by nothing
//! else. Its agent looks when it starts; of an older agent, the next inventory tells.

use fleetmend_model::Millis;
use fleetmend_model::detection::{Detected, detect};
use fleetmend_model::inventory::Software;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::DeployJob;
use fleetmend_store::releases::{self, StoredRelease};

use super::holds::{self, End};
use super::moves::{self, With};

/// Whether the restart that a job waits for has happened, on a device that is in `boot` now.
pub fn is_over(job: &DeployJob, boot: &str) -> bool {
    let before = job.restart_boot.as_deref();
    !boot.is_empty() && before.is_some_and(|it| it != boot)
}

/// Ends a job whose restart has happened, by an inventory. `software` is what the device has in `boot`.
pub async fn conclude(
    tx: &mut Tx,
    job: DeployJob,
    software: &[Software],
    boot: &str,
    now: Millis,
) -> anyhow::Result<()> {
    if !is_over(&job, boot) {
        return Ok(());
    }
    let release = release(tx, &job).await?;
    let found = release.map(|it| (detect(&it.release.action, software), it.release.version));
    let has_restarted = true;
    end(tx, job, found, has_restarted, now).await?;
    Ok(())
}

/// Ends a job whose restart has happened, by what its agent found when it started. `true`: the device's
/// inventory is needed to know more.
pub async fn look(
    tx: &mut Tx,
    job: DeployJob,
    found: Detected,
    now: Millis,
) -> anyhow::Result<bool> {
    let release = release(tx, &job).await?;
    // What the device lacks is known from before the restart.
    let has_restarted = !matches!(found, Detected::Installed { .. });
    let found = release.map(|it| (found, it.release.version));
    end(tx, job, found, has_restarted, now).await
}

async fn release(tx: &mut Tx, job: &DeployJob) -> anyhow::Result<Option<StoredRelease>> {
    Ok(match job.release {
        Some(id) => releases::get(tx, id).await?,
        None => None,
    })
}

/// `found`: what is there, and the version that is wanted; `None` where the release is gone.
async fn end(
    tx: &mut Tx,
    mut job: DeployJob,
    found: Option<(Detected, String)>,
    has_restarted: bool,
    now: Millis,
) -> anyhow::Result<bool> {
    let is_there = found
        .as_ref()
        .is_some_and(|(found, _)| *found != Detected::Absent);
    let (change, cause) = match found {
        Some((found, wanted)) => outcome(&found, &wanted),
        None => (EXPIRED, "restarted; its release is gone".to_owned()),
    };
    let with = With {
        cause: cause.clone(),
        reboot_note: Some(REBOOTED.to_owned()),
        ..With::default()
    };
    moves::advance(tx, &mut job, change, Party::Server, with, now).await?;
    if !is_there {
        return Ok(false);
    }
    let end = End {
        job: &job,
        state: job.state,
        cause: &cause,
        has_restarted,
    };
    holds::job_ended(tx, &end, now).await
}

/// What the Reboot column says afterwards, and the cause where the version is there.
const REBOOTED: &str = "Machine rebooted";

/// The one ending that the table has at 10 beside 9. Redeploy is offered on it.
const EXPIRED: Change = Change::End {
    ending: Ending::Expired,
};

fn outcome(detected: &Detected, wanted: &str) -> (Change, String) {
    match detected {
        Detected::Installed { .. } => (
            Change::Status {
                status: DeployStatus::Completed,
            },
            REBOOTED.to_owned(),
        ),
        Detected::Older { version } => (
            EXPIRED,
            format!("restarted; version {version} was found afterwards, and not {wanted}"),
        ),
        Detected::Absent => (
            EXPIRED,
            "restarted; the software was not found afterwards".to_owned(),
        ),
    }
}
