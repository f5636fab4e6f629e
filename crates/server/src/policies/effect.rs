//! What a change of a policy comes to: told before it is made, by planning twice.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId, PolicyId};
use fleetmend_plan::gate::{Gate, Posted, round};
use fleetmend_plan::night::{Known, Occasion, What, night};
use fleetmend_plan::policy::{Policies, Policy};
use fleetmend_plan::window::LONGEST_DEADLINE;
use fleetmend_store::deploy_jobs;
use fleetmend_store::policies::{self as store, NewPolicy};

use super::{Given, checked, get, read};
use crate::app::App;
use crate::console::stored;
use crate::deployments::gate;
use crate::error::ApiError;
use crate::plan::{self, Devices, Loaded};

/// How far ahead the plan is looked at.
const AHEAD: Duration = Duration::from_hours(24 * 7);
/// Changes of the plan that are told one by one.
const TOLD: usize = 50;
/// Jobs that wait and are looked at.
const MOST_JOBS: u32 = 20_000;
/// What a policy that is not there yet goes by.
const NEW: PolicyId = PolicyId(0);

/// What a change comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// How many devices have the policy.
    pub devices_before: usize,
    /// How many would.
    pub devices_after: usize,
    /// How many devices would have another policy than now.
    pub devices_changed: usize,
    /// How many deploy jobs that wait would be answered otherwise.
    pub jobs_changed: usize,
    /// Of how many patches on devices the plan of the next seven days would say something else.
    pub plan_changed: usize,
    /// The first of these.
    pub changes: Vec<Change>,
}

/// A patch on a device of which the plan would say something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub hostname: String,
    /// The patch.
    pub patch: PatchId,
    /// What is said of it now.
    pub before: String,
    /// What would be.
    pub after: String,
}

/// What comes of a policy that is given in place of another, or as a new one. Changes nothing.
pub async fn preview(app: &App, id: Option<PolicyId>, given: &Given) -> Result<Effect, ApiError> {
    let now = app.now();
    let mut tx = app.db.read().await.map_err(stored)?;
    let before = match id {
        Some(id) => Some(get(&mut tx, id).await?),
        None => None,
    };
    let is_rest = before.as_ref().is_some_and(|it| it.is_rest);
    let what = checked(&mut tx, given, is_rest).await?;
    let policy = changed(id.unwrap_or(NEW), what)?;
    let wanted = plan::wanted(&mut tx).await?;
    let loaded = plan::load(app, &mut tx, Devices::All, wanted.as_deref(), now).await?;
    let waiting = deploy_jobs::due_to_look_at(&mut tx, Millis(i64::MAX), MOST_JOBS).await;
    let waiting = waiting.map_err(stored)?;
    drop(tx);
    let jobs = waiting.iter().map(gate::posted);
    let jobs = jobs.collect::<anyhow::Result<Vec<Posted>>>()?;
    let effect = tokio::task::spawn_blocking(move || compare(loaded, policy, is_rest, &jobs));
    Ok(effect.await.map_err(anyhow::Error::from)?)
}

fn changed(id: PolicyId, what: NewPolicy) -> anyhow::Result<Policy> {
    read(store::Policy {
        id,
        what,
        is_rest: false,
        generation: 0,
        updated_by: String::new(),
        updated_at: Millis::default(),
    })
}

/// What one set of policies comes to.
struct Answers {
    policies: BTreeMap<DeviceId, PolicyId>,
    plan: BTreeMap<(DeviceId, PatchId), String>,
    jobs: HashMap<DeployJobId, Gate>,
}

fn compare(mut loaded: Loaded, policy: Policy, is_rest: bool, jobs: &[Posted]) -> Effect {
    let id = policy.id;
    let before = answers(&loaded, jobs);
    put(&mut loaded.policies, policy, is_rest);
    let after = answers(&loaded, jobs);
    let having = |it: &Answers| it.policies.values().filter(|it| **it == id).count();
    let names = loaded.devices.iter();
    let names: HashMap<_, _> = names.map(|it| (it.facts.id, &it.facts.hostname)).collect();
    let keys = before.plan.keys().chain(after.plan.keys());
    let mut changes: Vec<Change> = keys
        .filter(|key| before.plan.get(key) != after.plan.get(key))
        .map(|key| {
            let said = |it: &Answers| it.plan.get(key).cloned().unwrap_or_default();
            Change {
                device: key.0,
                hostname: names.get(&key.0).map_or(String::new(), |it| (*it).clone()),
                patch: key.1,
                before: said(&before),
                after: said(&after),
            }
        })
        .collect();
    changes.sort_by(|a, b| (&a.hostname, a.device, a.patch).cmp(&(&b.hostname, b.device, b.patch)));
    changes.dedup();
    let differs = |(job, gate): &(&DeployJobId, &Gate)| after.jobs.get(job) != Some(gate);
    let moved = |(device, had): &(&DeviceId, &PolicyId)| after.policies.get(device) != Some(had);
    let plan_changed = changes.len();
    changes.truncate(TOLD);
    Effect {
        devices_before: having(&before),
        devices_after: having(&after),
        devices_changed: before.policies.iter().filter(moved).count(),
        jobs_changed: before.jobs.iter().filter(differs).count(),
        plan_changed,
        changes,
    }
}

fn put(policies: &mut Policies, mut policy: Policy, is_rest: bool) {
    // As those that are loaded: see `plan::load`.
    policy.settings.rings.clear();
    if is_rest {
        policies.rest = policy;
        return;
    }
    match policies.ranked.iter_mut().find(|it| it.id == policy.id) {
        Some(old) => *old = policy,
        None => policies.ranked.push(policy),
    }
}

fn answers(loaded: &Loaded, jobs: &[Posted]) -> Answers {
    let had = loaded.devices.iter();
    let had = had.map(|it| (it.facts.id, loaded.policies.of(&it.facts).0.id));
    let night = night(&loaded.world(loaded.now + AHEAD, Occasion::Foreseen));
    let plan = night.entries.iter().map(|entry| {
        let said = match &entry.what {
            What::Runs(run) => run.start.slot.said.clone(),
            What::Not(reason) => reason.to_string(),
        };
        ((entry.device, entry.patch), said)
    });
    let world = loaded.world(loaded.now + LONGEST_DEADLINE, Occasion::Due);
    Answers {
        policies: had.collect(),
        plan: plan.collect(),
        jobs: round(jobs, &Known::of(&world)).into_iter().collect(),
    }
}
