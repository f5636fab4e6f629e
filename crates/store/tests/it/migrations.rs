//! What an older schema held is there under the present one.

use std::path::Path;

use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_model::{DeviceId, Millis, PatchId, PolicyId};
use fleetmend_store::Db;
use fleetmend_store::missing::{self, Grounds};
use fleetmend_store::policies;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _, SqliteConnection,
};
use tempfile::TempDir;

use crate::fixture::PostgresDatabase;

/// The schema as it was before a number, with the table in which that is recorded.
fn before(number: i64, database: &str) -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(database);
    let mut older = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let of_file: i64 = name.split('_').next().unwrap().parse().unwrap();
        if of_file < number {
            let sql = std::fs::read_to_string(file.path()).unwrap();
            let sql = AssertSqlSafe(sql).into_sql_str();
            let simple = MigrationType::Simple;
            older.push(Migration::new(of_file, name.into(), simple, sql, false));
        }
    }
    let mut migrator = Migrator::with_migrations(older);
    migrator.dangerous_set_table_name("schema_migrations");
    migrator
}

/// A database of an older schema with some rows, as the present program opens it.
async fn on_sqlite(older: Migrator, rows: &'static str) -> (TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let address = format!("sqlite:{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    older
        .run_direct(None, &mut connection, false)
        .await
        .unwrap();
    connection.execute(rows).await.unwrap();
    connection.close().await.unwrap();
    (folder, Db::open_sqlite(&path).await.unwrap())
}

/// The same on PostgreSQL.
async fn on_postgres(name: &str, older: Migrator, rows: &'static str) -> (PostgresDatabase, Db) {
    let database = PostgresDatabase::create(name).await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    older
        .run_direct(None, &mut connection, false)
        .await
        .unwrap();
    connection.execute(rows).await.unwrap();
    connection.close().await.unwrap();
    let db = Db::open_postgres(&database.url).await.unwrap();
    (database, db)
}

/// A device that lacks two patches for one reason and a third for another.
const LACKING: &str = "
    INSERT INTO devices (id, hostname, hostname_key, os_family, os_name, os_version, architecture,
        system_type, agent_version, protocol, certificate_sha256, enrolled_at, last_seen)
    VALUES (1, 'a', 'a', 'windows', '', '', '', 'normal', '', 1, 'x', 0, 0);
    INSERT INTO patches (id, patch_type, name, architecture, version, title, title_key, security,
        origin, first_seen)
    VALUES (1, 'os', 'a', '', '1', '', '', 0, '', 0), (2, 'os', 'b', '', '1', '', '', 0, '', 0),
        (3, 'os', 'c', '', '1', '', '', 0, '', 0);
    INSERT INTO missing (device, patch, installed_version, evidence, confidence, reason, since)
    VALUES (1, 1, '1', 'product_code', 'certain', 'older', 7),
        (1, 2, '1', 'product_code', 'certain', 'older', 8),
        (1, 3, '2', 'product_code', 'certain', 'older', 9)";

async fn what_was_missing_is_missing(db: &Db) {
    for (patch, since, version) in [(1, 7, "1"), (2, 8, "1"), (3, 9, "2")] {
        let row = missing::get(db, DeviceId(1), PatchId(patch))
            .await
            .unwrap()
            .unwrap();
        let grounds = Grounds {
            installed_version: version.to_owned(),
            evidence: Evidence::ProductCode,
            confidence: Confidence::Certain,
            reason: "older".to_owned(),
        };
        assert_eq!((row.since, row.grounds), (Millis(since), grounds));
    }
    let stored = missing::stored(db, &[DeviceId(1)]).await.unwrap();
    let ids = &stored[&DeviceId(1)];
    assert_eq!(ids[0].1, ids[1].1, "the same grounds are stored once");
}

#[tokio::test]
async fn what_was_missing_under_the_first_schema_is_missing_on_sqlite() {
    let (_folder, db) = on_sqlite(before(2, "sqlite"), LACKING).await;
    what_was_missing_is_missing(&db).await;
}

#[tokio::test]
async fn what_was_missing_under_the_first_schema_is_missing_on_postgres() {
    let (database, db) = on_postgres("old", before(2, "postgres"), LACKING).await;
    what_was_missing_is_missing(&db).await;
    db.close().await;
    database.drop().await;
}

/// A policy that is disabled in its second generation, one that is enabled, and what a removed one was.
const POLICIES: &str = "
    INSERT INTO policies (id, name, name_key, rank, enabled, scope, settings, generation, updated_by,
        updated_at)
    VALUES (51, 'a', 'a', 51, 0, '{}', '{}', 2, '', 0), (52, 'b', 'b', 52, 1, '{}', '{}', 1, '', 0);
    INSERT INTO policy_versions (policy, generation, name, scope, settings, changed_by, at)
    VALUES (51, 1, 'a', '{}', '{}', '', 0), (51, 2, 'a', '{}', '{}', '', 0),
        (52, 1, 'b', '{}', '{}', '', 0), (53, 1, 'c', '{}', '{}', '', 0)";

async fn whether_it_was_enabled_is_as_it_is_or_not_known(db: &Db) {
    for (policy, expected) in [
        (51, &[Some(false), None][..]),
        (52, &[Some(true)]),
        (53, &[None]),
    ] {
        let versions = policies::versions(db, PolicyId(policy)).await.unwrap();
        let found: Vec<_> = versions.iter().map(|it| it.is_enabled).collect();
        assert_eq!(found, expected, "{policy}");
    }
}

#[tokio::test]
async fn whether_a_policy_was_enabled_is_not_made_up_on_sqlite() {
    let (_folder, db) = on_sqlite(before(146, "sqlite"), POLICIES).await;
    whether_it_was_enabled_is_as_it_is_or_not_known(&db).await;
}

#[tokio::test]
async fn whether_a_policy_was_enabled_is_not_made_up_on_postgres() {
    let older = before(146, "postgres");
    let (database, db) = on_postgres("old_policies", older, POLICIES).await;
    whether_it_was_enabled_is_as_it_is_or_not_known(&db).await;
    db.close().await;
    database.drop().await;
}

#[test]
fn every_file_of_a_migration_is_in_both_lists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let lists = std::fs::read_to_string(root.join("src/migrate.rs")).unwrap();
    for folder in ["sqlite", "postgres"] {
        for entry in std::fs::read_dir(root.join("migrations").join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let line = format!("include_str!(\"../migrations/{folder}/{name}\")");
            assert!(lists.contains(&line), "{line} is in no list");
        }
    }
}
