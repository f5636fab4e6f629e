//! Sources that the catalog is read from.

use fleetmend_model::{Millis, SourceId};
use serde::{Deserialize, Serialize};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args, to_json};

statements! {
    INSERT = "INSERT INTO sources (kind, location, name, priority, enabled)
              VALUES ($1, $2, $3, $4, $5) ON CONFLICT (location) DO NOTHING RETURNING id";
    SET_LOGIN = "UPDATE sources SET user_name = $2, sealed_password = $3 WHERE id = $1";
    SET_PRIVATE_HOSTS = "UPDATE sources SET private_hosts = $2 WHERE id = $1";
    UPDATE = "UPDATE sources SET name = $2, priority = $3, enabled = $4 WHERE id = $1";
    DELETE = "DELETE FROM sources WHERE id = $1";
    GET = "SELECT * FROM sources WHERE id = $1";
    LIST = "SELECT * FROM sources ORDER BY priority, id";
    NOTE_READ = "UPDATE sources SET last_sync_at = COALESCE($2, last_sync_at), last_error = $3,
                     failures = $4, next_read_at = $5, next_read_why = $6, sync_state = $7,
                     skipped = $8, skipped_count = $9
                 WHERE id = $1";
    NOTE_STATE = "UPDATE sources SET sync_state = $2 WHERE id = $1";
    DUE = "SELECT * FROM sources
           WHERE enabled = 1 AND (next_read_at IS NULL OR next_read_at <= $1)
           ORDER BY priority, id";
    READ_AT = "UPDATE sources SET next_read_at = $2, next_read_why = $3 WHERE id = $1";
}

/// What was pushed into this server's own feed: a source that is always there, and can be switched
/// off.
pub const OWN: SourceId = SourceId(0);

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A folder of `.nupkg` files.
    Folder,
    /// A NuGet v2 feed over HTTP.
    Feed,
    /// [`OWN`].
    Own,
}

impl SourceKind {
    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Feed => "feed",
            Self::Own => "own",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Folder, Self::Feed, Self::Own]
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

/// How many things that a read left out are kept with their reason.
pub const MAX_LEFT_OUT: usize = 100;

/// Something that a source has and that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The file's name or the entry's id.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

/// How the last read of a source went, and what follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadNote {
    /// When it reached the end; absent where it did not.
    pub finished_at: Option<Millis>,
    /// Why it did not.
    pub error: Option<String>,
    /// Reads in a row that failed.
    pub failures: i64,
    /// When the source is read next; absent: as soon as may be.
    pub next_read_at: Option<Millis>,
    /// Why then.
    pub next_read_why: String,
    /// Where an unfinished read goes on; its shape is the reader's own.
    pub state: Option<String>,
    /// What was left out: the first [`MAX_LEFT_OUT`].
    pub left_out: Vec<LeftOut>,
    /// How much was left out.
    pub left_out_count: u64,
}

/// A source as it is kept.
#[derive(Clone, PartialEq, Eq)]
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
    /// Who reads it, where the source asks for a name.
    pub user_name: Option<String>,
    /// The password, sealed; its shape is the server's.
    pub sealed_password: Option<String>,
    /// The hosts that it may lead to although they are in one's own network; their spelling is the
    /// server's.
    pub private_hosts: Vec<String>,
    /// How the last read went; `finished_at` is that of the last one that reached the end.
    pub last_read: ReadNote,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("id", &self.id)
            .field("location", &self.location)
            .field("enabled", &self.enabled)
            .field("last_read", &self.last_read)
            .finish_non_exhaustive()
    }
}

fn read(row: &Row) -> Result<Source> {
    Ok(Source {
        id: SourceId(row.int("id")?),
        kind: row.word("kind", SourceKind::from_key)?,
        location: row.text("location")?,
        name: row.text("name")?,
        priority: row.int("priority")?,
        enabled: row.flag("enabled")?,
        user_name: row.text_opt("user_name")?,
        sealed_password: row.text_opt("sealed_password")?,
        private_hosts: row.json("private_hosts")?,
        last_read: ReadNote {
            finished_at: row.millis_opt("last_sync_at")?,
            error: row.text_opt("last_error")?,
            failures: row.int("failures")?,
            next_read_at: row.millis_opt("next_read_at")?,
            next_read_why: row.text("next_read_why")?,
            state: row.text_opt("sync_state")?,
            left_out: row.json("skipped")?,
            left_out_count: row.u64("skipped_count")?,
        },
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

/// Sets or takes away what a source is read with.
pub async fn set_login(tx: &mut Tx, source: SourceId, login: Option<(&str, &str)>) -> Result<()> {
    let (name, password) = login.unzip();
    tx.run(&SET_LOGIN, args![source, name, password])
        .await
        .map(drop)
}

/// Sets the hosts that a source may lead to although they are in one's own network.
pub async fn set_private_hosts(tx: &mut Tx, source: SourceId, hosts: &[String]) -> Result<()> {
    let hosts = to_json("private_hosts", &hosts)?;
    match tx.run(&SET_PRIVATE_HOSTS, args![source, hosts]).await? {
        0 => Err(Error::missing("source", source)),
        _ => Ok(()),
    }
}

/// Enabled sources whose time to be read has come.
pub async fn due(mut from: impl Read, now: Millis) -> Result<Vec<Source>> {
    from.rows(&DUE, args![now])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Notes how a read went.
pub async fn note_read(tx: &mut Tx, source: SourceId, note: &ReadNote) -> Result<()> {
    let first = &note.left_out[..note.left_out.len().min(MAX_LEFT_OUT)];
    let values = args![
        source,
        note.finished_at,
        &note.error,
        note.failures,
        note.next_read_at,
        &note.next_read_why,
        &note.state,
        to_json("skipped", &first)?,
        note.left_out_count as i64,
    ];
    tx.run(&NOTE_READ, values).await.map(drop)
}

/// Notes how far a read has come.
pub async fn note_state(tx: &mut Tx, source: SourceId, state: &str) -> Result<()> {
    tx.run(&NOTE_STATE, args![source, state]).await.map(drop)
}

/// Sets when a source is read next.
pub async fn read_at(tx: &mut Tx, source: SourceId, at: Millis, why: &str) -> Result<()> {
    tx.run(&READ_AT, args![source, at, why]).await.map(drop)
}
