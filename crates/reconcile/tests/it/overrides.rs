//! What administrators say about matches stands above all other evidence.

use fleetmend_model::inventory::Software;
use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_reconcile::{
    Answer, Catalog, Decision, Override, Overrides, State, answer, answer_under, candidates,
    match_software, said_text, third_party,
};
use proptest::prelude::*;

use crate::{msi, package, record, software, with_pattern, with_product};

/// `name | publisher | is PACKAGE`, `is_not PACKAGE`, `excluded`, `pinned` or `pinned VERSION`; numbered in their order.
fn overrides(lines: &[&str]) -> Overrides {
    let one = |(line, id): (&&str, i64)| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let decision = match cells[2].split_once(' ') {
            Some(("is", package)) => Decision::Is(package.to_owned()),
            Some(("is_not", package)) => Decision::IsNot(package.to_owned()),
            Some(("pinned", highest)) => Decision::Pinned(Some(highest.to_owned())),
            None if cells[2] == "pinned" => Decision::Pinned(None),
            _ => Decision::Excluded,
        };
        Override {
            id,
            name: cells[0].to_owned(),
            publisher: cells[1].to_owned(),
            decision,
            reason: "seen".to_owned(),
            by: "ada".to_owned(),
        }
    };
    Overrides::new(lines.iter().zip(1..).map(one).collect())
}

fn catalog() -> Catalog {
    Catalog::new(vec![
        with_pattern(package(1, "tool.install", "2.0"), "Some Tool*"),
        with_pattern(package(2, "other", "2.0"), "Other Thing*"),
        with_product(package(3, "suite", "2.0"), "{A}", "{B}", "1.0"),
        // Two of one name.
        package(4, "twin-one", "2.0"),
        package(5, "twin-two", "2.0"),
    ])
}

fn row(name: &str, publisher: &str) -> Software {
    Software {
        publisher: publisher.to_owned(),
        ..software(name, "1.0")
    }
}

#[test]
fn what_an_administrator_says_of_a_name_counts_before_all_other_evidence() {
    for (said, name, publisher, expected) in [
        (&[][..], "Some Tool 1.0", "", "tool.install missing"),
        (
            &["Some Tool*| |is other"],
            "Some Tool 1.0",
            "",
            "other missing",
        ),
        // Letter case does not count.
        (
            &["SOME TOOL 1.0| |is Other"],
            "Some Tool 1.0",
            "",
            "other missing",
        ),
        (
            &["Nobody knows this| |is other"],
            "Nobody knows this",
            "",
            "other missing",
        ),
        (&["Some Tool*| |excluded"], "Some Tool 1.0", "", " excluded"),
        (
            &["Some Tool*| |is_not tool"],
            "Some Tool 1.0",
            "",
            " unmatched",
        ),
        (
            &["Some Tool*| |is_not other"],
            "Some Tool 1.0",
            "",
            "tool.install missing",
        ),
        (
            &["Some Tool*|Acme*|excluded"],
            "Some Tool 1.0",
            "Acme Inc.",
            " excluded",
        ),
        (
            &["Some Tool*|Acme*|excluded"],
            "Some Tool 1.0",
            "Else",
            "tool.install missing",
        ),
        // The name itself before a pattern, the longer pattern before the shorter, the later before
        // the earlier.
        (
            &["Some Tool 1.0| |is other", "Some Tool*| |excluded"],
            "Some Tool 1.0",
            "",
            "other missing",
        ),
        (
            &["Some Tool*| |is other", "Some*| |excluded"],
            "Some Tool 1.0",
            "",
            "other missing",
        ),
        (
            &["Some Tool*| |excluded", "Some Tool*| |is other"],
            "Some Tool 1.0",
            "",
            "other missing",
        ),
        // A package that the catalog has not: nothing can be told.
        (
            &["Some Tool*| |is gone"],
            "Some Tool 1.0",
            "",
            "gone cannot_tell",
        ),
    ] {
        assert_eq!(told(said, name, publisher), expected, "{said:?}");
    }
}

#[test]
fn what_is_pinned_stays_up_to_its_highest_version_whatever_it_is() {
    for (said, name, publisher, expected) in [
        (
            &["Some Tool*| |pinned"][..],
            "Some Tool 1.0",
            "",
            "tool.install pinned",
        ),
        (
            &["Some Tool*| |pinned 1.5"],
            "Some Tool 1.0",
            "",
            "tool.install pinned",
        ),
        (
            &["Some Tool*| |pinned 2.0"],
            "Some Tool 1.0",
            "",
            "tool.install missing",
        ),
        // What it is is another matter.
        (
            &["Some Tool*| |pinned", "Some Tool*| |is other"],
            "Some Tool 1.0",
            "",
            "other pinned",
        ),
        (
            &["Some Tool*| |excluded", "Some Tool*| |pinned"],
            "Some Tool 1.0",
            "",
            " excluded",
        ),
        (&["Unheard of| |pinned"], "Unheard of", "", " unmatched"),
        // The one that says more counts, also where it allows more.
        (
            &["Some Tool*| |pinned", "Some Tool 1.0| |pinned 3.0"],
            "Some Tool 1.0",
            "",
            "tool.install missing",
        ),
    ] {
        assert_eq!(told(said, name, publisher), expected, "{said:?}");
    }
}

/// Package and state.
fn told(said: &[&str], name: &str, publisher: &str) -> String {
    let catalog = catalog().with_overrides(overrides(said));
    let found = answer(&catalog, &row(name, publisher));
    let package = found.package().unwrap_or_default();
    format!("{package} {}", found.state().key())
}

#[test]
fn a_name_with_the_letters_of_patterns_can_be_said_itself() {
    let is_for = |said: &str, name: &str| {
        let it = overrides(&[&format!("{said}| |excluded")]);
        it.iter().next().unwrap().fits(&row(name, ""))
            && answer_under(&catalog(), &it, &row(name, "")).state() == State::Excluded
    };
    for name in [
        "Mic*", "*Office*", "What?", r"A\B", r"A\*B\", r"\\?", "Plain", r"\\\\",
    ] {
        let said = said_text::exactly(name);
        assert!(!said_text::is_pattern(&said), "{said}");
        assert_eq!(said_text::read(&said), name);
        assert!(
            is_for(&said, name) && is_for(&said, &name.to_uppercase()),
            "{said}"
        );
        for other in [
            "Microsoft Edge",
            "Some Office 1",
            "Whatever",
            r"A\xB\",
            "Plain 1",
        ] {
            assert!(!is_for(&said, other), "{said} {other}");
        }
    }
    for (said, name, expected) in [
        ("Mic*", "Microsoft Edge", true),
        (r"Some\Tool", r"Some\Tool", true),
        (r"Some\Tool*", r"Some\Tool 1", true),
        (r"C\* Tool*", "C* Tool 1", true),
        (r"C\* Tool*", "C++ Tool 1", false),
        (r"Ends with \", r"Ends with \", true),
    ] {
        assert_eq!(is_for(said, name), expected, "{said} {name}");
    }
}

/// What a pattern says does not put back what is said of the very name, and the earlier not what the
/// later took away; other packages and what counts before it stay.
#[test]
fn a_package_that_is_forbidden_is_not_put_back_by_what_counts_later() {
    for (said, expected) in [
        (
            &["Some Tool*| |is other", "Some Tool 1.0| |is_not other"],
            "tool.install missing",
        ),
        (
            &["Some Tool*| |is tool.install", "Some Tool*| |is_not tool"],
            " unmatched",
        ),
        (
            &["Some Tool*| |is_not other", "Some Tool*| |is other"],
            "other missing",
        ),
        (
            &["Some Tool 1.0| |is other", "Some Tool*| |is_not other"],
            "other missing",
        ),
    ] {
        assert_eq!(told(said, "Some Tool 1.0", ""), expected, "{said:?}");
    }
}

#[test]
fn an_override_says_who_said_what_and_why() {
    let catalog = catalog().with_overrides(overrides(&["Some Tool*| |is other"]));
    let found = match_software(&catalog, &row("Some Tool 1.0", "")).unwrap();
    assert_eq!(
        (found.evidence, found.confidence, found.why.as_str()),
        (
            Evidence::Override,
            Confidence::Certain,
            "ada said that it is other: seen"
        )
    );
    let catalog = catalog.with_overrides(overrides(&["Some Tool*| |excluded"]));
    let Answer::Excluded { package, why } = answer(&catalog, &row("Some Tool 1.0", "")) else {
        panic!("it is excluded");
    };
    assert_eq!(package.as_deref(), Some("tool.install"));
    assert_eq!(why, "ada said that nothing is wanted for it: seen");
    let catalog = catalog.with_overrides(overrides(&["Some Tool*| |is_not tool"]));
    let found = answer(&catalog, &row("Some Tool 1.0", ""));
    assert_eq!(found.why(), "ada said that it is not tool: seen");
}

#[test]
fn a_product_code_does_not_bring_back_a_package_that_an_administrator_forbade() {
    let row = msi("Whatever", "0.9", "{A}", "{B}");
    assert_eq!(answer(&catalog(), &row).package(), Some("suite"));
    let forbidden = overrides(&["Whatever| |is_not suite"]);
    assert_eq!(
        answer_under(&catalog(), &forbidden, &row).state(),
        State::Unmatched
    );
}

#[test]
fn what_is_said_of_an_application_makes_no_patch_of_chocolateys_record() {
    let other = |name: &str, version: &str| Software {
        version: version.to_owned(),
        ..row(name, "")
    };
    let updated = other("Some Tool", "3.0");
    let old = other("Some Tool", "1.0");
    let beside = other("Some Tool 1.0", "1.0");
    for (said, rows, expected) in [
        // It updated itself beyond the record and the offer.
        (&[][..], &[&updated][..], &[][..]),
        (&["Some Tool*| |excluded"], &[&updated], &[]),
        (&["Some Tool*| |is_not tool"], &[&updated], &[]),
        // It is old, and so is the record.
        (&[], &[&old], &["tool.install 1.0"]),
        (&["Some Tool*| |excluded"], &[&old], &[]),
        (&["Some Tool*| |is_not tool"], &[&old], &[]),
        (
            &["Some Tool*| |excluded", "Some*| |is tool.install"],
            &[&old],
            &[],
        ),
        // One of two applications that are one copy on the device.
        (&["Some Tool| |excluded"], &[&old, &beside], &[]),
        (
            &["Some Tool| |is_not tool"],
            &[&old, &beside],
            &["tool.install 1.0"],
        ),
        // Excluded as something else: that is no word on the record.
        (
            &["Some Tool| |is other", "Some Tool| |is_not other"],
            &[&old],
            &["tool.install 1.0"],
        ),
    ] {
        let catalog = catalog().with_overrides(overrides(said));
        let rows: Vec<Software> = rows.iter().map(|it| (*it).clone()).collect();
        let missing = third_party(&catalog, &rows, &[record("tool.install", "1.0")]);
        let shown: Vec<String> = missing
            .iter()
            .map(|it| format!("{} {}", it.package, it.installed))
            .collect();
        assert_eq!(shown, expected, "{said:?}");
    }
}

#[test]
fn every_candidate_has_its_own_evidence() {
    let tied = |id, name: &str| {
        let mut tied = package(id, name, "2.0");
        tied.title = "Twin Program".to_owned();
        tied
    };
    let catalog = Catalog::new(vec![
        tied(1, "twin-one"),
        tied(2, "twin-two"),
        with_product(package(3, "suite", "2.0"), "{A}", "{B}", "1.0"),
    ]);
    let row = msi("Twin Program", "1.0", "{X}", "{B}");
    let found: Vec<_> = candidates(&catalog, &row)
        .into_iter()
        .map(|it| {
            assert!(!it.why.is_empty());
            (it.package, it.evidence)
        })
        .collect();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(found[0], ("suite".to_owned(), Evidence::UpgradeCode));
    assert_eq!(
        sorted[1..],
        [
            ("twin-one".to_owned(), Evidence::Name),
            ("twin-two".to_owned(), Evidence::Name)
        ]
    );
    assert!(candidates(&catalog, &software("Nothing like it", "1")).is_empty());
}

proptest! {
    #[test]
    fn taking_an_override_back_leaves_what_was_before(
        picks in proptest::collection::vec(0..6_usize, 0..5),
        last in 0..6_usize,
        name in prop::sample::select(vec!["Some Tool 1.0", "Other Thing", "Nothing"]),
    ) {
        const LINES: [&str; 6] = [
            "Some Tool*| |is other", "Some Tool 1.0| |is_not tool.install", "Other*| |excluded",
            "*Tool*| |excluded", "Other Thing| |is tool.install", "Some*| |is_not other",
        ];
        let lines: Vec<&str> = picks.iter().map(|it| LINES[*it]).collect();
        let before = overrides(&lines);
        let one = overrides(&[LINES[last]]);
        let new = Override {
            id: 99,
            ..one.iter().next().unwrap().clone()
        };
        let with = before.with(new);
        prop_assert_eq!(&with.without(99), &before);
        let row = row(name, "");
        prop_assert_eq!(
            answer_under(&catalog(), &with.without(99), &row),
            answer(&catalog().with_overrides(before), &row)
        );
    }
}
