//! The catalog.

use fleetmend_model::SourceId;
use fleetmend_model::recipe::{Analysis, Verdict};
use fleetmend_store::host_pauses::HostPause;
use fleetmend_store::packages::{NewPackage, PackageFilter, Problem};
use fleetmend_store::products::Product;
use fleetmend_store::sources::{
    LeftOut, MAX_LEFT_OUT, OWN, ReadNote, Settings, SourceKind, Withheld,
};
use fleetmend_store::{Db, Error, Page, Tx, host_pauses, packages, products, sources};
use fleetmend_versions::nuget::Dialect;

use crate::fixture::{T0, both, t};

fn source(location: &str, priority: i64) -> Settings {
    Settings {
        priority,
        ..Settings::new(location, location)
    }
}

pub async fn add_source(tx: &mut Tx, location: &str, priority: i64) -> SourceId {
    sources::insert(tx, SourceKind::Feed, &source(location, priority))
        .await
        .unwrap()
}

pub fn package(source: SourceId, id: &str, version: &str) -> NewPackage {
    NewPackage {
        source,
        id: id.to_owned(),
        version: version.to_owned(),
        normalized: version.to_owned(),
        prerelease: version.contains('-'),
        title: format!("{id} title"),
        authors: "A".to_owned(),
        project_url: String::new(),
        metadata: "{}".to_owned(),
        content_location: format!("https://feed/{id}/{version}"),
        content_hash: Some("SHA512:aa".to_owned()),
        listed: true,
    }
}

async fn switch_off(tx: &mut Tx, id: SourceId) {
    let mut settings = sources::get(&mut *tx, id).await.unwrap().unwrap().settings;
    settings.enabled = false;
    sources::update(tx, id, &settings).await.unwrap();
}

const READY: Analysis = Analysis::new(Verdict::Ready);

both! {
    async fn a_source_is_read_and_changed(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let second = add_source(&mut tx, "https://b", 20).await;
        let first = add_source(&mut tx, "https://a", 10).await;
        let error = sources::insert(&mut tx, SourceKind::Feed, &source("https://a", 1)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let done = ReadNote { finished_at: Some(t(5)), entries: Some(63), measure: Some(70), ..ReadNote::default() };
        sources::note_read(&mut tx, first, &done).await.unwrap();
        let what = |number: usize| LeftOut { what: format!("{number}.nupkg"), why: "torn".to_owned() };
        let failed = ReadNote {
            finished_at: None,
            error: Some("403".to_owned()),
            failures: 2,
            next_read_at: Some(t(9)),
            next_read_why: "it failed".to_owned(),
            state: Some("page 3".to_owned()),
            left_out: (0..MAX_LEFT_OUT + 5).map(what).collect(),
            left_out_count: 105,
            entries: None,
            measure: None,
            withheld: Some(Withheld { listed: 9, gone: 8, since: t(4) }),
        };
        sources::note_read(&mut tx, first, &failed).await.unwrap();
        sources::set_login(&mut tx, first, Some(("reader", "sealed"))).await.unwrap();
        let changed = Settings {
            location: "https://c".to_owned(),
            name: "B".to_owned(),
            priority: 5,
            enabled: false,
            per_minute: Some(120),
            every_seconds: Some(90),
            dialect: Some(Dialect::Choco1),
            internalize: false,
        };
        sources::update(&mut tx, second, &changed).await.unwrap();
        sources::update(&mut tx, second, &changed).await.unwrap();
        let error = sources::update(&mut tx, second, &source("https://a", 1)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let error = sources::update(&mut tx, SourceId(99), &source("https://d", 1)).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
        let last = add_source(&mut tx, "https://none", 0).await;
        tx.commit().await.unwrap();
        let list = sources::list(&db).await.unwrap();
        assert_eq!(list.iter().map(|it| it.id).collect::<Vec<_>>(), [second, first, OWN, last]);
        assert_eq!(list[0].settings, changed);
        let first = sources::get(&db, first).await.unwrap().unwrap();
        let kept = ReadNote {
            finished_at: Some(t(5)),
            entries: Some(63),
            measure: Some(70),
            left_out: failed.left_out[..MAX_LEFT_OUT].to_vec(),
            ..failed
        };
        assert_eq!(first.last_read, kept);
        assert_eq!((first.user_name.as_deref(), first.sealed_password.as_deref()), (Some("reader"), Some("sealed")));
        assert!(!format!("{first:?}").contains("sealed"), "{first:?}");
        let mut tx = db.begin().await.unwrap();
        sources::note_state(&mut tx, first.id, "page 4").await.unwrap();
        sources::set_login(&mut tx, first.id, None).await.unwrap();
        sources::withhold(&mut tx, first.id, None).await.unwrap();
        tx.commit().await.unwrap();
        let first = sources::get(&db, first.id).await.unwrap().unwrap();
        assert_eq!((first.last_read.state.as_deref(), first.user_name), (Some("page 4"), None));
        assert_eq!(first.last_read.withheld, None);
        let mut tx = db.begin().await.unwrap();
        sources::forget_read(&mut tx, first.id).await.unwrap();
        let anew = sources::get(&mut tx, first.id).await.unwrap().unwrap().last_read;
        assert_eq!((anew.state, anew.entries, anew.measure, anew.error, anew.failures), (None, None, None, None, 0));
    }

    async fn a_source_is_due_when_its_time_has_come_and_it_is_switched_on(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let new = add_source(&mut tx, "https://a", 1).await;
        let later = add_source(&mut tx, "https://b", 2).await;
        let off = add_source(&mut tx, "https://c", 3).await;
        switch_off(&mut tx, off).await;
        sources::read_at(&mut tx, later, t(5), "it failed").await.unwrap();
        tx.commit().await.unwrap();
        for (now, wanted) in [(t(4), vec![OWN, new]), (t(5), vec![OWN, new, later])] {
            let due = sources::due(&db, now).await.unwrap();
            assert_eq!(due.iter().map(|it| it.id).collect::<Vec<_>>(), wanted);
        }
    }

    async fn what_keeps_a_nupkg_away_lasts_until_it_is_had_or_offered_otherwise(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let new = [package(feed, "bad", "1.0"), package(feed, "good", "1.0"), package(feed, "held", "1.0")];
        let ids = packages::upsert_many(&mut tx, &new, T0).await.unwrap();
        packages::quarantine(&mut tx, ids[2], Some("digest"), T0).await.unwrap();
        let problem = Problem { why: "404".to_owned(), tries: 2, retry_at: Some(t(9)) };
        packages::set_problem(&mut tx, ids[0], &problem).await.unwrap();
        packages::upsert_many(&mut tx, &new, t(1)).await.unwrap();
        let found = packages::with_problems(&mut tx, feed, 9).await.unwrap();
        assert_eq!(found.iter().map(|it| it.row).collect::<Vec<_>>(), [ids[0], ids[2]]);
        assert_eq!(found[0].problem, Some(problem.clone()));
        assert_eq!(packages::with_problems(&mut tx, feed, 1).await.unwrap().len(), 1);
        packages::set_analysis(&mut tx, ids[0], &READY, "aa", t(1)).await.unwrap();
        assert_eq!(packages::get(&mut tx, ids[0]).await.unwrap().unwrap().problem, None);
        packages::set_problem(&mut tx, ids[0], &Problem { retry_at: None, ..problem.clone() }).await.unwrap();
        packages::retry_now(&mut tx, feed, t(3)).await.unwrap();
        let again = packages::get(&mut tx, ids[0]).await.unwrap().unwrap();
        assert_eq!((again.analysis, again.content_sha256), (None, None));
        assert_eq!(again.problem.and_then(|it| it.retry_at), Some(t(3)));
        for other in [
            NewPackage { content_location: "https://feed/moved".to_owned(), ..package(feed, "bad", "1.0") },
            NewPackage { content_hash: Some("SHA512:bb".to_owned()), ..package(feed, "bad", "1.0") },
        ] {
            packages::set_problem(&mut tx, ids[0], &problem).await.unwrap();
            packages::upsert_many(&mut tx, &[other], t(1)).await.unwrap();
            assert_eq!(packages::get(&mut tx, ids[0]).await.unwrap().unwrap().problem, None);
        }
    }

    async fn a_hosts_pause_lasts_and_the_longer_one_counts(db: Db) {
        let pause = |until: i64, cause: &str, is_ban| HostPause {
            host: "feed.example".to_owned(),
            until: t(until),
            cause: cause.to_owned(),
            is_ban,
        };
        let mut tx = db.begin().await.unwrap();
        for (until, cause, is_ban) in [(10, "first", false), (50, "longer", true), (20, "shorter", false)] {
            host_pauses::set(&mut tx, &pause(until, cause, is_ban), T0).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(host_pauses::get(&db, "feed.example", t(49)).await.unwrap(), Some(pause(50, "longer", true)));
        assert_eq!(host_pauses::get(&db, "feed.example", t(50)).await.unwrap(), None);
        assert_eq!(host_pauses::get(&db, "other.example", T0).await.unwrap(), None);
        let mut tx = db.begin().await.unwrap();
        host_pauses::end(&mut tx, "feed.example").await.unwrap();
        assert_eq!(host_pauses::get(&mut tx, "feed.example", T0).await.unwrap(), None);
    }

    async fn a_version_is_stored_once_a_source_and_ids_ignore_case(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let first = packages::upsert_many(
            &mut tx,
            &[package(feed, "7Zip", "1.0"), package(feed, "7zip", "1.0"), package(feed, "7zip", "2.0")],
            T0,
        )
        .await
        .unwrap();
        assert_eq!(first[0], first[1]);
        let newer = NewPackage { title: "7-Zip".to_owned(), listed: false, ..package(feed, "7ZIP", "1.0") };
        let second = packages::upsert_many(&mut tx, &[newer], t(9)).await.unwrap();
        assert_eq!(second[0], first[0]);
        assert!(packages::upsert_many(&mut tx, &[], T0).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        let stored = packages::find(&db, feed, "7Zip", "1.0").await.unwrap().unwrap();
        assert_eq!((stored.id.as_str(), stored.shown_id.as_str()), ("7zip", "7ZIP"));
        assert_eq!((stored.title.as_str(), stored.listed, stored.first_seen), ("7-Zip", true, T0));
        assert_eq!(packages::count(&db, feed).await.unwrap(), 2);
        assert_eq!(packages::get(&db, first[2]).await.unwrap().unwrap().version, "2.0");
        let unknown = fleetmend_model::PackageId(99);
        let many = packages::get_many(&db, &[first[2], unknown]).await.unwrap();
        assert_eq!(many.iter().map(|it| it.row).collect::<Vec<_>>(), [first[2]]);
    }

    async fn only_what_is_new_or_changed_is_written(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let same = package(feed, "zip", "1.0");
        let all = [same.clone(), package(feed, "zip", "2.0"), same.clone()];
        assert_eq!(packages::store_many(&mut tx, &all, T0).await.unwrap(), 2);
        assert_eq!(packages::store_many(&mut tx, &all, t(1)).await.unwrap(), 0);
        assert_eq!(packages::store_many(&mut tx, &[], t(1)).await.unwrap(), 0);
        let text = || "other".to_owned();
        for changed in [
            NewPackage { id: "ZIP".to_owned(), ..same.clone() },
            NewPackage { version: text(), ..same.clone() },
            NewPackage { prerelease: true, ..same.clone() },
            NewPackage { title: text(), ..same.clone() },
            NewPackage { authors: text(), ..same.clone() },
            NewPackage { project_url: text(), ..same.clone() },
            NewPackage { metadata: "{\"a\":1}".to_owned(), ..same.clone() },
            NewPackage { content_location: text(), ..same.clone() },
            NewPackage { content_hash: Some("SHA512:bb".to_owned()), ..same.clone() },
        ] {
            let written = packages::store_many(&mut tx, std::slice::from_ref(&changed), t(2)).await;
            assert_eq!(written.unwrap(), 1, "{changed:?}");
            let kept = packages::find(&mut tx, feed, "zip", "1.0").await.unwrap().unwrap();
            assert_eq!(
                (&kept.shown_id, &kept.version, kept.prerelease, &kept.title, &kept.authors),
                (&changed.id, &changed.version, changed.prerelease, &changed.title, &changed.authors),
            );
            assert_eq!(
                (&kept.project_url, &kept.metadata, &kept.content_location, &kept.content_hash, kept.listed),
                (&changed.project_url, &changed.metadata, &changed.content_location, &changed.content_hash, changed.listed),
            );
            packages::store_many(&mut tx, std::slice::from_ref(&same), t(3)).await.unwrap();
        }
        for unchanged in [
            // What a source no longer names or shows is taken away by nothing but a whole read.
            NewPackage { content_hash: None, ..same.clone() },
            NewPackage { listed: false, ..same.clone() },
        ] {
            let written = packages::store_many(&mut tx, std::slice::from_ref(&unchanged), t(4)).await;
            assert_eq!(written.unwrap(), 0, "{unchanged:?}");
        }
        let listed = packages::listed_of(&mut tx, feed).await.unwrap();
        let shown: Vec<_> = listed.iter().map(|it| (it.id.as_str(), it.normalized.as_str())).collect();
        assert_eq!(shown, [("zip", "2.0"), ("zip", "1.0")]);
        packages::set_listed(&mut tx, &[listed[0].row], false).await.unwrap();
        assert_eq!(packages::listed_of(&mut tx, feed).await.unwrap(), listed[1..]);
        packages::store_many(&mut tx, &all, t(5)).await.unwrap();
        assert_eq!(packages::listed_of(&mut tx, feed).await.unwrap(), listed, "it is shown again");
    }

    async fn each_source_offers_its_newest_usable_version_by_the_order_of_versions(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let main = add_source(&mut tx, "https://a", 10).await;
        let other = add_source(&mut tx, "https://b", 20).await;
        let off = add_source(&mut tx, "https://c", 1).await;
        switch_off(&mut tx, off).await;
        let new = [
            package(main, "zip", "1.9"),
            package(other, "zip", "1.8"),
            package(main, "zip", "1.10"),
            package(main, "zip", "2.0-beta"),
            package(off, "zip", "9.0"),
            NewPackage { listed: false, ..package(main, "zip", "8.0") },
            package(main, "zip", "7.0"),
            package(main, "only", "1.0-alpha"),
            package(other, "tool", "3.0"),
            NewPackage { listed: false, ..package(main, "gone", "1.0") },
        ];
        let ids = packages::upsert_many(&mut tx, &new, T0).await.unwrap();
        packages::quarantine(&mut tx, ids[6], Some("digest mismatch"), t(1)).await.unwrap();
        tx.commit().await.unwrap();
        let shown = |offers: Vec<packages::Offer>| -> Vec<_> {
            offers.iter().map(|it| (it.package.clone(), it.source, it.row, it.is_usable)).collect()
        };
        let row = |package: &str, source, row, is_usable| (package.to_owned(), source, row, is_usable);
        assert_eq!(shown(packages::offers(&db, false, None).await.unwrap()), [
            row("only", main, ids[7], false),
            row("tool", other, ids[8], true),
            row("zip", main, ids[2], true),
            row("zip", other, ids[1], true),
        ]);
        let all = packages::offers(&db, true, None).await.unwrap();
        assert_eq!((all[0].row, all[0].is_usable), (ids[7], true));
        assert_eq!((all[2].row, all[2].version.as_str()), (ids[3], "2.0-beta"));
        let held = packages::get(&db, ids[6]).await.unwrap().unwrap();
        assert_eq!(held.quarantine, Some((t(1), "digest mismatch".to_owned())));
        let mut tx = db.begin().await.unwrap();
        packages::quarantine(&mut tx, ids[6], None, t(2)).await.unwrap();
        assert_eq!(packages::offers(&mut tx, false, Some(&["ZIP", "unknown"])).await.unwrap()[0].row, ids[6]);
        packages::set_listed(&mut tx, &[ids[6], ids[2]], false).await.unwrap();
        assert_eq!(packages::offers(&mut tx, false, Some(&["ZIP", "unknown"])).await.unwrap()[0].row, ids[0]);
    }

    async fn an_analysis_holds_for_the_bytes_that_were_analysed(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let new = package(feed, "zip", "1.0");
        let id = packages::upsert_many(&mut tx, std::slice::from_ref(&new), T0).await.unwrap()[0];
        packages::set_analysis(&mut tx, id, &READY, "aa", t(1)).await.unwrap();
        packages::upsert_many(&mut tx, std::slice::from_ref(&new), t(2)).await.unwrap();
        let same = packages::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((same.analysis, same.analysed_at), (Some(READY), Some(t(1))));
        assert_eq!(same.content_sha256.as_deref(), Some("aa"));
        for says_nothing in [None, Some("SHA256:bbbb".to_owned()), Some("SHA512:aa".to_owned())] {
            let renamed = NewPackage { content_hash: says_nothing, ..new.clone() };
            packages::upsert_many(&mut tx, &[renamed], t(2)).await.unwrap();
            let same = packages::get(&mut tx, id).await.unwrap().unwrap();
            assert_eq!(same.content_sha256.as_deref(), Some("aa"), "{:?}", same.content_hash);
            assert_eq!(same.content_hash.as_deref(), Some("SHA512:aa"));
        }
        let other = NewPackage { content_hash: Some("SHA512:bb".to_owned()), ..new };
        packages::upsert_many(&mut tx, &[other], t(3)).await.unwrap();
        let other = packages::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((other.analysis, other.analysed_at, other.content_sha256), (None, None, None));
    }

    async fn the_list_filters_and_pages_by_id_and_version(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let twin = add_source(&mut tx, "https://b", 10).await;
        let new: Vec<_> = ["1.2", "1.10", "1.9"]
            .iter()
            .flat_map(|it| [package(feed, "zip", it), package(twin, "zip", it), package(feed, "Abc", it)])
            .collect();
        let ids = packages::upsert_many(&mut tx, &new, T0).await.unwrap();
        packages::set_analysis(&mut tx, ids[0], &READY, "aa", T0).await.unwrap();
        packages::quarantine(&mut tx, ids[1], Some("bad"), T0).await.unwrap();
        tx.commit().await.unwrap();
        let mut seen = Vec::new();
        let mut page = Page::first(2);
        loop {
            let paged = packages::list(&db, &PackageFilter::default(), &page).await.unwrap();
            seen.extend(paged.rows.iter().map(|it| (it.id.clone(), it.version.clone(), it.source)));
            let Some(next) = paged.next else { break };
            page = Page::after(2, next);
        }
        let mut wanted = Vec::new();
        for version in ["1.10", "1.9", "1.2"] {
            wanted.push(("abc".to_owned(), version.to_owned(), feed));
        }
        for version in ["1.10", "1.9", "1.2"] {
            wanted.push(("zip".to_owned(), version.to_owned(), feed));
            wanted.push(("zip".to_owned(), version.to_owned(), twin));
        }
        assert_eq!(seen, wanted);
        let any = PackageFilter::default;
        for (name, filter, wanted) in [
            ("text", PackageFilter { text: Some("AB".to_owned()), ..any() }, 3),
            ("title", PackageFilter { text: Some("zip TITLE".to_owned()), ..any() }, 6),
            ("verdict", PackageFilter { verdict: Some(Verdict::Ready), ..any() }, 1),
            ("quarantine", PackageFilter { quarantined: Some(true), ..any() }, 1),
            ("no quarantine", PackageFilter { quarantined: Some(false), ..any() }, 8),
            ("source", PackageFilter { source: Some(twin), ..any() }, 3),
            ("latest", PackageFilter { latest_only: true, ..any() }, 3),
        ] {
            let paged = packages::list(&db, &filter, &Page::first(50)).await.unwrap();
            assert_eq!(paged.rows.len(), wanted, "{name}");
        }
    }

    async fn a_source_that_goes_takes_its_packages_along(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let id = packages::upsert_many(&mut tx, &[package(feed, "zip", "1")], T0).await.unwrap()[0];
        let patch = fleetmend_store::patches::NewPatch {
            package: Some(id),
            ..crate::fixture::patch("zip", "1")
        };
        let patch = fleetmend_store::patches::upsert_many(&mut tx, &[patch], T0).await.unwrap()[0];
        assert!(sources::delete(&mut tx, feed).await.unwrap());
        assert!(!sources::delete(&mut tx, feed).await.unwrap());
        assert_eq!(packages::get(&mut tx, id).await.unwrap(), None);
        let patch = fleetmend_store::patches::get(&mut tx, patch).await.unwrap().unwrap();
        assert_eq!(patch.package, None, "the patch stays");
    }

    async fn products_are_known_by_package_and_code(db: Db) {
        let product = |code: &str, version: &str| Product {
            package: "Zip".to_owned(),
            product_code: code.to_owned(),
            upgrade_code: Some("{u}".to_owned()),
            product_name: "Zip".to_owned(),
            product_version: version.to_owned(),
            publisher: "P".to_owned(),
            package_version: Some(format!("package {version}")),
        };
        let mut tx = db.begin().await.unwrap();
        products::upsert_many(&mut tx, &[product("{A}", "1"), product("{b}", "1")]).await.unwrap();
        products::upsert_many(&mut tx, &[product("{a}", "2")]).await.unwrap();
        products::upsert_many(&mut tx, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let all = products::load_all(&db).await.unwrap();
        let shown: Vec<_> = all
            .iter()
            .map(|it| (it.package.as_str(), it.product_code.as_str(), it.product_version.as_str()))
            .collect();
        assert_eq!(shown, [("zip", "{A}", "2"), ("zip", "{B}", "1")]);
        assert_eq!(all[0].upgrade_code.as_deref(), Some("{U}"));
        assert_eq!(all[0].package_version.as_deref(), Some("package 2"));
        assert_eq!(products::of_package(&db, "ZIP").await.unwrap(), all);
        assert!(products::of_package(&db, "other").await.unwrap().is_empty());
    }
}
