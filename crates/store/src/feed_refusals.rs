//! Packages of the catalog that were to come into the feed of one's own and did not.

use fleetmend_model::{Millis, PackageId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    /// What a person asked for stays so.
    SET = "INSERT INTO feed_refusals (package, why, tries, refused_at, retry_at, basis, is_asked_for)
           VALUES ($1, $2, $7, $3, $4, $5, $6)
           ON CONFLICT (package) DO UPDATE SET
               why = excluded.why, tries = excluded.tries,
               refused_at = excluded.refused_at, retry_at = excluded.retry_at,
               basis = excluded.basis,
               is_asked_for = CASE WHEN excluded.is_asked_for > feed_refusals.is_asked_for
                                   THEN excluded.is_asked_for ELSE feed_refusals.is_asked_for END";
    RESET = "UPDATE feed_refusals SET tries = 0 WHERE package = $1 AND tries > 0";
    CLEAR = "DELETE FROM feed_refusals WHERE package = $1";
    GET = "SELECT r.*, p.shown_id, p.version, s.name FROM feed_refusals AS r
           JOIN packages AS p ON p.id = r.package JOIN sources AS s ON s.id = p.source
           WHERE r.package = $1";
    DECIDED = "SELECT package, basis, is_asked_for FROM feed_refusals
               WHERE package > $1 ORDER BY package LIMIT $2";
    LIST = "SELECT r.*, p.shown_id, p.version, s.name FROM feed_refusals AS r
            JOIN packages AS p ON p.id = r.package JOIN sources AS s ON s.id = p.source
            WHERE (CAST($1 AS BIGINT) IS NULL
                   OR r.refused_at < CAST($1 AS BIGINT)
                   OR (r.refused_at = CAST($1 AS BIGINT) AND r.package < CAST($2 AS BIGINT)))
            ORDER BY r.refused_at DESC, r.package DESC LIMIT $3";
}

/// A package version that is not in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRefusal {
    /// The catalog's row.
    pub package: PackageId,
    /// The package's id as its source writes it.
    pub shown_id: String,
    /// Its version as its source writes it.
    pub version: String,
    /// What the source is called.
    pub source: String,
    /// Why, in words for a person.
    pub why: String,
    /// After how many tries in a row.
    pub tries: i64,
    /// When the last one was.
    pub at: Millis,
    /// When it is tried again by itself.
    pub retry_at: Option<Millis>,
    /// Whether a person asked for it.
    pub is_asked_for: bool,
}

/// Why a package does not come into the feed this time.
#[derive(Debug, Clone)]
pub struct NewRefusal<'a> {
    /// The catalog's row.
    pub package: PackageId,
    /// In words for a person.
    pub why: &'a str,
    /// After how many tries in a row.
    pub tries: i64,
    /// When it is tried again by itself.
    pub retry_at: Option<Millis>,
    /// A digest of what it was decided on; `None`: it is not known.
    pub basis: Option<&'a str>,
    /// Whether a person asked for it.
    pub is_asked_for: bool,
}

/// What a refusal was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The catalog's row.
    pub package: PackageId,
    /// The digest; `None`: it is not known.
    pub basis: Option<String>,
    /// Whether a person asked for it.
    pub is_asked_for: bool,
}

fn read(row: &Row) -> Result<FeedRefusal> {
    Ok(FeedRefusal {
        package: PackageId(row.int("package")?),
        shown_id: row.text("shown_id")?,
        version: row.text("version")?,
        source: row.text("name")?,
        why: row.text("why")?,
        tries: row.int("tries")?,
        at: row.millis("refused_at")?,
        retry_at: row.millis_opt("retry_at")?,
        is_asked_for: row.flag("is_asked_for")?,
    })
}

/// Keeps why a package did not come into the feed this time.
pub async fn set(tx: &mut Tx, new: &NewRefusal<'_>, now: Millis) -> Result<()> {
    let values = args![
        new.package,
        new.why,
        now,
        new.retry_at,
        new.basis,
        new.is_asked_for,
        new.tries,
    ];
    tx.run(&SET, values).await.map(drop)
}

/// Has the tries counted anew; whether there were any.
pub async fn reset(tx: &mut Tx, package: PackageId) -> Result<bool> {
    Ok(tx.run(&RESET, args![package]).await? == 1)
}

/// Forgets it: the package is in the feed.
pub async fn clear(tx: &mut Tx, package: PackageId) -> Result<()> {
    tx.run(&CLEAR, args![package]).await.map(drop)
}

/// Why a package is not in the feed, where it was to come there.
pub async fn get(mut from: impl Read, package: PackageId) -> Result<Option<FeedRefusal>> {
    from.row(&GET, args![package])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// What those behind a package were decided on, by package.
pub async fn decided(mut from: impl Read, after: PackageId, most: u32) -> Result<Vec<Decided>> {
    let rows = from.rows(&DECIDED, args![after, most]).await?;
    let decided = rows.iter().map(|row| {
        Ok(Decided {
            package: PackageId(row.int("package")?),
            basis: row.text_opt("basis")?,
            is_asked_for: row.flag("is_asked_for")?,
        })
    });
    decided.collect()
}

/// A page of them, the last one in front.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<FeedRefusal>> {
    let mut values = page.cursor(&[Kind::Int, Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let listed = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(listed, |it| serde_json::json!([it.at, it.package])))
}
