//! A package that is released more often than its cool-down lasts.

use fleetmend_plan::night::aged;
use insta::assert_snapshot;
use serde_json::json;

use crate::fleet::Fleet;
use crate::zoned::instant;

#[test]
fn the_newest_version_that_has_aged_runs_while_a_newer_one_is_in_its_cool_down() {
    let cool = json!({
        "deploy": {"schedule": "0 2 * * *"},
        "cool_down": {"days": 7},
    });
    let now = "2026-11-28T01:00+01:00";
    let mut fleet = Fleet::new(now, "2026-11-28T12:00+01:00", &[("desk", cool)]);
    let device = fleet.device("desk-1", "Europe/Berlin");
    for (version, day) in [
        ("1.0.0", "2026-11-01T00:00Z"),
        ("2.0.0", "2026-11-10T00:00Z"),
        ("3.0.0", "2026-11-18T00:00Z"),
        ("4.0.0", "2026-11-23T00:00Z"),
    ] {
        fleet.approved("firefox", version);
        fleet.last_patch().dates.published = Some(instant(day));
    }
    let newest = fleet.approved("firefox", "5.0.0");
    fleet.last_patch().dates.published = Some(instant("2026-11-27T00:00Z"));
    fleet.lacks(device, newest);
    let older = |fleet: &Fleet| {
        let Fleet {
            policies,
            devices,
            patches,
            missing,
            ..
        } = fleet;
        aged(policies, devices, patches, missing, fleet.now)
    };
    let beside = older(&fleet);
    fleet.missing.extend(beside);
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Sat 28 Nov 01:00 (Europe/Berlin) to Sat 28 Nov 12:00 (Europe/Berlin): 1 of 2 run
    desk-1 (device 1)
      + firefox 3.0.0: Sat 28 Nov 02:00 (Europe/Berlin), turn 1
      - firefox 5.0.0: in its cool-down of 7 days until Fri 4 Dec 01:00 (Europe/Berlin), counted from when it was published
    "#);
    // It has version 3 by now; nothing that has aged is newer.
    fleet.missing.truncate(1);
    fleet.missing[0].installed = Some("3.0.0".to_owned());
    assert_eq!(older(&fleet), []);
    // Nor is anything looked for where the newest itself may run.
    fleet.missing[0].installed = Some("1.0.0".to_owned());
    fleet.patches[4].exploited = vec!["CVE-2026-1234".to_owned()];
    assert_eq!(older(&fleet), []);
}
