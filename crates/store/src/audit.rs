//! What people changed: appended, never changed.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    APPEND = "INSERT INTO audit (at, who, from_address, action, subject, before_json, after_json)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LAST = "SELECT COALESCE(MAX(id), 0) AS id FROM audit";
    LIST = "SELECT * FROM audit
            WHERE (CAST($1 AS TEXT) IS NULL OR action = CAST($1 AS TEXT))
              AND (CAST($2 AS TEXT) IS NULL OR subject = CAST($2 AS TEXT))
              AND (CAST($3 AS TEXT) IS NULL OR who = CAST($3 AS TEXT))
              AND (CAST($4 AS BIGINT) IS NULL OR id < CAST($4 AS BIGINT))
            ORDER BY id DESC LIMIT $5";
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Millis,
    /// The user's name, or what acted for them.
    pub who: String,
    /// From which address.
    pub from_address: String,
    /// What was done, e.g. `approve_patches`.
    pub action: String,
    /// To what, e.g. `patch 12`.
    pub subject: String,
    /// What it was before, JSON.
    pub before: Option<String>,
    /// What it is after, JSON.
    pub after: Option<String>,
}

/// Which entries are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// By whom.
    pub who: Option<String>,
}

fn read(row: &Row) -> Result<(i64, Entry)> {
    let entry = Entry {
        at: row.millis("at")?,
        who: row.text("who")?,
        from_address: row.text("from_address")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        before: row.text_opt("before_json")?,
        after: row.text_opt("after_json")?,
    };
    Ok((row.int("id")?, entry))
}

/// Writes a change down, in the transaction that makes it.
pub async fn append(tx: &mut Tx, entry: &Entry) -> Result<()> {
    let values = args![
        entry.at,
        &entry.who,
        &entry.from_address,
        &entry.action,
        &entry.subject,
        &entry.before,
        &entry.after,
    ];
    tx.run(&APPEND, values).await.map(drop)
}

/// A page of changes with their numbers, newest first.
pub async fn list(
    mut from: impl Read,
    filter: &AuditFilter,
    page: &Page,
) -> Result<Paged<(i64, Entry)>> {
    let mut values = args![&filter.action, &filter.subject, &filter.who];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let entries = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(entries, |(id, _)| serde_json::json!([id])))
}

/// The number of the last change; 0 before the first.
pub async fn last(mut from: impl Read) -> Result<i64> {
    let row = from.row(&LAST, args![]).await?;
    row.map_or(Ok(0), |row| row.int("id"))
}
