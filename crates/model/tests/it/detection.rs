//! Whether a release is on a device.

use fleetmend_model::detection::{Detected, Detection, detect};
use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::recipe::InstallerKind;
use fleetmend_model::release::{Action, AptUpgrade, RunInstaller};
use proptest::prelude::*;

const P1: &str = "{AAAAAAAA-0000-0000-0000-000000000001}";
const P2: &str = "{AAAAAAAA-0000-0000-0000-000000000002}";
const U1: &str = "{BBBBBBBB-0000-0000-0000-000000000001}";
const U2: &str = "{BBBBBBBB-0000-0000-0000-000000000002}";

fn row(name: &str, version: &str, product: Option<&str>, upgrade: Option<&str>) -> Software {
    Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: product.map(str::to_owned),
        upgrade_code: upgrade.map(str::to_owned),
    }
}

fn installer(
    product: Option<&str>,
    upgrade: Option<&str>,
    names: &[&str],
    version: &str,
) -> Action {
    Action::RunInstaller(RunInstaller {
        kind: InstallerKind::Msi,
        files: Vec::new(),
        arguments: String::new(),
        exit_codes: vec![0],
        detection: Detection {
            product_code: product.map(str::to_owned),
            upgrade_code: upgrade.map(str::to_owned),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            display_version: version.to_owned(),
        },
    })
}

fn apt(version: &str) -> Action {
    Action::AptUpgrade(AptUpgrade {
        package: "libc6".to_owned(),
        architecture: "amd64".to_owned(),
        version: version.to_owned(),
    })
}

fn shown(found: Detected) -> String {
    match found {
        Detected::Installed { version } => format!("installed {version}"),
        Detected::Older { version } => format!("older {version}"),
        Detected::Absent => "absent".to_owned(),
    }
}

#[test]
fn an_application_is_found_by_code_or_name_and_compared() {
    let action = installer(Some(P2), Some(U1), &["Example*"], "2.0");
    let cases: &[(&[Software], &str)] = &[
        (&[], "absent"),
        (&[row("Other", "2.0", Some(P1), Some(U2))], "absent"),
        (&[row("Other", "1.0", None, Some(U1))], "older 1.0"),
        (&[row("Other", "2.0", None, Some(U1))], "installed 2.0"),
        (&[row("Other", "3.0", None, Some(U1))], "installed 3.0"),
        (&[row("example app", "1.9", None, None)], "older 1.9"),
        (&[row("Example", "2.0.0", None, None)], "installed 2.0.0"),
        // The product code is the exact version, whatever the version says.
        (&[row("Other", "?", Some(P2), None)], "installed ?"),
        (
            &[row(
                "Other",
                "1",
                Some("{aaaaaaaa-0000-0000-0000-000000000002}"),
                None,
            )],
            "installed 1",
        ),
        // What cannot be compared is not taken for installed.
        (&[row("Example", "", None, None)], "older "),
        (
            &[row("Example", "nightly", None, Some(U1))],
            "older nightly",
        ),
        // One copy that is new enough is enough, in either order.
        (
            &[
                row("Example", "1.0", None, None),
                row("Example", "2.0", None, None),
            ],
            "installed 2.0",
        ),
        (
            &[
                row("Example", "2.0", None, None),
                row("Example", "1.0", None, None),
            ],
            "installed 2.0",
        ),
    ];
    for (software, expected) in cases {
        assert_eq!(shown(detect(&action, software)), *expected, "{software:?}");
    }
}

#[test]
fn a_newer_version_of_other_software_that_fits_the_pattern_proves_nothing() {
    let by_name = installer(None, None, &["Git*"], "2.45.0");
    let by_code = installer(None, Some(U1), &["Git*"], "2.45.0");
    let git = |version| row("Git", version, None, None);
    let desktop = |version| row("GitHub Desktop", version, None, None);
    let cases: &[(&Action, &[Software], &str)] = &[
        (&by_name, &[git("2.30.0"), desktop("3.4.1")], "older 2.30.0"),
        (&by_name, &[desktop("3.4.1"), git("2.30.0")], "older 2.30.0"),
        (
            &by_name,
            &[git("nightly"), desktop("3.4.1")],
            "older nightly",
        ),
        (
            &by_name,
            &[git("2.45.0"), desktop("3.4.1")],
            "installed 2.45.0",
        ),
        // Whether it is a part of the product or not: it is not new enough.
        (&by_name, &[git("2.45.0"), desktop("1.0")], "older 1.0"),
        // One product in two versions, as some keep them side by side.
        (
            &by_name,
            &[
                row("Git 2.30", "2.30.0", None, None),
                row("Git 2.45.0", "2.45.0", None, None),
            ],
            "installed 2.45.0",
        ),
        // A code says which of them is meant.
        (
            &by_code,
            &[row("Git", "2.45.0", None, Some(U1)), desktop("1.0")],
            "installed 2.45.0",
        ),
        (
            &by_code,
            &[row("Git", "2.30.0", None, Some(U1)), desktop("3.4.1")],
            "older 2.30.0",
        ),
    ];
    for (action, software, expected) in cases {
        assert_eq!(shown(detect(action, software)), *expected, "{software:?}");
    }
}

#[test]
fn the_date_of_a_repaired_package_is_no_part_of_the_softwares_version() {
    let by_name = installer(None, None, &["Example*"], "2.7.4.20240131");
    let by_code = installer(None, Some(U1), &["Example*"], "2.7.4.20240131");
    let cases = [
        (&by_name, "2.7.4", "installed 2.7.4"),
        (&by_name, "2.7.4.0", "installed 2.7.4.0"),
        (&by_name, "2.7.3", "older 2.7.3"),
        // The vendor dates its versions, too.
        (&by_name, "2.7.4.20230131", "older 2.7.4.20230131"),
        (&by_name, "2.7.4.20240131", "installed 2.7.4.20240131"),
        // What an MSI says of itself is taken as it is.
        (&by_code, "2.7.4", "older 2.7.4"),
    ];
    for (action, version, expected) in cases {
        let software = row("Example", version, None, None);
        assert_eq!(shown(detect(action, &[software])), expected);
    }
}

#[test]
fn a_rule_without_codes_does_not_match_rows_without_codes() {
    let action = installer(None, None, &[], "2.0");
    assert_eq!(
        detect(&action, &[row("Example", "2.0", None, None)]),
        Detected::Absent
    );
}

#[test]
fn windows_rules_do_not_look_at_linux_packages() {
    let action = installer(None, None, &["libc6*"], "2.0");
    let package = Software {
        place: Place::Dpkg,
        ..row("libc6", "3.0", None, None)
    };
    assert_eq!(detect(&action, &[package]), Detected::Absent);
}

#[test]
fn a_linux_package_is_found_by_name_and_architecture_and_compared_as_debian_does() {
    let dpkg = |key: &str, version: &str| Software {
        place: Place::Dpkg,
        key: key.to_owned(),
        ..row("libc6", version, None, None)
    };
    let cases: &[(&[Software], &str)] = &[
        (&[], "absent"),
        (&[dpkg("libc6:i386", "2.36-9")], "absent"),
        (&[dpkg("libc6", "2.36-9")], "absent"),
        (&[row("libc6:amd64", "2.36-9", None, None)], "absent"),
        (
            &[dpkg("libc6:amd64", "2.36-9~deb12u1")],
            "older 2.36-9~deb12u1",
        ),
        (&[dpkg("libc6:amd64", "2.36-9")], "installed 2.36-9"),
        (&[dpkg("libc6:amd64", "1:1.0")], "installed 1:1.0"),
    ];
    for (software, expected) in cases {
        assert_eq!(
            shown(detect(&apt("2.36-9"), software)),
            *expected,
            "{software:?}"
        );
    }
}

proptest! {
    #[test]
    fn detection_takes_any_text_and_does_not_depend_on_the_order(
        names in prop::collection::vec(("\\PC{0,6}|Example", "[0-4](\\.[0-4])?|\\PC{0,4}"), 0..6),
        pattern in "\\PC{0,5}\\*?|Example\\*",
        wanted in "[0-4](\\.[0-4])?|\\PC{0,4}",
    ) {
        let action = installer(None, None, &[&pattern], &wanted);
        let mut software: Vec<_> =
            names.iter().map(|(name, version)| row(name, version, None, None)).collect();
        let kind = |found| std::mem::discriminant(&found);
        let found = kind(detect(&action, &software));
        software.reverse();
        prop_assert_eq!(found, kind(detect(&action, &software)));
    }
}
