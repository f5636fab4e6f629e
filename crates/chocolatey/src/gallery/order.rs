//! `$orderby`.

use std::cmp::Ordering;

use super::budget::{Budget, PART};
use super::entry::Entry;

/// The most parts: more than clients send. They are compared one after the other.
const MAX_KEYS: usize = 8;

/// What entries are sorted by, the first key first. Id and version stand behind all others, so
/// that the order is the same at each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order(Vec<(Key, bool)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Version,
    Title,
    Created,
    Published,
    Size,
    /// The same for all: downloads are not counted.
    Nothing,
}

impl Order {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        let mut open = 0_usize;
        let divides = |c: char| {
            match c {
                '(' => open += 1,
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            c == ',' && open == 0
        };
        for part in text.split(divides) {
            if keys.len() == MAX_KEYS {
                return Err(format!("it may have {MAX_KEYS} parts at most"));
            }
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let key = match name {
                "Id" | "tolower(Id)" => Key::Id,
                "Version" | "NormalizedVersion" => Key::Version,
                "Title" | "concat(Title,Id)" => Key::Title,
                "Created" | "LastUpdated" | "LastEdited" => Key::Created,
                "Published" => Key::Published,
                "PackageSize" => Key::Size,
                "DownloadCount" | "VersionDownloadCount" => Key::Nothing,
                _ => return Err("packages cannot be sorted by that".to_owned()),
            };
            let is_descending = match words.next() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(_) => return Err("a direction is 'asc' or 'desc'".to_owned()),
            };
            keys.push((key, is_descending));
        }
        Ok(Self(keys))
    }

    /// Takes what sorting these entries costs at most: each is compared some times, part by part.
    pub(super) fn spend(&self, entries: &[&Entry], budget: &Budget) {
        let times = entries.len().max(1).ilog2() as usize + 1;
        let titles = self.0.iter().filter(|(key, _)| *key == Key::Title).count();
        for entry in entries {
            let parts = self.0.len() * PART + titles * entry.title_key.len();
            budget.spend(times * parts);
        }
    }

    pub(super) fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        for (key, is_descending) in &self.0 {
            let order = key.compare(a, b);
            let order = if *is_descending {
                order.reverse()
            } else {
                order
            };
            if order.is_ne() {
                return order;
            }
        }
        Key::Id.compare(a, b).then(Key::Version.compare(a, b))
    }
}

impl Key {
    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        match self {
            Self::Id => a.id_key.cmp(&b.id_key),
            Self::Version => a.version().cmp(b.version()),
            Self::Title => a.title_key.cmp(&b.title_key),
            Self::Created => a.item.created.cmp(&b.item.created),
            Self::Published => a.published().cmp(b.published()),
            Self::Size => a.item.size.cmp(&b.item.size),
            Self::Nothing => Ordering::Equal,
        }
    }
}
