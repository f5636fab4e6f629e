//! What a package depends on.

use fleetmend_versions::nuget::{Version, VersionError};

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

/// A NuGet version range: `1.0` (that or newer), `[1.0]`, `[1.0,2.0)`, `(,1.0]`.
/// Source: NuGet's documentation, "Package versioning", "Version ranges".
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
    /// Brackets that do not fit, or too many bounds.
    #[error("{0:?} is not a version range")]
    Shape(String),
}

impl Range {
    /// Reads a range; nothing at all is any version.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let text = text.trim();
        let shape = || RangeError::Shape(text.chars().take(60).collect());
        let bound = |text: &str, is_in: bool| match text.trim() {
            "" => Ok(None),
            version => Ok::<_, RangeError>(Some((Version::parse(version)?, is_in))),
        };
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let (Some(first @ ('[' | '(')), Some(last @ (']' | ')'))) = (first, last) else {
            let lowest = bound(text, true)?;
            return Ok(Self {
                lowest,
                highest: None,
            });
        };
        let inner = text.get(1..text.len() - 1).ok_or_else(shape)?;
        let (lowest_in, highest_in) = (first == '[', last == ']');
        let mut parts = inner.split(',');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(only), None, _) if lowest_in && highest_in && !only.trim().is_empty() => {
                let exact = bound(only, true)?;
                Ok(Self {
                    lowest: exact.clone(),
                    highest: exact,
                })
            }
            (Some(lowest), Some(highest), None) => Ok(Self {
                lowest: bound(lowest, lowest_in)?,
                highest: bound(highest, highest_in)?,
            }),
            _ => Err(shape()),
        }
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
