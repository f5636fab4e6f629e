//! What administrators say about matches. One that is taken back stays as history.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO overrides (name, publisher, decision, package, reason, created_by,
                  created_at, highest, registered, version)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id";
    REMOVE = "UPDATE overrides SET removed_by = $2, removed_at = $3
              WHERE id = $1 AND removed_at IS NULL";
    GET = "SELECT * FROM overrides WHERE id = $1";
    IN_FORCE = "SELECT * FROM overrides WHERE removed_at IS NULL ORDER BY id";
    LIST = "SELECT * FROM overrides
            WHERE (CAST($1 AS BIGINT) = 1 OR removed_at IS NULL)
              AND (CAST($2 AS BIGINT) IS NULL OR id < CAST($2 AS BIGINT))
            ORDER BY id DESC LIMIT $3";
}

/// What is said of which applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOverride {
    /// `DisplayName`, or a pattern for it; empty for `version`, which is said of a package.
    pub name: String,
    /// The publisher, or a pattern for it; empty for any.
    pub publisher: String,
    /// `is`, `is_not`, `excluded`, `pinned` or `version`.
    pub decision: String,
    /// The package's id; empty where the decision names none.
    pub package: String,
    /// The highest version that is still wanted of what is pinned; empty: whatever is installed stays.
    pub highest: String,
    /// For `version`: the `DisplayVersion` of which it is said which version of the package it is.
    pub registered: String,
    /// For `version`: the package's version that it is.
    pub version: String,
    /// Why.
    pub reason: String,
}

/// An override as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its number.
    pub id: i64,
    /// What it says.
    pub what: NewOverride,
    /// Who said it.
    pub created_by: String,
    /// When.
    pub created_at: Millis,
    /// Who took it back and when.
    pub removed: Option<(String, Millis)>,
}

fn read(row: &Row) -> Result<Override> {
    let removed_by = row.text_opt("removed_by")?.unwrap_or_default();
    Ok(Override {
        id: row.int("id")?,
        what: NewOverride {
            name: row.text("name")?,
            publisher: row.text("publisher")?,
            decision: row.text("decision")?,
            package: row.text("package")?,
            highest: row.text("highest")?,
            registered: row.text("registered")?,
            version: row.text("version")?,
            reason: row.text("reason")?,
        },
        created_by: row.text("created_by")?,
        created_at: row.millis("created_at")?,
        removed: row.millis_opt("removed_at")?.map(|at| (removed_by, at)),
    })
}

/// Keeps an override; gives its number.
pub async fn insert(tx: &mut Tx, what: &NewOverride, by: &str, now: Millis) -> Result<i64> {
    let values = args![
        &what.name,
        &what.publisher,
        &what.decision,
        &what.package,
        &what.reason,
        by,
        now,
        &what.highest,
        &what.registered,
        &what.version,
    ];
    tx.id(&INSERT, values).await
}

/// Takes an override back. False where it is not in force.
pub async fn remove(tx: &mut Tx, id: i64, by: &str, now: Millis) -> Result<bool> {
    Ok(tx.run(&REMOVE, args![id, by, now]).await? > 0)
}

/// An override, in force or not.
pub async fn get(mut from: impl Read, id: i64) -> Result<Option<Override>> {
    from.row(&GET, args![id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Those that count, by number.
pub async fn in_force(mut from: impl Read) -> Result<Vec<Override>> {
    from.rows(&IN_FORCE, args![])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A page of them, the latest first; those that were taken back as well if wanted.
pub async fn list(mut from: impl Read, with_removed: bool, page: &Page) -> Result<Paged<Override>> {
    let mut values = args![with_removed];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let all = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(all, |it| serde_json::json!([it.id])))
}
