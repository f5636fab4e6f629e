//! Whole nights as text: versions on their way through rings.

use fleetmend_model::GroupId;
use fleetmend_plan::night::{By, Occasion};
use fleetmend_plan::ring::State;
use insta::assert_snapshot;
use serde_json::json;

use crate::fleet::{Fleet, rollout};
use crate::night::nightly;

fn with_rings() -> Fleet {
    let ring = |name: &str, group: i64| {
        json!({
            "name": name,
            "scope": {"include": [{"kind": "group", "group": group}]},
            "soak_hours": 24,
            "min_share_percent": 90,
            "min_done": 2,
            "max_failures": 1,
        })
    };
    let settings = json!({
        "deploy": nightly(),
        "rings": [ring("Pilot", 1), ring("Early", 2), {"name": "Broad"}],
    });
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings)],
    );
    for (hostname, groups) in [
        ("desk-a", vec![GroupId(1)]),
        ("desk-b", vec![GroupId(2)]),
        ("desk-c", vec![]),
        ("desk-d", vec![GroupId(1), GroupId(2)]),
    ] {
        fleet.device(hostname, "Europe/Berlin");
        fleet.last_device().facts.groups = groups;
    }
    fleet
}

#[test]
fn a_ring_waits_for_those_before_it_and_says_for_what() {
    let mut fleet = with_rings();
    let begun = "2026-11-26T01:00+01:00";
    for (package, rollout) in [
        ("not-begun", None),
        ("soaks", Some((0, [10, 9, 1, 0], State::Running))),
        ("too few", Some((1, [9, 1, 0, 3], State::Running))),
        ("badly", Some((1, [9, 3, 1, 0], State::Running))),
        ("fails", Some((0, [10, 5, 2, 0], State::Running))),
        (
            "halted",
            Some((
                2,
                [0; 4],
                State::Halted {
                    cause: "said so by ada: it crashes on start".to_owned(),
                },
            )),
        ),
        ("done", Some((2, [0; 4], State::Done))),
        ("last", Some((2, [4, 0, 0, 0], State::Running))),
    ] {
        let patch = fleet.approved(package, "2.0.0");
        if let Some((ring, counts, state)) = rollout {
            let mut rollout = self::rollout(patch, ring, begun, counts);
            rollout.state = state;
            fleet.rollouts.push(rollout);
        }
    }
    fleet.all_lack_all();
    let night = fleet.night();
    assert_snapshot!(night.to_text(&fleet.world(), By::Patch), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 18 of 32 run
    badly 2.0.0 (patch 4)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 4; ring Pilot; after too few
      + desk-b: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; ring Early; after too few
      - desk-c: ring Broad waits for ring Early: 3 of 4 went well, and 90 % is asked for; soaks until Fri 27 Nov 01:00 (Europe/Berlin)
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 4; ring Pilot; after too few
    done 2.0.0 (patch 7)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 5; ring Pilot; after badly
      + desk-b: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; ring Early; after badly
      + desk-c: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; ring Broad
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 5; ring Pilot; after badly
    fails 2.0.0 (patch 5)
      - desk-a: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
      - desk-b: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
      - desk-c: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
      - desk-d: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
    halted 2.0.0 (patch 6)
      - desk-a: its rollout is halted: said so by ada: it crashes on start. Resume has it go on
      - desk-b: its rollout is halted: said so by ada: it crashes on start. Resume has it go on
      - desk-c: its rollout is halted: said so by ada: it crashes on start. Resume has it go on
      - desk-d: its rollout is halted: said so by ada: it crashes on start. Resume has it go on
    last 2.0.0 (patch 8)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 6; ring Pilot; after done
      + desk-b: Fri 27 Nov 01:00 (Europe/Berlin), turn 4; ring Early; after done
      + desk-c: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; ring Broad; after done
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 6; ring Pilot; after done
    not-begun 2.0.0 (patch 1)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; ring Pilot
      - desk-b: ring Early waits for ring Pilot: it has not got the version yet
      - desk-c: ring Broad waits for ring Pilot: it has not got the version yet
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; ring Pilot
    soaks 2.0.0 (patch 2)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; ring Pilot; after not-begun
      - desk-b: ring Early waits for ring Pilot: soaks until Fri 27 Nov 01:00 (Europe/Berlin)
      - desk-c: ring Broad waits for ring Pilot: soaks until Fri 27 Nov 01:00 (Europe/Berlin)
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; ring Pilot; after not-begun
    too few 2.0.0 (patch 3)
      + desk-a: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; ring Pilot; after soaks
      + desk-b: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; ring Early
      - desk-c: ring Broad waits for ring Early: done on 1 of 2 machines (3 more are down); soaks until Fri 27 Nov 01:00 (Europe/Berlin)
      + desk-d: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; ring Pilot; after soaks
    "#);
}

#[test]
fn what_a_person_asks_for_waits_for_no_ring_and_no_schedule_and_stays_away_where_it_is_halted() {
    let mut fleet = with_rings();
    fleet.occasion = Occasion::Asked;
    fleet.approved("anything", "2.0.0");
    let halted = fleet.approved("halted", "2.0.0");
    let mut rollout = rollout(halted, 0, "2026-11-26T01:00+01:00", [0; 4]);
    rollout.state = State::Halted {
        cause: "it failed on 2 of 7 machines in ring Pilot, and may on 1".to_owned(),
    };
    fleet.rollouts.push(rollout);
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 4 of 8 run
    desk-a (device 1)
      + anything 2.0.0: Thu 26 Nov 18:00 (Europe/Berlin), turn 1; ring Pilot
      - halted 2.0.0: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
    desk-b (device 2)
      + anything 2.0.0: Thu 26 Nov 18:00 (Europe/Berlin), turn 1; ring Early
      - halted 2.0.0: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
    desk-c (device 3)
      + anything 2.0.0: Thu 26 Nov 18:00 (Europe/Berlin), turn 1; ring Broad
      - halted 2.0.0: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
    desk-d (device 4)
      + anything 2.0.0: Thu 26 Nov 18:00 (Europe/Berlin), turn 1; ring Pilot
      - halted 2.0.0: its rollout is halted: it failed on 2 of 7 machines in ring Pilot, and may on 1. Resume has it go on
    "#);
}
