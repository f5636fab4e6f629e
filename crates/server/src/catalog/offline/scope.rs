//! Which files a person wants in an export.

use std::collections::HashSet;

/// Which files an export has. It always has all package versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All that are here.
    #[default]
    All,
    /// None.
    WithoutFiles,
    /// Those of these packages alone, by id in lower case.
    Of(HashSet<String>),
}

impl Scope {
    /// What a person gave: without files, those of these packages, or all.
    pub fn given<'a>(without_files: bool, packages: impl IntoIterator<Item = &'a str>) -> Self {
        let ids: HashSet<_> = packages.into_iter().map(str::to_lowercase).collect();
        match (without_files, ids.is_empty()) {
            (true, _) => Self::WithoutFiles,
            (false, true) => Self::All,
            (false, false) => Self::Of(ids),
        }
    }

    /// The packages whose files alone it has.
    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        let ids = match self {
            Self::Of(ids) => Some(ids),
            Self::All | Self::WithoutFiles => None,
        };
        ids.into_iter().flatten()
    }

    /// Whether a person named a package, by its id in lower case.
    pub(super) fn names(&self, id: &str) -> bool {
        matches!(self, Self::Of(ids) if ids.contains(id))
    }

    /// Whether it has the files of a package, by its id in lower case.
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::WithoutFiles => false,
            Self::Of(ids) => ids.contains(id),
        }
    }
}
