//! What holds for every night.

use std::collections::{BTreeMap, BTreeSet};

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::auto::{Facts, decide};
use fleetmend_plan::night::{By, Device, Known, Night, Occasion, Patch, What, judge};
use fleetmend_plan::ring::State;
use fleetmend_plan::schedule::Zone;
use fleetmend_plan::version::Step;
use fleetmend_plan::window::{At, Windows};
use fleetmend_plan::{Readiness, Reason};
use proptest::prelude::*;
use serde_json::json;

use crate::fleet::Fleet;
use crate::fleets::fleet;
use crate::zoned::zone;

fn shuffled(fleet: &Fleet) -> Fleet {
    let mut other = fleet.clone();
    other.devices.reverse();
    other.patches.reverse();
    other.missing.reverse();
    other.approvals.reverse();
    other.pins.reverse();
    other.rollouts.reverse();
    other.open_jobs.reverse();
    other
}

fn device(fleet: &Fleet, id: DeviceId) -> &Device {
    fleet.devices.iter().find(|it| it.facts.id == id).unwrap()
}

fn patch(fleet: &Fleet, id: PatchId) -> &Patch {
    fleet.patches.iter().find(|it| it.id == id).unwrap()
}

fn running(
    night: &Night,
) -> impl Iterator<Item = (DeviceId, PatchId, &fleetmend_plan::night::Run)> {
    night.entries.iter().filter_map(|it| match &it.what {
        What::Runs(run) => Some((it.device, it.patch, run)),
        What::Not(_) => None,
    })
}

fn is_critical(fleet: &Fleet, device: &Device) -> bool {
    let (policy, _) = fleet.policies.of(&device.facts);
    let system_type = device
        .system_type
        .unwrap_or_else(|| policy.settings.system_type_of(&device.facts));
    system_type == SystemType::Critical
}

proptest! {
    #[test]
    fn the_same_is_planned_of_the_same_in_any_order(fleet in fleet()) {
        let night = fleet.night();
        prop_assert_eq!(&night, &fleet.night());
        let other = shuffled(&fleet);
        prop_assert_eq!(&night, &other.night());
        for by in [By::Device, By::Patch] {
            let text = night.to_text(&fleet.world(), by);
            prop_assert_eq!(&text, &other.night().to_text(&other.world(), by));
        }
    }

    #[test]
    fn every_patch_that_a_device_lacks_has_exactly_one_entry(fleet in fleet()) {
        let night = fleet.night();
        let known: BTreeSet<_> = fleet.patches.iter().map(|it| it.id).collect();
        let lacked: BTreeSet<_> = fleet
            .missing
            .iter()
            .map(|it| (it.device, it.patch))
            .filter(|(_, patch)| known.contains(patch))
            .collect();
        let entries: BTreeSet<_> =
            night.entries.iter().map(|it| (it.device, it.patch)).collect();
        prop_assert_eq!(night.entries.len(), lacked.len());
        prop_assert_eq!(entries, lacked);
    }

    #[test]
    fn an_entry_is_what_is_said_of_its_device_and_patch_alone(fleet in fleet()) {
        let world = fleet.world();
        let known = Known::of(&world);
        for entry in fleet.night().entries {
            match (judge(entry.device, entry.patch, &known), entry.what) {
                (Ok(start), What::Runs(run)) => prop_assert_eq!(start.slot, run.start.slot),
                (Err(one), What::Not(other)) => {
                    prop_assert!(!one.to_string().is_empty());
                    let json = serde_json::to_value(&one).unwrap();
                    prop_assert_eq!(&serde_json::from_value::<Reason>(json).unwrap(), &one);
                    prop_assert_eq!(one, other);
                }
                (one, other) => prop_assert!(false, "{one:?} and {other:?}"),
            }
        }
    }

    #[test]
    fn nothing_starts_outside_its_window_or_after_the_night(fleet in fleet()) {
        for (id, _, run) in running(&fleet.night()) {
            let device = device(&fleet, id);
            let (policy, _) = fleet.policies.of(&device.facts);
            let settings = &policy.settings;
            let zone = Zone::of_device(&device.facts.time_zone, &zone("Europe/Berlin"));
            let windows = match fleet.occasion {
                Occasion::AnyTime => Windows::ALWAYS,
                _ => Windows {
                    windows: &settings.install_windows,
                    blackouts: &settings.blackouts,
                },
            };
            prop_assert!(fleet.now <= run.start.slot.run && run.start.slot.run <= run.at());
            prop_assert!(run.at() < fleet.until);
            prop_assert!(run.at() < run.start.slot.deadline);
            let at = windows.at(&zone, run.at());
            prop_assert!(at.may_start(), "{at:?}");
            if let At::Open(open) = at {
                prop_assert_eq!(open.closes, run.window_end());
            }
        }
    }

    #[test]
    fn a_run_is_one_of_the_policy_s_schedule_or_is_now(fleet in fleet()) {
        for (id, _, run) in running(&fleet.night()) {
            let device = device(&fleet, id);
            let (policy, _) = fleet.policies.of(&device.facts);
            let zone = Zone::of_device(&device.facts.time_zone, &zone("Europe/Berlin"));
            let due = Millis(run.start.slot.run.0 - 1);
            let next = policy.settings.deploy.schedule.next(&zone, due);
            let is_now = run.start.slot.run == fleet.now;
            prop_assert!(
                fleet.occasion == Occasion::Foreseen && next == Some(run.start.slot.run)
                    || fleet.occasion != Occasion::Foreseen && is_now
            );
        }
    }

    #[test]
    fn no_device_has_a_version_before_the_rings_before_its_own_were_promoted(fleet in fleet()) {
        for (id, patch, _) in running(&fleet.night()) {
            let (policy, _) = fleet.policies.of(&device(&fleet, id).facts);
            let rollout = fleet
                .rollouts
                .iter()
                .find(|it| (it.patch, it.policy) == (patch, policy.id));
            if let Some(rollout) = rollout {
                let is_halted = matches!(rollout.state, State::Halted { .. });
                prop_assert!(!is_halted);
            }
            let is_done = rollout.is_some_and(|it| it.state == State::Done);
            let rings = &policy.settings.rings;
            if fleet.occasion.is_asked() || is_done || rings.is_empty() {
                continue;
            }
            let ring = fleetmend_plan::ring::of(rings, &device(&fleet, id).facts);
            let at = rollout.map_or(0, |it| it.ring);
            prop_assert!(ring <= at, "ring {ring} at {at}");
        }
    }

    #[test]
    fn for_critical_systems_a_person_approved_whatever_runs(fleet in fleet()) {
        for (id, patch, _) in running(&fleet.night()) {
            if !is_critical(&fleet, device(&fleet, id)) {
                continue;
            }
            let by_person = fleet.approvals.iter().any(|it| {
                it.patch == patch
                    && it.system_type == SystemType::Critical
                    && it.approval == Approval::Approved
                    && it.rule.is_none()
            });
            prop_assert!(by_person);
        }
    }

    #[test]
    fn no_rule_approves_for_critical_systems(
        rules in prop::collection::vec((any::<bool>(), 0..3_u32, any::<bool>()), 0..5),
        is_security in any::<bool>(),
        is_exploited in any::<bool>(),
        step in prop::sample::select(vec![Step::Patch, Step::Minor, Step::Major]),
    ) {
        let mut fleet = Fleet::new("2026-11-26T18:00+01:00", "2026-11-27T12:00+01:00", &[]);
        for (number, (is_enabled, days, security_only)) in rules.into_iter().enumerate() {
            fleet.rule(json!({
                "name": format!("rule {number}"),
                "is_enabled": is_enabled,
                "min_age_days": days,
                "security_only": security_only,
            }));
        }
        fleet.patch("app", "2.0.0");
        let patch = fleet.last_patch();
        let (package, dates, tags, patch_type) =
            (patch.package.clone(), patch.dates, Vec::new(), patch.patch_type);
        let facts = Facts {
            package: &package,
            tags: &tags,
            patch_type,
            step,
            dates,
            is_security,
            is_exploited,
        };
        prop_assert_eq!(decide(&facts, SystemType::Critical, &fleet.rules, fleet.now), None);
    }

    #[test]
    fn what_is_kept_back_by_anything_does_not_run(fleet in fleet()) {
        for (id, patch_id, _) in running(&fleet.night()) {
            let (device, patch) = (device(&fleet, id), patch(&fleet, patch_id));
            prop_assert!(!device.is_removed);
            prop_assert_eq!(&patch.readiness, &Readiness::Ready);
            prop_assert!(!fleet.open_jobs.iter().any(|it| (it.device, it.patch) == (id, patch_id)));
            prop_assert!(!fleet.holds.iter().any(|it| (it.device, it.patch) == (Some(id), patch_id)));
            for pin in &fleet.pins {
                let is_of = pin.package.eq_ignore_ascii_case(&patch.package);
                let is_in_force = pin.until.is_none_or(|until| until >= fleet.until);
                prop_assert!(
                    !(is_of && is_in_force && pin.keeps_back(&patch.version, patch.scheme, &device.facts))
                );
            }
        }
    }

    #[test]
    fn of_one_package_no_device_runs_two_versions_at_one_run(fleet in fleet()) {
        let mut seen = BTreeSet::new();
        for (id, patch_id, run) in running(&fleet.night()) {
            let package = &patch(&fleet, patch_id).package;
            prop_assert!(seen.insert((id, package.clone(), run.start.slot.run)));
        }
    }

    #[test]
    fn turns_are_counted_from_one_and_the_urgent_come_first(fleet in fleet()) {
        let night = fleet.night();
        let mut queues: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, _, run) in running(&night) {
            let queue = queues.entry((id, run.at())).or_default();
            queue.push((run.position, run.priority));
        }
        for queue in queues.values() {
            let positions: Vec<_> = queue.iter().map(|it| it.0).collect();
            prop_assert_eq!(positions, (1..=queue.len()).collect::<Vec<_>>());
            prop_assert!(queue.is_sorted_by_key(|it| it.1));
        }
    }

    #[test]
    fn what_is_foreseen_for_a_run_is_what_is_due_then(fleet in fleet()) {
        // Nothing changes until then but time: what ends until then has ended.
        let mut fleet = fleet;
        fleet.occasion = Occasion::Foreseen;
        let night = fleet.night();
        let runs: BTreeSet<Millis> = running(&night).map(|it| it.2.start.slot.run).collect();
        for at in runs {
            let mut then = fleet.clone();
            then.now = at;
            then.occasion = Occasion::Due;
            let due = then.night();
            let posted: BTreeSet<_> = running(&due).map(|it| (it.0, it.1)).collect();
            let foreseen = running(&night).filter(|it| it.2.start.slot.run == at);
            for (id, patch_id, run) in foreseen {
                prop_assert!(posted.contains(&(id, patch_id)), "{id} {patch_id} at {at}");
                let same = running(&due).find(|it| (it.0, it.1) == (id, patch_id));
                prop_assert_eq!(same.map(|it| it.2.at()), Some(run.at()));
            }
        }
    }
}

#[test]
fn a_device_or_patch_that_is_not_there_runs_nothing() {
    let fleet = Fleet::new("2026-11-26T18:00+01:00", "2026-11-27T12:00+01:00", &[]);
    let world = fleet.world();
    let known = Known::of(&world);
    let said = judge(DeviceId(1), PatchId(1), &known);
    assert_eq!(said, Err(Reason::AgentRemoved));
    assert!(fleet.night().entries.is_empty());
}
