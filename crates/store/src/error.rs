//! What can go wrong in the store.

/// Why the store could not do what was asked. The whole of it is in the text; what the driver says
/// is no `source`, so that a chain of errors does not say it twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database's address cannot be understood.
    #[error(
        "the database address '{address}' is not usable: {why}. Use sqlite:PATH or postgres://USER@HOST/NAME"
    )]
    Address {
        /// The address, without a password.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database cannot be opened.
    #[error("the database {place} cannot be opened: {cause}")]
    Open {
        /// A path or `host/name`.
        place: String,
        /// What the driver says.
        cause: sqlx::Error,
    },
    /// A newer program wrote the database.
    #[error(
        "the database is at schema version {found}, and this program knows versions up to {known}: start the newer program, or restore the backup made before the upgrade"
    )]
    Newer {
        /// The version that the database is at.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migrate(String),
    /// A statement failed.
    #[error("the database refused '{statement}': {cause}")]
    Statement {
        /// The statement's name in this crate.
        statement: &'static str,
        /// What the driver says.
        cause: sqlx::Error,
    },
    /// A transaction could not be begun or ended.
    #[error("the database could not {what} a transaction: {cause}")]
    Transaction {
        /// `begin`, `commit` or `roll back`.
        what: &'static str,
        /// What the driver says.
        cause: sqlx::Error,
    },
    /// A stored value is not what the column holds.
    #[error("the database's column '{column}' holds something unexpected: {what}")]
    Value {
        /// The column as the statement names it.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// The page cursor is not one that this list gave.
    #[error("the page cursor is not valid for this list: start from the first page")]
    Cursor,
    /// Somebody else changed the row since it was read. Read it again and decide anew.
    #[error("{what} {id} changed in the meantime")]
    Moved {
        /// What kind of row.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// There is no such row.
    #[error("there is no {what} {id}")]
    Missing {
        /// What kind of row.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// There is such a row already.
    #[error("there is a {what} '{name}' already")]
    Exists {
        /// What kind of row.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn missing(what: &'static str, id: impl std::fmt::Display) -> Self {
        Self::Missing {
            what,
            id: id.to_string(),
        }
    }

    /// Whether two writers got in each other's way and the same transaction may be tried again
    /// (PostgreSQL: serialization failure `40001`, deadlock `40P01`; SQLite: busy).
    pub fn may_retry(&self) -> bool {
        let (Self::Statement { cause, .. } | Self::Transaction { cause, .. }) = self else {
            return false;
        };
        cause
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "5" | "517"))
    }
}
