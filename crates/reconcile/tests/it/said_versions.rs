//! What administrators say of registered versions: a package's relation is learnt from it.

use std::collections::BTreeMap;

use fleetmend_model::DeviceId;
use fleetmend_reconcile::{
    Answer, Catalog, CatalogPackage, Decision, Fleet, Observed, Override, Overrides, State, answer,
    answer_under,
};
use proptest::prelude::*;

use crate::{package, software, with_pattern, with_product};

/// What is known of a package's versions beside what administrators say.
#[derive(Debug, Clone, Copy)]
enum Known {
    Nothing,
    /// `registered=version`, of devices.
    Devices(&'static str),
    /// The same, of installers.
    Installers(&'static str),
    /// What a program that installs the version on offer says.
    Program(&'static str),
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|it| it.trim().split_once('='))
}

/// A runtime with this version on offer.
fn runtime(offered: &str, known: Known) -> Vec<CatalogPackage> {
    let version = |text: &str| with_pattern(package(1, "runtime", text), "Runtime");
    let mut versions = vec![version(offered)];
    let (Known::Devices(text) | Known::Installers(text)) = known else {
        if let Known::Program(says) = known {
            versions[0].programs.push(says.to_owned());
        }
        return versions;
    };
    for (registered, of) in pairs(text) {
        let mut older = CatalogPackage {
            listed: false,
            ..version(of)
        };
        if matches!(known, Known::Devices(_)) {
            older.observed.push(Observed {
                name: String::new(),
                version: registered.to_owned(),
            });
        } else {
            older = with_product(older, "", "", registered);
        }
        versions.push(older);
    }
    versions
}

/// `registered=version`, said of a package in this order.
fn said_of(package: &str, text: &str) -> Overrides {
    let one = |((registered, version), id): ((&str, &str), i64)| Override {
        id,
        name: String::new(),
        publisher: String::new(),
        decision: Decision::Version {
            package: package.to_owned(),
            registered: registered.to_owned(),
            version: version.to_owned(),
        },
        reason: "seen on the machine".to_owned(),
        by: "ada".to_owned(),
    };
    Overrides::new(pairs(text).zip(1..).map(one).collect())
}

fn said(text: &str) -> Overrides {
    said_of("runtime", text)
}

fn told(offered: &str, known: Known, text: &str, registered: &str) -> Answer {
    let catalog = Catalog::new(runtime(offered, known)).with_overrides(said(text));
    answer(&catalog, &software("Runtime", registered))
}

use Known::{Devices, Installers, Nothing, Program};
use State::{CannotTell, Missing};

/// What is on offer, what is known, what is said, what a device registers, and its answer.
type Row = (
    &'static str,
    Known,
    &'static str,
    &'static str,
    &'static str,
);

fn check(rows: &[Row]) {
    for (offered, known, said, registered, expected) in rows {
        let found = told(offered, *known, said, registered);
        assert_eq!(
            (found.package(), found.state().key()),
            (Some("runtime"), *expected),
            "{offered} {known:?} {said} {registered}: {found:?}"
        );
    }
}

#[test]
fn what_is_said_of_a_registered_version_tells_it_and_the_form_of_others() {
    check(&[
        ("3.11.8", Nothing, "", "3.11.7150.0", "cannot_tell"),
        // One that is said is that version, and no other form is guessed from it alone.
        (
            "3.11.8",
            Nothing,
            "3.11.7150.0=3.11.7",
            "3.11.7150.0",
            "missing",
        ),
        (
            "3.11.7",
            Nothing,
            "3.11.7150.0=3.11.7",
            "3.11.7150.0",
            "current",
        ),
        (
            "3.11.6",
            Nothing,
            "3.11.7150.0=3.11.7",
            "3.11.7150.0",
            "newer",
        ),
        (
            "3.11.8",
            Nothing,
            "3.11.7150.0=3.11.7",
            "3.11.8150.0",
            "cannot_tell",
        ),
        // Two tell the form, as do one that is said and one that devices tell, or installers.
        (
            "3.11.9",
            Nothing,
            "3.11.7150.0=3.11.7, 3.11.8150.0=3.11.8",
            "3.11.9150.0",
            "current",
        ),
        (
            "3.11.9",
            Devices("3.11.7150.0=3.11.7"),
            "3.11.8150.0=3.11.8",
            "3.11.9150.0",
            "current",
        ),
        (
            "3.11.9",
            Installers("3.11.7150.0=3.11.7"),
            "3.11.8150.0=3.11.8",
            "3.11.6150.0",
            "missing",
        ),
        (
            "3.11.9",
            Devices("3.11.7150.0=3.11.7"),
            "",
            "3.11.9150.0",
            "cannot_tell",
        ),
        // It leaves out what the package's has: a device may register so for others, a person knows.
        (
            "2.9.6.45",
            Devices("2.9.6=2.9.6.45"),
            "",
            "2.9.6",
            "cannot_tell",
        ),
        ("2.9.6.45", Nothing, "2.9.6=2.9.6.45", "2.9.6", "current"),
        ("2.9.6.52", Nothing, "2.9.6=2.9.6.45", "2.9.6", "missing"),
        // But not where it is known to be another one as well.
        (
            "2.9.6.52",
            Devices("2.9.6=2.9.6.52"),
            "2.9.6=2.9.6.45",
            "2.9.6",
            "cannot_tell",
        ),
    ]);
}

#[test]
fn what_no_rule_explains_takes_nothing_from_what_is_known_of_others() {
    check(&[
        ("2.0.5", Nothing, "7150=2.0.4", "7150", "missing"),
        ("2.0.5", Nothing, "7150=2.0.4", "2.0.5", "current"),
        (
            "2.0.5",
            Devices("2.0.3=2.0.3"),
            "7150.1=2.0.4",
            "2.0.4",
            "missing",
        ),
        // Unless it shows that the same shape is not the same.
        ("2.5.0", Nothing, "17.5.33=2.4.0", "17.5.40", "cannot_tell"),
        // A program's own version still counts where it goes with what is said, and only there.
        (
            "3.11.8",
            Program("3.11.8150.0"),
            "3.11.8150.0=3.11.8",
            "3.11.8150.0",
            "current",
        ),
        (
            "3.11.8",
            Program("3.11.8150.0"),
            "3.11.8150.0=3.11.7",
            "3.11.8150.0",
            "missing",
        ),
        // The later counts before the earlier.
        (
            "3.11.8",
            Nothing,
            "3.11.7150=3.11.8, 3.11.7150=3.11.7",
            "3.11.7150",
            "missing",
        ),
    ]);
}

#[test]
fn an_answer_by_what_was_said_says_who_said_it_and_why() {
    let found = told("3.11.8", Nothing, "3.11.7150.0=3.11.7", " 3.11.7150.0");
    let says = "ada said that what registers 3.11.7150.0 is version 3.11.7: seen on the machine";
    assert!(found.why().ends_with(says), "{}", found.why());
}

#[test]
fn what_cannot_be_or_goes_against_what_is_certain_is_refused_in_words() {
    const TAUGHT: Known = Devices("3.11.6150.0=3.11.6, 3.11.7150.0=3.11.7");
    for (known, already, registered, version, expected) in [
        (Nothing, "", "3.11.7150.0", "3.11.7", None),
        (TAUGHT, "", "3.11.7150.0", "3.11.7", None),
        (TAUGHT, "", "3.11.8150.0", "3.11.8", None),
        // What is only taken for the same without anything learnt may be otherwise.
        (Nothing, "", "3.11.6", "3.11.7", None),
        (
            Nothing,
            "",
            "3.11.9150.0",
            "3.11.9",
            Some("the package has no version 3.11.9: its newest is 3.11.8"),
        ),
        (
            Nothing,
            "",
            "3.11.7150.0",
            "3.11.7-rc1",
            Some("'3.11.7-rc1' is no version of a release"),
        ),
        (
            Nothing,
            "",
            "3.11.7150.0",
            "latest",
            Some("'latest' is no version of a release"),
        ),
        (
            Nothing,
            "",
            "3.11.7150.0",
            "",
            Some("'' is no version of a release"),
        ),
        (
            Nothing,
            "",
            "unknown",
            "3.11.7",
            Some("'unknown' is no plain row of numbers: nothing is learnt from it"),
        ),
        (
            Nothing,
            "",
            "3.11.7 beta",
            "3.11.7",
            Some("'3.11.7 beta' is no plain row of numbers: nothing is learnt from it"),
        ),
        (
            TAUGHT,
            "",
            "3.11.7150.0",
            "3.11.8",
            Some(
                "its version 3.11.7150.0 is known to be the package's 3.11.7, and that is lower than 3.11.8",
            ),
        ),
        (
            TAUGHT,
            "",
            "3.11.8150.0",
            "3.11.7",
            Some(
                "its version 3.11.8150.0 has a number of the package's packed with others, and that is higher than 3.11.7",
            ),
        ),
        (
            Installers("1.2=1.2.0, 1.3=1.3.0"),
            "",
            "1.4",
            "1.5.0",
            Some("its version 1.4 is the package's, and that is lower than 1.5.0"),
        ),
        (
            Nothing,
            "3.11.7150=3.11.7",
            "3.11.7150",
            "3.11.6",
            Some(
                "its version 3.11.7150 is known to be the package's 3.11.7, and that is higher than 3.11.6",
            ),
        ),
    ] {
        let catalog = Catalog::new(runtime("3.11.8", known)).with_overrides(said(already));
        let found = catalog.fault_of_version("Runtime", registered, version);
        assert_eq!(
            found.as_deref(),
            expected,
            "{known:?} {already} {registered} {version}"
        );
    }
    let catalog = Catalog::new(runtime("3.11.8", Nothing));
    let found = catalog.fault_of_version("gone", "3.11.7150", "3.11.7");
    assert_eq!(found.unwrap(), "the catalog has no package 'gone'");
}

fn fleet() -> Fleet {
    let mut packages = BTreeMap::new();
    packages.insert("runtime".to_owned(), runtime("3.11.8", Nothing));
    packages.insert(
        "other".to_owned(),
        vec![with_pattern(package(9, "other", "3.11.8"), "Other")],
    );
    let mut fleet = Fleet::new(packages, Overrides::default());
    fleet.learn(1, &software("Runtime", "3.11.7150.0"));
    fleet.learn(2, &software("Runtime", "3.11.8150.0"));
    fleet.learn(3, &software("Other", "3.11.7150.0"));
    fleet.learn(4, &software("Runtime", "3.11.6150.0"));
    for (device, has) in [(1, vec![1, 3]), (2, vec![1]), (3, vec![2])] {
        fleet.put(DeviceId(device), &has, &[]);
    }
    fleet
}

#[test]
fn what_is_said_of_a_version_is_previewed_made_and_taken_back_for_its_package_alone() {
    let mut fleet = fleet();
    let state = |fleet: &Fleet, id| fleet.answer(id).unwrap().state();
    let after = said("3.11.7150.0=3.11.7");
    let it = after.iter().next().unwrap().clone();
    let found = fleet.compare(&it, &Overrides::default(), &after);
    assert_eq!(
        (found.applications, found.answers.len(), found.devices),
        (2, 1, 2)
    );
    let turns: Vec<_> = found.turns.iter().map(|it| (it.before, it.after)).collect();
    assert_eq!(turns, [(State::CannotTell, State::Missing)]);
    let more: Vec<_> = found
        .more
        .iter()
        .map(|it| (it.package.as_str(), it.devices))
        .collect();
    assert_eq!((more, found.fewer), (vec![("runtime", 2)], vec![]));
    assert_eq!(
        state(&fleet, 1),
        State::CannotTell,
        "nothing is done by looking"
    );

    fleet.put_overrides(after.clone());
    let states = [1, 2, 3, 4].map(|it| state(&fleet, it));
    assert_eq!(states, [Missing, CannotTell, CannotTell, CannotTell]);
    let both = said("3.11.7150.0=3.11.7, 3.11.8150.0=3.11.8");
    fleet.put_overrides(both.clone());
    let states = [1, 2, 3, 4].map(|it| state(&fleet, it));
    assert_eq!(states, [Missing, State::Current, CannotTell, Missing]);
    let back = fleet.compare(&it, &both, &both.without(it.id));
    assert_eq!(back.fewer.first().map(|it| it.devices), Some(2));
    fleet.put_overrides(Overrides::default());
    assert!(
        [1, 2, 3, 4]
            .iter()
            .all(|it| state(&fleet, *it) == CannotTell)
    );
}

#[test]
fn a_registered_version_is_one_that_a_device_has_of_the_package() {
    let fleet = fleet();
    for (package, registered, expected) in [
        ("runtime", "3.11.7150.0", true),
        ("runtime", " 3.11.7150.0 ", true),
        ("other", "3.11.7150.0", true),
        ("other", "3.11.8150.0", false),
        // Known, and on no device any more.
        ("runtime", "3.11.6150.0", false),
        ("runtime", "3.11", false),
        ("gone", "3.11.7150.0", false),
    ] {
        assert_eq!(
            fleet.registers(package, registered),
            expected,
            "{package} {registered}"
        );
    }
}

proptest! {
    /// Whatever is known and said before, in whatever order it came about.
    #[test]
    fn what_is_said_of_versions_is_the_same_at_once_one_after_another_and_looked_at_before(
        known in prop::sample::select(vec![
            Nothing,
            Devices("3.11.5150=3.11.5"),
            Devices("3.11.5=3.11.5, 3.11.6=3.11.6"),
            Installers("3.11.5150=3.11.5"),
            Program("3.11.8150"),
        ]),
        said in prop::collection::vec((5..9_u32, 5..9_u32, any::<bool>()), 0..4),
        row in (5..9_u32, any::<bool>()),
    ) {
        let registered = |number: u32, is_packed| if is_packed { format!("3.11.{number}150") } else { format!("3.11.{number}") };
        let text = |said: &[(u32, u32, bool)]| {
            let one = |(a, b, is_packed): &(u32, u32, bool)| format!("{}=3.11.{b}", registered(*a, *is_packed));
            said.iter().map(one).collect::<Vec<_>>().join(",")
        };
        let row = software("Runtime", &registered(row.0, row.1));
        let versions = runtime("3.11.8", known);
        let whole = said_of("Runtime", &text(&said));
        let at_once = Catalog::new(versions.clone()).with_overrides(whole.clone());
        let mut catalog = Catalog::new(versions.clone());
        let mut fleet = Fleet::default();
        fleet.learn(1, &row);
        fleet.put(DeviceId(1), &[1], &[]);
        for it in 0..=said.len() {
            let so_far = said_of("Runtime", &text(&said[..it]));
            let before = answer_under(&catalog, &so_far, &row);
            catalog = catalog.with_overrides(so_far.clone());
            prop_assert_eq!(&before, &answer(&catalog, &row));
            fleet.put_overrides(so_far);
            fleet.put_package("Runtime", versions.clone());
        }
        prop_assert_eq!(answer(&catalog, &row), answer(&at_once, &row));
        prop_assert_eq!(fleet.answer(1).unwrap(), &answer(&at_once, &row));
        let taken_back = catalog.with_overrides(Overrides::default());
        prop_assert_eq!(answer(&taken_back, &row), answer(&Catalog::new(versions), &row));
    }
}
