//! The fields of a query or a form: names may repeat, as ticked boxes do.

use std::str::FromStr;

use fleetmend_store::Page;

use super::view::PAGE_ROWS;
use crate::error::ApiError;

/// Name and value, in the order sent.
#[derive(Debug, Clone, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a field; an empty one counts as absent, as a form's "all" is.
    pub fn get(&self, name: &str) -> Option<&str> {
        Some(self.verbatim(name).trim()).filter(|value| !value.is_empty())
    }

    /// The first value as text; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The first value as it was typed: for passwords.
    pub fn verbatim(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// An owned copy of [`Self::get`], for filters.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    /// A word out of a fixed set.
    pub fn word<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|value| read(value).ok_or_else(|| unknown(name, value)))
            .transpose()
    }

    /// The first value, as its type reads it.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.word(name, |it| it.parse().ok())
    }

    /// All values as ids, each once.
    pub fn ids<T: FromStr + Ord>(&self, name: &str) -> Result<Vec<T>, ApiError> {
        let ids: Result<Vec<T>, _> = self
            .all(name)
            .map(|it| it.parse().map_err(|_| unknown(name, it)))
            .collect();
        let mut ids = ids?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The part of a list that is asked for.
    pub fn wanted_page(&self) -> Page {
        Page {
            limit: PAGE_ROWS,
            after: self.owned("after"),
        }
    }

    /// The address of the same list from `after` on.
    pub fn next_page(&self, path: &str, after: &str) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(name, value)| {
                !value.is_empty() && !matches!(name.as_str(), "after" | "done" | "n")
            })
            .map(|(name, value)| (name.as_str(), value.as_str()));
        address(path, kept.chain([("after", after)]))
    }
}

fn unknown(name: &str, value: &str) -> ApiError {
    let value: String = value.chars().take(60).collect();
    ApiError::Bad(format!(
        "field '{name}': '{value}' is not one of its values"
    ))
}

/// A path with a query.
pub fn address<'a>(path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from(path);
    for (name, value) in query {
        text.push(if text.contains('?') { '&' } else { '?' });
        for part in [name, "=", value] {
            if part == "=" {
                text.push('=');
            } else {
                encode(part, &mut text);
            }
        }
    }
    text
}

fn encode(part: &str, text: &mut String) {
    use std::fmt::Write as _;
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn the_next_page_keeps_the_filters_and_nothing_else() {
        let it = fields(&[
            ("hostname", "a b&c"),
            ("done", "scan"),
            ("after", "[1]"),
            ("x", ""),
        ]);
        assert_eq!(
            it.next_page("/devices", "[\"z\",2]"),
            "/devices?hostname=a%20b%26c&after=%5B%22z%22%2C2%5D"
        );
    }

    #[test]
    fn repeated_ids_count_once_and_wrong_ones_are_named() {
        let it = fields(&[("device", "2"), ("device", "1"), ("device", "2")]);
        assert_eq!(it.ids::<i64>("device").unwrap(), [1, 2]);
        let error = fields(&[("device", "x")]).ids::<i64>("device").unwrap_err();
        assert_eq!(
            error.message(),
            "field 'device': 'x' is not one of its values"
        );
    }
}
