//! How fresh what devices have is.

use fleetmend_store::matched_packages::{
    FreshnessFilter, FreshnessSort, MatchedPackage, list, replace_all,
};
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::{Db, Page};

use crate::fixture::{both, t};
use crate::packages::{add_source, package};

both! {
    async fn each_matched_package_says_when_its_version_was_published_and_seen(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (here, there) = (
            add_source(&mut tx, "https://a", 1).await,
            add_source(&mut tx, "https://b", 2).await,
        );
        let mut all = Vec::new();
        for (name, metadata, devices) in [
            ("zip", r#"{"published":"2024-03-01T12:30:00"}"#, 7),
            ("curl", r#"{"published":"2025-01-02T03:04:05"}"#, 9),
            ("none", "{}", 9),
        ] {
            let new = NewPackage { metadata: metadata.to_owned(), ..package(here, name, "2.0") };
            let offered = packages::upsert_many(&mut tx, &[new], t(5)).await.unwrap()[0];
            all.push(MatchedPackage {
                package: name.to_owned(),
                title: format!("The {name}"),
                version: "2.0".to_owned(),
                offered: Some(offered),
                devices,
            });
        }
        // Another source had it before.
        let new = NewPackage {
            metadata: r#"{"published":"2023-01-01T00:00:00"}"#.to_owned(),
            ..package(there, "none", "2.0.0")
        };
        packages::upsert_many(&mut tx, &[new], t(3)).await.unwrap();
        let gone = MatchedPackage {
            package: "gone".to_owned(),
            title: "A tool".to_owned(),
            version: String::new(),
            offered: None,
            devices: 1,
        };
        all.push(gone.clone());
        replace_all(&mut tx, &all).await.unwrap();
        let first = list(&mut tx, &FreshnessFilter::default(), FreshnessSort::Title, &Page::first(10))
            .await
            .unwrap();
        let shown: Vec<_> = first
            .rows
            .iter()
            .map(|it| (it.package.package.as_str(), it.published.as_deref(), it.seen, it.mirrored))
            .collect();
        let expected = [
            ("gone", None, None, None),
            ("curl", Some("2025-01-02T03:04:05"), Some(t(5)), None),
            ("none", Some("2023-01-01T00:00:00"), Some(t(3)), None),
            ("zip", Some("2024-03-01T12:30:00"), Some(t(5)), None),
        ];
        assert_eq!(shown, expected);
        let any = FreshnessFilter::default;
        let text = |it: &str| Some(it.to_owned());
        for (filter, sort, expected) in [
            (any(), FreshnessSort::Devices, vec!["curl", "none", "zip", "gone"]),
            (any(), FreshnessSort::Published, vec!["curl", "zip", "none", "gone"]),
            (FreshnessFilter { text: text("THE"), ..any() }, FreshnessSort::Title, vec!["curl", "none", "zip"]),
            (
                FreshnessFilter { published_since: text("2024-01-01T00:00:00"), ..any() },
                FreshnessSort::Title,
                vec!["curl", "zip"],
            ),
            (
                FreshnessFilter { published_before: text("2024-12-31T00:00:00"), ..any() },
                FreshnessSort::Devices,
                vec!["none", "zip"],
            ),
            (FreshnessFilter { mirrored: Some(true), ..any() }, FreshnessSort::Title, vec![]),
        ] {
            let mut found = Vec::new();
            let mut page = Page::first(1);
            loop {
                let listed = list(&mut tx, &filter, sort, &page).await.unwrap();
                found.extend(listed.rows.into_iter().map(|it| it.package.package));
                let Some(next) = listed.next else { break };
                page = Page::after(1, next);
            }
            assert_eq!(found, expected, "{filter:?} {sort:?}");
        }
        all.truncate(1);
        all[0].devices = 8;
        replace_all(&mut tx, &all).await.unwrap();
        let listed = list(&mut tx, &any(), FreshnessSort::Title, &Page::first(9)).await.unwrap();
        let listed: Vec<_> = listed.rows.into_iter().map(|it| it.package).collect();
        assert_eq!(listed, all);
    }
}
