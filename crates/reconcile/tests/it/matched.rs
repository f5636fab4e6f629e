//! Which packages devices have, in which version, and which devices have an application.

use fleetmend_model::DeviceId;
use fleetmend_reconcile::{Fleet, Overrides};

use crate::{package, record, software, with_pattern};

fn fleet(offered: &str) -> Fleet {
    let tool = with_pattern(package(1, "tool", offered), "Tool*");
    let other = package(2, "other", "5.0");
    let packages = [
        ("tool".to_owned(), vec![tool]),
        ("other".to_owned(), vec![other]),
    ];
    let mut fleet = Fleet::new(packages.into(), Overrides::default());
    for (id, name, version) in [
        (1, "Tool 1.0", "1.0"),
        (2, "Tool 2.0", "2.0"),
        (3, "Tool 3.0", "3.0"),
        (4, "Unknown 1.0", "1.0"),
        (5, "Unknown 2.0", "2.0"),
    ] {
        fleet.learn(id, &software(name, version));
    }
    fleet.put(DeviceId(30), &[1, 4], &[record("Other", "4.0")]);
    fleet.put(DeviceId(10), &[1, 2, 5], &[]);
    fleet.put(DeviceId(20), &[2, 4, 5], &[record("nobodys", "1.0")]);
    fleet
}

#[test]
fn a_package_is_on_the_devices_that_have_it_or_a_record_of_it_each_once() {
    let found = fleet("2.0").matched_packages();
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.package.as_str(), it.devices, it.offered.is_some()))
        .collect();
    assert_eq!(found, [("other", 1, true), ("tool", 3, true)]);
}

#[test]
fn a_version_is_reached_by_what_is_installed_whatever_is_on_offer_today() {
    // Of a version that was withdrawn, the one on offer, and a newer one.
    for offered in ["1.0", "2.0", "3.0"] {
        let fleet = fleet(offered);
        let reached = [1, 2, 3].map(|id| fleet.is_at_least(id, "2.0"));
        assert_eq!(reached, [false, true, true], "{offered}");
        assert!(!fleet.is_at_least(4, "1.0"));
        assert!(!fleet.is_at_least(99, "1.0"));
    }
}

#[test]
fn devices_with_an_application_in_any_version_are_found_by_their_ids() {
    let fleet = fleet("2.0");
    let alike = fleet.alike(4);
    assert_eq!(alike, [4, 5]);
    // Another answer stands on another row.
    assert_eq!(fleet.alike(1), [1]);
    assert_eq!(fleet.alike(99), []);
    let shown = |after, limit| -> Vec<_> {
        let found = fleet.having(&alike, after, limit).into_iter();
        found.map(|it| (it.device.0, it.applications)).collect()
    };
    let all = [(10, vec![5]), (20, vec![4, 5]), (30, vec![4])];
    assert_eq!(shown(None, 9), all);
    assert_eq!(shown(None, 2), all[..2]);
    assert_eq!(shown(Some(DeviceId(10)), 9), all[1..]);
    assert_eq!(shown(Some(DeviceId(30)), 9), []);
}
