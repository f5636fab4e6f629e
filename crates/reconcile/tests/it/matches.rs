//! Which package an application is taken for, on what evidence, and how sure that is.

use fleetmend_model::inventory::Place;
use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_reconcile::{Catalog, CatalogPackage, match_software};

use crate::{msi, package, software, with_pattern, with_product};

use Confidence::{Certain, Strong, Weak};
use Evidence::{ProductCode, SoftwareName, UpgradeCode};

const P1: &str = "{11111111-0000-0000-0000-000000000001}";
const P2: &str = "{11111111-0000-0000-0000-000000000002}";
const U1: &str = "{22222222-0000-0000-0000-000000000001}";
const U2: &str = "{22222222-0000-0000-0000-000000000002}";

#[test]
fn product_code_comes_before_upgrade_code_before_name() {
    let catalog = Catalog::new(vec![
        with_product(package(1, "by-product", "1.0"), P1, "", "1.0"),
        with_product(package(2, "by-upgrade", "1.0"), "", U1, "1.0"),
        with_pattern(package(3, "by-name", "1.0"), "Example App*"),
    ]);
    let cases = [
        (
            msi("Example App", "1.0", P1, U1),
            "by-product",
            ProductCode,
            Certain,
        ),
        (
            msi("Example App", "1.0", P2, U1),
            "by-upgrade",
            UpgradeCode,
            Strong,
        ),
        (
            msi("Example App", "1.0", P2, U2),
            "by-name",
            SoftwareName,
            Strong,
        ),
        (
            msi("x", "1.0", &P1.to_lowercase(), ""),
            "by-product",
            ProductCode,
            Certain,
        ),
    ];
    for (row, name, evidence, confidence) in cases {
        let found = match_software(&catalog, &row).expect("a match");
        assert_eq!(
            (found.package.as_str(), found.evidence, found.confidence),
            (name, evidence, confidence),
            "{row:?}"
        );
        assert!(found.candidates.is_empty());
    }
    assert_eq!(match_software(&catalog, &software("Other", "1.0")), None);
}

#[test]
fn product_codes_of_older_and_unlisted_versions_are_known() {
    let mut old = with_product(package(1, "app", "1.0"), P1, U1, "1.0");
    old.listed = false;
    let catalog = Catalog::new(vec![old, package(2, "app", "2.0")]);
    let found = match_software(&catalog, &msi("anything", "1.0", P1, "")).expect("a match");
    assert_eq!((found.package.as_str(), found.confidence), ("app", Certain));
    assert!(found.why.contains(P1), "{}", found.why);
}

#[test]
fn patterns_fit_as_powershell_has_it_and_the_closest_wins() {
    let catalog = Catalog::new(vec![
        with_pattern(package(1, "7zip.install", "24.9"), "7-zip*"),
        with_pattern(package(2, "firefox", "1.0"), "Mozilla Firefox*"),
        with_pattern(package(3, "firefoxesr", "1.0"), "Mozilla Firefox*ESR*"),
        with_pattern(package(4, "vim", "1.0"), "vim*(gvim)*"),
        with_pattern(package(5, "bitvise", "9.3"), "*SSH Client ? (remove only)"),
        with_pattern(package(6, "git.install", "1.0"), "Git version *"),
        with_pattern(package(7, "exact", "1.0"), "Exact Name"),
        with_pattern(package(9, "quoted", "3.2"), "\"Quoted Tool*\""),
    ]);
    let cases = [
        ("7-Zip 24.09 (x64)", "24.09", Some("7zip.install")),
        ("Mozilla Firefox (x64 en-US)", "1.0", Some("firefox")),
        (
            "Mozilla Firefox 128.0 ESR (x64 de)",
            "128.0",
            Some("firefoxesr"),
        ),
        ("Vim 9.1 (gvim) (x64)", "9.1", Some("vim")),
        ("Bitvise SSH Client 9 (remove only)", "9.1", Some("bitvise")),
        ("Git version 2.45", "2.45", Some("git.install")),
        ("Git", "2.45", Some("git.install")),
        ("GitHub Desktop", "1.0", None),
        ("EXACT NAME", "1.0", Some("exact")),
        ("Quoted Tool 3", "3.1", Some("quoted")),
        ("", "1.0", None),
    ];
    for (name, version, expected) in cases {
        let found = match_software(&catalog, &software(name, version));
        assert_eq!(
            found.as_ref().map(|it| it.package.as_str()),
            expected,
            "{name}"
        );
        if let Some(found) = found {
            assert_eq!(found.confidence, Strong, "{name}: {}", found.why);
        }
    }
}

/// Titled otherwise than its pattern.
fn with_pattern_alone(id: i64, name: &str, pattern: &str) -> CatalogPackage {
    let mut package = package(id, name, "2.0");
    package.software_names.push(pattern.to_owned());
    package
}

#[test]
fn a_pattern_that_names_too_little_says_nothing() {
    for pattern in ["*", "Git*", "D2 *", "***", "?", "DC++*", "*a*"] {
        let catalog = Catalog::new(vec![with_pattern_alone(1, "app", pattern)]);
        for name in ["Git", "GitHub Desktop", "D2 Tool", "DC++ 1", "x", "a"] {
            let found = match_software(&catalog, &software(name, "1.0"));
            assert_eq!(found, None, "{pattern} on {name}");
        }
    }
}

#[test]
fn a_pattern_that_names_something_else_than_its_package_is_weak_and_says_so() {
    let catalog = Catalog::new(vec![with_pattern_alone(1, "app", "Example Tool*")]);
    let found = match_software(&catalog, &software("Example Tool 2.1", "2.1")).expect("a match");
    assert_eq!((found.package.as_str(), found.confidence), ("app", Weak));
    assert!(found.why.contains("something else"), "{}", found.why);
}

#[test]
fn what_is_no_usable_pattern_matches_nothing() {
    let long = "x".repeat(300);
    for pattern in [
        "",
        "  ",
        "$packageName*",
        "[[PackageName]]*",
        "Tool`*",
        &long,
        "*a*b*c*d*e*f*g*h*i*",
    ] {
        let catalog = Catalog::new(vec![with_pattern_alone(1, "app", pattern)]);
        for name in [
            "$packageName",
            "[[PackageName]]",
            "Tool",
            "abcdefghi",
            "",
            &long,
        ] {
            assert_eq!(
                match_software(&catalog, &software(name, "1")),
                None,
                "{pattern} {name}"
            );
        }
    }
}

#[test]
fn one_family_prefers_install_and_several_families_are_ambiguous() {
    let cases: [(&[&str], &str, bool); 5] = [
        (&["app", "app.install"], "app.install", false),
        (&["app", "app.portable"], "app", false),
        (&["app.install", "app.portable"], "app.install", false),
        (&["app-light", "app-still"], "app-light", true),
        (&["app.install", "app-light"], "app.install", true),
    ];
    for (names, first, is_ambiguous) in cases {
        let by_pattern = names
            .iter()
            .zip(1..)
            .map(|(name, id)| with_pattern(package(id, name, "2.0"), "Example*"));
        let by_code = names
            .iter()
            .zip(1..)
            .map(|(name, id)| with_product(package(id, name, "2.0"), P1, U1, "2.0"));
        let rows = [
            software("Example 1", "1.0"),
            msi("Other", "1.0", P1, ""),
            msi("Other", "1.0", "", U1),
        ];
        let catalogs = [
            Catalog::new(by_pattern.collect()),
            Catalog::new(by_code.collect()),
        ];
        for (row, catalog) in rows.iter().zip([&catalogs[0], &catalogs[1], &catalogs[1]]) {
            let found = match_software(catalog, row).expect("a match");
            assert_eq!(found.package, first, "{row:?}");
            assert_eq!(found.confidence == Weak, is_ambiguous, "{row:?}");
            assert_eq!(
                found.candidates.len(),
                if is_ambiguous { names.len() } else { 0 }
            );
            for candidate in &found.candidates {
                assert!(found.why.contains(candidate.as_str()), "{}", found.why);
            }
        }
    }
}

#[test]
fn the_name_decides_between_packages_with_the_same_installer() {
    let catalog = Catalog::new(vec![
        with_pattern(
            with_product(package(1, "kit", "2.0"), "", U1, "2.0"),
            "Example Kit*",
        ),
        with_pattern(
            with_product(package(2, "runtime", "2.0"), "", U1, "2.0"),
            "Example Runtime*",
        ),
        with_pattern(package(3, "unrelated", "2.0"), "Example Runtime Pro*"),
    ]);
    let found = match_software(&catalog, &msi("Example Runtime 8.1", "8.1", "", U1)).unwrap();
    assert_eq!(
        (found.package.as_str(), found.evidence),
        ("runtime", UpgradeCode)
    );
    assert_eq!(found.confidence, Strong);
    let found = match_software(&catalog, &msi("Example", "1", "", U1)).unwrap();
    assert_eq!(found.confidence, Weak);
    assert_eq!(found.candidates, ["kit", "runtime"]);
}

/// Ids with their titles.
type Titled = &'static [(&'static str, &'static str)];

#[test]
fn a_code_that_is_shared_decides_between_no_lines_channels_or_architectures() {
    let coded = |id: i64, name: &str, title: &str| {
        let mut it = with_product(package(id, name, "24.0"), P1, U1, "24.0");
        it.title = title.to_owned();
        it
    };
    let cases: [(Titled, &str, &str, &str); 6] = [
        // One package alone is known to have the code of the product.
        (&[("fox", "Example Fox")], U1, "Example Fox ESR", "-"),
        (&[("fox", "Example Fox")], U1, "Example Fox", "fox"),
        (
            &[("kit-x86", "Example Kit (32-bit)")],
            U1,
            "Example Kit (x64)",
            "-",
        ),
        (&[("kit8", "Example Kit 8")], U1, "Example Kit 9.1", "-"),
        (&[("kit8", "Example Kit 8")], U1, "Another Name 8.1", "kit8"),
        // Both brought the same installer, and the name does not say which it is.
        (
            &[("node", "Example Node"), ("node-lts", "Example Node LTS")],
            P1,
            "Example Node",
            "review",
        ),
    ];
    for (packages, code, name, expected) in cases {
        let packages = packages.iter().zip(1..);
        let catalog = packages
            .map(|((id, title), at)| coded(at, id, title))
            .collect();
        let (product, upgrade) = if code == P1 { (P1, "") } else { ("", U1) };
        let version = name.rsplit(' ').next().unwrap_or_default();
        let row = msi(name, version, product, upgrade);
        let found = match_software(&Catalog::new(catalog), &row);
        let shown = match &found {
            None => "-",
            Some(it) if it.confidence == Weak => "review",
            Some(it) => &it.package,
        };
        assert_eq!(shown, expected, "{name}: {found:?}");
    }
}

#[test]
fn packages_of_the_machines_own_package_manager_are_not_matched() {
    let catalog = Catalog::new(vec![with_pattern(package(1, "curl", "9.0"), "curl*")]);
    let mut row = software("curl", "7.88");
    assert!(match_software(&catalog, &row).is_some());
    row.place = Place::Dpkg;
    assert_eq!(match_software(&catalog, &row), None);
}

#[test]
fn names_beyond_any_real_length_match_nothing() {
    let catalog = Catalog::new(vec![with_pattern(package(1, "app", "9.0"), "Example*")]);
    let name = format!("Example{}", " ".repeat(10_000_000));
    assert_eq!(match_software(&catalog, &software(&name, "1")), None);
}
