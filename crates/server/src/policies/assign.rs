//! Has each device have its policy: after a policy, a group or a unit changed, or what is known of a
//! device.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_plan::policy::Policies;
use fleetmend_plan::select::DeviceFacts;
use fleetmend_store::Tx;
use fleetmend_store::devices::{self, Device, HasPolicy};
use fleetmend_store::policies as kept;

use super::facts;
use crate::app::App;
use crate::people::Actor;
use crate::{jobs, journal};

/// How long changes of devices are gathered before all are looked at.
pub const GATHER: Duration = Duration::from_secs(5);
/// Devices that are written down in one transaction.
const CHUNK: usize = 500;

/// Has all devices looked at soon, for what one of them reported: for but a share of the time.
pub async fn soon(app: &App, tx: &mut Tx, now: Millis) -> anyhow::Result<()> {
    let at = now + app.costs.policies.wait(GATHER);
    jobs::enqueue(tx, jobs::Kind::AssignPolicies, 0, at).await
}

/// Looks at all devices, and writes down what differs. What changes meanwhile has it done again.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut tx = app.db.read().await?;
    let policies = super::load(&mut tx).await?;
    let stored = devices::load_all(&mut tx).await?;
    let known = facts::of(&mut tx, &stored).await?;
    drop(tx);
    let facts: Vec<_> = known.into_iter().map(|it| it.facts).collect();
    let changes = tokio::task::spawn_blocking(move || changes(&policies, &stored, &facts)).await?;
    let now = app.now();
    for chunk in changes.chunks(CHUNK) {
        let mut tx = app.db.begin().await?;
        // What was removed since it was read has all looked at once more.
        let wanted = chunk.iter().filter_map(|it| it.wanted.policy);
        let held = kept::hold_all(&mut tx, wanted.collect::<BTreeSet<_>>()).await?;
        let mut chunk = chunk.iter().collect::<Vec<_>>();
        chunk.retain(|it| {
            it.wanted
                .policy
                .is_some_and(|policy| held.contains(&policy))
        });
        let wanted: Vec<_> = chunk.iter().map(|it| it.wanted.clone()).collect();
        devices::set_policies(&mut tx, &wanted).await?;
        note(&mut tx, &chunk, now).await?;
        tx.commit().await?;
    }
    app.costs.policies.took(began.elapsed());
    if !changes.is_empty() {
        app.touch();
    }
    Ok(())
}

/// What is not written down as it is.
struct Changed {
    wanted: HasPolicy,
    /// The policy's name, where it has the device be of another system type.
    retyped_by: Option<String>,
}

fn changes(policies: &Policies, stored: &[Device], facts: &[DeviceFacts]) -> Vec<Changed> {
    let both = stored.iter().zip(facts);
    let changed = both.filter_map(|(stored, facts)| {
        let (policy, why) = policies.of(facts);
        let wanted = HasPolicy {
            device: stored.id,
            policy: Some(policy.id),
            why: why.to_string(),
            system_type: if stored.is_system_type_set {
                stored.system_type
            } else {
                policy.settings.system_type_of(facts)
            },
        };
        let is_retyped = wanted.system_type != stored.system_type;
        let is_same = wanted.policy == stored.policy && wanted.why == stored.policy_why;
        (is_retyped || !is_same).then(|| Changed {
            wanted,
            retyped_by: is_retyped.then(|| policy.name.clone()),
        })
    });
    changed.collect()
}

/// Tells in the audit log which devices are of another system type by a policy's word.
async fn note(tx: &mut Tx, changed: &[&Changed], now: Millis) -> anyhow::Result<()> {
    let mut retyped: BTreeMap<(&str, SystemType), Vec<DeviceId>> = BTreeMap::new();
    for it in changed {
        if let Some(policy) = &it.retyped_by {
            let devices = retyped.entry((policy, it.wanted.system_type)).or_default();
            devices.push(it.wanted.device);
        }
    }
    for ((policy, system_type), devices) in retyped {
        let actor = Actor {
            name: format!("policy '{policy}'"),
            address: String::new(),
        };
        let subject = journal::devices(&devices);
        let says = system_type.label();
        journal::record(tx, &actor, "set_system_type", &subject, says, now).await?;
    }
    Ok(())
}
