//! A version as a row of numbers.

use fleetmend_versions::fix_date;

use crate::catalog::parse_version;

/// Words behind the numbers that make it a version before the one that the numbers say.
const BEFORE: [&str; 9] = [
    "alpha",
    "beta",
    "rc",
    "pre",
    "preview",
    "prerelease",
    "dev",
    "snapshot",
    "canary",
];

/// The numbers of a version, as far as it is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbers {
    /// At least one.
    pub(super) parts: Vec<u64>,
    /// Whether something stands behind them that may change the order.
    pub(super) is_open: bool,
    /// As written.
    pub(super) text: String,
}

impl Numbers {
    /// From `DisplayVersion` or a version in a name: behind `v`, `version` or a word with a dash;
    /// divided by dots, commas or underscores, or a date.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let (before, body) = text.split_at(start);
        let is_marked = before.is_empty()
            || matches!(
                before.to_ascii_lowercase().trim_end_matches([' ', '.']),
                "v" | "ver" | "version"
            );
        let is_behind_word = before.ends_with(['-', ' ', '_']);
        if !is_marked && !is_behind_word {
            return None;
        }
        let (parts, rest) = date(body).or_else(|| row(body))?;
        // Behind a word or before letters, as in `8u401`, a single number may be anything.
        if parts.len() < 2 && (!is_marked || rest.starts_with(char::is_alphabetic)) {
            return None;
        }
        Some(Self {
            parts,
            is_open: is_open(rest),
            text: text.to_owned(),
        })
    }

    /// From a package's version, without the date of a repair of the package, unless the vendor
    /// dates its versions itself. Prereleases have no place in it.
    pub(super) fn of_package(version: &str, registered: &str) -> Option<Self> {
        let parsed = parse_version(version)?;
        if parsed.is_prerelease() {
            return None;
        }
        let plain = fix_date::without(version.trim(), registered);
        let (parts, _) = row(&plain)?;
        Some(Self {
            parts,
            is_open: false,
            text: plain,
        })
    }
}

/// Numbers with the same mark between them, and what stands behind them.
fn row(body: &str) -> Option<(Vec<u64>, &str)> {
    let mut parts = Vec::new();
    let mut rest = body;
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        parts.push(rest[..end].parse().ok()?);
        rest = &rest[end..];
        let mut behind = rest.chars();
        let is_mark = behind.next().is_some_and(|c| matches!(c, '.' | ',' | '_'));
        let behind = behind.as_str().trim_start();
        if !is_mark || !behind.starts_with(|c: char| c.is_ascii_digit()) {
            return Some((parts, rest));
        }
        rest = behind;
    }
}

/// `01-02-2023`, `2023-02-01`: day and month are two digits, the year is four.
fn date(body: &str) -> Option<(Vec<u64>, &str)> {
    let parts: Vec<&str> = body.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|it| it.len()).collect();
    let is_date = matches!(lengths.as_slice(), [2, 2, 4] | [4, 2, 2]);
    let numbers: Option<Vec<u64>> = parts.iter().map(|it| it.parse().ok()).collect();
    numbers.filter(|_| is_date).map(|it| (it, ""))
}

/// A hash, an architecture or a remark in brackets changes nothing; letters right behind the last
/// number and words for test versions do.
fn is_open(rest: &str) -> bool {
    let word: String = rest
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .chars()
        .take_while(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    rest.starts_with(char::is_alphabetic) || BEFORE.contains(&word.as_str())
}
