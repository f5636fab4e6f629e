//! Older versions that have aged, where the newest of a package is still in its cool-down.
//!
//! Lists name the newest version of a package alone. One that is released more often than its cool-down lasts
//! would never come: there the newest version that has aged counts as missing beside it.

use std::collections::HashMap;

use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, Millis, PatchId};

use super::known::key_of;
use super::world::{Device, Missing, Patch};
use crate::policy::{CoolDown, Policies};

/// What devices lack beside `missing`: of each package whose version there is still in its cool-down on a
/// device, the newest version among `patches` that is newer than what the device has, and has aged.
pub fn aged(
    policies: &Policies,
    devices: &[Device],
    patches: &[Patch],
    missing: &[Missing],
    now: Millis,
) -> Vec<Missing> {
    let mut packages: HashMap<String, Vec<&Patch>> = HashMap::new();
    for patch in patches
        .iter()
        .filter(|it| it.patch_type == PatchType::ThirdParty)
    {
        packages
            .entry(key_of(&patch.package))
            .or_default()
            .push(patch);
    }
    let by_id: HashMap<PatchId, &Patch> = patches.iter().map(|it| (it.id, it)).collect();
    let rules = devices.iter().map(|it| {
        let (policy, _) = policies.of(&it.facts);
        (it.facts.id, &policy.settings.cool_down)
    });
    let rules: HashMap<DeviceId, &CoolDown> = rules.filter(|(_, it)| it.days > 0).collect();
    let older = missing.iter().filter_map(|it| {
        let rule = *rules.get(&it.device)?;
        let newest = *by_id.get(&it.patch)?;
        if has_aged(newest, rule, now) {
            return None;
        }
        let versions = packages.get(&key_of(&newest.package))?.iter();
        let fitting = versions.filter(|other| {
            let compare = |to: &str| newest.scheme.compare(&other.version, to);
            compare(&newest.version).is_lt()
                && it
                    .installed
                    .as_deref()
                    .is_none_or(|has| compare(has).is_gt())
                && has_aged(other, rule, now)
        });
        let best = fitting.max_by(|a, b| {
            let by_version = newest.scheme.compare(&a.version, &b.version);
            by_version.then(b.id.cmp(&a.id))
        })?;
        Some(Missing {
            patch: best.id,
            ..it.clone()
        })
    });
    older.collect()
}

fn has_aged(patch: &Patch, rule: &CoolDown, now: Millis) -> bool {
    let is_let_through = rule.exploited_at_once && !patch.exploited.is_empty();
    let aged = patch.dates.aged(rule.days);
    is_let_through || aged.is_some_and(|(at, _)| at <= now)
}
