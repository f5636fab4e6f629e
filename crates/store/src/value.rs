//! Values that go into a statement and rows that come out, the same for both databases.

use fleetmend_model::{
    DeployJobId, DeploymentId, DeviceId, GroupId, Millis, PackageId, PatchId, PolicyId, ReleaseId,
    ScanJobId, SourceId, UnitId, UnitTreeId, UserId,
};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::error::{Error, Result};

/// A typed value, which may be NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// BIGINT: numbers, ids, times in Unix milliseconds, 0/1 flags.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BLOB, BYTEA.
    Blob(Option<Vec<u8>>),
}

/// A text as both databases can hold it: PostgreSQL refuses NUL, so it becomes U+FFFD in both.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(Some(number.into()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<Option<bool>> for Value {
    fn from(flag: Option<bool>) -> Self {
        Self::Int(flag.map(i64::from))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(if text.contains('\0') {
            storable(&text)
        } else {
            text
        }))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(storable))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.as_deref().map(storable))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(Some(bytes))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(Some(bytes.to_vec()))
    }
}

impl From<crate::rows::Rows> for Value {
    fn from(rows: crate::rows::Rows) -> Self {
        rows.into_value()
    }
}

/// A value of one row out of several: texts are borrowed, for there may be very many.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    /// A text.
    Text(&'a str),
    /// Any other value, and texts that nobody else holds.
    Value(Value),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Option<String>> for Cell<'a> {
    fn from(text: &'a Option<String>) -> Self {
        text.as_ref()
            .map_or(Self::Value(Value::Text(None)), Self::from)
    }
}

macro_rules! cells_from_values {
    ($($kind:ty),+ $(,)?) => {$(
        impl From<$kind> for Cell<'_> {
            fn from(it: $kind) -> Self {
                Self::Value(it.into())
            }
        }
    )+};
}
cells_from_values!(
    Value,
    i64,
    Option<i64>,
    u32,
    bool,
    String,
    Option<&str>,
    Option<String>,
    Vec<u8>,
    &[u8],
);

macro_rules! from_numbers {
    ($($name:ident),+) => {$(
        impl From<$name> for Value {
            fn from(id: $name) -> Self {
                Self::Int(Some(id.0))
            }
        }
        impl From<Option<$name>> for Value {
            fn from(id: Option<$name>) -> Self {
                Self::Int(id.map(|id| id.0))
            }
        }
        cells_from_values!($name, Option<$name>);
    )+};
}
from_numbers!(
    Millis,
    DeviceId,
    SourceId,
    PackageId,
    PatchId,
    ReleaseId,
    ScanJobId,
    DeployJobId,
    DeploymentId,
    UserId,
    UnitTreeId,
    UnitId,
    GroupId,
    PolicyId
);

/// The values of `$1`, `$2`, … in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use args;

/// The values of one row out of several (see [`crate::rows`]).
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::value::Cell::from($value)),*] };
}
pub(crate) use row;

pub(crate) fn sqlite_arguments(values: Vec<Value>) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Blob(bytes) => arguments.add(bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(crate) fn postgres_arguments(values: Vec<Value>) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Blob(bytes) => arguments.add(bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A row of a result. Columns are got by the name that the statement gives them.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// A number, or NULL.
    pub fn int_opt(&self, column: &str) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => {
                // A literal in a statement: the only 32-bit numbers that come out.
                let is_int4 = row
                    .try_get_raw(column)
                    .is_ok_and(|raw| raw.type_info().name() == "INT4");
                if is_int4 {
                    row.try_get::<Option<i32>, _>(column)
                        .map(|it| it.map(i64::from))
                } else {
                    row.try_get(column)
                }
            }
        }
        .map_err(|error| bad(column, error))
    }

    /// A number.
    pub fn int(&self, column: &str) -> Result<i64> {
        self.int_opt(column)?.ok_or_else(|| bad(column, "NULL"))
    }

    /// A number that fits 32 bits without sign.
    pub fn u32(&self, column: &str) -> Result<u32> {
        let number = self.int(column)?;
        u32::try_from(number).map_err(|_| bad(column, format!("the number {number}")))
    }

    /// A number that may be absent.
    pub fn u32_opt(&self, column: &str) -> Result<Option<u32>> {
        let number = self.int_opt(column)?;
        number.map(|_| self.u32(column)).transpose()
    }

    /// A length, which is never negative.
    pub fn u64(&self, column: &str) -> Result<u64> {
        let number = self.int(column)?;
        u64::try_from(number).map_err(|_| bad(column, format!("the number {number}")))
    }

    /// A flag that is stored as 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A time.
    pub fn millis(&self, column: &str) -> Result<Millis> {
        self.int(column).map(Millis)
    }

    /// A time, or NULL.
    pub fn millis_opt(&self, column: &str) -> Result<Option<Millis>> {
        Ok(self.int_opt(column)?.map(Millis))
    }

    /// A text, or NULL.
    pub fn text_opt(&self, column: &str) -> Result<Option<String>> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| bad(column, error))
    }

    /// A text.
    pub fn text(&self, column: &str) -> Result<String> {
        self.text_opt(column)?.ok_or_else(|| bad(column, "NULL"))
    }

    /// Bytes.
    pub fn blob(&self, column: &str) -> Result<Vec<u8>> {
        self.blob_opt(column)?.ok_or_else(|| bad(column, "NULL"))
    }

    /// Bytes, or NULL.
    pub fn blob_opt(&self, column: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Sqlite(row) => row.try_get::<Option<Vec<u8>>, _>(column),
            Self::Postgres(row) => row.try_get::<Option<Vec<u8>>, _>(column),
        }
        .map_err(|error| bad(column, error))
    }

    /// A word out of a fixed set, by the set's own reader.
    pub fn word<T>(&self, column: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text = self.text(column)?;
        read(&text).ok_or_else(|| bad(column, format!("the word '{text}'")))
    }

    /// A word out of a fixed set, or NULL.
    pub fn word_opt<T>(
        &self,
        column: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        self.text_opt(column)?
            .map(|text| read(&text).ok_or_else(|| bad(column, format!("the word '{text}'"))))
            .transpose()
    }

    /// A number out of a fixed set.
    pub fn numbered<T: TryFrom<i64, Error = String>>(&self, column: &str) -> Result<T> {
        T::try_from(self.int(column)?).map_err(|what| bad(column, what))
    }

    /// A number out of a fixed set, or NULL.
    pub fn numbered_opt<T: TryFrom<i64, Error = String>>(&self, column: &str) -> Result<Option<T>> {
        self.int_opt(column)?
            .map(|number| T::try_from(number).map_err(|what| bad(column, what)))
            .transpose()
    }

    /// A JSON text of a known shape.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|error| bad(column, error))
    }

    /// A JSON text of a known shape, or NULL.
    pub fn json_opt<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        self.text_opt(column)?
            .map(|text| serde_json::from_str(&text).map_err(|error| bad(column, error)))
            .transpose()
    }

    /// The names of the columns.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(sqlx::Column::name).collect(),
            Self::Postgres(row) => row.columns().iter().map(sqlx::Column::name).collect(),
        }
    }
}

/// The JSON of something that always has one.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(column: &str, it: &T) -> Result<String> {
    serde_json::to_string(it).map_err(|error| bad(column, error))
}

pub(crate) fn bad(column: &str, what: impl std::fmt::Display) -> Error {
    Error::Value {
        column: column.to_owned(),
        what: what.to_string(),
    }
}
