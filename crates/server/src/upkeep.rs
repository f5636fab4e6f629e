//! What time alone changes: who is down, what is over its deadline, what is due again.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_store::{deploy_jobs, devices, scan_jobs};

use crate::app::App;
use crate::deployments::moves::{self, With};
use crate::inventory::scans;

/// Rows of one kind in one run.
const BATCH: u32 = 1_000;
/// After how many days a finished job is archived.
const ARCHIVE_DAYS: u64 = 180;
/// A gap in the server's own life that is longer than this does not count for devices.
const OWN_GAP: Duration = Duration::from_secs(60);

/// One round.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    store_last_seen(app).await?;
    let now = app.now();
    // Devices that could not reach a server that was down are not down themselves.
    let up_for = now.since(app.started_at);
    let patience = Duration::from_secs(app.policy.down_after_seconds());
    if up_for >= patience + OWN_GAP {
        ping_failed(app, now, patience).await?;
    }
    abort_old(app, now).await?;
    expire(app, now).await?;
    let mut tx = app.db.begin().await?;
    let before = now - Duration::from_secs(ARCHIVE_DAYS * 24 * 3600);
    deploy_jobs::archive_finished_before(&mut tx, before, now).await?;
    tx.commit().await?;
    wake_due_scans(app, now).await
}

/// Brings what is known in memory to the database.
pub async fn store_last_seen(app: &Arc<App>) -> anyhow::Result<()> {
    let heard = app.registry.take_heard();
    if heard.is_empty() {
        return Ok(());
    }
    let touches: Vec<_> = heard
        .into_iter()
        .filter_map(|(id, last_seen)| {
            let known = app.registry.by_id(id)?.known();
            // Before its first check-in there is nothing to store but the time of enrolment.
            (!known.boot.is_empty()).then_some(devices::Touch {
                device: id,
                last_seen,
                boot: fleetmend_model::inventory::Boot {
                    id: known.boot,
                    at: None,
                },
                agent_version: known.agent_version,
                protocol: known.protocol,
            })
        })
        .collect();
    let mut tx = app.db.begin().await?;
    devices::touch_many(&mut tx, &touches).await?;
    Ok(tx.commit().await?)
}

/// Scans that wait for devices that are down say so.
async fn ping_failed(app: &Arc<App>, now: Millis, patience: Duration) -> anyhow::Result<()> {
    let since = now - patience;
    for job in scan_jobs::of_silent_devices(&app.db, now, since, BATCH).await? {
        if job.status != ScanStatus::Posted {
            continue;
        }
        let minutes = patience.as_secs() / 60;
        let cause = format!("nothing was heard from the device for more than {minutes} minutes");
        let mut tx = app.db.begin().await?;
        let to = ScanStatus::PingFailed;
        if scans::advance(&mut tx, &job, to, Party::Server, &cause, now)
            .await
            .is_ok()
        {
            tx.commit().await?;
            app.registry
                .by_id(job.device)
                .inspect(|device| device.mark_work());
            app.touch();
        }
    }
    Ok(())
}

/// Scans without an answer are given up after the purge interval.
async fn abort_old(app: &Arc<App>, now: Millis) -> anyhow::Result<()> {
    let purge = Duration::from_secs(app.policy.purge_seconds);
    if now.since(app.started_at) < Duration::from_secs(app.policy.down_after_seconds()) {
        return Ok(());
    }
    for job in scan_jobs::posted_before(&app.db, now - purge, BATCH).await? {
        let cause = format!("no answer within {} hours", purge.as_secs() / 3600);
        let mut tx = app.db.begin().await?;
        let to = ScanStatus::Aborted;
        if scans::advance(&mut tx, &job, to, Party::Server, &cause, now)
            .await
            .is_ok()
        {
            tx.commit().await?;
            app.touch();
        }
    }
    Ok(())
}

/// Every job ends by its deadline.
async fn expire(app: &Arc<App>, now: Millis) -> anyhow::Result<()> {
    for mut job in deploy_jobs::expired(&app.db, now, BATCH).await? {
        let cause = format!(
            "it did not end by its deadline; last: {}",
            job.state.status.label()
        );
        let mut tx = app.db.begin().await?;
        let change = Change::End {
            ending: Ending::Expired,
        };
        let moved = moves::advance(
            &mut tx,
            &mut job,
            change,
            Party::Server,
            With::cause(cause),
            now,
        )
        .await;
        match moved {
            Ok(()) => tx.commit().await?,
            Err(error) => tracing::debug!("job {}: {error}", job.id),
        }
        app.registry.wake(job.device);
        app.touch();
    }
    Ok(())
}

/// Retries whose time has come reach their device at once.
async fn wake_due_scans(app: &Arc<App>, now: Millis) -> anyhow::Result<()> {
    let recent = now - Duration::from_secs(15);
    for job in scan_jobs::posted_before(&app.db, now, BATCH).await? {
        let is_due = job.status == ScanStatus::Posted && job.run_at <= now && job.run_at >= recent;
        if is_due && job.run_at > job.posted_at {
            app.registry.wake(job.device);
        }
    }
    Ok(())
}
