//! Missing, current, newer or cannot tell, for one installed application.

use fleetmend_model::PackageId;
use fleetmend_reconcile::{Answer, Catalog, CatalogPackage, State, answer};

use crate::{msi, package, software, with_pattern, with_product};

const P1: &str = "{11111111-0000-0000-0000-000000000001}";
const P2: &str = "{11111111-0000-0000-0000-000000000002}";
const U1: &str = "{22222222-0000-0000-0000-000000000001}";

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Missing { .. } => "missing",
        Answer::Current { .. } => "current",
        Answer::Newer { .. } => "newer",
        Answer::CannotTell { .. } => "cannot tell",
        Answer::Unmatched | Answer::Denied { .. } => "unmatched",
        Answer::Review { .. } => "review",
        Answer::Pinned { .. } => "pinned",
        Answer::Excluded { .. } => "excluded",
    }
}

#[test]
fn the_registered_version_is_compared_with_the_package_version() {
    let cases = [
        ("1.0", "2.0", "missing"),
        ("24.08", "24.9.0", "missing"),
        ("24.09", "24.9.0", "current"),
        ("v2.0.0", "2.0", "current"),
        ("2.7.4.0960", "2.7.4", "current"),
        ("1.77", "1.77.20160812", "current"),
        ("243.25659.43", "2024.3.4", "cannot tell"),
        ("1.8.3321.9", "8.0.332", "cannot tell"),
        ("3.0", "2.0", "newer"),
        ("", "2.0", "cannot tell"),
        ("8u401", "2.0", "cannot tell"),
        ("2.7.4", "2.7.4.20240131", "current"),
        ("2.7.4", "2.7.4.2024013102", "current"),
        ("2.7.3", "2.7.4.20240131", "missing"),
        ("2.7.4.20240101", "2.7.4.20240131", "missing"),
        ("2.7.4.1", "2.7.4.2", "missing"),
        // No date, but a build number, which the application does not register.
        ("2.7.4", "2.7.4.20241331", "current"),
        ("2.7.3", "2.7.4.20241331", "missing"),
    ];
    for (installed, offered, expected) in cases {
        let catalog = Catalog::new(vec![with_pattern(package(7, "app", offered), "Example*")]);
        let found = answer(&catalog, &software("Example", installed));
        assert_eq!(
            kind(&found),
            expected,
            "{installed} against {offered}: {found:?}"
        );
    }
}

#[test]
fn a_missing_version_says_everything_that_a_person_asks() {
    let catalog = Catalog::new(vec![with_pattern(
        package(7, "App.Install", "2.0.1"),
        "Example*",
    )]);
    let Answer::Missing {
        package,
        offered,
        installed,
        available,
        why,
        ..
    } = answer(&catalog, &software("Example 1.5", "1.5"))
    else {
        panic!("not missing");
    };
    assert_eq!(
        (
            package.as_str(),
            offered,
            installed.as_str(),
            available.as_str()
        ),
        ("app.install", PackageId(7), "1.5", "2.0.1")
    );
    assert_eq!(
        why,
        "its name 'Example 1.5' fits the package's own pattern 'Example*'; \
         its version 1.5 is older than what is on offer: the package's version is 2.0.1"
    );
}

#[test]
fn what_the_installer_on_offer_registers_comes_before_the_package_version() {
    // Package 2024.3.2 whose MSI registers 243.25.
    let offer = with_product(package(2, "ide", "2024.3.2"), P2, U1, "243.25");
    let catalog = Catalog::new(vec![with_pattern(offer, "Example IDE*")]);
    let cases = [
        ("243.24", "missing"),
        ("243.25", "current"),
        ("243.26", "newer"),
    ];
    for (installed, expected) in cases {
        for row in [
            msi("Example IDE", installed, "", U1),
            software("Example IDE", installed),
        ] {
            assert_eq!(kind(&answer(&catalog, &row)), expected, "{row:?}");
        }
    }
}

#[test]
fn of_several_products_the_one_with_the_same_upgrade_code_is_compared() {
    let offer = with_product(package(1, "suite", "5.0"), "", U1, "50.0");
    let offer = with_product(offer, "", "{other}", "7.0");
    let catalog = Catalog::new(vec![with_pattern(offer, "Example*")]);
    assert_eq!(
        kind(&answer(&catalog, &msi("Example", "49.0", "", U1))),
        "missing"
    );
    assert_eq!(
        kind(&answer(&catalog, &msi("Example", "7.0", "", "{other}"))),
        "current"
    );
    assert_eq!(
        kind(&answer(&catalog, &software("Example", "5.0"))),
        "current"
    );
}

#[test]
fn a_product_code_names_the_package_version_exactly() {
    let catalog = || -> Vec<CatalogPackage> {
        vec![
            with_product(package(1, "app", "1.0"), P1, U1, "10.0.1"),
            with_product(package(2, "app", "2.0"), P2, U1, "20.0.1"),
        ]
    };
    let cases = [
        (msi("x", "10.0.1", P1, ""), "missing"),
        (msi("x", "nonsense", P1, ""), "missing"),
        (msi("x", "20.0.1", P2, ""), "current"),
        (msi("x", "nonsense", P2, ""), "current"),
        // Raised in place by a Windows Installer patch.
        (msi("x", "10.0.2", P1, ""), "missing"),
        (msi("x", "20.0.1", P1, ""), "current"),
        (msi("x", "20.0.2", P1, ""), "newer"),
        (msi("x", "20.0.2", P2, ""), "current"),
    ];
    for (row, expected) in cases {
        assert_eq!(
            kind(&answer(&Catalog::new(catalog()), &row)),
            expected,
            "{row:?}"
        );
    }
    let mut withdrawn = catalog();
    withdrawn[1].listed = false;
    let found = answer(&Catalog::new(withdrawn), &msi("x", "20.0.1", P2, ""));
    assert_eq!(kind(&found), "newer");
    // The same installer in a repaired package is no newer software.
    let mut repaired = catalog();
    repaired.push(package(3, "app", "2.0.0.20240131"));
    let found = answer(&Catalog::new(repaired), &msi("x", "20.0.1", P2, ""));
    assert_eq!(kind(&found), "current");
}

#[test]
fn only_the_latest_listed_release_is_offered() {
    let unlisted = CatalogPackage {
        listed: false,
        ..package(4, "app", "4.0")
    };
    let catalog = Catalog::new(vec![
        with_pattern(package(1, "app", "1.9"), "Example*"),
        with_pattern(package(2, "APP", "1.10"), "Example*"),
        with_pattern(package(3, "app", "3.0-beta"), "Example*"),
        with_pattern(unlisted, "Example*"),
        package(5, "app", "not a version"),
    ]);
    assert_eq!(catalog.offered("App"), Some(PackageId(2)));
    assert_eq!(catalog.len(), 1);
    assert_eq!(
        catalog.unreadable(),
        [(PackageId(5), "not a version".to_owned())]
    );
    let found = answer(&catalog, &software("Example", "1.9"));
    assert!(
        matches!(&found, Answer::Missing { available, .. } if available == "1.10"),
        "{found:?}"
    );
}

#[test]
fn a_package_without_a_listed_release_cannot_be_told() {
    let catalog = Catalog::new(vec![with_pattern(package(1, "app", "1.0-rc1"), "Example*")]);
    assert_eq!(catalog.offered("app"), None);
    let found = answer(&catalog, &software("Example", "0.9"));
    assert_eq!(kind(&found), "cannot tell");
    assert_eq!(found.package(), Some("app"));
}

#[test]
fn weak_matches_are_for_review_and_never_missing() {
    let catalog = Catalog::new(vec![with_pattern(package(1, "example", "9.0"), "Example*")]);
    let found = answer(&catalog, &software("Example Pro", "1.0"));
    assert!(
        matches!(&found, Answer::Review { candidates, .. } if candidates == &["example"]),
        "{found:?}"
    );
    assert_eq!(
        answer(&catalog, &software("Other", "1.0")),
        Answer::Unmatched
    );
}

#[test]
fn an_older_line_that_stands_beside_what_is_on_offer_is_not_missing_it() {
    let mut python = package(1, "python3", "3.14.7");
    python.title = "Python 3.x".to_owned();
    python.dependencies.push("python314".to_owned());
    let mut mysql = package(2, "mysql", "9.7.2");
    mysql.title = "MySQL Server".to_owned();
    let mut editor = package(3, "editor", "9.1.2");
    editor.title = "Example Editor".to_owned();
    let upgraded = "{33333333-0000-0000-0000-000000000001}";
    let suite = with_product(
        with_pattern(package(4, "suite", "9.1.2"), "Example Suite*"),
        "",
        upgraded,
        "9.1.2",
    );
    let catalog = Catalog::new(vec![python, mysql, editor, suite]);
    for (name, version, upgrade_code, expected) in [
        ("Python 3.9.13 (64-bit)", "3.9.13", "", State::CannotTell),
        ("Python 3.14.2 (64-bit)", "3.14.2", "", State::Missing),
        ("MySQL Server 5.7", "5.7.34", "", State::CannotTell),
        ("MySQL Server 9.6", "9.6.1", "", State::Missing),
        // A whole version in the name says nothing of lines.
        ("Example Editor 8.2.1", "8.2.1", "", State::Missing),
        ("Example Editor", "8.2.1", "", State::Missing),
        // Windows Installer upgrades it.
        ("Example Suite 8", "8.2.1", upgraded, State::Missing),
        ("Example Suite 8", "8.2.1", "", State::CannotTell),
    ] {
        let found = answer(&catalog, &msi(name, version, "", upgrade_code));
        assert_eq!(found.state(), expected, "{name}: {}", found.why());
    }
}
