//! Which devices conditions fit.

use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::{DeviceId, GroupId};
use fleetmend_plan::select::{
    DeviceFacts, Fit, MOST_SELECTORS, Network, Pattern, Place, Scope, SelectError, Selector,
    address, groups_of,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub(crate) fn facts() -> DeviceFacts {
    DeviceFacts {
        id: DeviceId(7),
        hostname: "WEB-01".to_owned(),
        os_family: OsFamily::Linux,
        os_name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        system_type: SystemType::Critical,
        time_zone: "Europe/Berlin".to_owned(),
        addresses: ["10.1.2.3", "2001:db8::7"]
            .iter()
            .filter_map(|it| address(it))
            .collect(),
        gateways: address("10.1.2.1").into_iter().collect(),
        units: vec![Place {
            tree: "Sites".to_owned(),
            path: "Berlin/Office 2".parse().unwrap(),
        }],
        groups: vec![GroupId(3)],
        master: Some(DeviceId(9)),
    }
}

fn selector(json: Json) -> Selector {
    serde_json::from_value(json).unwrap()
}

fn scope(include: &[Json], exclude: &[Json]) -> Scope {
    serde_json::from_value(json!({ "include": include, "exclude": exclude })).unwrap()
}

/// Whether each condition fits the device, is said in these words, and is read as it was written.
fn assert_each(all: &[(Json, bool, &str)]) {
    for (json, fits, words) in all {
        let selector = selector(json.clone());
        assert_eq!(selector.fits(&facts()), *fits, "{json}");
        assert_eq!(selector.to_string(), *words);
        let again = serde_json::to_value(&selector).unwrap();
        assert_eq!(self::selector(again), selector, "{json}");
    }
}

#[test]
fn each_condition_fits_by_what_it_names_alone() {
    assert_each(&[
        (json!({"kind": "all"}), true, "all devices"),
        (json!({"kind": "device", "device": 7}), true, "device 7"),
        (json!({"kind": "device", "device": 8}), false, "device 8"),
        (json!({"kind": "group", "group": 3}), true, "group 3"),
        (json!({"kind": "group", "group": 4}), false, "group 4"),
        (
            json!({"kind": "unit", "tree": "sites", "path": "berlin/office 2"}),
            true,
            "unit berlin/office 2 of 'sites'",
        ),
        (
            json!({"kind": "unit", "tree": "Sites", "path": "Berlin"}),
            false,
            "unit Berlin of 'Sites'",
        ),
        (
            json!({"kind": "unit", "tree": "Sites", "path": "Berlin", "below": true}),
            true,
            "unit Berlin and below of 'Sites'",
        ),
        (
            json!({"kind": "unit", "tree": "Sites", "path": "Berlin/Off", "below": true}),
            false,
            "unit Berlin/Off and below of 'Sites'",
        ),
        (
            json!({"kind": "unit", "tree": "Owners", "path": "Berlin", "below": true}),
            false,
            "unit Berlin and below of 'Owners'",
        ),
        (
            json!({"kind": "host_name", "pattern": "web-*"}),
            true,
            "host name web-*",
        ),
        (
            json!({"kind": "host_name", "pattern": "web"}),
            false,
            "host name web",
        ),
        (
            json!({"kind": "host_name", "pattern": "/^web-\\d+$/"}),
            true,
            "host name /^web-\\d+$/",
        ),
        (
            json!({"kind": "host_name", "pattern": "/^\\d/"}),
            false,
            "host name /^\\d/",
        ),
        (
            json!({"kind": "os_family", "os_family": "linux"}),
            true,
            "Linux",
        ),
        (
            json!({"kind": "os_family", "os_family": "windows"}),
            false,
            "Windows",
        ),
        (
            json!({"kind": "os_name", "pattern": "debian*12*"}),
            true,
            "operating system debian*12*",
        ),
        (
            json!({"kind": "system_type", "system_type": "critical"}),
            true,
            "Critical Systems",
        ),
        (
            json!({"kind": "system_type", "system_type": "normal"}),
            false,
            "Normal Systems",
        ),
    ]);
}

#[test]
fn conditions_on_the_network_fit_by_addresses_alone() {
    assert_each(&[
        (
            json!({"kind": "address", "network": "10.1.0.0/16"}),
            true,
            "address in 10.1.0.0/16",
        ),
        (
            json!({"kind": "address", "network": "10.1.2.3"}),
            true,
            "address in 10.1.2.3",
        ),
        (
            json!({"kind": "address", "network": "10.2.0.0/16"}),
            false,
            "address in 10.2.0.0/16",
        ),
        (
            json!({"kind": "address", "network": "0.0.0.0/0"}),
            true,
            "address in 0.0.0.0/0",
        ),
        (
            json!({"kind": "address", "network": "2001:db8::/32"}),
            true,
            "address in 2001:db8::/32",
        ),
        (
            json!({"kind": "address", "network": "2001:db9::/32"}),
            false,
            "address in 2001:db9::/32",
        ),
        (
            json!({"kind": "range", "range": {"from": "10.1.2.3", "to": "10.1.2.3"}}),
            true,
            "address from 10.1.2.3 to 10.1.2.3",
        ),
        (
            json!({"kind": "range", "range": {"from": "10.1.2.4", "to": "10.1.3.0"}}),
            false,
            "address from 10.1.2.4 to 10.1.3.0",
        ),
        (
            json!({"kind": "range", "range": {"from": "::", "to": "2001:db8::ff"}}),
            true,
            "address from :: to 2001:db8::ff",
        ),
        (
            json!({"kind": "gateway", "gateway": "10.1.2.1"}),
            true,
            "gateway 10.1.2.1",
        ),
        (
            json!({"kind": "gateway", "gateway": "10.1.2.3"}),
            false,
            "gateway 10.1.2.3",
        ),
        (
            json!({"kind": "site", "master": 9}),
            true,
            "site of master 9",
        ),
        (
            json!({"kind": "site", "master": 7}),
            false,
            "site of master 7",
        ),
    ]);
}

#[test]
fn what_is_not_known_of_a_device_meets_no_condition() {
    let unknown = DeviceFacts {
        addresses: Vec::new(),
        gateways: Vec::new(),
        units: Vec::new(),
        groups: Vec::new(),
        master: None,
        ..facts()
    };
    for json in [
        json!({"kind": "unit", "tree": "Sites", "path": "Berlin", "below": true}),
        json!({"kind": "address", "network": "0.0.0.0/0"}),
        json!({"kind": "range", "range": {"from": "0.0.0.0", "to": "255.255.255.255"}}),
        json!({"kind": "gateway", "gateway": "10.1.2.1"}),
        json!({"kind": "site", "master": 9}),
        json!({"kind": "group", "group": 3}),
    ] {
        assert!(!selector(json.clone()).fits(&unknown), "{json}");
    }
}

#[test]
fn an_exclusion_beats_what_includes_and_the_condition_that_decided_is_named() {
    let web = json!({"kind": "host_name", "pattern": "web*"});
    let linux = json!({"kind": "os_family", "os_family": "linux"});
    let windows = json!({"kind": "os_family", "os_family": "windows"});
    let words = |scope: &Scope| match scope.judge(&facts()) {
        Fit::Meant(by) => format!("meant by {by}"),
        Fit::Excluded(by) => format!("excluded by {by}"),
        Fit::NotMeant => "not meant".to_owned(),
    };
    let both = [windows.clone(), web.clone()];
    assert_eq!(words(&scope(&both, &[])), "meant by host name web*");
    assert_eq!(
        words(&scope(&both, &[windows.clone(), linux])),
        "excluded by Linux"
    );
    assert_eq!(words(&scope(&[windows], &[web])), "not meant");
    assert_eq!(words(&Scope::default()), "not meant");
    assert_eq!(words(&Scope::all()), "meant by all devices");
}

#[test]
fn a_group_is_of_those_that_its_conditions_fit() {
    let web = scope(&[json!({"kind": "host_name", "pattern": "web*"})], &[]);
    let none = scope(&[], &[]);
    let all = Scope::all();
    let groups = [(GroupId(1), &web), (GroupId(2), &none), (GroupId(5), &all)];
    assert_eq!(groups_of(groups, &facts()), [GroupId(1), GroupId(5)]);
    let nested = scope(
        &[json!({"kind": "group", "group": 1})],
        &[json!({"kind": "group", "group": 2})],
    );
    assert_eq!(
        nested.groups().collect::<Vec<_>>(),
        [GroupId(1), GroupId(2)]
    );
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() {
    for (json, words) in [
        (
            json!({"kind": "host_name", "pattern": " "}),
            "the pattern is empty: * fits every name",
        ),
        (
            json!({"kind": "host_name", "pattern": "/(/"}),
            "/(/ is no regular expression",
        ),
        (
            json!({"kind": "host_name", "pattern": "x".repeat(201)}),
            "at most 200 characters",
        ),
        (
            json!({"kind": "host_name", "pattern": "/(\\w{100}){100}/"}),
            "is no regular expression",
        ),
        (
            json!({"kind": "address", "network": "10.1.0.0/33"}),
            "'10.1.0.0/33' is neither an address",
        ),
        (
            json!({"kind": "address", "network": "ten"}),
            "'ten' is neither an address nor a network",
        ),
        (
            json!({"kind": "address", "network": "10.1.2.3/16"}),
            "has more bits than its first 16",
        ),
        (
            json!({"kind": "range", "range": {"from": "10.0.0.2", "to": "10.0.0.1"}}),
            "no addresses from",
        ),
        (
            json!({"kind": "range", "range": {"from": "10.0.0.2", "to": "::1"}}),
            "no addresses from",
        ),
        (
            json!({"kind": "unit", "tree": "x", "path": "a//b"}),
            "'a//b' names no unit",
        ),
        (
            json!({"kind": "colour", "pattern": "blue"}),
            "unknown variant",
        ),
        (
            json!({"kind": "device", "device": 7, "and": 8}),
            "unknown field",
        ),
    ] {
        let error = serde_json::from_value::<Selector>(json.clone())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{json}: {error}");
    }
    let many = vec![Selector::All; MOST_SELECTORS + 1];
    assert_eq!(Scope::new(many, Vec::new()), Err(SelectError::TooMany));
}

#[test]
fn an_address_is_read_as_devices_write_it() {
    for (text, read) in [
        ("10.1.2.3", Some("10.1.2.3")),
        (" ::ffff:10.1.2.3 ", Some("10.1.2.3")),
        ("fe80::1%eth0", Some("fe80::1")),
        ("localhost", None),
        ("", None),
    ] {
        assert_eq!(
            address(text).map(|it| it.to_string()).as_deref(),
            read,
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn a_network_has_exactly_the_addresses_with_its_first_bits(
        first: u32, length in 0_u32..=32, other: u32,
    ) {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let text = format!("{}/{length}", std::net::Ipv4Addr::from(first & mask));
        let network: Network = text.parse().unwrap();
        let has = network.has(std::net::Ipv4Addr::from(other).into());
        prop_assert_eq!(has, other & mask == first & mask);
        prop_assert!(network.has(std::net::Ipv4Addr::from(first).into()));
        prop_assert_eq!(network.to_string().parse::<Network>().unwrap(), network);
    }

    #[test]
    fn no_text_makes_a_pattern_or_a_network_fail_otherwise_than_in_words(text in ".{0,80}", name in ".{0,80}") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            pattern.fits(&name);
        }
        let _ = text.parse::<Network>();
        let _ = address(&text);
    }
}
