//! Opening a database, and the two ways to use it: reading, and a transaction that writes.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::error::{Error, Result};
use crate::migrate;
use crate::sql::Sql;
use crate::value::{Row, Value, postgres_arguments, sqlite_arguments};

/// How long a statement waits for another process that holds the SQLite file.
const BUSY: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(30);
/// Connections that read from SQLite.
const SQLITE_READERS: u32 = 4;
/// Rows that SQLite's thread reads ahead of whoever takes them: at each time that one waits for the other,
/// a thread goes to sleep and is woken up.
const SQLITE_AHEAD: usize = 1_000;
/// What SQLite's writer keeps of the file in memory: more than a large transaction touches. Negative:
/// in KiB.
const SQLITE_CACHE: &str = "-32000";
/// Pages of SQLite's log after which they go into the file: the fewer times, the fewer times the same
/// page is written.
const SQLITE_CHECKPOINT: &str = "4000";
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// More than this crate has statements, so that each is prepared once a connection.
const STATEMENT_CACHE: usize = 512;

/// An open database. Cheap to clone; all clones share the connections.
#[derive(Debug, Clone)]
pub enum Db {
    /// One file, for one server. One connection writes, so transactions never conflict.
    Sqlite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// Connections that can only read; they never wait for the writer.
        readers: SqlitePool,
    },
    /// A PostgreSQL database. Statements are written for several servers; the server is not yet.
    Postgres(PgPool),
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres://…`, and brings the schema up to date.
    pub async fn open(address: &str) -> Result<Self> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Self::open_sqlite(Path::new(path)).await;
        }
        if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            return Self::open_postgres(address).await;
        }
        let scheme = address.split(':').next().unwrap_or_default().to_owned();
        Err(Error::Address {
            address: scheme,
            why: "its scheme is not known".to_owned(),
        })
    }

    /// Opens or makes a SQLite file, and brings the schema up to date.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let failed = |cause| Error::Open {
            place: path.display().to_string(),
            cause,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .statement_cache_capacity(STATEMENT_CACHE);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_at_rest(connection)))
            .connect_with(
                options
                    .clone()
                    .create_if_missing(true)
                    .pragma("cache_size", SQLITE_CACHE)
                    .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT),
            )
            .await
            .map_err(failed)?;
        let mut connection = writer.acquire().await.map_err(failed)?;
        migrate::sqlite(&mut connection).await?;
        drop(connection);
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).row_buffer_size(SQLITE_AHEAD))
            .await
            .map_err(failed)?;
        Ok(Self::Sqlite { writer, readers })
    }

    /// Opens a PostgreSQL database, and brings the schema up to date.
    pub async fn open_postgres(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::Address {
                address: "postgres:".to_owned(),
                why: error.to_string(),
            })?
            .application_name("fleetmend")
            // Compiling a plan takes longer than any of these statements.
            .options([("jit", "off")])
            .statement_cache_capacity(STATEMENT_CACHE);
        let place = format!(
            "{}/{}",
            options.get_host(),
            options.get_database().unwrap_or_default()
        );
        let failed = |cause| Error::Open {
            place: place.clone(),
            cause,
        };
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await
            .map_err(failed)?;
        let mut connection = pool.acquire().await.map_err(failed)?;
        migrate::postgres(&mut connection).await?;
        drop(connection);
        Ok(Self::Postgres(pool))
    }

    /// Begins a transaction that writes. On SQLite there is one at a time; the others wait.
    pub async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => {
                writer.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
        }
        .map_err(|cause| Error::Transaction {
            what: "begin",
            cause,
        })
    }

    /// Begins a transaction that only reads, so that several reads see the same state.
    pub async fn read(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, .. } => readers.begin().await.map(Tx::Sqlite),
            Self::Postgres(pool) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Tx::Postgres),
        }
        .map_err(|cause| Error::Transaction {
            what: "begin",
            cause,
        })
    }

    /// Closes the connections; what is committed is on disk.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Whether a connection that is given back has no open transaction. After a full disk SQLite has
/// rolled back by itself, and the driver, whose own rollback then fails, would take the connection
/// to be in that transaction for ever: it is closed, and the next caller gets a fresh one.
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // Carries out the rollback of a transaction that was dropped.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// A transaction. Dropped without [`Tx::commit`], it did nothing.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes everything that was written last. When it returns, it is on disk.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(|cause| Error::Transaction {
            what: "commit",
            cause,
        })
    }

    /// Takes everything back.
    pub async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
        .map_err(|cause| Error::Transaction {
            what: "roll back",
            cause,
        })
    }

    /// Runs a statement that gives no rows; returns how many rows it changed.
    pub(crate) async fn run(&mut self, sql: &'static Sql, values: Vec<Value>) -> Result<u64> {
        let failed = |cause| Error::Statement {
            statement: sql.name,
            cause,
        };
        match self {
            Self::Sqlite(tx) => {
                let arguments = sqlite_arguments(values).map_err(failed)?;
                let done = sqlx::query_with(sql.sqlite, arguments)
                    .execute(&mut **tx)
                    .await;
                done.map(|it| it.rows_affected()).map_err(failed)
            }
            Self::Postgres(tx) => {
                let arguments = postgres_arguments(values).map_err(failed)?;
                let done = sqlx::query_with(sql.postgres, arguments)
                    .execute(&mut **tx)
                    .await;
                done.map(|it| it.rows_affected()).map_err(failed)
            }
        }
    }

    /// Runs a statement that gives one id.
    pub(crate) async fn id(&mut self, sql: &'static Sql, values: Vec<Value>) -> Result<i64> {
        self.maybe_id(sql, values).await?.ok_or(Error::Statement {
            statement: sql.name,
            cause: sqlx::Error::RowNotFound,
        })
    }

    /// Runs a statement that gives one id or nothing.
    pub(crate) async fn maybe_id(
        &mut self,
        sql: &'static Sql,
        values: Vec<Value>,
    ) -> Result<Option<i64>> {
        self.rows(sql, values)
            .await?
            .first()
            .map(|row| row.int("id"))
            .transpose()
    }
}

/// Something that can be read from: `&Db` (each statement sees the newest state) or `&mut Tx`.
pub trait Read: Send {
    /// Runs a statement and returns its rows.
    fn rows(
        &mut self,
        sql: &'static Sql,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs a statement and returns its first row.
    fn row(
        &mut self,
        sql: &'static Sql,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Row>>> + Send {
        async move { Ok(self.rows(sql, values).await?.into_iter().next()) }
    }
}

impl Read for &Db {
    async fn rows(&mut self, sql: &'static Sql, values: Vec<Value>) -> Result<Vec<Row>> {
        let failed = |cause| Error::Statement {
            statement: sql.name,
            cause,
        };
        match self {
            Db::Sqlite { readers, .. } => {
                let arguments = sqlite_arguments(values).map_err(failed)?;
                let rows = sqlx::query_with(sql.sqlite, arguments)
                    .fetch_all(readers)
                    .await;
                Ok(rows.map_err(failed)?.into_iter().map(Row::Sqlite).collect())
            }
            Db::Postgres(pool) => {
                let arguments = postgres_arguments(values).map_err(failed)?;
                let rows = sqlx::query_with(sql.postgres, arguments)
                    .fetch_all(pool)
                    .await;
                Ok(rows
                    .map_err(failed)?
                    .into_iter()
                    .map(Row::Postgres)
                    .collect())
            }
        }
    }
}

impl Read for Tx {
    async fn rows(&mut self, sql: &'static Sql, values: Vec<Value>) -> Result<Vec<Row>> {
        let failed = |cause| Error::Statement {
            statement: sql.name,
            cause,
        };
        match self {
            Self::Sqlite(tx) => {
                let arguments = sqlite_arguments(values).map_err(failed)?;
                let rows = sqlx::query_with(sql.sqlite, arguments)
                    .fetch_all(&mut **tx)
                    .await;
                Ok(rows.map_err(failed)?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let arguments = postgres_arguments(values).map_err(failed)?;
                let rows = sqlx::query_with(sql.postgres, arguments)
                    .fetch_all(&mut **tx)
                    .await;
                Ok(rows
                    .map_err(failed)?
                    .into_iter()
                    .map(Row::Postgres)
                    .collect())
            }
        }
    }
}

impl<R: Read> Read for &mut R {
    fn rows(
        &mut self,
        sql: &'static Sql,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        (**self).rows(sql, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;

    #[tokio::test]
    async fn a_full_disk_is_over_when_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("db")).await.unwrap();
        let Db::Sqlite { writer, .. } = &db else {
            unreachable!("it is one")
        };
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "before", "kept").await.unwrap();
        tx.commit().await.unwrap();
        let mut connection = writer.acquire().await.unwrap();
        sqlx::query("PRAGMA max_page_count = 1")
            .execute(&mut *connection)
            .await
            .unwrap();
        drop(connection);
        let mut tx = db.begin().await.unwrap();
        let large = "x".repeat(1 << 20);
        let full = settings::set(&mut tx, "large", &large).await;
        assert!(full.unwrap_err().to_string().contains("full"));
        drop(tx);

        let mut tx = db.begin().await.expect("the writer is of use again");
        settings::set(&mut tx, "after", &large).await.unwrap();
        tx.commit().await.unwrap();
        let all: Vec<_> = settings::all(&db)
            .await
            .unwrap()
            .into_iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(all, ["after", "before"]);
    }
}
