//! The catalog as matching needs it: immutable, indexed.

mod learnt;
mod put;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::PackageId;
use fleetmend_versions::nuget::Version;

use crate::identity::Identity;
use crate::names::{Candidate, NameIndex, Row};
use crate::overrides::Overrides;
use crate::pattern::{Pattern, PatternIndex};
use crate::relation::{Relation, is_plain};
use learnt::Known;

pub(crate) use put::Change;

/// One version of one package. The catalog can take all versions that the sources have or had: older
/// ones give product codes, and only the latest that is listed and no prerelease is offered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CatalogPackage {
    /// This version's row.
    pub id: PackageId,
    /// The package's id, e.g. `7zip.install`. Letter case does not count.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// This version, as the source writes it.
    pub version: String,
    /// Whether its source still lists it.
    pub listed: bool,
    /// Who makes the software, by the package's own word: names with commas between them.
    pub authors: String,
    /// The address of the software's own pages.
    pub project_url: String,
    /// Words that the packager filed it under.
    pub tags: String,
    /// Ids of the packages that it pulls in.
    pub dependencies: Vec<String>,
    /// The package's own patterns for `DisplayName`, with `*` and `?`.
    pub software_names: Vec<String>,
    /// What devices register where Chocolatey or Fleetmend installed this version.
    pub observed: Vec<Observed>,
    /// Versions that the programs that install this one say of themselves, the more telling first.
    pub programs: Vec<String>,
    /// What this version's installers register, as far as the mirror opened them.
    pub products: Vec<Product>,
    /// `Err` with why no release can be made of it.
    pub deployable: Result<(), String>,
}

/// What a device registers where a known version is installed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub version: String,
}

/// What an MSI registers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Product {
    /// The exact version; in braces, letter case does not count.
    pub product_code: Option<String>,
    /// Any version of the product; in braces, letter case does not count.
    pub upgrade_code: Option<String>,
    /// What it registers as `DisplayVersion`.
    pub product_version: String,
}

/// The index. Equal for the same versions in any order, put in at once or one package after another.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Absent where a package is gone; its place is kept for it.
    packages: Vec<Option<Package>>,
    by_name: HashMap<String, u32>,
    by_product_code: HashMap<String, Vec<Code>>,
    by_upgrade_code: HashMap<String, Vec<Code>>,
    patterns: PatternIndex,
    names: NameIndex,
    unreadable: BTreeMap<String, Vec<(PackageId, String)>>,
    overrides: Overrides,
}

/// All versions of one package id.
#[derive(Debug)]
pub(crate) struct Package {
    /// Lower case.
    pub(crate) name: String,
    pub(crate) patterns: Vec<Pattern>,
    /// Product and upgrade codes of all versions.
    codes: BTreeSet<CodeOf>,
    pub(crate) identity: Identity,
    /// What the relation is learnt from, but for what administrators say.
    known: Known,
    /// How what its software registers stands to its versions.
    pub(crate) relation: Relation,
    /// Absent when no version is listed and released.
    pub(crate) offer: Option<Offer>,
}

/// The version of a package that devices should have.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) id: PackageId,
    pub(crate) title: String,
    pub(crate) version: Version,
    /// The version as the source writes it.
    pub(crate) text: String,
    pub(crate) products: Vec<Product>,
    pub(crate) deployable: Result<(), String>,
}

/// A code as it is looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum CodeOf {
    Product(String),
    Upgrade(String),
}

/// Where a product or upgrade code is from.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// Index of the package.
    pub(crate) package: u32,
    /// The package version that has it.
    pub(crate) version: Version,
    pub(crate) product_version: String,
}

impl Catalog {
    /// Builds the index. Versions that cannot be read are left out and named by
    /// [`Self::unreadable`].
    pub fn new(versions: Vec<CatalogPackage>) -> Self {
        let mut catalog = Self::default();
        let mut by_name: BTreeMap<String, Vec<CatalogPackage>> = BTreeMap::new();
        for it in versions {
            by_name.entry(it.name.to_lowercase()).or_default().push(it);
        }
        for (name, versions) in by_name {
            catalog.put(&name, versions);
        }
        catalog
    }

    /// With what administrators say about matches.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.set_overrides(overrides);
        self
    }

    pub(crate) fn set_overrides(&mut self, overrides: Overrides) {
        for name in overrides.other_versions(&self.overrides) {
            let place = self.by_name.get(&name).map(|it| *it as usize);
            let package = place.and_then(|it| self.packages.get_mut(it)?.as_mut());
            if let Some(package) = package {
                package.relation = package.known.relation(&overrides.pairs(&name));
            }
        }
        self.overrides = overrides;
    }

    /// How registered versions stand to a package's, were these all that administrators said.
    pub(crate) fn relation_under<'c>(
        &self,
        overrides: &Overrides,
        package: &'c Package,
    ) -> Cow<'c, Relation> {
        let said = overrides.pairs(&package.name);
        if said == self.overrides.pairs(&package.name) {
            Cow::Borrowed(&package.relation)
        } else {
            Cow::Owned(package.known.relation(&said))
        }
    }

    /// Why nobody can say that what is registered is this version of a package: it is none that the package
    /// has, as far as that is known (sources are asked for the newest alone), nothing is learnt from it, or
    /// what is certain says otherwise.
    pub fn fault_of_version(&self, name: &str, registered: &str, version: &str) -> Option<String> {
        let Some(package) = self.named(name) else {
            return Some(format!("the catalog has no package '{name}'"));
        };
        let Some(wanted) = parse_version(version).filter(|it| !it.is_prerelease()) else {
            return Some(format!("'{version}' is no version of a release"));
        };
        let newest = &package.identity.version;
        if parse_version(newest).is_none_or(|it| it < wanted) {
            return Some(format!(
                "the package has no version {version}: its newest is {newest}"
            ));
        }
        if !is_plain(registered) {
            return Some(format!(
                "'{registered}' is no plain row of numbers: nothing is learnt from it"
            ));
        }
        package.relation.speaks_against(registered, version)
    }

    /// What administrators say about matches.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Whether there is a package, by its id in any letter case.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    /// Versions that are no package versions, with their text: left out, to be shown.
    pub fn unreadable(&self) -> Vec<(PackageId, String)> {
        let mut all: Vec<_> = self.unreadable.values().flatten().cloned().collect();
        all.sort();
        all
    }

    /// The version that a package (by its id, any letter case) is offered in.
    pub fn offered(&self, name: &str) -> Option<PackageId> {
        Some(self.named(name)?.offer.as_ref()?.id)
    }

    /// How many package ids there are.
    pub fn len(&self) -> usize {
        self.packages.iter().flatten().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is known that a version of a package is registered so.
    pub fn has_seen(&self, name: &str, registered: &str, version: &str) -> bool {
        self.named(name)
            .is_some_and(|it| it.relation.has_seen(registered, version))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Package> {
        let package = self
            .by_name
            .get(name)
            .or_else(|| self.by_name.get(&name.to_lowercase()))?;
        self.package(*package)
    }

    pub(crate) fn package(&self, package: u32) -> Option<&Package> {
        self.packages.get(package as usize)?.as_ref()
    }

    pub(crate) fn with_product_code(&self, code: &str) -> &[Code] {
        self.by_product_code
            .get(&code_key(code))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn with_upgrade_code(&self, code: &str) -> &[Code] {
        self.by_upgrade_code
            .get(&code_key(code))
            .map_or(&[], Vec::as_slice)
    }

    /// Packages whose pattern fits the name.
    pub(crate) fn with_pattern_for(&self, name: &str) -> Vec<u32> {
        self.patterns.fitting(name, |package| {
            self.package(package)
                .map_or(&[], |it| it.patterns.as_slice())
        })
    }

    /// Packages that the row may be by its name and publisher, by their ids.
    pub(crate) fn with_name_for(&self, row: &Row, by_pattern: &[u32]) -> Vec<Candidate> {
        let identity = |package| Some(&self.package(package)?.identity);
        let mut candidates = self.names.candidates(row, by_pattern, identity);
        candidates.sort_by_key(|it| self.package(it.package).map(|it| it.name.as_str()));
        candidates
    }
}

/// Reads a package version as either generation of Chocolatey does.
pub(crate) fn parse_version(text: &str) -> Option<Version> {
    Version::parse_any(text).ok()
}

pub(crate) fn code_key(code: &str) -> String {
    code.trim().to_ascii_uppercase()
}

/// The forms in which a package's application may come, see [`family`].
pub fn forms(name: &str) -> [String; 3] {
    let family = family(name);
    ["", ".install", ".portable"].map(|form| format!("{family}{form}"))
}

/// The id without `.install` or `.portable`: one application in several forms.
pub fn family(name: &str) -> &str {
    name.strip_suffix(".install")
        .or_else(|| name.strip_suffix(".portable"))
        .unwrap_or(name)
}
