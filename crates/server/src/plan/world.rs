//! All that is known of devices and patches at one moment.

use std::collections::{BTreeSet, HashSet};

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::Hold;
use fleetmend_plan::auto::ApprovalRule;
use fleetmend_plan::night::{
    Decided, Device, Held, Missing, Occasion, OpenJob, Patch, World, aged,
};
use fleetmend_plan::policy::Policies;
use fleetmend_plan::schedule::Zone;
use fleetmend_store::{Tx, approvals, audit, deploy_jobs, devices, holds, missing, patches};

use super::{facts, unread};
use crate::app::App;
use crate::approvals::rules;
use crate::policies;

/// Which devices are looked at.
#[derive(Debug, Clone, Copy)]
pub enum Devices<'a> {
    /// All that were not taken out of management.
    All,
    /// These, also those that were.
    These(&'a [DeviceId]),
}

/// What was read: see [`World`].
#[derive(Debug)]
pub struct Loaded {
    /// The number of the last change that people made: see [`World::generation`].
    pub generation: i64,
    /// When.
    pub now: Millis,
    zone: Zone,
    /// The policies.
    pub policies: Policies,
    /// The devices that were asked for, and those that take up places.
    pub devices: Vec<Device>,
    /// What is of consequence for them.
    pub patches: Vec<Patch>,
    /// What they lack.
    pub missing: Vec<Missing>,
    installed: Vec<(PatchId, String)>,
    approvals: Vec<Decided>,
    /// The rules that approve.
    pub rules: Vec<ApprovalRule>,
    holds: Vec<Held>,
    open_jobs: Vec<OpenJob>,
}

impl Loaded {
    /// What a plan goes by, up to `until`.
    pub fn world(&self, until: Millis, occasion: Occasion) -> World<'_> {
        World {
            generation: self.generation,
            now: self.now,
            until,
            occasion,
            zone: self.zone.clone(),
            policies: &self.policies,
            devices: &self.devices,
            patches: &self.patches,
            missing: &self.missing,
            installed: &self.installed,
            approvals: &self.approvals,
            rules: &self.rules,
            holds: &self.holds,
            pins: &[],
            rollouts: &[],
            open_jobs: &self.open_jobs,
        }
    }
}

/// Reads all that bears on some patches, or all, on some devices, or all.
pub async fn load(
    app: &App,
    tx: &mut Tx,
    of: Devices<'_>,
    patches: Option<&[PatchId]>,
    now: Millis,
) -> anyhow::Result<Loaded> {
    let mut policies = policies::load(&mut *tx).await?;
    // Nothing moves versions on from ring to ring yet: devices of later ones would wait for ever.
    let rest = [&mut policies.rest];
    for policy in policies.ranked.iter_mut().chain(rest) {
        policy.settings.rings.clear();
    }
    let is_shared = policies.all().any(|it| it.settings.caps.limit_devices());
    let open = match of {
        Devices::These(ids) if !is_shared => deploy_jobs::open(&mut *tx, Some(ids)).await?,
        _ => deploy_jobs::open(&mut *tx, None).await?,
    };
    let mut stored = match of {
        Devices::All => devices::load_all(&mut *tx).await?,
        Devices::These(ids) => devices::get_ever(&mut *tx, ids).await?,
    };
    let asked: Vec<_> = stored.iter().map(|it| it.id).collect();
    let known: HashSet<_> = asked.iter().copied().collect();
    let busy = open
        .iter()
        .filter(|it| it.is_out && !known.contains(&it.device));
    let busy: BTreeSet<_> = busy.map(|it| it.device).collect();
    let busy: Vec<_> = busy.into_iter().collect();
    stored.extend(devices::get_ever(&mut *tx, &busy).await?);

    let siblings = match patches {
        Some(ids) => Some(patches::of_packages(&mut *tx, ids).await?),
        None => None,
    };
    let lacked = missing::lacked(&mut *tx, &asked, siblings.as_deref()).await?;
    let mut ids: BTreeSet<_> = lacked.iter().map(|it| it.patch).collect();
    ids.extend(open.iter().map(|it| it.patch));
    ids.extend(patches.into_iter().flatten());
    if policies.all().any(|it| it.settings.cool_down.days > 0) {
        let lacked: Vec<_> = lacked.iter().map(|it| it.patch).collect();
        ids.extend(patches::of_packages(&mut *tx, &lacked).await?);
    }
    let ids: Vec<_> = ids.into_iter().collect();
    let devices = of_devices(app, tx, &stored, now).await?;
    let patches = facts::patches(tx, &ids).await?;
    let mut missing: Vec<_> = lacked.into_iter().map(of_missing).collect();
    unread::note(app, tx, &mut missing, &patches).await?;
    missing.extend(aged(&policies, &devices, &patches, &missing, now));
    let rules = rules::load(&mut *tx).await?.rules;
    let installed = if rules.iter().any(|it| it.is_enabled) {
        missing::installed(&mut *tx, &ids).await?
    } else {
        Vec::new()
    };
    Ok(Loaded {
        generation: audit::last(&mut *tx).await?,
        now,
        zone: app.zone.clone(),
        approvals: decided(tx, &ids).await?,
        installed,
        rules,
        holds: held(tx, &ids).await?,
        open_jobs: open.into_iter().map(of_open).collect(),
        devices,
        patches,
        missing,
        policies,
    })
}

async fn of_devices(
    app: &App,
    tx: &mut Tx,
    stored: &[devices::Device],
    now: Millis,
) -> anyhow::Result<Vec<Device>> {
    let facts = policies::facts::of(tx, stored).await?;
    let all = stored.iter().zip(facts).map(|(stored, known)| {
        let heard = app.registry.by_id(stored.id).map(|it| it.last_seen());
        let last_seen = heard.max(Some(stored.last_seen)).unwrap_or_default();
        let is_down = last_seen + app.policy.silence() < now;
        let words = known.abilities.iter();
        Device {
            facts: known.facts,
            system_type: stored.is_system_type_set.then_some(stored.system_type),
            cannot_deploy: stored.cannot_deploy.clone(),
            abilities: words.filter_map(|it| Ability::from_key(it)).collect(),
            is_removed: stored.removed_at.is_some(),
            down_since: is_down.then_some(last_seen),
        }
    });
    Ok(all.collect())
}

fn of_missing(it: missing::Lacked) -> Missing {
    Missing {
        device: it.device,
        patch: it.patch,
        since: it.since,
        installed: Some(it.installed).filter(|it| !it.is_empty()),
        unread: None,
    }
}

fn of_open(it: deploy_jobs::OpenJob) -> OpenJob {
    OpenJob {
        job: it.job,
        device: it.device,
        patch: it.patch,
        is_out: it.is_out,
    }
}

async fn decided(tx: &mut Tx, patches: &[PatchId]) -> anyhow::Result<Vec<Decided>> {
    let types = SystemType::ALL.into_iter();
    let keys: Vec<_> = types
        .flat_map(|system_type| patches.iter().map(move |patch| (*patch, system_type)))
        .collect();
    let rows = approvals::get_many(&mut *tx, &keys).await?.into_iter();
    let rows = rows.map(|it| Decided {
        patch: it.patch,
        system_type: it.system_type,
        approval: it.decision,
        rule: it.rule,
    });
    Ok(rows.collect())
}

/// What is not known yet of a device counts less than what is known everywhere.
async fn held(tx: &mut Tx, patches: &[PatchId]) -> anyhow::Result<Vec<Held>> {
    let all = holds::of_patches(&mut *tx, patches).await?;
    let everywhere = all.iter().filter(|it| it.device.is_none());
    let everywhere: HashSet<_> = everywhere.map(|it| it.patch).collect();
    let held = all.into_iter().filter_map(|it| {
        let is_known = it.confirmed_at.is_some();
        let hold = match (it.device, it.job) {
            (None, _) => Hold::Everywhere { cause: it.cause },
            (Some(_), _) if is_known => Hold::Device { cause: it.cause },
            (Some(_), _) if everywhere.contains(&it.patch) => return None,
            (Some(_), job) => Hold::Unconfirmed { job: job? },
        };
        Some(Held {
            device: it.device,
            patch: it.patch,
            hold,
        })
    });
    Ok(held.collect())
}

/// The patches that may run on some device: those that are approved, and all as soon as rules can approve.
pub async fn wanted(tx: &mut Tx) -> anyhow::Result<Option<Vec<PatchId>>> {
    let has_rules = rules::load(&mut *tx)
        .await?
        .rules
        .iter()
        .any(|it| it.is_enabled);
    if has_rules {
        return Ok(None);
    }
    Ok(Some(approvals::wanted(&mut *tx).await?))
}
