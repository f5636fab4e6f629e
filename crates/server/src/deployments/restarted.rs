//! Jobs at 10 whose device restarted: what came of them, by detection in the new boot and by nothing
//! else. Its agent looks when it starts; of an older agent, the next inventory tells.

use fleetmend_model::Millis;
use fleetmend_model::detection::Detected;
use fleetmend_model::inventory::Software;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::DeployJob;
use fleetmend_store::releases::{self, StoredRelease};

use super::holds::{self, End, found};
use super::moves::{self, With};

/// Whether the restart that a job waits for has happened, on a device that is in `boot` now.
pub fn is_over(job: &DeployJob, boot: &str) -> bool {
    let before = job.restart_boot.as_deref();
    !boot.is_empty() && before.is_some_and(|it| it != boot)
}

/// What a scan says of a device's applications.
#[derive(Debug, Clone, Copy)]
pub struct Scanned<'a> {
    /// In which boot.
    pub boot: &'a str,
    /// What it read.
    pub read: &'a [Software],
    /// What it did not read: as it was seen before.
    pub kept: &'a [Software],
    /// Whether there may be more that it did not read.
    pub has_gaps: bool,
}

/// Ends a job whose restart has happened, by an inventory. What that did not read says nothing.
pub async fn conclude(
    tx: &mut Tx,
    mut job: DeployJob,
    scanned: Scanned<'_>,
    now: Millis,
) -> anyhow::Result<()> {
    if !is_over(&job, scanned.boot) {
        return Ok(());
    }
    let Some(release) = release(tx, &job).await? else {
        end(tx, job, None, true, now).await?;
        return Ok(());
    };
    let found = found::among(&release.release.action, scanned.read, scanned.kept);
    let detected = found.detected.unwrap_or(Detected::Absent);
    let is_known = match detected {
        Detected::Installed { .. } | Detected::Older { .. } => true,
        Detected::Absent => found.is_read && !scanned.has_gaps,
    };
    if is_known {
        let found = Some((detected, release.release.version));
        end(tx, job, found, true, now).await?;
    } else {
        let cause = "restarted; what is installed could not be read afterwards";
        moves::advance(tx, &mut job, EXPIRED, Party::Server, rebooted(cause), now).await?;
    }
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
    moves::advance(tx, &mut job, change, Party::Server, rebooted(&cause), now).await?;
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

fn rebooted(cause: &str) -> With {
    With {
        cause: cause.to_owned(),
        reboot_note: Some(REBOOTED.to_owned()),
        ..With::default()
    }
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
