//! What a package depends on.

use fleetmend_versions::nuget::{Version, VersionError};

use crate::odata::{cut, is_package_id};

/// One dependency, as the feed or the nuspec writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// Package id.
    pub id: String,
    /// NuGet version range as written (`1.0`, `[1.0]`, `[1.0,2.0)`); `None`: any version.
    pub range: Option<String>,
    /// Target framework of its group; Chocolatey packages have none.
    pub target_framework: Option<String>,
}

/// Why clients cannot read a dependency in a feed, where it stands as `id:range:framework` beside others
/// behind `|`. One that they cannot read makes Chocolatey 2.x give up the whole list that it is in.
/// Source: `V2FeedPackageInfo.cs` of Chocolatey's NuGet.Client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// Its id.
    #[error("its dependency {0:?} is no package id")]
    Id(String),
    /// Its range.
    #[error("Chocolatey cannot read the range '{range}' of its dependency {id}")]
    Range {
        /// The dependency's id.
        id: String,
        /// The range as written.
        range: String,
    },
    /// Its framework.
    #[error("Chocolatey cannot read the framework '{framework}' of its dependency {id}")]
    Framework {
        /// The dependency's id.
        id: String,
        /// The framework as written.
        framework: String,
    },
}

impl Dependency {
    /// Whether clients can read it in a feed.
    pub fn check(&self) -> Result<(), DependencyError> {
        if !is_package_id(&self.id) {
            return Err(DependencyError::Id(cut(&self.id)));
        }
        let id = || self.id.clone();
        let range = self.range.as_deref().unwrap_or_default();
        if Range::parse(range).is_err() {
            let range = cut(range);
            return Err(DependencyError::Range { id: id(), range });
        }
        let framework = self.target_framework.as_deref().unwrap_or_default();
        if !framework.is_empty() && !is_framework(framework) {
            let framework = cut(framework);
            return Err(DependencyError::Framework {
                id: id(),
                framework,
            });
        }
        Ok(())
    }
}

/// `net45`, `net6.0-windows7.0`, `portable-net45+win8`, or `.NETFramework,Version=v4.5,Profile=Client`.
fn is_framework(text: &str) -> bool {
    let is_name = |text: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || ".+-_ ".contains(c);
        text.chars().all(is_letter) && text.matches('-').count() <= 1
    };
    let mut parts = text.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let is_part = |part: &str| match part.split_once('=') {
        Some(("Version", version)) => Version::parse(version.trim_start_matches('v'))
            .is_ok_and(|version| !version.is_prerelease()),
        Some(("Profile", profile)) => profile.chars().all(|c| c.is_ascii_alphanumeric()),
        _ => false,
    };
    !name.is_empty() && is_name(name) && parts.all(is_part)
}

/// Reads a feed's `d:Dependencies`: `id:range:framework` joined by `|`.
///
/// Parts without an id are left out: NuGet galleries write `::net45` for an empty framework group.
pub fn parse_list(text: &str) -> Vec<Dependency> {
    text.split('|')
        .filter_map(|part| {
            let mut fields = part.split(':').map(str::trim);
            let id = fields.next().filter(|id| !id.is_empty())?;
            let mut optional = || fields.next().filter(|it| !it.is_empty()).map(str::to_owned);
            Some(Dependency {
                id: id.to_owned(),
                range: optional(),
                target_framework: optional(),
            })
        })
        .collect()
}

/// A NuGet version range: `1.0` (that or newer), `[1.0]`, `[1.0,2.0)`, `(,1.0]`; the lowest version may
/// float (`1.*`), which is the lowest of those that it stands for.
/// Source: `VersionRangeFactory.cs` of NuGet.Client: what it refuses is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The lowest version, and whether it is in the range itself.
    lowest: Option<(Version, bool)>,
    /// The highest version, and whether it is in the range itself.
    highest: Option<(Version, bool)>,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// A bound is no version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Brackets that do not fit, no bound or too many, or nothing between them.
    #[error("{0:?} is not a version range")]
    Shape(String),
}

impl Range {
    /// Reads a range; nothing at all is any version.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let text = text.trim();
        let shape = || RangeError::Shape(cut(text));
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let (Some(first @ ('[' | '(')), Some(last @ (']' | ')'))) = (first, last) else {
            return Ok(Self {
                lowest: lowest(text, true)?,
                highest: None,
            });
        };
        let inner = text.get(1..text.len() - 1).ok_or_else(shape)?;
        let (lowest_in, highest_in) = (first == '[', last == ']');
        let mut parts = inner.split(',');
        let range = match (parts.next(), parts.next(), parts.next()) {
            (Some(only), None, _) if lowest_in && highest_in => Self {
                lowest: bound(only, true)?,
                highest: bound(only, true)?,
            },
            (Some(least), Some(most), None) => Self {
                lowest: lowest(least, lowest_in)?,
                highest: bound(most, highest_in)?,
            },
            _ => return Err(shape()),
        };
        let is_one = match (&range.lowest, &range.highest) {
            (None, None) => false,
            (Some((least, least_in)), Some((most, most_in))) => {
                least < most || (least == most && least_in == most_in)
            }
            _ => true,
        };
        if is_one { Ok(range) } else { Err(shape()) }
    }

    /// Whether a version is in it.
    pub fn has(&self, version: &Version) -> bool {
        let above = self
            .lowest
            .as_ref()
            .is_none_or(|(it, is_in)| version > it || (*is_in && version == it));
        let below = self
            .highest
            .as_ref()
            .is_none_or(|(it, is_in)| version < it || (*is_in && version == it));
        above && below
    }
}

fn bound(text: &str, is_in: bool) -> Result<Option<(Version, bool)>, RangeError> {
    match text.trim() {
        "" => Ok(None),
        version => Ok(Some((Version::parse(version)?, is_in))),
    }
}

fn lowest(text: &str, is_in: bool) -> Result<Option<(Version, bool)>, RangeError> {
    match floor(text) {
        Some(floor) => bound(&floor, is_in),
        None => bound(text, is_in),
    }
}

/// The lowest of the versions that a floating one stands for, as a text that may still be none; `None`
/// where nothing floats. Source: `FloatRange.cs` of NuGet.Client.
fn floor(text: &str) -> Option<String> {
    let floats = text.strip_suffix('*').filter(|it| !it.contains('+'))?;
    // A label that is left out.
    let labels = |text: &str| {
        let is_open = text.is_empty() || text.ends_with(['.', '-']);
        format!("{text}{}", if is_open { "0" } else { "" })
    };
    match floats.split_once("*-") {
        Some((numbers, rest)) => Some(format!("{numbers}0-{}", labels(rest))),
        None if floats.contains('-') => Some(labels(floats)),
        None => Some(format!("{floats}0")),
    }
}
