//! Taking devices out of management, on a person's word.

use std::sync::Arc;

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::{Tx, deploy_jobs, devices, scan_jobs};

use crate::app::App;
use crate::deployments::moves::{self, With};
use crate::error::ApiError;
use crate::inventory::scans;
use crate::people::Actor;
use crate::{jobs, journal};

/// Removes devices: their certificates open nothing any more, what they lack and have is
/// forgotten, their open jobs end, and their history stays. Says how many were there.
pub async fn remove(app: &Arc<App>, ids: &[DeviceId], actor: &Actor) -> Result<u64, ApiError> {
    let now = app.now();
    let mut removed = Vec::new();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    for id in ids {
        let was_there = devices::remove(&mut tx, *id, now)
            .await
            .map_err(anyhow::Error::from)?;
        if was_there {
            end_jobs(&mut tx, *id, actor, now).await?;
            let subject = format!("device {id}");
            journal::record(&mut tx, actor, "remove_device", &subject, "", now).await?;
            removed.push(*id);
        }
    }
    jobs::enqueue(&mut tx, jobs::Kind::Applications, 0, now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    for id in &removed {
        app.registry.remove(*id);
    }
    app.ingest.forget(removed.clone());
    app.touch();
    Ok(removed.len() as u64)
}

/// Whatever the device has of its jobs, it tells nobody any more.
async fn end_jobs(tx: &mut Tx, id: DeviceId, actor: &Actor, now: Millis) -> anyhow::Result<()> {
    let cause = format!("{} took the device out of management", actor.name);
    for mut job in deploy_jobs::open_of_device(&mut *tx, id).await? {
        let last = job.state.status.label();
        let with = With::cause(format!("{cause}; last: {last}"));
        let change = Change::End {
            ending: Ending::Expired,
        };
        moves::advance(tx, &mut job, change, Party::Server, with, now).await?;
    }
    if let Some(job) = scan_jobs::open_of_device(&mut *tx, id).await? {
        let to = ScanStatus::Aborted;
        scans::advance(tx, &job, to, Party::Server, &cause, now).await?;
    }
    Ok(())
}
