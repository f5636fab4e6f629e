use std::collections::HashSet;
use std::fmt::Write as _;

use fleetmend_versions::nuget::{Dialect, MAX_LENGTH, Version};
use proptest::prelude::*;

const PARSE: &str = include_str!("../data/nuget_parse.tsv");
const ORDER: &str = include_str!("../data/nuget_order.tsv");

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            line.split('\t')
                .map(|cell| cell.trim_matches('"'))
                .collect()
        })
}

fn normalised(text: &str, dialect: Dialect) -> String {
    Version::parse_in(text, dialect).map_or_else(|_| "-".to_owned(), |it| it.to_string())
}

fn order(a: &str, b: &str, dialect: Dialect) -> &'static str {
    match (Version::parse_in(a, dialect), Version::parse_in(b, dialect)) {
        (Ok(a), Ok(b)) => crate::sign(a.cmp(&b)),
        _ => "-",
    }
}

#[test]
fn every_text_is_read_and_normalised_as_the_real_libraries_do() {
    let mut wrong = String::new();
    let mut count = 0;
    for row in rows(PARSE) {
        let [text, choco2, choco1] = row[..] else {
            panic!("bad row {row:?}")
        };
        for (dialect, expected) in [(Dialect::Choco2, choco2), (Dialect::Choco1, choco1)] {
            count += 1;
            let found = normalised(text, dialect);
            if found != expected {
                let _ = writeln!(wrong, "{text:?} {dialect:?}: {found}, should be {expected}");
            }
        }
    }
    assert!(count > 600, "the table is gone: {count}");
    assert_eq!(wrong, "");
}

#[test]
fn every_pair_is_ordered_as_the_real_libraries_do() {
    let mut wrong = String::new();
    let mut count = 0;
    for row in rows(ORDER) {
        let [a, b, choco2, choco1] = row[..] else {
            panic!("bad row {row:?}")
        };
        for (dialect, expected) in [(Dialect::Choco2, choco2), (Dialect::Choco1, choco1)] {
            count += 1;
            let found = order(a, b, dialect);
            if found != expected {
                let _ = writeln!(
                    wrong,
                    "{a:?} {b:?} {dialect:?}: {found}, should be {expected}"
                );
            }
        }
    }
    assert!(count > 240, "the table is gone: {count}");
    assert_eq!(wrong, "");
}

#[test]
fn equal_versions_are_one_in_a_hash_set() {
    let texts = ["1.0", "1.0.0.0", "01.0+meta", "1"];
    let set: HashSet<Version> = texts
        .iter()
        .map(|text| Version::parse(text).unwrap())
        .collect();
    assert_eq!(set.len(), 1);
}

#[test]
fn an_error_names_the_text_and_the_reason() {
    let error = Version::parse("1.2.3.4.5").unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"1.2.3.4.5\" is not a package version: it has more than four numbers"
    );
}

#[test]
fn a_text_over_the_cap_is_refused() {
    assert!(Version::parse(&format!("1.0-{}", "a".repeat(MAX_LENGTH))).is_err());
}

#[test]
fn the_longest_version_is_read_again_from_its_normalised_text() {
    let length = (1..MAX_LENGTH).rev().find(|length| {
        let text = format!("2147483647.1-{}", "a".repeat(*length));
        Version::parse(&text).is_ok()
    });
    let text = format!("2147483647.1-{}", "a".repeat(length.expect("one is read")));
    for dialect in [Dialect::Choco1, Dialect::Choco2] {
        let version = Version::parse_in(&text, dialect).expect("it was read");
        let again = Version::parse_in(&version.to_string(), dialect);
        assert_eq!(again, Ok(version));
    }
}

#[test]
fn json_holds_the_normalised_text_in_both_dialects() {
    for (text, dialect, json) in [
        ("01.2-Rc.1+meta", Dialect::Choco2, r#""1.2.0-Rc.1""#),
        ("1.0_2", Dialect::Choco1, r#""1.0.0_2""#),
    ] {
        let version = Version::parse_in(text, dialect).unwrap();
        assert_eq!(serde_json::to_string(&version).unwrap(), json);
        assert_eq!(serde_json::from_str::<Version>(json).unwrap(), version);
    }
}

fn version_text() -> impl Strategy<Value = String> {
    "[0-9]{1,3}(\\.[0-9]{1,2}){0,3}(-[0-9a-bA-B-]{1,3}(\\.[0-9a-b-]{1,2}){0,2})?(\\+[a-z0-9]{1,3})?"
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in version_text()) {
        if let Ok(version) = Version::parse(&text) {
            let again = Version::parse(&version.to_string()).unwrap();
            prop_assert_eq!(&again, &version);
            prop_assert_eq!(again.to_string(), version.to_string());
        }
    }

    #[test]
    fn the_order_is_total(a in version_text(), b in version_text(), c in version_text()) {
        if let (Ok(a), Ok(b), Ok(c)) = (Version::parse(&a), Version::parse(&b), Version::parse(&c)) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
        let _ = Version::parse(&text);
        let _ = Version::parse_in(&text, Dialect::Choco1);
    }
}
