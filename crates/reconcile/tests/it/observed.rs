//! What devices teach about a package's versions.

use fleetmend_reconcile::observed::{self, Installed, Observation};
use fleetmend_reconcile::{Answer, Catalog, CatalogPackage, Observed, answer};
use proptest::prelude::*;

use crate::{package, record, software, with_pattern, with_product};

fn current(package: &str) -> Answer {
    Answer::Current {
        package: package.to_owned(),
        why: String::new(),
    }
}

/// `package registered, …` beside `record version, …` and what was deployed the same way.
fn sighted(installed: &str, records: &str, deployed: &str) -> Vec<String> {
    let parse = |text: &str| -> Vec<(String, String)> {
        let pairs = text.split(',').filter_map(|it| it.trim().split_once(' '));
        pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    };
    let (installed, records) = (parse(installed), parse(records));
    let answers: Vec<Answer> = installed.iter().map(|it| current(&it.0)).collect();
    let rows = installed.iter().zip(&answers).zip(0..);
    let rows = rows.map(|((it, answer), id)| Installed {
        id,
        answer,
        registered: &it.1,
    });
    let records: Vec<_> = records.iter().map(|it| record(&it.0, &it.1)).collect();
    let deployed = parse(deployed);
    let deployed = deployed.iter().map(|it| (it.0.as_str(), it.1.as_str()));
    let found = observed::sightings(rows, &records, deployed);
    found
        .into_iter()
        .map(|it| format!("{} {} {}", it.package, it.version, it.id))
        .collect()
}

#[test]
fn an_application_is_seen_beside_the_version_that_is_known_of_its_package() {
    for (installed, records, deployed, expected) in [
        ("tool 1.0.7", "tool 1.0", "", &["tool 1.0 0"][..]),
        // A package and what it pulls in are one.
        (
            "7zip.install 24.09",
            "7zip 24.9.0",
            "",
            &["7zip.install 24.9.0 0"],
        ),
        ("tool 1.0.7", "TOOL 1.0", "", &["tool 1.0 0"]),
        // Chocolatey does not know what was deployed since.
        ("tool 2.0.9", "tool 1.0", "tool 2.0", &["tool 2.0 0"]),
        ("tool 2.0.9", "tool 2.0", "tool 1.0", &["tool 2.0 0"]),
        ("tool 2.0.9", "", "tool 1.0, tool 2.0", &["tool 2.0 0"]),
        ("tool 1.0.7", "other 1.0", "", &[]),
        ("tool 1.0.7", "", "", &[]),
        // The same for two architectures; two versions beside each other.
        ("tool 1.0.7, tool 1.0.7", "tool 1.0", "", &["tool 1.0 0"]),
        ("tool 1.0.7, tool 2.0.9", "tool 1.0", "", &[]),
        ("tool.portable 3", "tool 1.0", "", &[]),
    ] {
        let found = sighted(installed, records, deployed);
        assert_eq!(found, expected, "{installed} | {records} | {deployed}");
    }
}

/// `version registered devices, …`
fn certain(text: &str) -> String {
    let one = |it: &str| {
        let cells: Vec<&str> = it.split_whitespace().collect();
        Observation {
            package: "tool".to_owned(),
            version: cells[0].to_owned(),
            name: "Tool".to_owned(),
            registered: cells[1].to_owned(),
            devices: cells[2].parse().unwrap(),
        }
    };
    let found = observed::certain(text.split(',').map(one).collect());
    let shown = |it: Observation| format!("{} {}", it.version, it.registered);
    found.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_several_devices_agree_on_is_certain() {
    for (seen, expected) in [
        ("3.11.7 3.11.7150.0 2", "3.11.7 3.11.7150.0"),
        // One device may have been updated by its user.
        ("3.11.7 3.11.9150.0 1", ""),
        // Written alike: the same needs a second device as well, another one was updated since.
        ("1.2.0 1.2 2", "1.2.0 1.2"),
        ("1.2.0 1.2 1", ""),
        ("1.2.0 1.3 50", ""),
        // Devices that were updated since, among many that were not.
        (
            "3.11.7 3.11.7150.0 9, 3.11.7 3.11.9150.0 2",
            "3.11.7 3.11.7150.0",
        ),
        // Many that were, and nobody knows which.
        ("3.11.7 3.11.7150.0 5, 3.11.7 3.11.9150.0 3", ""),
        // What updates itself stands beside every version that was ever recorded.
        ("2024.1 251.5 2, 2024.2 251.5 2, 2024.3 251.5 2", ""),
        // Devices that register the version as it is count against those that do not, and the
        // other way round.
        ("3.11.7 9.9.9.9 2, 3.11.7 3.11.7 100", "3.11.7 3.11.7"),
        (
            "3.11.7 3.11.7150.0 100, 3.11.7 3.11.7 2",
            "3.11.7 3.11.7150.0",
        ),
        // A few with a version that nobody else has, among many with the package.
        (
            "3.11.9 3.11.9150.0 10000, 3.11.7 3.11.7 2, 3.11.8 9.9.9.9 2",
            "3.11.9 3.11.9150.0",
        ),
    ] {
        assert_eq!(certain(seen), expected, "{seen}");
    }
}

/// Versions that are offered or were, and what devices say of them: `name|version|registered|devices`.
fn taught(versions: Vec<CatalogPackage>, seen: &[&str]) -> Catalog {
    let name = versions[0].name.clone();
    let observation = |it: &&str| {
        let cells: Vec<&str> = it.split('|').collect();
        Observation {
            package: name.clone(),
            name: cells[0].to_owned(),
            version: cells[1].to_owned(),
            registered: cells[2].to_owned(),
            devices: cells[3].parse().unwrap(),
        }
    };
    let mut versions = versions;
    for it in observed::certain(seen.iter().map(observation).collect()) {
        let observed = Observed {
            name: it.name,
            version: it.registered,
        };
        let known = versions.iter_mut().find(|of| of.version == it.version);
        match known {
            Some(known) => known.observed.push(observed),
            None => versions.push(CatalogPackage {
                version: it.version,
                listed: false,
                observed: vec![observed],
                programs: Vec::new(),
                products: Vec::new(),
                ..versions[0].clone()
            }),
        }
    }
    Catalog::new(versions)
}

#[test]
fn what_few_devices_say_does_not_displace_what_programs_explain() {
    let versions = || {
        let with = |version: &str, says: &str| CatalogPackage {
            programs: vec![says.to_owned()],
            listed: version == "3.11.9",
            ..python(version)
        };
        vec![with("3.11.9", "3.11.9150.0"), with("3.11.7", "3.11.7150.0")]
    };
    for forged in [
        &[][..],
        &["Python 3|3.11.7|3.11.7|1"],
        &["Python 3|3.11.7|3.11.7|2"],
        &["Python 3|3.11.5|3.11.5|2"],
    ] {
        let found = told(&taught(versions(), forged), "3.11.7150.0");
        assert!(
            matches!(found, Answer::Missing { .. }),
            "{forged:?}: {found:?}"
        );
    }
}

#[test]
fn what_devices_say_does_not_overturn_what_installers_register() {
    let versions = || {
        let with = |version: &str, registers: &str| CatalogPackage {
            listed: version == "1.4.0",
            ..with_product(
                with_pattern(package(1, "tool", version), "Some Tool*"),
                "",
                "",
                registers,
            )
        };
        let offer = with_pattern(package(2, "tool", "1.5.0"), "Some Tool*");
        vec![offer, with("1.2.0", "1.2.0.77"), with("1.3.0", "1.3.0.91")]
    };
    for forged in [
        &[][..],
        &["Some Tool|1.4.0|7777.1.1.1|1"],
        &["Some Tool|1.4.0|7777.1.1.1|5"],
        &["Some Tool|1.1.0|1.9.0.3|5", "Some Tool|1.4.0|7777.1|5"],
    ] {
        let catalog = taught(versions(), forged);
        let found = answer(&catalog, &software("Some Tool", "1.4.0.80"));
        assert!(
            matches!(found, Answer::Missing { .. }),
            "{forged:?}: {found:?}"
        );
        let found = answer(&catalog, &software("Some Tool", "1.5.0.99"));
        assert!(
            matches!(found, Answer::Current { .. }),
            "{forged:?}: {found:?}"
        );
    }
}

#[test]
fn the_version_in_a_name_counts_where_several_devices_have_it() {
    let versions = || {
        vec![with_pattern(
            package(1, "firefox", "124.0.1"),
            "Mozilla Firefox*",
        )]
    };
    for forged in [
        &[][..],
        &["Mozilla Firefox 2.5.1|122.5.1|122.5.1|1"],
        &[
            "Mozilla Firefox 2.5.1|122.5.1|122.5.1|1",
            "Mozilla Firefox 122.5.1|122.5.1|122.5.1|9",
        ],
        &[
            "Mozilla Firefox 2.5.1|122.5.1|122.5.1|2",
            "Mozilla Firefox 123.0.1|123.0.1|123.0.1|1000",
        ],
    ] {
        let catalog = taught(versions(), forged);
        let found = answer(&catalog, &software("Mozilla Firefox 123.0.1", "123.0.1"));
        assert!(
            matches!(found, Answer::Missing { .. }),
            "{forged:?}: {found:?}"
        );
    }
}

fn python(version: &str) -> CatalogPackage {
    with_pattern(package(1, "python3", version), "Python 3*")
}

fn told(catalog: &Catalog, registered: &str) -> Answer {
    // Its name says no version.
    answer(catalog, &software("Python 3", registered))
}

#[test]
fn an_older_version_teaches_how_the_newest_is_registered() {
    let seen = |version: &str, registered: &str| CatalogPackage {
        listed: false,
        observed: vec![Observed {
            name: "Python 3".to_owned(),
            version: registered.to_owned(),
        }],
        ..python(version)
    };
    let alone = Catalog::new(vec![python("3.11.9")]);
    assert!(matches!(
        told(&alone, "3.11.9150.0"),
        Answer::CannotTell { .. }
    ));
    let taught = Catalog::new(vec![
        python("3.11.9"),
        seen("3.11.7", "3.11.7150.0"),
        seen("3.11.8", "3.11.8150.0"),
    ]);
    assert!(taught.has_seen("python3", "3.11.7150.0", "3.11.7"));
    assert!(!taught.has_seen("python3", "3.11.7150.0", "3.11.8"));
    assert!(matches!(
        told(&taught, "3.11.9150.0"),
        Answer::Current { .. }
    ));
    assert!(matches!(
        told(&taught, "3.11.7150.0"),
        Answer::Missing { .. }
    ));
}

#[test]
fn what_a_program_says_of_itself_counts_where_it_explains_what_is_not_understood() {
    let with = |says: &str| {
        let programs = says.split(',').map(str::to_owned).collect();
        Catalog::new(vec![CatalogPackage {
            programs,
            ..python("3.11.7")
        }])
    };
    let is_current = |says: &str, registered: &str| {
        matches!(told(&with(says), registered), Answer::Current { .. })
    };
    let is_open = |says: &str, registered: &str| {
        matches!(told(&with(says), registered), Answer::CannotTell { .. })
    };
    assert!(is_current("3.11.7150.0", "3.11.7150.0"));
    assert!(is_open("3.11.7150.0", "3.11.9150.0"));
    assert!(is_open("", "3.11.7150.0"));
    // An installer's own version, and one that was never kept up.
    for says in [
        "3.11.0.0",
        "3.0.0.0",
        "1.0.0.0",
        "51.1052.0.0",
        "no version",
        "3.11",
    ] {
        let told = told(&with(says), says);
        let is_taken = matches!(told, Answer::Current { .. }) && says != "3.11";
        assert!(!is_taken, "{says}: {told:?}");
        assert!(is_current(says, "3.11.7"), "{says}");
    }
    // Programs do not count where something is certain.
    let certain = Catalog::new(vec![CatalogPackage {
        programs: vec!["3.11.8888".to_owned()],
        observed: vec![Observed {
            name: "Python 3".to_owned(),
            version: "3.11.7150.0".to_owned(),
        }],
        ..python("3.11.7")
    }]);
    assert!(!matches!(
        told(&certain, "3.11.8888"),
        Answer::Current { .. }
    ));
}

proptest! {
    #[test]
    fn what_is_certain_does_not_depend_on_the_order(
        rows in proptest::collection::vec((0..3_u32, 0..3_u32, 1..5_u32), 0..8),
        seed in any::<u64>(),
    ) {
        let observation = |(version, registered, devices): (u32, u32, u32)| Observation {
            package: "tool".to_owned(),
            version: format!("3.11.{version}"),
            name: "Tool".to_owned(),
            registered: format!("3.11.{registered}150.0"),
            devices,
        };
        let all: Vec<Observation> = rows.into_iter().map(observation).collect();
        let mut shuffled = all.clone();
        shuffled.rotate_left(seed as usize % all.len().max(1));
        let sorted = |all: Vec<Observation>| {
            let mut found: Vec<String> =
                observed::certain(all).iter().map(|it| format!("{it:?}")).collect();
            found.sort();
            found
        };
        prop_assert_eq!(sorted(all), sorted(shuffled));
    }
}
