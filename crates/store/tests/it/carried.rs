//! What imports say of sources: the files behind addresses, and what they lack.

use fleetmend_model::SourceId;
use fleetmend_store::carried_catalogs::{self, Carried, Direction};
use fleetmend_store::fetched_files::{self, FetchedFile};
use fleetmend_store::packages::{self, NewPackage, Problem};
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_store::{Db, Tx};

use crate::fixture::{T0, both, t};

async fn add_source(tx: &mut Tx, location: &str) -> SourceId {
    let settings = Settings::new(location, location);
    let kind = SourceKind::Imported;
    sources::insert(tx, kind, &settings).await.unwrap()
}

fn file(sha256: &str) -> FetchedFile {
    FetchedFile {
        address: "https://vendor/setup.exe".to_owned(),
        named: String::new(),
        sha256: sha256.to_owned(),
    }
}

/// Notes an import of a source; gives its row.
async fn import(tx: &mut Tx, source: SourceId) -> i64 {
    let carried = Carried {
        direction: Direction::Import,
        at: T0,
        who: "a".to_owned(),
        sha256: "ab".repeat(32),
        length: 1,
        made_at: T0,
        made_by: "b".to_owned(),
        origin: "c".to_owned(),
        sources: 1,
        versions: 1,
        files: 0,
        note: String::new(),
    };
    let row = carried_catalogs::insert(tx, &carried).await.unwrap();
    carried_catalogs::set_of_source(tx, source, row)
        .await
        .unwrap();
    row
}

both! {
    async fn an_import_says_which_file_its_own_source_has_and_the_server_for_all_others(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (one, other) = (add_source(&mut tx, "one").await, add_source(&mut tx, "other").await);
        let known = async |tx: &mut Tx, source| {
            let found = fetched_files::get(tx, source, "https://vendor/setup.exe", None).await;
            found.unwrap().map(|it| it.sha256)
        };
        fetched_files::put_imported(&mut tx, one, &[file("1"), file("2")], T0).await.unwrap();
        assert_eq!(known(&mut tx, one).await.as_deref(), Some("2"));
        assert_eq!(known(&mut tx, other).await, None);
        fetched_files::put_fetched(&mut tx, &file("own"), T0).await.unwrap();
        assert_eq!(known(&mut tx, one).await.as_deref(), Some("2"));
        assert_eq!(known(&mut tx, other).await.as_deref(), Some("own"));
        fetched_files::put_imported(&mut tx, other, &[file("3")], T0).await.unwrap();
        fetched_files::put_imported(&mut tx, one, &[], T0).await.unwrap();
        fetched_files::put_fetched(&mut tx, &file("newer"), t(1)).await.unwrap();
        assert_eq!(known(&mut tx, one).await.as_deref(), Some("2"));
        assert_eq!(known(&mut tx, other).await.as_deref(), Some("3"));
        // What is said of a source goes with it.
        sources::delete(&mut tx, one).await.unwrap();
        assert_eq!(known(&mut tx, one).await.as_deref(), Some("newer"));
    }

    async fn what_an_import_lacks_is_said_before_the_next_one_or_not_of_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let source = add_source(&mut tx, "one").await;
        let first = import(&mut tx, source).await;
        let new = NewPackage {
            source,
            id: "a".to_owned(),
            version: "1.0".to_owned(),
            normalized: "1.0.0".to_owned(),
            prerelease: false,
            title: String::new(),
            authors: String::new(),
            project_url: String::new(),
            metadata: "{}".to_owned(),
            content_location: "x".to_owned(),
            content_hash: None,
            listed: true,
        };
        let package = packages::upsert_many(&mut tx, &[new], T0).await.unwrap()[0];
        tx.commit().await.unwrap();

        let mut telling = db.begin().await.unwrap();
        assert!(carried_catalogs::hold(&mut telling, source, Some(first)).await.unwrap());
        let next = tokio::spawn({
            let db = db.clone();
            async move {
                let mut tx = db.begin().await.unwrap();
                assert!(carried_catalogs::hold(&mut tx, source, None).await.unwrap());
                packages::retry_now(&mut tx, source, t(5)).await.unwrap();
                import(&mut tx, source).await;
                tx.commit().await.unwrap();
            }
        });
        let problem = Problem { why: "it lacks it".to_owned(), tries: 1, retry_at: None };
        packages::set_problem(&mut telling, package, &problem).await.unwrap();
        telling.commit().await.unwrap();
        next.await.unwrap();
        let found = packages::get(&db, package).await.unwrap().unwrap();
        assert_eq!(found.problem.and_then(|it| it.retry_at), Some(t(5)));

        let mut tx = db.begin().await.unwrap();
        assert!(!carried_catalogs::hold(&mut tx, source, Some(first)).await.unwrap());
    }
}
