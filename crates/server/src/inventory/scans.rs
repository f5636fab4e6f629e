//! Scan jobs: posting them and moving them on. Every change goes through the model's table.

use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_model::status::scan::{ScanStatus, follow_agent, step};
use fleetmend_model::status::{IllegalEdge, Party};
use fleetmend_model::{DeviceId, Millis, ScanJobId};
use fleetmend_store::scan_jobs::{self, PostedScan, ScanJob, ScanMove};
use fleetmend_store::{Tx, devices};

use crate::app::App;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// Why a device is scanned that was down.
pub const BACK: &str = "the device is back";

/// Posts a scan for a device; one that is open already serves.
pub async fn post(
    tx: &mut Tx,
    device: DeviceId,
    reason: &str,
    now: Millis,
) -> anyhow::Result<PostedScan> {
    Ok(scan_jobs::post(tx, device, reason, now, now).await?)
}

/// Posts scans because a person asked; returns how many are new.
pub async fn request(app: &Arc<App>, wanted: &[DeviceId], actor: &Actor) -> Result<u64, ApiError> {
    let now = app.now();
    let mut new = 0;
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    for device in wanted {
        if devices::get(&mut tx, *device)
            .await
            .map_err(anyhow::Error::from)?
            .is_none()
        {
            return Err(ApiError::Missing(format!("there is no device {device}")));
        }
        let reason = format!("asked for by {}", actor.name);
        if let PostedScan::Created(_) = post(&mut tx, *device, &reason, now).await? {
            new += 1;
        }
    }
    let subject = journal::devices(wanted);
    journal::record(&mut tx, actor, "request_scan", &subject, "", now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    for device in wanted {
        app.registry.wake(*device);
    }
    app.touch();
    Ok(new)
}

/// What a device that checks in is to scan. It names the scans that it `held` already.
pub async fn for_check_in(
    tx: &mut Tx,
    device: &devices::Device,
    held: &[ScanJobId],
    now: Millis,
) -> anyhow::Result<Option<ScanJobId>> {
    let open = match scan_jobs::open_of_device(&mut *tx, device.id).await? {
        Some(open) => open,
        // What was given up while it was silent is asked for anew.
        None if device.scan_status == Some(ScanStatus::Aborted) => {
            post(tx, device.id, BACK, now).await?;
            scan_jobs::open_of_device(&mut *tx, device.id)
                .await?
                .context("a scan that was just posted is gone")?
        }
        None => return Ok(None),
    };
    if open.run_at > now {
        return Ok(None);
    }
    let is_held = held.contains(&open.id);
    let to = match open.status {
        // Posted again while the device still had it from before: it has taken it.
        ScanStatus::Posted | ScanStatus::PingFailed if is_held => ScanStatus::Started,
        ScanStatus::PingFailed => ScanStatus::Posted,
        _ => return Ok((!is_held).then_some(open.id)),
    };
    if to == ScanStatus::Started {
        follow(tx, &open, to, "the device still has it", now).await?;
    } else {
        advance(tx, &open, to, Party::Server, BACK, now).await?;
    }
    Ok((!is_held).then_some(open.id))
}

/// Why a scan job did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The table has no such edge.
    #[error(transparent)]
    Illegal(#[from] IllegalEdge),
    /// The database.
    #[error(transparent)]
    Store(#[from] fleetmend_store::Error),
}

impl MoveError {
    /// Whether the job has moved meanwhile, so that there is nothing to do.
    pub fn is_outrun(&self) -> bool {
        matches!(
            self,
            Self::Illegal(_) | Self::Store(fleetmend_store::Error::Moved { .. })
        )
    }
}

/// Moves a scan job along an edge of the table.
pub async fn advance(
    tx: &mut Tx,
    job: &ScanJob,
    to: ScanStatus,
    by: Party,
    cause: &str,
    now: Millis,
) -> Result<(), MoveError> {
    let to = step(Some(job.status), to, by)?;
    let change = ScanMove {
        from: job.status,
        to,
        by,
        cause: cause.to_owned(),
        at: now,
        run_at: None,
    };
    Ok(scan_jobs::transition(tx, job.id, &change).await?)
}

/// Moves a scan job to where its agent says that it is.
pub async fn follow(
    tx: &mut Tx,
    job: &ScanJob,
    to: ScanStatus,
    cause: &str,
    now: Millis,
) -> Result<(), MoveError> {
    let mut from = job.status;
    for (to, by) in follow_agent(job.status, to)? {
        let change = ScanMove {
            from,
            to,
            by,
            cause: cause.to_owned(),
            at: now,
            run_at: None,
        };
        scan_jobs::transition(tx, job.id, &change).await?;
        from = to;
    }
    Ok(())
}

/// Posts a started scan again for a retry at `run_at`.
pub async fn retry(
    tx: &mut Tx,
    job: &ScanJob,
    cause: &str,
    run_at: Millis,
    now: Millis,
) -> Result<(), MoveError> {
    let to = step(Some(job.status), ScanStatus::Posted, Party::Server)?;
    let change = ScanMove {
        from: job.status,
        to,
        by: Party::Server,
        cause: cause.to_owned(),
        at: now,
        run_at: Some(run_at),
    };
    Ok(scan_jobs::transition(tx, job.id, &change).await?)
}
