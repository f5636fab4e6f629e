//! What an export says of itself.

use crate::server_id::is_id;
use fleetmend_model::Millis;
use fleetmend_store::sources::{dialect_from_key, dialect_key};
use fleetmend_versions::nuget::Dialect;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The format that this program writes and reads. Whoever changes what is written raises it.
pub const FORMAT: u32 = 2;
/// The longest manifest, in bytes.
pub const MAX_MANIFEST: u64 = 1024 * 1024;
/// The most sources.
pub const MAX_SOURCES: usize = 1_000;
/// The most package versions.
pub const MAX_VERSIONS: u64 = 1_000_000;
/// The most addresses of installers.
const MAX_ADDRESSES: u64 = 1_000_000;
/// The most nupkgs and installers.
const MAX_FILES: u64 = 250_000;
/// The longest texts, in characters.
const LONGEST: usize = 2_000;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The program and its version.
    pub made_by: String,
    /// When it was made, Unix milliseconds.
    pub made_at: Millis,
    /// The id of the installation that made it.
    pub origin: String,
    /// The sources, by their places.
    pub sources: Vec<SourceEntry>,
    /// The nupkgs and installers.
    pub files: Files,
}

/// A source as it is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// What stands for it: see [`super::place`].
    pub place: String,
    /// What a person calls it.
    pub name: String,
    /// Its priority.
    pub priority: i64,
    /// The generation of Chocolatey that its packages are for.
    pub dialect: Option<String>,
    /// When it was read to its end, Unix milliseconds.
    pub read_at: Option<Millis>,
    /// Its package versions.
    pub rows: Lines,
    /// The addresses of its packages' installers.
    pub addresses: Lines,
}

/// An entry of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its lines.
    pub count: u64,
}

/// The files behind the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// How many.
    pub count: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// The format's number, whatever else a later format has.
#[derive(Deserialize)]
struct Number {
    format: u32,
}

impl Manifest {
    /// Reads one. What is wrong is said as a sentence's end.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let number: Number =
            serde_json::from_slice(bytes).map_err(|error| format!("its manifest: {error}"))?;
        if number.format != FORMAT {
            return Err(format!(
                "it has the format {}, and this program reads the format {FORMAT}: use the same \
                 version of Fleetmend on both servers",
                number.format
            ));
        }
        let it: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("its manifest: {error}"))?;
        it.check().map_err(|why| format!("its manifest: {why}"))?;
        Ok(it)
    }

    /// Whether it is one that is read. What is wrong is said as a sentence's end.
    pub fn check(&self) -> Result<(), String> {
        if self.sources.len() > MAX_SOURCES {
            return Err(format!("more than {MAX_SOURCES} sources"));
        }
        let sources = || self.sources.iter();
        let rows = sources().map(|it| it.rows.count);
        let addresses = sources().map(|it| it.addresses.count);
        for (count, most, what) in [
            (sum(rows), MAX_VERSIONS, "package versions"),
            (sum(addresses), MAX_ADDRESSES, "addresses of installers"),
            (self.files.count, MAX_FILES, "files"),
        ] {
            if count > most {
                return Err(format!("more than {most} {what}"));
            }
        }
        if !self.sources.is_sorted_by(|a, b| a.place < b.place) {
            return Err("the sources are not in their order".to_owned());
        }
        if !is_id(&self.origin) {
            return Err("'origin' is no installation's id".to_owned());
        }
        text("made_by", &self.made_by)?;
        for source in &self.sources {
            source.check()?;
        }
        Ok(())
    }

    /// Package versions in all.
    pub fn versions(&self) -> u64 {
        self.sources.iter().map(|it| it.rows.count).sum()
    }
}

impl SourceEntry {
    fn check(&self) -> Result<(), String> {
        text("place", &self.place)?;
        text("name", &self.name)?;
        let is_local = self
            .place
            .split_once(':')
            .is_some_and(|(origin, rest)| is_id(origin) && rest.starts_with('/'));
        let is_feed = Url::parse(&self.place).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_local && !is_feed {
            return Err(format!("'{}' is no place of a source", self.place));
        }
        if !(0..=super::super::sources::MOST_PRIORITY).contains(&self.priority) {
            return Err(format!(
                "the priority of {} is {}",
                self.name, self.priority
            ));
        }
        match &self.dialect {
            Some(word) if dialect_from_key(word).is_none() => {
                Err(format!("the dialect of {} is '{word}'", self.name))
            }
            _ => Ok(()),
        }
    }

    /// The dialect.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect.as_deref().and_then(dialect_from_key)
    }
}

/// A dialect as the manifest has it.
pub fn dialect(dialect: Option<Dialect>) -> Option<String> {
    dialect.map(|it| dialect_key(it).to_owned())
}

/// Of numbers that a file says: no sum of them overflows.
fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn text(field: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(format!("'{field}' is empty or has control characters"));
    }
    if text.chars().count() > LONGEST {
        return Err(format!("'{field}' is longer than {LONGEST} characters"));
    }
    Ok(())
}
