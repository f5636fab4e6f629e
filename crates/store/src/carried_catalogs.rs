//! Catalogs that were written to a file or read from one, and which sources came so.

use fleetmend_model::{Millis, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO carried_catalogs (direction, at, who, sha256, length, made_at, made_by,
                  origin, sources, versions, files, note)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";
    LIST = "SELECT * FROM carried_catalogs
            WHERE CAST($1 AS BIGINT) IS NULL OR id < CAST($1 AS BIGINT)
            ORDER BY id DESC LIMIT $2";
    SET_SOURCE = "INSERT INTO imported_sources (source, carried) VALUES ($1, $2)
                  ON CONFLICT (source) DO UPDATE SET carried = excluded.carried";
    OF_SOURCE = "SELECT c.* FROM imported_sources AS s
                 JOIN carried_catalogs AS c ON c.id = s.carried WHERE s.source = $1";
    HOLD = "UPDATE imported_sources SET carried = carried
            WHERE source = $1 AND (CAST($2 AS BIGINT) IS NULL OR carried = CAST($2 AS BIGINT))";
}

/// Which way a catalog went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It was written to a file.
    Export,
    /// It was read from one.
    Import,
}

impl Direction {
    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Import => "import",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        [Self::Export, Self::Import]
            .into_iter()
            .find(|it| it.key() == key)
    }
}

/// A catalog in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Which way it went.
    pub direction: Direction,
    /// When it did.
    pub at: Millis,
    /// Who had it written or read.
    pub who: String,
    /// The file's SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// The file's length in bytes.
    pub length: u64,
    /// When it was made, as it says.
    pub made_at: Millis,
    /// By which program, as it says.
    pub made_by: String,
    /// On which installation, as it says.
    pub origin: String,
    /// Sources in it.
    pub sources: u64,
    /// Package versions in it.
    pub versions: u64,
    /// Files of packages and installers in it.
    pub files: u64,
    /// What a person should know of it, in words; empty for nothing.
    pub note: String,
}

fn read(row: &Row) -> Result<Carried> {
    Ok(Carried {
        direction: row.word("direction", Direction::from_key)?,
        at: row.millis("at")?,
        who: row.text("who")?,
        sha256: row.text("sha256")?,
        length: row.u64("length")?,
        made_at: row.millis("made_at")?,
        made_by: row.text("made_by")?,
        origin: row.text("origin")?,
        sources: row.u64("sources")?,
        versions: row.u64("versions")?,
        files: row.u64("files")?,
        note: row.text("note")?,
    })
}

/// Notes a catalog that went one way; gives its row.
pub async fn insert(tx: &mut Tx, it: &Carried) -> Result<i64> {
    let values = args![
        it.direction.key(),
        it.at,
        &it.who,
        &it.sha256,
        it.length as i64,
        it.made_at,
        &it.made_by,
        &it.origin,
        it.sources as i64,
        it.versions as i64,
        it.files as i64,
        &it.note,
    ];
    tx.id(&INSERT, values).await
}

/// A page of them with their rows, the last one first.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<(i64, Carried)>> {
    let mut values = page.cursor(&[Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let carried = rows.iter().map(|row| Ok((row.int("id")?, read(row)?)));
    let carried = carried.collect::<Result<Vec<_>>>()?;
    Ok(page.cut(carried, |(id, _)| serde_json::json!([id])))
}

/// Notes by which import a source came last.
pub async fn set_of_source(tx: &mut Tx, source: SourceId, carried: i64) -> Result<()> {
    tx.run(&SET_SOURCE, args![source, carried]).await.map(drop)
}

/// The import that a source came by last, with its row.
pub async fn of_source(mut from: impl Read, source: SourceId) -> Result<Option<(i64, Carried)>> {
    from.row(&OF_SOURCE, args![source])
        .await?
        .as_ref()
        .map(|row| Ok((row.int("id")?, read(row)?)))
        .transpose()
}

/// Whether a source still is as this import (the row of one) brought it, or an import brought it at all.
/// It stays so as long as the transaction lasts: another import of it waits.
pub async fn hold(tx: &mut Tx, source: SourceId, carried: Option<i64>) -> Result<bool> {
    Ok(tx.run(&HOLD, args![source, carried]).await? > 0)
}
