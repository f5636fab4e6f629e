//! Sources that the catalog is read from.

use fleetmend_model::{Millis, SourceId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO sources (kind, location, name, priority, enabled)
              VALUES ($1, $2, $3, $4, $5) ON CONFLICT (location) DO NOTHING RETURNING id";
    UPDATE = "UPDATE sources SET name = $2, priority = $3, enabled = $4 WHERE id = $1";
    DELETE = "DELETE FROM sources WHERE id = $1";
    GET = "SELECT * FROM sources WHERE id = $1";
    LIST = "SELECT * FROM sources ORDER BY priority, id";
    SET_SYNC = "UPDATE sources SET last_sync_at = COALESCE($2, last_sync_at), last_error = $3,
                    sync_state = $4
                WHERE id = $1";
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A folder of `.nupkg` files.
    Folder,
    /// A NuGet v2 feed over HTTP.
    Feed,
}

impl SourceKind {
    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Feed => "feed",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Folder, Self::Feed]
            .into_iter()
            .find(|it| it.key() == key)
    }
}

/// A source to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSource {
    /// What it is.
    pub kind: SourceKind,
    /// Path or URL; unique.
    pub location: String,
    /// What a person calls it.
    pub name: String,
    /// The lower number is asked first and wins.
    pub priority: i64,
    /// Whether it is read.
    pub enabled: bool,
}

/// A source as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// What it is.
    pub kind: SourceKind,
    /// Path or URL.
    pub location: String,
    /// What a person calls it.
    pub name: String,
    /// The lower number is asked first and wins.
    pub priority: i64,
    /// Whether it is read.
    pub enabled: bool,
    /// When it was last read to its end.
    pub last_sync_at: Option<Millis>,
    /// Why the last read failed.
    pub last_error: Option<String>,
    /// Where an unfinished read goes on; its shape is the reader's own.
    pub sync_state: Option<String>,
}

fn read(row: &Row) -> Result<Source> {
    Ok(Source {
        id: SourceId(row.int("id")?),
        kind: row.word("kind", SourceKind::from_key)?,
        location: row.text("location")?,
        name: row.text("name")?,
        priority: row.int("priority")?,
        enabled: row.flag("enabled")?,
        last_sync_at: row.millis_opt("last_sync_at")?,
        last_error: row.text_opt("last_error")?,
        sync_state: row.text_opt("sync_state")?,
    })
}

/// Adds a source.
pub async fn insert(tx: &mut Tx, source: &NewSource) -> Result<SourceId> {
    let values = args![
        source.kind.key(),
        &source.location,
        &source.name,
        source.priority,
        source.enabled,
    ];
    let id = tx.maybe_id(&INSERT, values).await?;
    id.map(SourceId).ok_or_else(|| Error::Exists {
        what: "source",
        name: source.location.clone(),
    })
}

/// Changes what a person may change.
pub async fn update(
    tx: &mut Tx,
    source: SourceId,
    name: &str,
    priority: i64,
    enabled: bool,
) -> Result<()> {
    match tx
        .run(&UPDATE, args![source, name, priority, enabled])
        .await?
    {
        0 => Err(Error::missing("source", source)),
        _ => Ok(()),
    }
}

/// Takes a source and its packages away. Patches that came from them stay as history.
pub async fn delete(tx: &mut Tx, source: SourceId) -> Result<bool> {
    Ok(tx.run(&DELETE, args![source]).await? == 1)
}

/// A source.
pub async fn get(mut from: impl Read, source: SourceId) -> Result<Option<Source>> {
    from.row(&GET, args![source])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All sources, the one that is asked first in front.
pub async fn list(mut from: impl Read) -> Result<Vec<Source>> {
    from.rows(&LIST, args![]).await?.iter().map(read).collect()
}

/// Notes how a read went: `finished_at` when it reached the end, the error or none, and where to
/// go on.
pub async fn set_sync(
    tx: &mut Tx,
    source: SourceId,
    finished_at: Option<Millis>,
    error: Option<&str>,
    state: Option<&str>,
) -> Result<()> {
    tx.run(&SET_SYNC, args![source, finished_at, error, state])
        .await
        .map(drop)
}
