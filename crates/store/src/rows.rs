//! Several rows as one parameter: a JSON array of arrays, one inner array a row.
//!
//! A statement reads it with `FROM jsonb_each($1)` and `value->>0`, `value->>1`, …; numbers are
//! cast with `CAST(value->>0 AS BIGINT)`, bytes travel as hexadecimal and come back with
//! `unhex(value->>2)`. SQLite has both functions built in (`json_each` does the same, but makes a text
//! of each row and reads it again); PostgreSQL's migrations define `jsonb_each(text)` and
//! `unhex(text)` to do the same, so that one text serves both.

use std::io::Write as _;

use fleetmend_model::hex;

use crate::value::{Cell, Value, storable};

/// Collects rows for one statement.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Text, always.
    json: Vec<u8>,
    count: usize,
}

impl Rows {
    /// No row yet.
    pub(crate) fn new() -> Self {
        Self {
            json: b"[".to_vec(),
            count: 0,
        }
    }

    /// A row a value: for lists of ids or words.
    pub(crate) fn of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        let mut rows = Self::new();
        for value in values {
            rows.push(&[Cell::Value(value.into())]);
        }
        rows
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Cell<'_>]) {
        if self.count > 0 {
            self.json.push(b',');
        }
        self.count += 1;
        self.json.push(b'[');
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            match cell {
                Cell::Text(text) => self.push_text(text),
                Cell::Value(value) => self.push_value(value),
            }
        }
        self.json.push(b']');
    }

    fn push_value(&mut self, value: &Value) {
        match value {
            Value::Int(Some(number)) => {
                let _ = write!(self.json, "{number}");
            }
            Value::Text(Some(text)) => self.push_text(text),
            Value::Blob(Some(bytes)) => self.push_text(&hex::of(bytes)),
            Value::Int(None) | Value::Text(None) | Value::Blob(None) => {
                self.json.extend_from_slice(b"null");
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        // Writing a text to a Vec cannot fail.
        let _ = if text.contains('\0') {
            serde_json::to_writer(&mut self.json, &storable(text))
        } else {
            serde_json::to_writer(&mut self.json, text)
        };
    }

    /// The parameter.
    pub(crate) fn into_value(mut self) -> Value {
        self.json.push(b']');
        Value::Text(String::from_utf8(self.json).ok())
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::row;

    #[test]
    fn rows_travel_as_arrays_with_bytes_in_hexadecimal_and_no_nul() {
        let mut rows = Rows::new();
        rows.push(&row![1_i64, "a\"\0", vec![0_u8, 255]]);
        rows.push(&row![None::<i64>, None::<&str>, vec![]]);
        assert_eq!(
            Value::from(rows),
            Value::Text(Some(
                "[[1,\"a\\\"\u{fffd}\",\"00ff\"],[null,null,\"\"]]".to_owned()
            ))
        );
        assert_eq!(Value::from(Rows::new()), Value::Text(Some("[]".to_owned())));
    }
}
