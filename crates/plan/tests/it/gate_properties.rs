//! What holds whenever jobs are looked at.

use std::collections::{BTreeMap, BTreeSet};

use fleetmend_plan::gate::{Gate, Posted, round};
use fleetmend_plan::night::{Known, Occasion, OpenJob};
use fleetmend_plan::schedule::Zone;
use fleetmend_plan::window::Windows;
use proptest::prelude::*;

use crate::fleet::Fleet;
use crate::fleets::fleet;
use crate::zoned::zone;

fn waiting(fleet: &Fleet) -> Vec<Posted> {
    let waiting = fleet.open_jobs.iter().filter(|it| !it.is_out);
    let posted = waiting.map(|it: &OpenJob| Posted {
        job: it.job,
        device: it.device,
        patch: it.patch,
        at: fleet.now,
        occasion: if it.job.0 % 2 == 0 {
            Occasion::Asked
        } else {
            Occasion::Due
        },
    });
    posted.collect()
}

proptest! {
    #[test]
    fn every_job_is_answered_once_whatever_order_they_are_handed_in(fleet in fleet()) {
        let world = fleet.world();
        let known = Known::of(&world);
        let mut jobs = waiting(&fleet);
        let answers = round(&jobs, &known);
        let answered: BTreeSet<_> = answers.iter().map(|it| it.0).collect();
        prop_assert_eq!(answers.len(), jobs.len());
        prop_assert_eq!(answered, jobs.iter().map(|it| it.job).collect::<BTreeSet<_>>());
        jobs.reverse();
        prop_assert_eq!(answers, round(&jobs, &known));
    }

    #[test]
    fn an_order_without_a_first_moment_may_start_now_and_none_starts_outside_its_window(
        fleet in fleet()
    ) {
        let world = fleet.world();
        let jobs = waiting(&fleet);
        for (job, gate) in round(&jobs, &Known::of(&world)) {
            let Gate::Open { not_before, not_after } = gate else {
                continue;
            };
            let job = jobs.iter().find(|it| it.job == job).unwrap();
            let device = fleet.devices.iter().find(|it| it.facts.id == job.device).unwrap();
            let (policy, _) = fleet.policies.of(&device.facts);
            let zone = Zone::of_device(&device.facts.time_zone, &zone("Europe/Berlin"));
            let windows = Windows {
                windows: &policy.settings.install_windows,
                blackouts: &policy.settings.blackouts,
            };
            let first = not_before.unwrap_or(fleet.now);
            prop_assert!(first >= fleet.now);
            prop_assert!(windows.at(&zone, first).may_start());
            prop_assert!(not_after.is_none_or(|last| first < last));
        }
    }

    #[test]
    fn no_more_devices_have_orders_than_the_policy_has_places(fleet in fleet()) {
        let world = fleet.world();
        let jobs = waiting(&fleet);
        let of = |job: &OpenJob| {
            let device = fleet.devices.iter().find(|it| it.facts.id == job.device).unwrap();
            (fleet.policies.of(&device.facts).0.id, job.device)
        };
        let before: BTreeSet<_> = fleet.open_jobs.iter().filter(|it| it.is_out).map(of).collect();
        let mut with_orders = before.clone();
        for (job, gate) in round(&jobs, &Known::of(&world)) {
            if matches!(gate, Gate::Open { .. }) {
                let job = fleet.open_jobs.iter().find(|it| it.job == job).unwrap();
                with_orders.insert(of(job));
            }
        }
        let mut counts: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        for it in &with_orders {
            let (all, new) = counts.entry(it.0).or_default();
            *all += 1;
            *new += usize::from(!before.contains(it));
        }
        for policy in &fleet.policies.ranked {
            let (all, new) = counts.get(&policy.id).copied().unwrap_or_default();
            if let Some(cap) = policy.settings.caps.devices_at_once {
                // A cap may have been lowered since orders went out.
                prop_assert!(all <= cap as usize || new == 0, "{all} of {cap}");
            }
        }
    }
}
