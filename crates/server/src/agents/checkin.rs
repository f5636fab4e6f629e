//! `POST /agent/v1/checkin`. Where nothing changed it is answered from memory alone; that is what
//! makes a large fleet cheap.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeployJobId, DeviceId, Millis};
use fleetmend_plan::jitter;
use fleetmend_protocol::checkin::{CheckIn, CheckInReply, Resumed};
use fleetmend_store::{Tx, deploy_jobs, device_facts, devices, holds, releases, scan_jobs};

use crate::agents::{Caller, body, epoch, facts};
use crate::app::App;
use crate::deployments::{orders, restarted};
use crate::error::ApiError;
use crate::inventory::{clean, scans};
use crate::policies::assign;
use crate::registry::Device;

/// The largest check-in, in bytes.
const MAX_CHECKIN: usize = 256 * 1024;
/// Orders in one answer; the rest comes with the next check-in.
const MAX_ORDERS: usize = 50;

/// Answers a check-in.
pub async fn check_in(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    body: Body,
) -> Result<Json<CheckInReply>, ApiError> {
    let mut request: CheckIn = body::json(&body::bytes(body, MAX_CHECKIN).await?)?;
    epoch::check(&request.epoch)?;
    let now = app.now();
    device.heard(now);
    let mut reply = CheckInReply {
        protocol: fleetmend_protocol::CURRENT,
        now,
        checkin_seconds: interval(device.id, app.policy.checkin_seconds),
        ..CheckInReply::default()
    };
    let facts = facts::digest(&request);
    let scan_failure = scan_failure(&mut request, now);
    confirm_scan(&device, &request, now);
    let is_same = device.is_known(|known| {
        known.boot == request.boot.id
            && known.inventory_digest == request.inventory_digest
            && known.protocol == request.protocol
            && known.agent_version == request.agent_version
            && known.epoch == request.epoch
            && known.facts == facts
            && known.scan_failure == scan_failure
    });
    if is_same && !device.take_work() {
        return Ok(Json(reply));
    }
    device.take_work();
    let outcome = look(&app, &device, &request, scan_failure, &mut reply, now).await;
    // What was handed out is looked at once more, until the agent says that it has it.
    if !reply.orders.is_empty() || !reply.scans.is_empty() || !reply.cancelled.is_empty() {
        device.look_again();
    }
    // There may be more, or something went wrong.
    if outcome.is_err() || reply.orders.len() >= MAX_ORDERS {
        device.mark_work();
    }
    outcome?;
    Ok(Json(reply))
}

/// Between two check-ins of this device, in seconds: about `set`. Devices that were woken together do
/// not come together from then on.
fn interval(device: DeviceId, set: u64) -> u64 {
    let set = Duration::from_secs(set);
    let own = jitter::about(device, set, set / 10);
    (own + Duration::from_millis(500)).as_secs().max(1)
}

/// Takes out of a check-in that its last scan failed. A time to come is now: the clocks differ.
fn scan_failure(request: &mut CheckIn, now: Millis) -> Option<(Millis, String)> {
    let mut failure = request.scan_failure.take()?;
    clean::clean_text(&mut failure.cause);
    Some((failure.at.min(now), failure.cause))
}

/// Notes when a scan found what is stored: nothing of it goes to the database now.
fn confirm_scan(device: &Device, request: &CheckIn, now: Millis) {
    let is_stored = device.is_known(|known| {
        known.inventory_digest.is_some() && known.inventory_digest == request.inventory_digest
    });
    if let Some(at) = request.scanned_at.filter(|_| is_stored) {
        device.confirm_scan(at.min(now));
    }
}

/// Fills the answer from the database.
async fn look(
    app: &Arc<App>,
    device: &Device,
    request: &CheckIn,
    scan_failure: Option<(Millis, String)>,
    reply: &mut CheckInReply,
    now: Millis,
) -> Result<(), ApiError> {
    let failed = |error: fleetmend_store::Error| ApiError::Internal(error.into());
    let mut tx = app.db.begin().await.map_err(failed)?;
    let touch = devices::Touch {
        device: device.id,
        last_seen: now,
        boot: request.boot.clone(),
        agent_version: request.agent_version.chars().take(64).collect(),
        protocol: request.protocol,
        scanned_at: device.scanned_at(),
    };
    devices::touch_many(&mut tx, &[touch], app.policy.silence())
        .await
        .map_err(failed)?;
    if request.protocol < fleetmend_protocol::OLDEST {
        refuse_old(&mut tx, device, request.protocol, now).await?;
        tx.commit().await.map_err(failed)?;
        return Err(ApiError::Denied(
            "protocol_too_old",
            format!(
                "the agent speaks protocol {}: install a newer one",
                request.protocol
            ),
        ));
    }
    epoch::enter(&mut tx, device, &request.epoch, now)
        .await
        .map_err(failed)?;
    if request.protocol >= facts::SINCE {
        let is_new = device_facts::put(&mut tx, device.id, &facts::of(request), now)
            .await
            .map_err(failed)?;
        if is_new {
            assign::soon(app, &mut tx, now).await?;
        }
    }
    if !device.is_known(|known| known.scan_failure == scan_failure) {
        devices::set_scan_failure(&mut tx, device.id, scan_failure.as_ref())
            .await
            .map_err(failed)?;
    }
    let stored = devices::get(&mut tx, device.id).await.map_err(failed)?;
    let digest = stored
        .as_ref()
        .and_then(|stored| stored.inventory_digest.clone());
    let restarted = deploy_jobs::awaiting_restart(&mut tx, [device.id])
        .await
        .map_err(failed)?;
    let has_restarted = restarted
        .iter()
        .any(|job| restarted::is_over(job, &request.boot.id));
    let is_awaited = holds::awaits_inventory(&mut tx, device.id)
        .await
        .map_err(failed)?;
    reply.want_inventory =
        has_restarted || is_awaited || digest.is_none() || digest != request.inventory_digest;
    // Asked for until it comes, for the agent may be busy with another scan: a job waits for it.
    if has_restarted || is_awaited {
        device.look_again();
    }
    if let Some(stored) = &stored {
        reply
            .scans
            .extend(scans::for_check_in(&mut tx, stored, &request.scans, now).await?);
    }
    orders_for(&mut tx, device, &request.holds, reply, now).await?;
    tx.commit().await.map_err(failed)?;
    device.learn(|known| {
        known.boot.clone_from(&request.boot.id);
        known.protocol = request.protocol;
        known.agent_version.clone_from(&request.agent_version);
        known.inventory_digest = digest;
        known.epoch.clone_from(&request.epoch);
        known.facts = facts::digest(request);
        known.scan_failure = scan_failure;
    });
    Ok(())
}

/// An agent that is too old to be understood cannot answer for its inventory.
async fn refuse_old(
    tx: &mut Tx,
    device: &Device,
    protocol: u32,
    now: Millis,
) -> Result<(), ApiError> {
    let Some(job) = scan_jobs::open_of_device(&mut *tx, device.id)
        .await
        .map_err(anyhow::Error::from)?
    else {
        return Ok(());
    };
    let cause = format!("the agent is too old: it speaks protocol {protocol}");
    let to = ScanStatus::AgentUnreadable;
    match scans::advance(tx, &job, to, Party::Server, &cause, now).await {
        Ok(()) | Err(scans::MoveError::Illegal(_)) => Ok(()),
        Err(scans::MoveError::Store(error)) => Err(ApiError::Internal(error.into())),
    }
}

async fn orders_for(
    tx: &mut Tx,
    device: &Device,
    holds: &[DeployJobId],
    reply: &mut CheckInReply,
    now: Millis,
) -> Result<(), ApiError> {
    let mut open = deploy_jobs::open_of_device(&mut *tx, device.id)
        .await
        .map_err(anyhow::Error::from)?;
    open.sort_by_key(|job| job.order_counter);
    for held in holds {
        if open.iter().all(|job| job.id != *held) {
            reply.cancelled.push(*held);
        }
    }
    let with_device = DeployStatus::Downloaded..=DeployStatus::Started;
    for job in open {
        if job.cancel_asked.is_some() && job.state.is_with_agent() {
            reply.cancelled.push(job.id);
            continue;
        }
        let is_due = with_device.contains(&job.state.status) && !holds.contains(&job.id);
        if !is_due || reply.orders.len() >= MAX_ORDERS {
            continue;
        }
        let Some(id) = job.release else { continue };
        let release = releases::get(&mut *tx, id)
            .await
            .map_err(anyhow::Error::from)?
            .ok_or_else(|| anyhow::anyhow!("release {id} is gone"))?;
        let Some(signed) = orders::signed(&job, &release)? else {
            continue;
        };
        if deploy_jobs::mark_sent(&mut *tx, job.id, job.order_counter, now)
            .await
            .map_err(anyhow::Error::from)?
        {
            reply.orders.push(signed);
            if job.order_sent_at.is_some() {
                reply.resumed.push(Resumed {
                    job: job.id,
                    status: job.state.status,
                    attempt: job.attempt,
                });
            }
        }
    }
    Ok(())
}
