//! When patches were published, seen, mirrored, lacked and fixed.

use fleetmend_store::missing::{self, PatchFilter, PatchSort, replace_for_devices};
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::{Db, Page};

use crate::fixture::{T0, add_device, add_patch, both, lacks, patch, t};
use crate::packages::{add_source, package};

both! {
    async fn what_a_source_says_of_a_publication_is_a_date_only_where_it_is_one(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let source = add_source(&mut tx, "https://a", 1).await;
        let device = add_device(&mut tx, "a").await;
        let mut all = Vec::new();
        for (name, metadata, published) in [
            ("utc", r#"{"published":"2024-03-01T12:30:00.123Z","tags":[]}"#, Some("2024-03-01T12:30:00")),
            ("bare", r#"{"published": "2025-01-02T03:04:05"}"#, Some("2025-01-02T03:04:05")),
            ("unlisted", r#"{"published":"1900-01-01T00:00:00"}"#, None),
            ("none", r#"{"published":null,"summary":"a"}"#, None),
            ("quoted", r#"{"summary":"\"published\":\"2024-03-01T12:30:00\""}"#, None),
            ("words", r#"{"published":"last week"}"#, None),
            ("broken", "no JSON", None),
        ] {
            let new = NewPackage { metadata: metadata.to_owned(), ..package(source, name, "2.0") };
            let row = packages::upsert_many(&mut tx, &[new], t(5)).await.unwrap()[0];
            let new = NewPatch { package: Some(row), ..patch(name, "2.0") };
            let id = patches::upsert_many(&mut tx, &[new], T0).await.unwrap()[0];
            let dates = missing::dates(&mut tx, id).await.unwrap();
            assert_eq!(dates.published.as_deref(), published, "{name}");
            assert_eq!((dates.seen, dates.mirrored, dates.first_fixed), (Some(t(5)), None, None));
            all.push(id);
        }
        let lacking = lacks(&mut tx, device, &all).await;
        replace_for_devices(&mut tx, &[lacking], T0).await.unwrap();
        let text = |it: &str| Some(it.to_owned());
        let any = PatchFilter::default;
        for (filter, expected) in [
            (PatchFilter { published_since: text("2024-03-01T12:30:00"), ..any() }, vec!["bare", "utc"]),
            (PatchFilter { published_since: text("2024-03-01T12:30:01"), ..any() }, vec!["bare"]),
            (PatchFilter { published_before: text("2024-03-02T00:00:00"), ..any() }, vec!["utc"]),
            (PatchFilter { fixed: Some(true), ..any() }, vec![]),
        ] {
            for sort in [PatchSort::Title, PatchSort::Newest, PatchSort::Affected] {
                let mut found = Vec::new();
                let mut page = Page::first(1);
                loop {
                    let listed = missing::list(&mut tx, &filter, sort, &page).await.unwrap();
                    found.extend(listed.rows.into_iter().map(|it| it.patch.name));
                    let Some(next) = listed.next else { break };
                    page = Page::after(1, next);
                }
                found.sort_unstable();
                assert_eq!(found, expected, "{filter:?} {sort:?}");
            }
        }
    }

    async fn what_was_known_first_of_a_patch_stays_when_another_source_has_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let known = |published: &str| format!(r#"{{"published":"{published}"}}"#);
        let mut rows = Vec::new();
        for (at, metadata) in [
            (t(5), "{}".to_owned()),
            (t(7), known("2024-03-01T12:30:00")),
            (t(9), known("2025-01-02T03:04:05")),
        ] {
            let source = add_source(&mut tx, &format!("https://{}", at.0), 1).await;
            let new = NewPackage { metadata, ..package(source, "zip", "2.0") };
            rows.push(packages::upsert_many(&mut tx, &[new], at).await.unwrap()[0]);
        }
        let mut patches = Vec::new();
        for row in rows.iter().chain([&rows[1]]) {
            let new = NewPatch { package: Some(*row), ..patch("zip", "2.0") };
            let id = patches::upsert_many(&mut tx, &[new], T0).await.unwrap()[0];
            let dates = missing::dates(&mut tx, id).await.unwrap();
            patches.push((dates.seen, dates.published));
        }
        let new = NewPatch { package: None, ..patch("zip", "2.0") };
        let id = patches::upsert_many(&mut tx, &[new], T0).await.unwrap()[0];
        let dates = missing::dates(&mut tx, id).await.unwrap();
        patches.push((dates.seen, dates.published));
        let published = Some("2024-03-01T12:30:00".to_owned());
        let known = (Some(t(5)), published);
        assert_eq!(patches, [(Some(t(5)), None), known.clone(), known.clone(), known.clone(), known]);
    }

    async fn some_devices_are_looked_at_for_each_patch_and_the_first_and_last_date_stay(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (zip, curl) = (add_patch(&mut tx, "zip").await, add_patch(&mut tx, "curl").await);
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        for device in [a, b] {
            let lacking = lacks(&mut tx, device, &[zip, curl]).await;
            replace_for_devices(&mut tx, &[lacking], T0).await.unwrap();
        }
        assert_eq!(missing::fix_candidates(&mut tx, 10).await.unwrap(), []);
        for (n, device) in [a, b].into_iter().enumerate() {
            let lacking = lacks(&mut tx, device, &[curl]).await;
            replace_for_devices(&mut tx, &[lacking], t(10 + n as i64)).await.unwrap();
        }
        let found = missing::fix_candidates(&mut tx, 10).await.unwrap();
        let shown: Vec<_> = found.iter().map(|it| (it.patch, it.device, it.at, it.is_missing)).collect();
        assert_eq!(shown, [(zip, a, t(10), false), (zip, b, t(11), false)]);
        // The first was in vain, and is not looked at again; the second one is.
        missing::looked_at(&mut tx, &found[..1], &[]).await.unwrap();
        assert_eq!(missing::fix_candidates(&mut tx, 10).await.unwrap(), found[1..]);
        missing::looked_at(&mut tx, &found[1..], &found[1..]).await.unwrap();
        assert_eq!(missing::fix_candidates(&mut tx, 10).await.unwrap(), []);

        for (lacked, now) in [(vec![zip, curl], t(20)), (vec![], t(30)), (vec![zip], t(40))] {
            let lacking = lacks(&mut tx, b, &lacked).await;
            replace_for_devices(&mut tx, &[lacking], now).await.unwrap();
        }
        let found = missing::fix_candidates(&mut tx, 10).await.unwrap();
        let again: Vec<_> = found.iter().map(|it| (it.patch, it.is_missing)).collect();
        assert_eq!(again, [(zip, true), (curl, false)]);
        missing::looked_at(&mut tx, &found, &found[..1]).await.unwrap();
        let dates = missing::dates(&mut tx, zip).await.unwrap();
        assert_eq!((dates.first_fixed, dates.last_fixed), (Some(t(11)), Some(t(30))));
        let dates = missing::dates(&mut tx, curl).await.unwrap();
        assert_eq!((dates.first_fixed, dates.last_fixed), (None, None));
    }

    async fn of_many_devices_twenty_are_looked_at_and_none_once_one_has_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let zip = add_patch(&mut tx, "zip").await;
        let mut devices = Vec::new();
        for number in 0..50 {
            devices.push(add_device(&mut tx, &number.to_string()).await);
        }
        for (some, now) in [(&devices[..15], t(1)), (&devices[15..45], t(2)), (&devices[45..], t(3))] {
            for lacked in [&[zip][..], &[]] {
                let mut lacking = Vec::new();
                for device in some {
                    lacking.push(lacks(&mut tx, *device, lacked).await);
                }
                replace_for_devices(&mut tx, &lacking, now).await.unwrap();
            }
        }
        let found = missing::fix_candidates(&mut tx, 100).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| it.device).collect();
        assert_eq!(found, devices[..20]);
        let all = missing::fix_candidates(&mut tx, 100).await.unwrap();
        missing::looked_at(&mut tx, &all[3..5], &all[3..5]).await.unwrap();
        assert_eq!(missing::fix_candidates(&mut tx, 100).await.unwrap(), []);
        let dates = missing::dates(&mut tx, zip).await.unwrap();
        assert_eq!(dates.first_fixed, Some(t(1)));
    }
}
