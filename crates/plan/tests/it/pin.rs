//! What administrators keep back.

use fleetmend_model::{DeviceId, GroupId};
use fleetmend_plan::pin::{Keeps, On, Pin, judge};
use fleetmend_plan::version::Scheme;

use crate::fleet::{group, pin};
use crate::select::facts;
use crate::zoned::instant;

fn at(version: &str) -> Keeps {
    Keeps::At(version.to_owned())
}

/// The reason of the pin that keeps version 2.0.0 from a device that is in group 3.
fn kept(pins: &[Pin]) -> Option<&str> {
    let device = facts();
    assert_eq!(
        (device.id, &device.groups),
        (DeviceId(7), &vec![GroupId(3)])
    );
    let now = instant("2026-11-26T18:00Z");
    judge(pins, "2.0.0", Scheme::Nuget, &device, now).map(|it| it.reason.as_str())
}

#[test]
fn a_pin_keeps_newer_versions_back_where_it_is_for_and_until_it_ends() {
    for (pin, keeps) in [
        (pin("app", On::All, Keeps::Out, "it", None), true),
        (pin("app", On::All, at("1.9"), "it", None), true),
        (pin("app", On::All, at("2.0"), "it", None), false),
        (pin("app", On::All, at("10.0"), "it", None), false),
        (pin("app", group(3, "Shops"), Keeps::Out, "it", None), true),
        (pin("app", group(4, "Labs"), Keeps::Out, "it", None), false),
        (
            pin("app", On::Device(DeviceId(7)), at("1.0"), "it", None),
            true,
        ),
        (
            pin("app", On::Device(DeviceId(8)), at("1.0"), "it", None),
            false,
        ),
        (
            pin("app", On::All, Keeps::Out, "it", Some("2026-11-26T18:01Z")),
            true,
        ),
        (
            pin("app", On::All, Keeps::Out, "it", Some("2026-11-26T18:00Z")),
            false,
        ),
    ] {
        assert_eq!(kept(std::slice::from_ref(&pin)).is_some(), keeps, "{pin:?}");
    }
}

#[test]
fn of_several_pins_the_one_that_lasts_longest_is_told_then_the_one_that_lets_less_through() {
    let soon = pin(
        "app",
        On::All,
        Keeps::Out,
        "soon",
        Some("2026-12-01T00:00Z"),
    );
    let later = pin(
        "app",
        On::All,
        at("1.0"),
        "later",
        Some("2026-12-02T00:00Z"),
    );
    let lasting = pin("app", On::All, at("1.0"), "lasting", None);
    let out = pin("app", On::All, Keeps::Out, "out", None);
    for pins in [[soon.clone(), later.clone()], [later.clone(), soon.clone()]] {
        assert_eq!(kept(&pins), Some("later"));
    }
    assert_eq!(
        kept(&[soon.clone(), later.clone(), lasting.clone()]),
        Some("lasting")
    );
    assert_eq!(kept(&[soon, later, lasting, out]), Some("out"));
    assert_eq!(kept(&[]), None);
}
