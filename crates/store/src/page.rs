//! Pages of long lists: each page names the row after which the next one goes on.

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::value::Value;

/// The most rows that one page has.
pub const MAX_PAGE: u32 = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows, at most [`MAX_PAGE`].
    pub limit: u32,
    /// [`Paged::next`] of the page before; `None` for the first page.
    pub after: Option<String>,
}

impl Page {
    /// The first `limit` rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// The page that follows `after`.
    pub fn after(limit: u32, after: impl Into<String>) -> Self {
        Self {
            limit,
            after: Some(after.into()),
        }
    }

    fn size(&self) -> usize {
        self.limit.clamp(1, MAX_PAGE) as usize
    }

    /// One row more than wanted, which tells whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        self.size() as i64 + 1
    }

    /// The parts of the cursor as values, each of the kind in `kinds`; all NULL on the first page.
    pub(crate) fn cursor(&self, kinds: &[Kind]) -> Result<Vec<Value>> {
        let Some(after) = &self.after else {
            return Ok(kinds.iter().map(|kind| kind.null()).collect());
        };
        let parts: Vec<Json> = serde_json::from_str(after).map_err(|_| Error::Cursor)?;
        if parts.len() != kinds.len() {
            return Err(Error::Cursor);
        }
        kinds
            .iter()
            .zip(&parts)
            .map(|(kind, part)| kind.read(part))
            .collect()
    }

    /// Cuts the rows that were fetched to the page, and makes the cursor of the next one.
    pub(crate) fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> Json) -> Paged<T> {
        let size = self.size();
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = if has_more {
            rows.last().map(|row| key(row).to_string())
        } else {
            None
        };
        Paged { rows, next }
    }
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The cursor of the next page; `None` on the last. A JSON array; opaque to callers.
    pub next: Option<String>,
}

/// What a part of a cursor is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Int,
    Text,
}

impl Kind {
    fn null(self) -> Value {
        match self {
            Self::Int => Value::Int(None),
            Self::Text => Value::Text(None),
        }
    }

    fn read(self, part: &Json) -> Result<Value> {
        match self {
            Self::Int => part.as_i64().map(Value::from),
            Self::Text => part.as_str().map(Value::from),
        }
        .ok_or(Error::Cursor)
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `text` anywhere, in lower case. The column that it
/// is compared with is stored in lower case as well.
pub(crate) fn contains(text: Option<&str>) -> Value {
    Value::from(text.filter(|text| !text.is_empty()).map(|text| {
        let mut pattern = String::from("%");
        for c in text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    }))
}
