//! What agents report of scans.
//!
//! Every answer that is not an error is `Ok(Err(…))` where the report does not fit what the server
//! knows: it is noted and changes nothing.

use std::time::Duration;

use fleetmend_model::status::Party;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{Millis, ScanJobId};
use fleetmend_store::scan_jobs::{self, ScanJob};
use fleetmend_store::{Tx, devices};

use super::{clean, scans};
use crate::app::App;
use crate::policies::standards;
use crate::registry::Device;

/// Whether a report fits, or what is odd about it.
type Fits = Result<(), String>;

/// The agent took a scan.
pub async fn started(
    tx: &mut Tx,
    device: &Device,
    job: ScanJobId,
    now: Millis,
) -> anyhow::Result<Fits> {
    let Some(job) = own(tx, device, job).await? else {
        return Ok(not_its_own(job));
    };
    if job.status.is_final() {
        return Ok(Ok(()));
    }
    follow(tx, &job, ScanStatus::Started, now).await
}

/// A scan's inventory was sent. It is complete if it arrived; otherwise it is made again at once.
pub async fn completed(
    tx: &mut Tx,
    device: &Device,
    job: ScanJobId,
    digest: &str,
    now: Millis,
) -> anyhow::Result<Fits> {
    let Some(job) = own(tx, device, job).await? else {
        return Ok(not_its_own(job));
    };
    let stored = devices::get(&mut *tx, device.id).await?;
    let is_stored = stored.is_some_and(|it| it.inventory_digest.as_deref() == Some(digest));
    if is_stored {
        device.confirm_scan(now);
    } else {
        device.learn(|known| known.inventory_digest = None);
    }
    match job.status {
        ScanStatus::Aborted | ScanStatus::AgentUnreadable if is_stored => {
            explain_end(tx, &job, "its result came afterwards").await?;
            Ok(Ok(()))
        }
        status if status.is_final() => Ok(Ok(())),
        _ if is_stored => follow(tx, &job, ScanStatus::Completed, now).await,
        ScanStatus::Started => {
            device.mark_work();
            let cause = "the inventory did not reach the server";
            let moved = scans::retry(tx, &job, cause, now, now).await;
            Ok(moved.map_err(|error| format!("scan {}: {error}", job.id)))
        }
        // It is posted again already.
        _ => Ok(Ok(())),
    }
}

/// A scan could not be made. It is made once more, later; then the job ends. What was missing
/// stays missing.
pub async fn failed(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    job: ScanJobId,
    mut cause: String,
    now: Millis,
) -> anyhow::Result<Fits> {
    clean::clean_text(&mut cause);
    let Some(mut job) = own(tx, device, job).await? else {
        return Ok(not_its_own(job));
    };
    if job.status.is_final() {
        explain_end(tx, &job, &format!("afterwards it failed: {cause}")).await?;
        return Ok(Ok(()));
    }
    if job.status == ScanStatus::Posted && job.retries > 0 {
        // The try that the server waited for in vain: the next one is posted.
        scan_jobs::explain(tx, job.id, &format!("{cause}; it is made again")).await?;
        return Ok(Ok(()));
    }
    scans::follow(tx, &job, ScanStatus::Started, "", now).await?;
    job.status = ScanStatus::Started;
    let standard = standards::of_device(app, tx, device.id).await?;
    let moved = if job.retries < standard.scan_retries {
        let at = now + Duration::from_secs(standard.scan_retry_seconds);
        scans::retry(tx, &job, &format!("{cause}; it is made again"), at, now).await
    } else {
        let to = ScanStatus::AgentUnreadable;
        scans::advance(tx, &job, to, Party::Server, &cause, now).await
    };
    Ok(moved.map_err(|error| format!("scan {}: {error}", job.id)))
}

async fn own(tx: &mut Tx, device: &Device, job: ScanJobId) -> anyhow::Result<Option<ScanJob>> {
    let job = scan_jobs::get(&mut *tx, job).await?;
    Ok(job.filter(|it| it.device == device.id))
}

fn not_its_own(job: ScanJobId) -> Fits {
    Err(format!("it reports on scan {job}, which is not its own"))
}

async fn follow(tx: &mut Tx, job: &ScanJob, to: ScanStatus, now: Millis) -> anyhow::Result<Fits> {
    match scans::follow(tx, job, to, "", now).await {
        Ok(()) => Ok(Ok(())),
        Err(scans::MoveError::Illegal(illegal)) => Ok(Err(format!("scan {}: {illegal}", job.id))),
        Err(scans::MoveError::Store(error)) => Err(error.into()),
    }
}

/// A scan that is over stays as it ended; its cause says what became known afterwards.
async fn explain_end(tx: &mut Tx, job: &ScanJob, afterwards: &str) -> anyhow::Result<()> {
    let transitions = scan_jobs::transitions(&mut *tx, job.id).await?;
    let why = transitions.last().map_or("", |last| last.cause.as_str());
    let cause = match why {
        "" => afterwards.to_owned(),
        why => format!("{why}; {afterwards}"),
    };
    Ok(scan_jobs::explain(tx, job.id, &cause).await?)
}
