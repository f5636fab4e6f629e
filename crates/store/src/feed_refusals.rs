//! Packages of the catalog that were to come into the feed of one's own and did not.

use fleetmend_model::{Millis, PackageId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    SET = "INSERT INTO feed_refusals (package, why, tries, refused_at, retry_at)
           VALUES ($1, $2, 1, $3, $4)
           ON CONFLICT (package) DO UPDATE SET
               why = excluded.why, tries = feed_refusals.tries + 1,
               refused_at = excluded.refused_at, retry_at = excluded.retry_at";
    CLEAR = "DELETE FROM feed_refusals WHERE package = $1";
    GET = "SELECT r.*, p.shown_id, p.version, s.name FROM feed_refusals AS r
           JOIN packages AS p ON p.id = r.package JOIN sources AS s ON s.id = p.source
           WHERE r.package = $1";
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
    /// After how many tries.
    pub tries: i64,
    /// When the last one was.
    pub at: Millis,
    /// When it is tried again by itself.
    pub retry_at: Option<Millis>,
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
    })
}

/// Keeps why a package did not come into the feed this time.
pub async fn set(
    tx: &mut Tx,
    package: PackageId,
    why: &str,
    retry_at: Option<Millis>,
    now: Millis,
) -> Result<()> {
    let values = args![package, why, now, retry_at];
    tx.run(&SET, values).await.map(drop)
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

/// A page of them, the last one in front.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<FeedRefusal>> {
    let mut values = page.cursor(&[Kind::Int, Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let listed = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(listed, |it| serde_json::json!([it.at, it.package])))
}
