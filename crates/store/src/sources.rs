//! Sources that the catalog is read from.

use fleetmend_model::{Millis, SourceId};
use fleetmend_versions::nuget::Dialect;
use serde::{Deserialize, Serialize};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, Value, args, to_json};

statements! {
    INSERT = "INSERT INTO sources (kind, location, name, priority, enabled, per_minute, dialect,
                  internalize, every_seconds)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
              ON CONFLICT (location) DO NOTHING RETURNING id";
    SET_LOGIN = "UPDATE sources SET user_name = $2, sealed_password = $3 WHERE id = $1";
    SET_PRIVATE_HOSTS = "UPDATE sources SET private_hosts = $2 WHERE id = $1";
    AT = "SELECT id FROM sources WHERE location = $1";
    BY_LOCATION = "SELECT * FROM sources WHERE location = $1";
    UPDATE = "UPDATE sources SET location = $2, name = $3, priority = $4, enabled = $5,
                  per_minute = $6, dialect = $7, internalize = $8, every_seconds = $9
              WHERE id = $1";
    DELETE = "DELETE FROM sources WHERE id = $1";
    GET = "SELECT * FROM sources WHERE id = $1";
    LIST = "SELECT * FROM sources
            ORDER BY CASE WHEN priority = 0 THEN 1 ELSE 0 END, priority, id";
    NOTE_READ = "UPDATE sources SET last_sync_at = COALESCE($2, last_sync_at), last_error = $3,
                     failures = $4, next_read_at = $5, next_read_why = $6, sync_state = $7,
                     skipped = $8, skipped_count = $9,
                     last_entries = COALESCE($10, last_entries), withheld = $11,
                     measure = COALESCE($12, measure)
                 WHERE id = $1";
    FORGET_READ = "UPDATE sources SET sync_state = NULL, last_entries = NULL, measure = NULL,
                       withheld = NULL, failures = 0, last_error = NULL WHERE id = $1";
    WITHHOLD = "UPDATE sources SET withheld = $2 WHERE id = $1";
    NOTE_STATE = "UPDATE sources SET sync_state = $2 WHERE id = $1";
    DUE = "SELECT * FROM sources
           WHERE enabled = 1 AND kind <> 'imported'
             AND (next_read_at IS NULL OR next_read_at <= $1) ORDER BY id";
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
    /// A source of another server, as an import brought it: never read here.
    Imported,
}

impl SourceKind {
    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Feed => "feed",
            Self::Own => "own",
            Self::Imported => "imported",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Folder, Self::Feed, Self::Own, Self::Imported]
            .into_iter()
            .find(|it| it.key() == key)
    }
}

/// What a person sets of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Path or URL; unique.
    pub location: String,
    /// What a person calls it.
    pub name: String,
    /// The lower number is asked first and wins; 0 is none, and comes behind all others.
    pub priority: i64,
    /// Whether it is read, and its packages are offered.
    pub enabled: bool,
    /// Requests a minute that its operator allows; absent: what public hosts get.
    pub per_minute: Option<u32>,
    /// Seconds between two reads; absent: what such sources get.
    pub every_seconds: Option<u32>,
    /// The generation of Chocolatey that its packages are for; absent: either.
    pub dialect: Option<Dialect>,
    /// Whether its packages that download their installers come into the feed with them inside.
    pub internalize: bool,
}

impl Settings {
    /// With nothing but its place and its name.
    pub fn new(location: &str, name: &str) -> Self {
        Self {
            location: location.to_owned(),
            name: name.to_owned(),
            priority: 0,
            enabled: true,
            per_minute: None,
            every_seconds: None,
            dialect: None,
            internalize: true,
        }
    }
}

/// A dialect's value in URLs, the API and the database.
pub fn dialect_key(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Choco1 => "choco1",
        Dialect::Choco2 => "choco2",
    }
}

/// Reads [`dialect_key`].
pub fn dialect_from_key(key: &str) -> Option<Dialect> {
    [Dialect::Choco1, Dialect::Choco2]
        .into_iter()
        .find(|it| dialect_key(*it) == key)
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

/// What a source no longer has, where that is so much that it may be a fault of the source: nothing
/// is taken away before a person says that it is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Versions that the source had listed.
    pub listed: u64,
    /// How many of them it no longer has.
    pub gone: u64,
    /// When that was seen first.
    pub since: Millis,
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
    /// Entries that the last read which reached the end came by; absent where this one did not.
    pub entries: Option<u64>,
    /// How many entries the next read must come by to count as whole without a question; absent where
    /// this one says nothing of that.
    pub measure: Option<u64>,
    /// What is not taken away although the source no longer has it.
    pub withheld: Option<Withheld>,
}

/// A source as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// What it is.
    pub kind: SourceKind,
    /// What a person has set.
    pub settings: Settings,
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
            .field("settings", &self.settings)
            .field("last_read", &self.last_read)
            .finish_non_exhaustive()
    }
}

fn read(row: &Row) -> Result<Source> {
    Ok(Source {
        id: SourceId(row.int("id")?),
        kind: row.word("kind", SourceKind::from_key)?,
        settings: Settings {
            location: row.text("location")?,
            name: row.text("name")?,
            priority: row.int("priority")?,
            enabled: row.flag("enabled")?,
            per_minute: row.u32_opt("per_minute")?,
            every_seconds: row.u32_opt("every_seconds")?,
            dialect: row.word_opt("dialect", dialect_from_key)?,
            internalize: row.flag("internalize")?,
        },
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
            entries: row.int_opt("last_entries")?.map(|it| it.max(0) as u64),
            measure: row.int_opt("measure")?.map(|it| it.max(0) as u64),
            withheld: row.json_opt("withheld")?,
        },
    })
}

/// Adds a source.
pub async fn insert(tx: &mut Tx, kind: SourceKind, settings: &Settings) -> Result<SourceId> {
    let mut values = args![kind.key()];
    values.extend(settings_values(settings));
    let id = tx.maybe_id(&INSERT, values).await?;
    id.map(SourceId).ok_or_else(|| exists(settings))
}

/// Changes what a person has set.
pub async fn update(tx: &mut Tx, source: SourceId, settings: &Settings) -> Result<()> {
    let at = tx.maybe_id(&AT, args![&settings.location]).await?;
    if at.is_some_and(|it| it != source.0) {
        return Err(exists(settings));
    }
    let mut values = args![source];
    values.extend(settings_values(settings));
    match tx.run(&UPDATE, values).await? {
        0 => Err(Error::missing("source", source)),
        _ => Ok(()),
    }
}

fn settings_values(it: &Settings) -> Vec<Value> {
    args![
        &it.location,
        &it.name,
        it.priority,
        it.enabled,
        it.per_minute.map(i64::from),
        it.dialect.map(dialect_key),
        it.internalize,
        it.every_seconds.map(i64::from),
    ]
}

fn exists(settings: &Settings) -> Error {
    Error::Exists {
        what: "source",
        name: settings.location.clone(),
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

/// The source at a location.
pub async fn at(mut from: impl Read, location: &str) -> Result<Option<Source>> {
    from.row(&BY_LOCATION, args![location])
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

/// Enabled sources whose time to be read has come. What is imported is never read.
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
        note.entries.map(|it| it as i64),
        note.withheld
            .map(|it| to_json("withheld", &it))
            .transpose()?,
        note.measure.map(|it| it as i64),
    ];
    tx.run(&NOTE_READ, values).await.map(drop)
}

/// Notes how far a read has come.
pub async fn note_state(tx: &mut Tx, source: SourceId, state: &str) -> Result<()> {
    tx.run(&NOTE_STATE, args![source, state]).await.map(drop)
}

/// Notes what a source no longer has and that is kept all the same, or that there is nothing.
pub async fn withhold(tx: &mut Tx, source: SourceId, what: Option<Withheld>) -> Result<()> {
    let json = what.map(|it| to_json("withheld", &it)).transpose()?;
    tx.run(&WITHHOLD, args![source, json]).await.map(drop)
}

/// Forgets how the last read went: what is at the source's place now is another thing.
pub async fn forget_read(tx: &mut Tx, source: SourceId) -> Result<()> {
    tx.run(&FORGET_READ, args![source]).await.map(drop)
}

/// Sets when a source is read next.
pub async fn read_at(tx: &mut Tx, source: SourceId, at: Millis, why: &str) -> Result<()> {
    tx.run(&READ_AT, args![source, at, why]).await.map(drop)
}
