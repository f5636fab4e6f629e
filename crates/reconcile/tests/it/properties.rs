//! What holds for any catalog and any inventory.

use fleetmend_model::inventory::{ChocolateyRecord, Software};
use fleetmend_model::patch::Confidence;
use fleetmend_reconcile::normal::Name;
use fleetmend_reconcile::{Answer, Catalog, CatalogPackage, answer, match_software, third_party};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{msi, package, record, with_pattern, with_product};

/// Few words, so that things meet.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "app", "app.install", "app.portable", "tool", "Tool", "Example", "Ünï", "ß", "İ",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    vec(prop_oneof![word(), "[*? ]"], 0..5).prop_map(|parts| parts.concat())
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-3](\\.[0-3]){0,3}(-rc1)?",
        1 => "\\PC{0,8}",
        1 => Just("1.0.0.20240131".to_owned()),
    ]
}

fn code() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "{A}", "{a}", "{B}", "{C}", "{D}"]).prop_map(str::to_owned)
}

fn maker() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "Maker", "Other Ltd", "Example Team", "app"])
        .prop_map(str::to_owned)
}

fn packages() -> impl Strategy<Value = Vec<CatalogPackage>> {
    let one = (
        word(),
        version(),
        pattern(),
        code(),
        code(),
        version(),
        any::<bool>(),
        maker(),
    );
    vec(one, 0..12).prop_map(|rows| {
        rows.into_iter()
            .zip(1..)
            .map(
                |(
                    (name, version, pattern, product, upgrade, product_version, listed, maker),
                    id,
                )| {
                    let mut it = package(id, &name, &version);
                    it.authors = maker;
                    it.listed = listed || id % 2 == 0;
                    it = with_product(it, &product, &upgrade, &product_version);
                    if pattern.is_empty() {
                        it
                    } else {
                        with_pattern(it, &pattern)
                    }
                },
            )
            .collect()
    })
}

fn rows() -> impl Strategy<Value = Vec<Software>> {
    let name = vec(prop_oneof![word(), Just(" ".to_owned())], 0..4).prop_map(|it| it.concat());
    let one = (name, version(), code(), code(), maker());
    vec(one, 0..10).prop_map(|rows| {
        rows.into_iter()
            .map(|(name, version, p, u, publisher)| Software {
                publisher,
                ..msi(&name, &version, &p, &u)
            })
            .collect()
    })
}

fn records() -> impl Strategy<Value = Vec<ChocolateyRecord>> {
    vec((word(), version()), 0..5).prop_map(|rows| {
        rows.iter()
            .map(|(id, version)| record(id, version))
            .collect()
    })
}

proptest! {
    #[test]
    fn the_same_input_in_any_order_gives_the_same_patches_one_a_package(
        packages in packages(),
        rows in rows(),
        records in records(),
    ) {
        let missing = third_party(&Catalog::new(packages.clone()), &rows, &records);
        let mut names: Vec<_> = missing.iter().map(|it| &it.package).collect();
        prop_assert!(names.is_sorted());
        names.dedup();
        prop_assert_eq!(names.len(), missing.len());

        let reversed = |mut it: Vec<CatalogPackage>| { it.reverse(); it };
        let (mut rows, mut records) = (rows, records);
        rows.reverse();
        records.reverse();
        let again = third_party(&Catalog::new(reversed(packages)), &rows, &records);
        prop_assert_eq!(missing, again);
    }

    #[test]
    fn nothing_weak_is_missing_and_what_is_missing_is_offered(
        packages in packages(),
        rows in rows(),
        records in records(),
    ) {
        let catalog = Catalog::new(packages.clone());
        for it in third_party(&catalog, &rows, &records) {
            prop_assert!(it.confidence > Confidence::Weak);
            prop_assert_eq!(it.offered, catalog.offered(&it.package));
            let offered = packages.iter().find(|row| Some(row.id) == it.offered);
            prop_assert!(offered.is_some_and(|row| row.listed && row.version == it.available));
        }
    }

    #[test]
    fn a_package_whose_only_copy_is_there_in_the_offered_version_is_never_missing(
        packages in packages(),
        rows in rows(),
        records in records(),
    ) {
        let catalog = Catalog::new(packages);
        // None of the names states an architecture, but for some that are made by chance.
        let is_plain = |it: &Software| Name::of(&it.name, &it.version).architecture.is_none();
        prop_assume!(rows.iter().all(is_plain));
        let missing = third_party(&catalog, &rows, &records);
        for row in &rows {
            if let Answer::Current { package, .. } | Answer::Newer { package, .. } =
                answer(&catalog, row)
            {
                prop_assert!(missing.iter().all(|it| it.package != package));
            }
        }
    }

    #[test]
    fn a_package_that_shares_no_word_changes_no_match(packages in packages(), rows in rows()) {
        let mut more = packages.clone();
        let unrelated = package(99, "zyx-wvu", "1.0");
        more.insert(0, with_pattern(with_product(unrelated, "{Z}", "{Y}", "1.0"), "Zyxwvu*"));
        let (before, after) = (Catalog::new(packages), Catalog::new(more));
        for row in &rows {
            prop_assert_eq!(match_software(&before, row), match_software(&after, row));
        }
    }
}
