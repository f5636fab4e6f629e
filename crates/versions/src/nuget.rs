//! Package versions as Chocolatey orders them: NuGet.Versioning for Chocolatey 2.x, NuGet.Core for
//! Chocolatey 1.x.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text taken for a version, in bytes. Real ones stay under 64.
pub const MAX_LENGTH: usize = 512;

/// The longest text of prerelease labels, in bytes: with four numbers of full length and a package fix
/// it is no longer than [`MAX_LENGTH`], so that what a version is written as is one as well.
const MAX_PRERELEASE: usize = MAX_LENGTH - 64;

/// The largest number of a part: NuGet holds them as signed 32-bit integers.
const MAX_NUMBER: u32 = i32::MAX as u32;

/// Which generation of Chocolatey reads the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// 1.x: two to four numbers, one prerelease label that starts with a letter, no metadata, and
    /// Chocolatey's own package fix (`1.0_1`).
    Choco1,
    /// 2.x: one to four numbers, dotted prerelease labels, metadata; no package fix.
    #[default]
    Choco2,
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a package version: {}",
            self.text, self.reason
        )
    }
}

impl std::error::Error for VersionError {}

/// A package version.
///
/// Equality and order are NuGet's: letter case, leading zeros and metadata do not count. `Display`
/// gives the normalised text (three or four numbers, no leading zeros, no metadata).
#[derive(Debug, Clone)]
pub struct Version {
    numbers: [u32; 4],
    prerelease: Option<Prerelease>,
    /// Chocolatey 1.x's package fix; 0 where there is none.
    fix: u32,
}

#[derive(Debug, Clone)]
struct Prerelease {
    /// As written, for display.
    text: String,
    /// For the order.
    labels: Vec<Label>,
}

/// Variants in their order: numbers come before texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label {
    Number(i32),
    /// Lower case.
    Text(String),
}

impl Version {
    /// Reads a version as Chocolatey 2.x does.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Self::parse_in(text, Dialect::Choco2)
    }

    /// Reads a version as the given generation of Chocolatey does.
    pub fn parse_in(text: &str, dialect: Dialect) -> Result<Self, VersionError> {
        read(text, dialect).map_err(|reason| VersionError {
            text: text.chars().take(64).collect(),
            reason,
        })
    }

    /// Reads a version that either generation of Chocolatey can read: as 2.x does, if it can. The error
    /// is that of 2.x.
    pub fn parse_any(text: &str) -> Result<Self, VersionError> {
        Self::parse(text).or_else(|error| Self::parse_in(text, Dialect::Choco1).map_err(|_| error))
    }

    /// The four numbers; missing ones are 0.
    pub fn numbers(&self) -> [u32; 4] {
        self.numbers
    }

    /// The prerelease labels as written, without the leading `-`.
    pub fn prerelease(&self) -> Option<&str> {
        self.prerelease
            .as_ref()
            .map(|prerelease| prerelease.text.as_str())
    }

    /// Chocolatey 1.x's package fix; 0 where there is none.
    pub fn fix(&self) -> u32 {
        self.fix
    }

    /// Whether it is a prerelease.
    pub fn is_prerelease(&self) -> bool {
        self.prerelease.is_some()
    }

    /// What equality, hash and order look at.
    fn key(&self) -> ([u32; 4], bool, &[Label], u32) {
        let labels = self
            .prerelease
            .as_ref()
            .map_or(&[][..], |it| it.labels.as_slice());
        (self.numbers, self.prerelease.is_none(), labels, self.fix)
    }
}

fn read(text: &str, dialect: Dialect) -> Result<Version, &'static str> {
    if text.len() > MAX_LENGTH {
        return Err("it is longer than any version");
    }
    let text = text.trim();
    let (body, fix) = match dialect {
        Dialect::Choco1 => read_fix(text)?,
        Dialect::Choco2 => (without_metadata(text)?, 0),
    };
    let (numbers, labels) = match body.split_once('-') {
        Some((numbers, labels)) => (numbers, Some(labels)),
        None => (body, None),
    };
    let numbers = read_numbers(numbers, dialect)?;
    let prerelease = labels
        .map(|labels| read_prerelease(labels, dialect))
        .transpose()?;
    Ok(Version {
        numbers,
        prerelease,
        fix,
    })
}

fn read_fix(text: &str) -> Result<(&str, u32), &'static str> {
    match text.rsplit_once('_') {
        None => Ok((text, 0)),
        Some((body, fix)) => Ok((body, read_number(fix)?)),
    }
}

fn without_metadata(text: &str) -> Result<&str, &'static str> {
    match text.split_once('+') {
        None => Ok(text),
        Some((body, metadata)) => {
            if metadata.split('.').all(is_identifier) {
                Ok(body)
            } else {
                Err("the metadata behind '+' may hold only letters, digits, '-' and '.'")
            }
        }
    }
}

fn read_numbers(text: &str, dialect: Dialect) -> Result<[u32; 4], &'static str> {
    // NuGet.Core's pattern allows no space between the numbers and what follows them.
    if dialect == Dialect::Choco1 && text.ends_with(char::is_whitespace) {
        return Err("a space stands behind its numbers");
    }
    let mut numbers = [0; 4];
    let mut count = 0;
    for part in text.split('.') {
        let slot = numbers
            .get_mut(count)
            .ok_or("it has more than four numbers")?;
        *slot = read_number(part.trim())?;
        count += 1;
    }
    if dialect == Dialect::Choco1 && count < 2 {
        return Err("it needs two numbers at least");
    }
    Ok(numbers)
}

fn read_number(text: &str) -> Result<u32, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it must be numbers divided by dots");
    }
    text.parse()
        .ok()
        .filter(|number| *number <= MAX_NUMBER)
        .ok_or("a number is larger than 2147483647")
}

fn read_prerelease(text: &str, dialect: Dialect) -> Result<Prerelease, &'static str> {
    if text.len() > MAX_PRERELEASE {
        return Err("its labels are longer than any version's");
    }
    match dialect {
        Dialect::Choco1 => {
            let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
            if !starts_well || !is_identifier(text) {
                return Err(
                    "the label behind '-' must start with a letter and may hold only \
                            letters, digits and '-'",
                );
            }
        }
        Dialect::Choco2 => {
            if !text.split('.').all(is_identifier) {
                return Err("the labels behind '-' may hold only letters, digits, '-' and '.'");
            }
            if text.split('.').any(has_leading_zero) {
                return Err("a numeric label has a leading zero");
            }
        }
    }
    let labels = text.split('.').map(read_label).collect();
    Ok(Prerelease {
        text: text.to_owned(),
        labels,
    })
}

/// NuGet compares a label as a number only where it fits a signed 32-bit integer, sign included.
fn read_label(text: &str) -> Label {
    match text.parse() {
        Ok(number) => Label::Number(number),
        Err(_) => Label::Text(text.to_ascii_lowercase()),
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, revision] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if revision != 0 {
            write!(f, ".{revision}")?;
        }
        if let Some(prerelease) = &self.prerelease {
            write!(f, "-{}", prerelease.text)?;
        }
        if self.fix != 0 {
            write!(f, "_{}", self.fix)?;
        }
        Ok(())
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// As the normalised text.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From either dialect, so that everything that was serialized can be read again.
impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_any(&text).map_err(serde::de::Error::custom)
    }
}
