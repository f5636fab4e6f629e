//! Signed orders: the server's word that a device runs a release now.

use fleetmend_model::Millis;
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::deploy_jobs::{self, DeployJob, NewOrder};
use fleetmend_store::releases::StoredRelease;
use fleetmend_store::{Tx, devices};
use fleetmend_trust::{Envelope, Order, OrderPolicy, SignedOrder, sign_order};

use super::moves::{self, With};
use crate::app::App;
use crate::config::Policy;

/// Why a job ends whose files came too late.
const TOO_LATE: &str =
    "its files came too late for an installation that begins now to end by the deadline";

/// What an order says beside what it runs.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How failures are handled.
    pub policy: Policy,
    /// How urgent it is.
    pub priority: u8,
}

/// Signs the order of a job whose release is here, and lets the device have it, to start between two times.
/// One that could not end by its deadline any more ends. `false`: there is no order.
pub async fn sign(
    app: &App,
    tx: &mut Tx,
    job: &mut DeployJob,
    release: &StoredRelease,
    terms: Terms,
    (not_before, not_after): (Option<Millis>, Option<Millis>),
    now: Millis,
) -> anyhow::Result<bool> {
    let latest = job.deadline_at - terms.policy.start_margin();
    if latest <= now {
        end_late(tx, job, now).await?;
        return Ok(false);
    }
    if !moves::downloaded(tx, job, now).await? {
        return Ok(false);
    }
    let until = not_after.filter(|at| *at < latest);
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
        expires: until.unwrap_or(latest),
        policy: OrderPolicy {
            retries: terms.policy.deploy_retries,
            retry_seconds: terms.policy.deploy_retry_seconds,
            limit_seconds: terms.policy.deploy_limit_seconds,
        },
        rules: RunRules {
            not_before,
            not_after: until,
            priority: terms.priority,
            ..RunRules::default()
        },
    };
    let envelope = serde_json::to_string(&sign_order(&order, &app.keys.order)?)?;
    let order = NewOrder {
        counter,
        envelope: &envelope,
        until,
        next_step: moves::TAKES_ORDER,
    };
    match deploy_jobs::set_order(tx, job.id, &order, now).await {
        Err(fleetmend_store::Error::Moved { .. }) => Ok(false),
        set => Ok(set.map(|()| true)?),
    }
}

async fn end_late(tx: &mut Tx, job: &mut DeployJob, now: Millis) -> anyhow::Result<()> {
    let change = Change::End {
        ending: Ending::Expired,
    };
    let has_waited = job.state.status == DeployStatus::Downloaded && !job.cause.is_empty();
    let cause = if has_waited {
        format!("it waited until its deadline: {}", job.cause)
    } else {
        TOO_LATE.to_owned()
    };
    match moves::advance(tx, job, change, Party::Server, With::cause(cause), now).await {
        Err(error) if error.is_outrun() => Ok(()),
        moved => Ok(moved?),
    }
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
