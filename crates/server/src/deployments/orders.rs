//! Signed orders: the server's word that a device runs a release now.

use fleetmend_model::Millis;
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::deploy_jobs::{self, DeployJob};
use fleetmend_store::releases::StoredRelease;
use fleetmend_store::{Tx, devices};
use fleetmend_trust::{Envelope, Order, OrderPolicy, SignedOrder, sign_order};

use super::moves::{self, With};
use crate::app::App;

/// Why a job ends whose files came too late.
const TOO_LATE: &str =
    "its files came too late for an installation that begins now to end by the deadline";

/// Signs the order of a job whose release is here, and lets the device have it. One that could not
/// end by its deadline any more ends at once. `false`: somebody else moved it meanwhile.
pub async fn hand_out(
    app: &App,
    tx: &mut Tx,
    job: &mut DeployJob,
    release: &StoredRelease,
    now: Millis,
) -> anyhow::Result<bool> {
    let expires = job.deadline_at - app.policy.start_margin();
    let is_late = expires <= now;
    let (change, with) = if is_late {
        let change = Change::End {
            ending: Ending::Expired,
        };
        (change, With::cause(TOO_LATE))
    } else {
        let change = Change::Status {
            status: DeployStatus::Downloaded,
        };
        let with = With {
            release: Some(release.id),
            ..With::default()
        };
        (change, with)
    };
    match moves::advance(tx, job, change, Party::Server, with, now).await {
        Err(error) if error.is_outrun() => return Ok(false),
        moved => moved?,
    }
    if is_late {
        return Ok(true);
    }
    let device = devices::get(&mut *tx, job.device)
        .await?
        .ok_or_else(|| anyhow::anyhow!("device {} is gone", job.device))?;
    let counter = devices::next_order_counter(tx, job.device).await?;
    let order = Order {
        job: job.id,
        device_certificate: device.certificate_sha256,
        release_digest: release.payload_digest.clone(),
        counter,
        issued: now,
        expires,
        policy: OrderPolicy {
            retries: app.policy.deploy_retries,
            retry_seconds: app.policy.deploy_retry_seconds,
            limit_seconds: app.policy.deploy_limit_seconds,
        },
        rules: RunRules::default(),
    };
    let envelope = sign_order(&order, &app.keys.order)?;
    deploy_jobs::set_order(tx, job.id, counter, &serde_json::to_string(&envelope)?).await?;
    Ok(true)
}

/// The order of a job as it travels.
pub fn signed(job: &DeployJob, release: &StoredRelease) -> anyhow::Result<Option<SignedOrder>> {
    let Some(order) = &job.order_envelope else {
        return Ok(None);
    };
    let order: Envelope = serde_json::from_str(order)?;
    let release: Envelope = serde_json::from_str(&release.envelope)?;
    Ok(Some(SignedOrder {
        job: job.id,
        order,
        release,
    }))
}
