//! Every statement that the crate has is one that both databases understand.

use fleetmend_store::{Db, statements};
use sqlx::{Executor as _, SqlSafeStr as _};

use crate::fixture::both;

both! {
    async fn every_statement_prepares(db: Db) {
        let mut failures = Vec::new();
        for sql in statements() {
            let error = match &db {
                Db::Sqlite { writer, .. } => {
                    let mut connection = writer.acquire().await.unwrap();
                    connection.prepare(sql.sqlite.into_sql_str()).await.err()
                }
                Db::Postgres(pool) => {
                    let mut connection = pool.acquire().await.unwrap();
                    connection.prepare(sql.postgres.into_sql_str()).await.err()
                }
            };
            failures.extend(error.map(|error| format!("{}: {error}", sql.name)));
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

#[test]
fn every_file_with_statements_is_in_the_list() {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return count(&path);
                }
                let text = std::fs::read_to_string(&path).unwrap();
                text.lines()
                    .filter(|line| line.starts_with("statements! {"))
                    .count()
            })
            .sum()
    }
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<&str> = statements()
        .map(|sql| sql.name.rsplit_once("::").map_or("", |(module, _)| module))
        .collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(count(&sources), files.len(), "{files:?}");
}

#[test]
fn names_of_statements_are_unique() {
    let mut names: Vec<_> = statements().map(|sql| sql.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
