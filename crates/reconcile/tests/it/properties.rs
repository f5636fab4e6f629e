//! What holds for any catalog and any inventory.

use fleetmend_model::inventory::{ChocolateyRecord, Software};
use fleetmend_model::name_pattern::matches;
use fleetmend_model::patch::Confidence;
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

fn packages() -> impl Strategy<Value = Vec<CatalogPackage>> {
    let one = (
        word(),
        version(),
        pattern(),
        code(),
        code(),
        version(),
        any::<bool>(),
    );
    vec(one, 0..12).prop_map(|rows| {
        rows.into_iter()
            .zip(1..)
            .map(
                |((name, version, pattern, product, upgrade, product_version, listed), id)| {
                    let mut it = package(id, &name, &version);
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
    let one = (name, version(), code(), code());
    vec(one, 0..10).prop_map(|rows| {
        rows.iter()
            .map(|(name, version, p, u)| msi(name, version, p, u))
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
    fn a_package_that_is_there_in_the_offered_version_is_never_missing(
        packages in packages(),
        rows in rows(),
        records in records(),
    ) {
        let catalog = Catalog::new(packages);
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
    fn the_index_finds_every_pattern_that_fits(packages in packages(), rows in rows()) {
        for row in &rows {
            for one in &packages {
                let Some(pattern) = &one.software_name else { continue };
                let usable = !pattern.trim().trim_matches('"').is_empty()
                    && !pattern.contains(['$', '`', '[', ']'])
                    && !pattern.contains(char::is_control);
                let bare = CatalogPackage { products: Vec::new(), version: "1".into(), ..one.clone() };
                let found = match_software(&Catalog::new(vec![bare]), row);
                prop_assert_eq!(
                    found.is_some(),
                    usable && matches(pattern.trim().trim_matches('"'), &row.name),
                    "{:?} on {:?}", pattern, row.name
                );
            }
        }
    }
}
