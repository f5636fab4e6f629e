//! Jobs at 10 whose device restarted: what came of them, by detection in the inventory of the new
//! boot and by nothing else.

use fleetmend_model::Millis;
use fleetmend_model::detection::{Detected, detect};
use fleetmend_model::inventory::Software;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::deploy_jobs::DeployJob;
use fleetmend_store::{Tx, releases};

use super::holds::{self, End};
use super::moves::{self, With};

/// Whether the restart that a job waits for has happened, on a device that is in `boot` now.
pub fn is_over(job: &DeployJob, boot: &str) -> bool {
    let before = job.restart_boot.as_deref();
    !boot.is_empty() && before.is_some_and(|it| it != boot)
}

/// Ends a job whose restart has happened. `software` is what the device has in `boot`.
pub async fn conclude(
    tx: &mut Tx,
    mut job: DeployJob,
    software: &[Software],
    boot: &str,
    now: Millis,
) -> anyhow::Result<()> {
    if !is_over(&job, boot) {
        return Ok(());
    }
    let mut is_there = false;
    let release = match job.release {
        Some(id) => releases::get(&mut *tx, id).await?,
        None => None,
    };
    let (change, cause) = match release {
        Some(stored) => {
            let found = detect(&stored.release.action, software);
            is_there = found != Detected::Absent;
            outcome(&found, &stored.release.version)
        }
        None => (EXPIRED, "restarted; its release is gone".to_owned()),
    };
    let with = With {
        cause: cause.clone(),
        reboot_note: Some("Machine rebooted".to_owned()),
        ..With::default()
    };
    moves::advance(tx, &mut job, change, Party::Server, with, now).await?;
    if is_there {
        let end = End {
            job: &job,
            state: job.state,
            cause: &cause,
            has_restarted: true,
        };
        holds::job_ended(tx, &end, now).await?;
    }
    Ok(())
}

/// The one ending that the table has at 10 beside 9. Redeploy is offered on it.
const EXPIRED: Change = Change::End {
    ending: Ending::Expired,
};

fn outcome(detected: &Detected, wanted: &str) -> (Change, String) {
    match detected {
        Detected::Installed { version } => (
            Change::Status {
                status: DeployStatus::Completed,
            },
            format!("restarted; version {version} was found afterwards"),
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
