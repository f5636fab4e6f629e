//! The pages of sources.

use std::collections::BTreeSet;

use fleetmend_model::{Millis, SourceId};
use fleetmend_store::source_pages::{self, KnownPage, NewPage};
use fleetmend_store::sources::{self, LeftOut, Settings, SourceKind};
use fleetmend_store::{Db, Tx};

use crate::fixture::{T0, both, t};

const READER: u32 = 3;

async fn add_source(tx: &mut Tx, location: &str) -> SourceId {
    let settings = Settings::new(location, location);
    sources::insert(tx, SourceKind::Feed, &settings)
        .await
        .unwrap()
}

fn page(url: &str, versions: &[u64]) -> NewPage {
    let known = KnownPage {
        url: url.to_owned(),
        etag: Some("\"a\"".to_owned()),
        last_modified: None,
        next: Some("next".to_owned()),
        entries: versions.len() as u64,
        first_id: "first".to_owned(),
        last_id: "last".to_owned(),
        is_in_order: true,
    };
    NewPage {
        known,
        versions: versions.to_vec(),
        ..NewPage::default()
    }
}

both! {
    async fn what_was_read_in_the_same_way_is_known_again(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a").await;
        let other = add_source(&mut tx, "https://b").await;
        let pages = [page("one", &[1, u64::MAX]), page("two", &[])];
        source_pages::put_many(&mut tx, feed, &pages, READER, T0).await.unwrap();
        source_pages::put_many(&mut tx, other, &pages[..1], READER, T0).await.unwrap();
        source_pages::put_many(&mut tx, feed, &[], READER, T0).await.unwrap();
        let mut known = source_pages::known(&mut tx, feed, READER).await.unwrap();
        known.sort_by(|a, b| a.url.cmp(&b.url));
        assert_eq!(known, pages.clone().map(|it| it.known));
        // Of what was read in another way nothing tells whether it changed, but where it is and what it has.
        let otherwise = source_pages::known(&mut tx, feed, READER + 1).await.unwrap();
        let has_validator = |it: &KnownPage| it.etag.is_some() || it.last_modified.is_some();
        assert!(!otherwise.iter().any(has_validator), "{otherwise:?}");
        let of = |all: Vec<KnownPage>| -> BTreeSet<_> {
            all.into_iter().map(|it| (it.url, it.next, it.first_id)).collect()
        };
        assert_eq!(of(otherwise), of(known));
        assert_eq!(source_pages::offered(&mut tx, feed).await.unwrap(), [1, u64::MAX]);
        let changed = page("one", &[7]);
        source_pages::put_many(&mut tx, feed, &[changed], READER + 1, t(1)).await.unwrap();
        let known = source_pages::known(&mut tx, feed, READER).await.unwrap();
        assert_eq!(known.iter().filter(|it| has_validator(it)).count(), 1);
        assert_eq!(source_pages::offered(&mut tx, feed).await.unwrap(), [7]);
    }

    async fn what_a_read_did_not_come_by_is_forgotten(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a").await;
        let pages = [page("gone", &[1]), page("same", &[2]), page("changed", &[3])];
        source_pages::put_many(&mut tx, feed, &pages, READER, T0).await.unwrap();
        source_pages::seen(&mut tx, feed, &["same", "unknown"], t(1)).await.unwrap();
        source_pages::seen(&mut tx, feed, &[], t(1)).await.unwrap();
        source_pages::put_many(&mut tx, feed, &[page("changed", &[4])], READER, t(1)).await.unwrap();
        for (now, mark) in [(T0, Millis(t(1).0 + 1)), (t(1), Millis(t(1).0 + 1)), (t(5), t(5))] {
            assert_eq!(source_pages::next_mark(&mut tx, feed, now).await.unwrap(), mark);
        }
        assert_eq!(source_pages::next_mark(&mut tx, SourceId(99), T0).await.unwrap(), T0);
        assert_eq!(source_pages::drop_older(&mut tx, feed, t(1)).await.unwrap(), 1);
        let mut offered = source_pages::offered(&mut tx, feed).await.unwrap();
        offered.sort_unstable();
        assert_eq!(offered, [2, 4]);
        source_pages::limit(&mut tx, feed, 2).await.unwrap();
        assert_eq!(source_pages::known(&mut tx, feed, READER).await.unwrap().len(), 2);
        source_pages::limit(&mut tx, feed, 1).await.unwrap();
        assert_eq!(source_pages::known(&mut tx, feed, READER).await.unwrap(), []);
    }

    async fn a_page_that_cannot_be_read_keeps_the_versions_that_it_had(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a").await;
        let torn = |url: &str| NewPage { is_unreadable: true, ..page(url, &[]) };
        source_pages::put_many(&mut tx, feed, &[page("known", &[1, 2])], READER, T0).await.unwrap();
        for _ in 0..2 {
            let pages = [torn("known"), torn("new")];
            source_pages::put_many(&mut tx, feed, &pages, READER, t(1)).await.unwrap();
            assert_eq!(source_pages::offered(&mut tx, feed).await.unwrap(), [1, 2]);
        }
        source_pages::forget_states(&mut tx, feed).await.unwrap();
        let known = source_pages::known(&mut tx, feed, READER).await.unwrap();
        assert!(known.len() == 2 && known.iter().all(|it| it.etag.is_none()), "{known:?}");
        source_pages::put_many(&mut tx, feed, &[page("known", &[3])], READER, t(2)).await.unwrap();
        assert_eq!(source_pages::offered(&mut tx, feed).await.unwrap(), [3]);
    }

    async fn what_is_left_out_is_counted_over_all_pages(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a").await;
        let left_out = |what: &str| LeftOut { what: what.to_owned(), why: "torn".to_owned() };
        let pages = [
            NewPage { left_out: vec![left_out("a"), left_out("b")], left_out_count: 9, ..page("1", &[]) },
            page("2", &[]),
            NewPage { left_out: vec![left_out("c")], left_out_count: 1, ..page("3", &[]) },
        ];
        source_pages::put_many(&mut tx, feed, &pages, READER, T0).await.unwrap();
        let all = [left_out("a"), left_out("b"), left_out("c")];
        for most in 1..4 {
            let found = source_pages::left_out(&mut tx, feed, T0, most).await.unwrap();
            assert_eq!(found, (all[..most].to_vec(), 10), "{most}");
        }
        source_pages::put_many(&mut tx, feed, &pages[2..], READER, t(1)).await.unwrap();
        let found = source_pages::left_out(&mut tx, feed, t(1), 9).await.unwrap();
        assert_eq!(found, (vec![left_out("c")], 1), "of later reads alone");
        assert!(sources::delete(&mut tx, feed).await.unwrap());
        assert_eq!(source_pages::known(&mut tx, feed, READER).await.unwrap(), []);
    }
}
