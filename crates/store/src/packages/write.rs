//! What sources say, written into the catalog: all that is new, and of the rest only what changed.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::{Millis, PackageId, SourceId};

use super::order_key;
use crate::db::{Read as _, Tx};
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row, storable};

/// Whether a source names another digest of the same kind: it has other bytes than those that were
/// looked at.
macro_rules! has_other_bytes {
    () => {
        "(length(packages.content_hash) = length(excluded.content_hash)
          AND packages.content_hash <> excluded.content_hash)"
    };
}

/// What is known of the bytes stays as long as they are the same.
macro_rules! while_same_bytes {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN ",
            has_other_bytes!(),
            " THEN NULL ELSE packages.",
            $column,
            " END,"
        )
    };
}

/// What was wrong stays as long as the bytes and the place to have them from are the same.
macro_rules! while_same_place {
    ($column:literal, $otherwise:literal) => {
        concat!(
            $column,
            " = CASE WHEN ",
            has_other_bytes!(),
            " OR packages.content_location <> excluded.content_location THEN ",
            $otherwise,
            " ELSE packages.",
            $column,
            " END,"
        )
    };
}

statements! {
    /// Another digest of the same kind takes the analysis away, and what was wrong: the source has
    /// other bytes than those that were looked at. A digest of another kind, or none, says nothing of
    /// the bytes that are known, and does not take the place of theirs. Another place to have them from
    /// takes away what was wrong. What is listed stays so: taking it away is decided over all that a
    /// source has. A row that would stay as it is is not written.
    UPSERT = (concat!(
             "INSERT INTO packages (source, package, shown_id, version, normalized, order_key,
                  prerelease, title, title_key, authors, project_url, metadata, content_location,
                  content_hash, listed, first_seen)
              SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4,
                     value->>5, CAST(value->>6 AS BIGINT), value->>7, value->>8, value->>9,
                     value->>10, value->>11, value->>12, value->>13, CAST(value->>14 AS BIGINT), $2
              FROM jsonb_each($1) WHERE true
              ON CONFLICT (source, package, normalized) DO UPDATE SET
                  shown_id = excluded.shown_id, version = excluded.version,
                  order_key = excluded.order_key, prerelease = excluded.prerelease,
                  title = excluded.title, title_key = excluded.title_key,
                  authors = excluded.authors, project_url = excluded.project_url,
                  metadata = excluded.metadata, content_location = excluded.content_location,
                  listed = CASE WHEN excluded.listed > packages.listed
                                THEN excluded.listed ELSE packages.listed END,
                  ",
             while_same_bytes!("verdict"), while_same_bytes!("analysis"),
             while_same_bytes!("analysed_at"), while_same_bytes!("content_sha256"),
             while_same_place!("problem", "NULL"), while_same_place!("problem_tries", "0"),
             "
                  content_hash = CASE
                      WHEN packages.content_sha256 IS NOT NULL AND packages.content_hash IS NOT NULL
                           AND length(packages.content_hash) <> length(excluded.content_hash)
                      THEN packages.content_hash
                      ELSE COALESCE(excluded.content_hash, packages.content_hash) END
              WHERE packages.listed < excluded.listed
                 OR (excluded.content_hash IS NOT NULL
                     AND packages.content_hash IS DISTINCT FROM excluded.content_hash
                     AND (packages.content_sha256 IS NULL OR packages.content_hash IS NULL
                          OR length(packages.content_hash) = length(excluded.content_hash)))
                 OR packages.content_location <> excluded.content_location
                 OR packages.metadata <> excluded.metadata OR packages.title <> excluded.title
                 OR packages.authors <> excluded.authors
                 OR packages.project_url <> excluded.project_url
                 OR packages.shown_id <> excluded.shown_id OR packages.version <> excluded.version
                 OR packages.order_key <> excluded.order_key
                 OR packages.prerelease <> excluded.prerelease"
    ));
    KEYS = "SELECT p.id, p.source, p.package, p.normalized FROM jsonb_each($1) AS j
            JOIN packages AS p ON p.source = CAST(j.value->>0 AS BIGINT)
                AND p.package = j.value->>1 AND p.normalized = j.value->>2";
}

/// A package version as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// Where it comes from.
    pub source: SourceId,
    /// The id as the source writes it; compared in lower case.
    pub id: String,
    /// The version as the source writes it.
    pub version: String,
    /// The version's normalized text; with source and id it is the row's identity.
    pub normalized: String,
    /// Whether it is a prerelease.
    pub prerelease: bool,
    /// What a person calls it.
    pub title: String,
    /// Its software's authors.
    pub authors: String,
    /// Its software's home page; empty where there is none.
    pub project_url: String,
    /// Everything else that the source says, JSON.
    pub metadata: String,
    /// Path or URL of the nupkg.
    pub content_location: String,
    /// The nupkg's digest as the source names it (`SHA512:…`), where it does.
    pub content_hash: Option<String>,
    /// Whether the source lists it.
    pub listed: bool,
}

/// Source, id in lower case, normalized version: a row's identity.
type Key = (i64, String, String);

fn key(it: &NewPackage) -> Key {
    (
        it.source.0,
        storable(&it.id.to_lowercase()),
        storable(&it.normalized),
    )
}

/// Each identity once: a statement may not write a row twice, and of several the last counts.
fn distinct(packages: &[NewPackage]) -> BTreeMap<Key, &NewPackage> {
    packages.iter().map(|it| (key(it), it)).collect()
}

/// Stores versions that are new and brings the others up to date; gives how many rows that wrote.
/// `first_seen`, quarantine and, as long as the digest stays, the analysis stay; and so does what is
/// listed, which [`set_listed`](super::set_listed) takes away.
pub async fn store_many(tx: &mut Tx, packages: &[NewPackage], now: Millis) -> Result<u64> {
    let mut rows = Rows::new();
    for ((source, id, normalized), it) in &distinct(packages) {
        rows.push(&row![
            *source,
            id,
            &it.id,
            &it.version,
            normalized,
            order_key(&it.normalized),
            it.prerelease,
            &it.title,
            it.title.to_lowercase(),
            &it.authors,
            &it.project_url,
            &it.metadata,
            &it.content_location,
            &it.content_hash,
            it.listed,
        ]);
    }
    if rows.is_empty() {
        return Ok(0);
    }
    tx.run(&UPSERT, args![rows, now]).await
}

/// [`store_many`]; returns the rows' ids in the order given.
pub async fn upsert_many(
    tx: &mut Tx,
    packages: &[NewPackage],
    now: Millis,
) -> Result<Vec<PackageId>> {
    store_many(tx, packages, now).await?;
    let mut rows = Rows::new();
    for (source, id, normalized) in distinct(packages).keys() {
        rows.push(&row![*source, id, normalized]);
    }
    let mut ids = HashMap::with_capacity(packages.len());
    for row in tx.rows(&KEYS, args![rows]).await? {
        let key = (
            row.int("source")?,
            row.text("package")?,
            row.text("normalized")?,
        );
        ids.insert(key, PackageId(row.int("id")?));
    }
    packages
        .iter()
        .map(|it| {
            ids.get(&key(it))
                .copied()
                .ok_or_else(|| Error::missing("package", it.id.clone()))
        })
        .collect()
}
