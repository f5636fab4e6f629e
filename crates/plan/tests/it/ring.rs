//! When a version goes on to the next ring.

use fleetmend_model::GroupId;
use fleetmend_plan::policy::Ring;
use fleetmend_plan::ring::{Counts, Step, judge, of};
use serde_json::{Value as Json, json};

use crate::select::facts;
use crate::zoned::{instant, zone};

fn ring(more: Json) -> Ring {
    let mut json = json!({"name": "Pilot"});
    let fields = more.as_object().unwrap().clone();
    json.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(json).unwrap()
}

/// What comes of a ring, a day after it began.
fn step(ring: &Ring, [devices, done, failed, down]: [u64; 4]) -> String {
    let counts = Counts {
        devices,
        done,
        failed,
        down,
    };
    let (since, now) = (instant("2026-11-25T12:00Z"), instant("2026-11-26T12:00Z"));
    match judge(ring, counts, since, now, &zone("Europe/Berlin")) {
        Step::Promote => "promote".to_owned(),
        Step::Wait { what } => format!("wait: {what}"),
        Step::Halt { why } => format!("halt: {why}"),
    }
}

#[test]
fn a_ring_is_promoted_when_it_soaked_and_enough_went_well_and_halts_when_too_much_failed() {
    let plain = ring(json!({}));
    let soaks = ring(json!({"soak_hours": 25}));
    let soaked = ring(json!({"soak_hours": 24}));
    let strict = ring(json!({"min_done": 5, "max_failures": 2, "min_share_percent": 80}));
    let free = ring(json!({"min_done": 0, "max_failures": 1000, "min_share_percent": 0}));
    for (ring, counts, said) in [
        (&plain, [9, 1, 0, 0], "promote"),
        (&plain, [9, 0, 0, 0], "wait: done on 0 of 1 machines"),
        (
            &plain,
            [9, 0, 0, 9],
            "wait: done on 0 of 1 machines (9 more are down)",
        ),
        (
            &plain,
            [9, 8, 1, 0],
            "halt: it failed on 1 of 9 machines in ring Pilot, and may on 0",
        ),
        // Nobody in it lacks the version.
        (&plain, [0, 0, 0, 0], "promote"),
        (&soaks, [0, 0, 0, 0], "promote"),
        (
            &soaks,
            [9, 9, 0, 0],
            "wait: soaks until Thu 26 Nov 14:00 (Europe/Berlin)",
        ),
        (
            &soaks,
            [9, 9, 1, 0],
            "halt: it failed on 1 of 10 machines in ring Pilot, and may on 0",
        ),
        (&soaked, [9, 9, 0, 0], "promote"),
        (&strict, [9, 4, 0, 0], "wait: done on 4 of 5 machines"),
        // It has but three.
        (&strict, [3, 3, 0, 0], "promote"),
        (&strict, [9, 8, 2, 0], "promote"),
        (
            &strict,
            [9, 7, 2, 0],
            "wait: 7 of 9 went well, and 80 % is asked for",
        ),
        (
            &strict,
            [9, 3, 1, 2],
            "wait: done on 3 of 5 machines (2 more are down); 3 of 4 went well, and 80 % is asked for",
        ),
        (
            &strict,
            [9, 9, 3, 0],
            "halt: it failed on 3 of 12 machines in ring Pilot, and may on 2",
        ),
        (&free, [9, 0, 9, 0], "promote"),
    ] {
        assert_eq!(step(ring, counts), said, "{counts:?}");
    }
}

#[test]
fn a_device_is_in_the_first_ring_that_takes_it_and_else_in_the_last() {
    let by_group =
        |group: i64| ring(json!({"scope": {"include": [{"kind": "group", "group": group}]}}));
    let in_groups = |groups: &[i64]| {
        let mut device = facts();
        device.groups = groups.iter().copied().map(GroupId).collect();
        device
    };
    let rings = [by_group(1), by_group(2), by_group(3)];
    for (groups, ring) in [
        (vec![1, 2, 3], 0),
        (vec![2], 1),
        (vec![3], 2),
        (vec![], 2),
        (vec![9], 2),
    ] {
        assert_eq!(of(&rings, &in_groups(&groups)), ring, "{groups:?}");
    }
    assert_eq!(of(&[], &in_groups(&[1])), 0);
}
