//! How registered versions stand to the package's.

use std::cmp::Ordering::{Equal, Greater, Less};

use fleetmend_reconcile::relation::{Pair, Relation, Told};
use fleetmend_reconcile::{Answer, Catalog, Observed, answer};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{package, software, with_pattern};

/// `registered=version`, or `name|registered=version`.
fn pairs(text: &str) -> Vec<Pair> {
    let one = |pair: &str| {
        let (row, version) = pair.trim().split_once('=')?;
        let (name, registered) = row.split_once('|').unwrap_or(("", row));
        Some(Pair {
            name: name.to_owned(),
            registered: registered.to_owned(),
            version: version.to_owned(),
        })
    };
    text.split(',').filter_map(one).collect()
}

fn order(relation: &Relation, row: &str, version: &str) -> Option<std::cmp::Ordering> {
    let (name, registered) = row.split_once('|').unwrap_or(("", row));
    match relation.order(&software(name, registered), version) {
        Told::Order { order, .. } => Some(order),
        Told::CannotTell(why) => {
            assert!(!why.is_empty());
            None
        }
    }
}

/// Pairs, a row, a version of the package, and how the row stands to it.
type Learnt = (
    &'static str,
    &'static str,
    &'static str,
    Option<std::cmp::Ordering>,
);

const WAYS_OF_WRITING: &[Learnt] = &[
    // The same.
    ("1.2=1.2.0, 1.3=1.3.0", "1.4", "1.4.0", Some(Equal)),
    ("1.2=1.2.0, 1.3=1.3.0", "1.4", "1.4.1", Some(Less)),
    (
        "1.2.1=1.2.1, 1.3.1=1.3.1",
        "1.4.1.5",
        "1.4.1",
        Some(Greater),
    ),
    // A build behind it.
    (
        "1.2.3.77=1.2.3, 1.2.4.91=1.2.4",
        "1.2.5.101",
        "1.2.5",
        Some(Equal),
    ),
    (
        "1.2.3.77=1.2.3, 1.2.4.91=1.2.4",
        "1.2.5.101",
        "1.2.6",
        Some(Less),
    ),
    // The package's build, which the application does not register.
    (
        "2.8.2=2.8.2.4493, 2.9.6=2.9.6.4552",
        "2.10.1",
        "2.10.1.4600",
        Some(Equal),
    ),
    (
        "2.8.2=2.8.2.4493, 2.9.6=2.9.6.4552",
        "2.10.1",
        "2.10.2.4610",
        Some(Less),
    ),
    // ... which says nothing where one registered version is several of the package.
    ("2.8=2.8.1, 2.8=2.8.2, 2.7=2.7.1", "2.9", "2.9.1", None),
    // Years.
    (
        "17.9.1=2017.9.1, 18.1.2=2018.1.2",
        "19.3.4",
        "2019.3.4",
        Some(Equal),
    ),
    (
        "17.9.1=2017.9.1, 18.1.2=2018.1.2",
        "19.3.4",
        "2019.4.0",
        Some(Less),
    ),
    (
        "241.1=2024.1, 233.7=2023.3.1",
        "242.9",
        "2024.3",
        Some(Less),
    ),
    ("241.1=2024.1, 233.7=2023.3.1", "242.9", "2024.2.1", None),
    // Zeros.
    (
        "2102=0.0.2102, 2110=0.0.2110",
        "2121",
        "0.0.2126",
        Some(Less),
    ),
    (
        "6.5.45=6.5.0.45, 6.5.39=6.5.0.39",
        "6.5.41",
        "6.5.0.41",
        Some(Equal),
    ),
    // Dates.
    (
        "01-02-2023=2023.02.01, 08-03-2022=2022.03.08",
        "05-04-2023",
        "2023.4.5",
        Some(Equal),
    ),
    // Packed with other numbers.
    (
        "3.10.8150.0=3.10.8, 3.10.11150.0=3.10.11",
        "3.10.9150.0",
        "3.10.9",
        Some(Equal),
    ),
    (
        "3.10.8150.0=3.10.8, 3.10.11150.0=3.10.11",
        "3.10.9150.0",
        "3.10.10",
        Some(Less),
    ),
    // The name has it where the registered version is another count.
    (
        "App 1.1|90.7=1.1, App 1.2|88.1=1.2",
        "App 1.3|93.2",
        "1.3",
        Some(Equal),
    ),
    (
        "App 1.1|90.7=1.1, App 1.2|88.1=1.2",
        "App 1.3|93.2",
        "1.4",
        Some(Less),
    ),
    // Repairs of the package are no versions of the software.
    (
        "1.77=1.77.20160812, 1.81=1.81.0.20171002",
        "1.82",
        "1.82.0.20180101",
        Some(Equal),
    ),
    // Nothing holds.
    ("7.1=1.0, 3.3=2.0, 9.9=1.5", "8.0", "3.0", None),
];

#[test]
fn each_way_of_writing_is_learnt() {
    for (known, row, version, expected) in WAYS_OF_WRITING {
        let relation = Relation::learn(&pairs(known));
        assert_eq!(
            order(&relation, row, version),
            *expected,
            "{known}: {row} {version}"
        );
    }
}

#[test]
fn what_was_seen_is_known_and_what_lies_between_is_between() {
    let relation = Relation::learn(&pairs("7.1=1.0, 9.9=2.0, 11.4=5.0"));
    let cases = [
        ("9.9", "2.0", Some(Equal)),
        ("9.9", "3.0", Some(Less)),
        ("8.0", "2.0", Some(Less)),
        ("10.0", "2.0", Some(Greater)),
        ("8.0", "1.5", None),
        ("12.0", "6.0", None),
    ];
    for (row, version, expected) in cases {
        assert_eq!(order(&relation, row, version), expected, "{row} {version}");
    }
}

#[test]
fn one_mistake_among_many_pairs_changes_nothing() {
    let known = "1.1=1.1, 1.2=1.2, 1.3=1.3, 1.4=1.4, 2.7=2.6";
    let relation = Relation::learn(&pairs(known));
    assert_eq!(order(&relation, "1.5", "1.6"), Some(Less));
    let two = Relation::learn(&pairs("1.1=1.1, 1.2=1.2, 2.7=2.6, 5.1=0.3"));
    assert_eq!(order(&two, "1.5", "1.6"), None);
}

#[test]
fn a_version_that_is_known_to_bring_another_installer_is_not_told_by_the_rule() {
    // 2.7.7 brings 2.7.8.
    let all = "2.7.3150=2.7.3, 2.7.4150=2.7.4, 2.7.5150=2.7.5, 2.7.6150=2.7.6, 2.7.8150=2.7.7, \
               2.7.9150=2.7.9, 2.7.10150=2.7.10";
    let relation = Relation::learn(&pairs(all));
    for (row, version, expected) in [
        ("2.7.7150", "2.7.7", None),
        ("Python 2.7.7|2.7.7150", "2.7.7", None),
        ("2.7.8150", "2.7.7", Some(Equal)),
        ("2.7.7150", "2.7.6", Some(Greater)),
        ("2.7.7150", "2.7.9", Some(Less)),
        ("2.7.6150", "2.7.7", Some(Less)),
        ("2.7.11150", "2.7.7", Some(Greater)),
    ] {
        assert_eq!(order(&relation, row, version), expected, "{row} {version}");
    }
}

#[test]
fn without_any_pair_only_versions_of_the_same_shape_are_compared() {
    let nothing = Relation::default();
    let cases = [
        ("1.2.3", "1.2.4", Some(Less)),
        ("9.0", "10.0", Some(Less)),
        ("1.2.3.4567", "1.2.3", Some(Equal)),
        ("10.0.40219", "10.0.40219.325", Some(Equal)),
        ("1.2.3", "1.2.3.1", None),
        ("1.2", "1.2.500", None),
        ("243.25659", "2024.3", None),
        ("4.7.3081", "4.7.2", None),
        ("2102", "0.0.2102", None),
        ("1.0-beta", "1.0", None),
        ("latest", "1.0", None),
        ("", "1.0", None),
        ("App 2024.3.4|243.25659", "2024.3.5", Some(Less)),
        ("App 7.0.9|7.0.12", "7.0.10", None),
        ("1.0", "2.0-beta", None),
    ];
    for (row, version, expected) in cases {
        assert_eq!(order(&nothing, row, version), expected, "{row} {version}");
    }
}

#[test]
fn one_pair_says_which_form_a_version_has_and_not_that_another_is_the_same() {
    let cases = [
        // 1.1.1w is known, and 1.1.1q registers the same numbers.
        (
            "OpenSSL 1.1.1w|1.1.1=1.1.1.2300",
            "OpenSSL 1.1.1q|1.1.1",
            "1.1.1.2300",
            None,
        ),
        (
            "OpenSSL 1.1.1w|=1.1.1.2300",
            "OpenSSL 1.1.1q|",
            "1.1.1.2300",
            None,
        ),
        (
            "OpenSSL 1.1.1w|=1.1.1.2300",
            "OpenSSL 1.1.0q|",
            "1.1.1.2300",
            Some(Less),
        ),
        ("1.1=1.1.3", "1.2", "1.2.5", None),
        ("1.1=1.1.3", "1.1", "1.1.3", None),
        ("1.1=1.1.3, 1.3=1.3.1", "1.2", "1.2.5", Some(Equal)),
        ("1.1=1.1.3, 1.3=1.3.1", "1.1", "1.1.3", Some(Equal)),
        ("243.2=2024.3.4", "243.2", "2024.3.4", Some(Equal)),
    ];
    for (known, row, version, expected) in cases {
        let relation = Relation::learn(&pairs(known));
        assert_eq!(
            order(&relation, row, version),
            expected,
            "{known}: {row} {version}"
        );
    }
}

#[test]
fn what_devices_register_is_learnt_by_the_catalog() {
    let versions = |observed: &[(&str, &str)]| {
        let old = observed.iter().zip(1..).map(|((registered, version), id)| {
            let mut it = with_pattern(package(id, "ide", version), "Example IDE*");
            it.observed.push(Observed {
                name: "Example IDE".to_owned(),
                version: (*registered).to_owned(),
            });
            it
        });
        let offer = with_pattern(package(99, "ide", "2024.3.4"), "Example IDE*");
        Catalog::new(old.chain([offer]).collect())
    };
    let row = software("Example IDE", "241.12");
    let unknown = answer(&versions(&[]), &row);
    assert!(
        matches!(&unknown, Answer::CannotTell { why, .. } if why.contains("it is not known how")),
        "{unknown:?}"
    );
    let known = versions(&[("233.7", "2023.3.1"), ("242.9", "2024.2.1")]);
    let missing = answer(&known, &row);
    assert!(
        matches!(&missing, Answer::Missing { why, .. } if why.contains("the year and release")),
        "{missing:?}"
    );
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-3](\\.[0-9]{1,2}){0,3}",
        1 => "24[0-3]\\.[0-9]{1,5}",
        1 => "\\PC{0,8}",
        1 => "[0-9]{1,25}(\\.[0-9]{1,25}){0,2}",
    ]
}

fn some_pairs() -> impl Strategy<Value = Vec<Pair>> {
    let one = ("(App )?[0-3]\\.[0-9]", version(), version());
    vec(one, 0..8).prop_map(|all| {
        all.into_iter()
            .map(|(name, registered, version)| Pair {
                name,
                registered,
                version,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_pairs_and_pairs_told_twice_do_not_count(pairs in some_pairs()) {
        let expected = Relation::learn(&pairs);
        let mut other: Vec<Pair> = pairs.iter().chain(&pairs).cloned().collect();
        other.reverse();
        prop_assert_eq!(Relation::learn(&other), expected);
    }

    #[test]
    fn a_later_offer_is_never_less_missing(
        pairs in some_pairs(),
        row in version(),
        offers in (0..9u8, 0..9u8, 0..9u8, 0..9u8),
    ) {
        let relation = Relation::learn(&pairs);
        let (a, b) = (format!("{}.{}", offers.0, offers.1), format!("{}.{}", offers.2, offers.3));
        let (low, high) = if (offers.0, offers.1) <= (offers.2, offers.3) { (a, b) } else { (b, a) };
        let (low, high) = (order(&relation, &row, &low), order(&relation, &row, &high));
        prop_assert!(low != Some(Less) || high.is_none_or(|it| it == Less), "{:?} {:?}", low, high);
    }
}
