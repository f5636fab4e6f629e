//! Patches whose files could not be had, until they are.

use fleetmend_model::{Millis, PatchId, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    FAILED = "INSERT INTO downloads (patch, tries, cause, failed_at, retry_at)
              VALUES ($1, $2, $3, $4, $5)
              ON CONFLICT (patch) DO UPDATE SET
                  tries = excluded.tries, cause = excluded.cause,
                  failed_at = excluded.failed_at, retry_at = excluded.retry_at";
    GET = "SELECT * FROM downloads WHERE patch = $1";
    GIVEN_UP = "SELECT * FROM downloads
                WHERE retry_at IS NULL
                  AND patch IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    RESET = "DELETE FROM downloads WHERE patch = $1";
    RESET_OF_SOURCE = "DELETE FROM downloads WHERE patch IN (
                           SELECT p.id FROM patches AS p JOIN packages AS k ON k.id = p.package
                           WHERE k.source = $1) RETURNING patch AS id";
    LIST = "SELECT d.*, p.title, p.version, p.name,
                (SELECT COUNT(*) FROM deploy_jobs AS j
                 WHERE j.patch = d.patch AND j.ending IS NULL AND j.status IN (1, 2)) AS jobs
            FROM downloads AS d JOIN patches AS p ON p.id = d.patch
            WHERE (CAST($1 AS BIGINT) IS NULL
                   OR (d.failed_at, d.patch) < (CAST($1 AS BIGINT), CAST($2 AS BIGINT)))
            ORDER BY d.failed_at DESC, d.patch DESC LIMIT $3";
}

/// What came of trying to get a patch's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The patch.
    pub patch: PatchId,
    /// Tries in a row that failed.
    pub tries: u32,
    /// Why the last one did, in words.
    pub cause: String,
    /// When.
    pub failed_at: Millis,
    /// When the next one is; absent: not before a person says so.
    pub retry_at: Option<Millis>,
}

/// The same, with what a list shows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What came of it.
    pub failed: Failed,
    /// What a person calls the patch.
    pub title: String,
    /// The version that it brings.
    pub version: String,
    /// The package's id.
    pub name: String,
    /// Jobs that wait for the files.
    pub jobs: u64,
}

fn read(row: &Row) -> Result<Failed> {
    Ok(Failed {
        patch: PatchId(row.int("patch")?),
        tries: u32::try_from(row.u64("tries")?).unwrap_or(u32::MAX),
        cause: row.text("cause")?,
        failed_at: row.millis("failed_at")?,
        retry_at: row.millis_opt("retry_at")?,
    })
}

/// Notes a try that failed.
pub async fn set_failed(tx: &mut Tx, failed: &Failed) -> Result<()> {
    let values = args![
        failed.patch,
        failed.tries,
        &failed.cause,
        failed.failed_at,
        failed.retry_at,
    ];
    tx.run(&FAILED, values).await.map(drop)
}

/// What came of the last try for a patch, if it failed.
pub async fn get(mut from: impl Read, patch: PatchId) -> Result<Option<Failed>> {
    from.row(&GET, args![patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Those of some patches that are not tried again by themselves.
pub async fn given_up(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<Failed>> {
    let ids = Rows::of(patches.iter().copied());
    from.rows(&GIVEN_UP, args![ids])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Forgets the tries for a patch; whether there were any.
pub async fn reset(tx: &mut Tx, patch: PatchId) -> Result<bool> {
    Ok(tx.run(&RESET, args![patch]).await? == 1)
}

/// Forgets the tries for all patches that come from a source; gives those patches.
pub async fn reset_of_source(tx: &mut Tx, source: SourceId) -> Result<Vec<PatchId>> {
    tx.rows(&RESET_OF_SOURCE, args![source])
        .await?
        .iter()
        .map(|row| row.int("id").map(PatchId))
        .collect()
}

/// A page of them, the last failure first.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<Listed>> {
    let mut values = page.cursor(&[Kind::Int, Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let listed = rows
        .iter()
        .map(|row| {
            Ok(Listed {
                failed: read(row)?,
                title: row.text("title")?,
                version: row.text("version")?,
                name: row.text("name")?,
                jobs: row.u64("jobs")?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(listed, |it| {
        serde_json::json!([it.failed.failed_at, it.failed.patch])
    }))
}
