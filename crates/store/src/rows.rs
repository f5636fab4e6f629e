//! Several rows as one parameter: a JSON array of arrays, one inner array a row.
//!
//! A statement reads it with `FROM json_each($1)` and `value->>0`, `value->>1`, …; numbers are
//! cast with `CAST(value->>0 AS BIGINT)`, bytes travel as hexadecimal and come back with
//! `unhex(value->>2)`. SQLite has both functions built in; the first PostgreSQL migration defines
//! `json_each(text)` and `unhex(text)` to do the same, so that one text serves both.

use std::fmt::Write as _;

use crate::value::{Value, storable};

/// Collects rows for one statement.
#[derive(Debug)]
pub(crate) struct Rows {
    json: String,
    count: usize,
}

impl Rows {
    /// No row yet.
    pub(crate) fn new() -> Self {
        Self {
            json: "[".to_owned(),
            count: 0,
        }
    }

    /// A row a value: for lists of ids or words.
    pub(crate) fn of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        let mut rows = Self::new();
        for value in values {
            rows.push(&[value.into()]);
        }
        rows
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Value]) {
        if self.count > 0 {
            self.json.push(',');
        }
        self.count += 1;
        self.json.push('[');
        for (index, value) in row.iter().enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.push_value(value);
        }
        self.json.push(']');
    }

    fn push_value(&mut self, value: &Value) {
        // Writing to a String cannot fail.
        match value {
            Value::Int(Some(number)) => {
                let _ = write!(self.json, "{number}");
            }
            Value::Text(Some(text)) => {
                self.json
                    .push_str(&serde_json::Value::from(storable(text)).to_string());
            }
            Value::Blob(Some(bytes)) => {
                self.json.push('"');
                push_hex(&mut self.json, bytes);
                self.json.push('"');
            }
            Value::Int(None) | Value::Text(None) | Value::Blob(None) => self.json.push_str("null"),
        }
    }

    /// The parameter.
    pub(crate) fn into_value(mut self) -> Value {
        self.json.push(']');
        Value::Text(Some(self.json))
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
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
