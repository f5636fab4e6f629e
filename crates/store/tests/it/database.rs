//! Opening, migrating, transactions.

use fleetmend_store::{Db, Error, settings};
use sqlx::Executor as _;

use crate::fixture::{PostgresDatabase, both, sqlite_path};

both! {
    async fn a_setting_is_added_once_and_then_stays(db: Db) {
        let mut tx = db.begin().await.unwrap();
        assert!(settings::add(&mut tx, "a", "first").await.unwrap());
        assert!(!settings::add(&mut tx, "a", "second").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(settings::get(&db, "a").await.unwrap().as_deref(), Some("first"));
    }

    async fn a_committed_transaction_lasts(db: Db) {
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "a", "1").await.unwrap();
        assert_eq!(settings::get(&mut tx, "a").await.unwrap().as_deref(), Some("1"));
        assert_eq!(settings::get(&db, "a").await.unwrap(), None, "not before the commit");
        tx.commit().await.unwrap();
        assert_eq!(settings::get(&db, "a").await.unwrap().as_deref(), Some("1"));
    }

    async fn a_transaction_dropped_without_commit_did_nothing(db: Db) {
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "a", "1").await.unwrap();
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "b", "2").await.unwrap();
        tx.rollback().await.unwrap();
        // The next writer gets a clean connection.
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "c", "3").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(settings::all(&db).await.unwrap(), [("c".to_owned(), "3".to_owned())]);
    }

    async fn a_transaction_whose_future_was_dropped_midway_did_nothing(db: Db) {
        {
            let work = async {
                let mut tx = db.begin().await.unwrap();
                settings::set(&mut tx, "a", "1").await.unwrap();
                std::future::pending::<()>().await;
                tx.commit().await.unwrap();
            };
            tokio::select! {
                biased;
                () = work => unreachable!(),
                () = until_locked(&db) => {}
            }
        }
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "b", "2").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(settings::all(&db).await.unwrap(), [("b".to_owned(), "2".to_owned())]);
    }

    async fn a_reading_transaction_sees_one_state_and_cannot_write(db: Db) {
        let mut reading = db.read().await.unwrap();
        assert_eq!(settings::get(&mut reading, "a").await.unwrap(), None);
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "a", "1").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(settings::get(&mut reading, "a").await.unwrap(), None);
        settings::set(&mut reading, "b", "2").await.unwrap_err();
        drop(reading);
        assert_eq!(settings::get(&db, "b").await.unwrap(), None);
    }

    async fn writers_at_the_same_time_all_get_through(db: Db) {
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut tx = db.begin().await.unwrap();
                    settings::set(&mut tx, &format!("key {number}"), "x").await.unwrap();
                    tx.commit().await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(settings::all(&db).await.unwrap().len(), 20);
    }

    async fn a_text_with_nul_is_kept_with_a_replacement_character(db: Db) {
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "a", "x\0y").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(settings::get(&db, "a").await.unwrap().as_deref(), Some("x\u{fffd}y"));
    }
}

/// Waits until the work beside it has come as far as it does: on SQLite it has the only writer.
async fn until_locked(db: &Db) {
    match db {
        Db::Sqlite { writer, .. } => {
            while writer.num_idle() > 0 {
                tokio::task::yield_now().await;
            }
        }
        Db::Postgres(pool) => {
            while pool.size() == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sqlite_is_opened_a_second_time_with_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = sqlite_path(&folder);
    let db = Db::open(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    let mut tx = db.begin().await.unwrap();
    settings::set(&mut tx, "a", "1").await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let db = Db::open_sqlite(&path).await.unwrap();
    assert_eq!(settings::get(&db, "a").await.unwrap().as_deref(), Some("1"));
    let Db::Sqlite { writer, .. } = &db else {
        unreachable!()
    };
    for (pragma, wanted) in [
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA synchronous", "2"),
        ("PRAGMA foreign_keys", "1"),
    ] {
        let row = sqlx::query(pragma).fetch_one(writer).await.unwrap();
        let value = sqlx::Row::try_get::<String, _>(&row, 0)
            .unwrap_or_else(|_| sqlx::Row::get::<i64, _>(&row, 0).to_string());
        assert_eq!(value, wanted, "{pragma}");
    }
}

#[tokio::test]
async fn postgres_is_opened_a_second_time() {
    let database = PostgresDatabase::create("second").await;
    let db = Db::open(&database.url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    settings::set(&mut tx, "a", "1").await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let db = Db::open_postgres(&database.url).await.unwrap();
    assert_eq!(settings::get(&db, "a").await.unwrap().as_deref(), Some("1"));
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn servers_that_start_at_once_on_a_new_postgres_database_migrate_it_once() {
    let database = PostgresDatabase::create("at_once").await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { Db::open_postgres(&url).await.unwrap().close().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    database.drop().await;
}

const NEWER: &str = "INSERT INTO schema_migrations
    (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)";

#[tokio::test]
async fn a_newer_sqlite_database_is_not_touched_and_the_error_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = sqlite_path(&folder);
    let db = Db::open_sqlite(&path).await.unwrap();
    let Db::Sqlite { writer, .. } = &db else {
        unreachable!()
    };
    writer.execute(NEWER).await.unwrap();
    db.close().await;
    let error = Db::open_sqlite(&path).await.unwrap_err();
    assert!(matches!(error, Error::Newer { found: 9999, .. }), "{error}");
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[tokio::test]
async fn a_newer_postgres_database_is_not_touched_and_the_error_says_why() {
    let database = PostgresDatabase::create("newer").await;
    let db = Db::open_postgres(&database.url).await.unwrap();
    let Db::Postgres(pool) = &db else {
        unreachable!()
    };
    pool.execute(NEWER).await.unwrap();
    db.close().await;
    let error = Db::open_postgres(&database.url).await.unwrap_err();
    assert!(matches!(error, Error::Newer { found: 9999, .. }), "{error}");
    database.drop().await;
}

#[tokio::test]
async fn an_address_or_path_that_cannot_be_used_is_named() {
    let error = Db::open("mysql://x").await.unwrap_err();
    assert!(error.to_string().contains("mysql"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no such folder").join("x.db");
    let error = Db::open_sqlite(&path).await.unwrap_err();
    assert!(error.to_string().contains("no such folder"), "{error}");
    let file = folder.path().join("text");
    std::fs::write(
        &file,
        "this is no database, but long enough to look at".repeat(50),
    )
    .unwrap();
    let error = Db::open_sqlite(&file).await.unwrap_err();
    assert!(error.to_string().contains("text"), "{error}");
}
