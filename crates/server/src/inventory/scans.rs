//! Scan jobs: posting them and moving them on. Every change goes through the model's table.

use std::sync::Arc;

use fleetmend_model::status::scan::{ScanStatus, step};
use fleetmend_model::status::{IllegalEdge, Party};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::scan_jobs::{self, PostedScan, ScanJob, ScanMove};
use fleetmend_store::{Tx, devices};

use crate::app::App;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

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
    let subject = wanted
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    journal::record(
        &mut tx,
        actor,
        "request_scan",
        &format!("devices {subject}"),
        "",
        now,
    )
    .await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    for device in wanted {
        app.registry.wake(*device);
    }
    app.touch();
    Ok(new)
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
