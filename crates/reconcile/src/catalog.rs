//! The catalog as matching needs it: immutable, indexed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::PackageId;
use fleetmend_versions::nuget::Version;

use crate::identity::Identity;
use crate::names::{Candidate, NameIndex, Row};
use crate::overrides::Overrides;
use crate::pattern::{Pattern, PatternIndex};
use crate::relation::{Pair, Relation, order_as_written};

/// One version of one package. The catalog can take all versions that the sources have or had: older
/// ones give product codes, and only the latest that is listed and no prerelease is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub version: String,
}

/// What an MSI registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The exact version; in braces, letter case does not count.
    pub product_code: Option<String>,
    /// Any version of the product; in braces, letter case does not count.
    pub upgrade_code: Option<String>,
    /// What it registers as `DisplayVersion`.
    pub product_version: String,
}

/// The index. Equal for the same versions in any order.
#[derive(Debug, Default)]
pub struct Catalog {
    packages: Vec<Package>,
    by_name: HashMap<String, u32>,
    by_product_code: HashMap<String, Vec<Code>>,
    by_upgrade_code: HashMap<String, Vec<Code>>,
    patterns: PatternIndex,
    names: NameIndex,
    unreadable: Vec<(PackageId, String)>,
    overrides: Overrides,
}

/// All versions of one package id.
#[derive(Debug)]
pub(crate) struct Package {
    /// Lower case.
    pub(crate) name: String,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) identity: Identity,
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
        let mut by_name: BTreeMap<String, Vec<(Version, CatalogPackage)>> = BTreeMap::new();
        for it in versions {
            match parse_version(&it.version) {
                Some(version) => {
                    by_name
                        .entry(it.name.to_lowercase())
                        .or_default()
                        .push((version, it));
                }
                None => catalog.unreadable.push((it.id, it.version)),
            }
        }
        catalog.unreadable.sort();
        for (name, mut versions) in by_name {
            versions.sort_by(newest_first);
            catalog.insert(name, versions);
        }
        catalog.names = NameIndex::new(
            catalog
                .packages
                .iter()
                .map(|it| (it.name.as_str(), &it.identity)),
        );
        catalog
    }

    /// With what administrators say about matches.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// What administrators say about matches.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Whether there is a package, by its id in any letter case.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    fn insert(&mut self, name: String, versions: Vec<(Version, CatalogPackage)>) {
        let package = self.packages.len() as u32;
        let patterns: Vec<Pattern> = versions
            .iter()
            .map(|(_, it)| it.software_names.iter().filter_map(|it| Pattern::of(it)))
            .map(Iterator::collect::<Vec<_>>)
            .find(|it| !it.is_empty())
            .unwrap_or_default();
        for pattern in &patterns {
            self.patterns.insert(pattern, package);
        }
        let identity = versions
            .first()
            .map(|(_, newest)| Identity::of(newest, &patterns))
            .unwrap_or_default();
        let relation = relation(&versions);
        let mut offer: Option<Offer> = None;
        for (version, it) in versions {
            for product in &it.products {
                let code = Code {
                    package,
                    version: version.clone(),
                    product_version: product.product_version.clone(),
                };
                if let Some(key) = &product.product_code {
                    self.by_product_code
                        .entry(code_key(key))
                        .or_default()
                        .push(code.clone());
                }
                if let Some(key) = &product.upgrade_code {
                    self.by_upgrade_code
                        .entry(code_key(key))
                        .or_default()
                        .push(code);
                }
            }
            match &mut offer {
                None if it.listed && !version.is_prerelease() => {
                    offer = Some(Offer {
                        id: it.id,
                        title: if it.title.is_empty() {
                            name.clone()
                        } else {
                            it.title
                        },
                        version,
                        text: it.version,
                        products: it.products,
                        deployable: it.deployable,
                    });
                }
                // The same version from another source: what its mirror knows counts as well.
                Some(offer) if offer.version == version => offer.products.extend(it.products),
                _ => {}
            }
        }
        self.by_name.insert(name.clone(), package);
        self.packages.push(Package {
            name,
            patterns,
            identity,
            relation,
            offer,
        });
    }

    /// Versions that are no package versions, with their text: left out, to be shown.
    pub fn unreadable(&self) -> &[(PackageId, String)] {
        &self.unreadable
    }

    /// The version that a package (by its id, any letter case) is offered in.
    pub fn offered(&self, name: &str) -> Option<PackageId> {
        Some(self.named(name)?.offer.as_ref()?.id)
    }

    /// How many package ids there are.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
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
        self.packages.get(package as usize)
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

    /// Packages that the row may be by its name and publisher.
    pub(crate) fn with_name_for(&self, row: &Row, by_pattern: &[u32]) -> Vec<Candidate> {
        self.names.candidates(row, by_pattern, |package| {
            Some(&self.package(package)?.identity)
        })
    }
}

/// How versions are registered. What the mirror found in installers stands: devices only add to it.
/// Without it devices tell, where they register anything but the package's versions as they are;
/// where they do not, what programs that install versions say of themselves is asked first.
fn relation(versions: &[(Version, CatalogPackage)]) -> Relation {
    let mut installers = of_installers(versions);
    let mut devices = of_devices(versions);
    if !installers.is_empty() {
        let relation = Relation::learn(&installers);
        devices.retain(|it| relation.fits(it));
        if devices.is_empty() {
            return relation;
        }
        installers.append(&mut devices);
        return Relation::learn(&installers);
    }
    let is_as_written =
        |it: &Pair| order_as_written(&it.registered, &it.version) == Some(Ordering::Equal);
    if devices.iter().all(is_as_written) {
        let guess = Relation::guess(of_programs(versions));
        if guess != Relation::default() {
            return guess;
        }
    }
    Relation::learn(&devices)
}

/// What installers register.
fn of_installers(versions: &[(Version, CatalogPackage)]) -> Vec<Pair> {
    let only = |package: &CatalogPackage| {
        let registered: BTreeSet<&str> = package
            .products
            .iter()
            .map(|it| it.product_version.as_str())
            .collect();
        let mut registered = registered.into_iter();
        // Of several products nobody knows which one a row is.
        let only = registered.next().filter(|_| registered.next().is_none());
        only.map(|it| pair(package, "", it))
    };
    versions.iter().filter_map(|(_, it)| only(it)).collect()
}

/// What devices register.
fn of_devices(versions: &[(Version, CatalogPackage)]) -> Vec<Pair> {
    let all = versions.iter().map(|(_, package)| package);
    all.flat_map(|package| {
        let observed = package.observed.iter();
        observed.map(|it| pair(package, &it.name, &it.version))
    })
    .collect()
}

/// What programs say of themselves.
fn of_programs(versions: &[(Version, CatalogPackage)]) -> Vec<Pair> {
    let all = versions.iter().map(|(_, package)| package);
    all.flat_map(|package| {
        let programs = package.programs.iter();
        programs.map(|it| pair(package, "", it))
    })
    .collect()
}

fn pair(package: &CatalogPackage, name: &str, registered: &str) -> Pair {
    Pair {
        name: name.to_owned(),
        registered: registered.to_owned(),
        version: package.version.clone(),
    }
}

/// Newest first; of one version the deployable one first, then the one seen first.
fn newest_first(a: &(Version, CatalogPackage), b: &(Version, CatalogPackage)) -> Ordering {
    b.0.cmp(&a.0)
        .then_with(|| b.1.listed.cmp(&a.1.listed))
        .then_with(|| a.1.deployable.is_err().cmp(&b.1.deployable.is_err()))
        .then_with(|| a.1.id.cmp(&b.1.id))
}

/// Reads a package version as either generation of Chocolatey does.
pub(crate) fn parse_version(text: &str) -> Option<Version> {
    Version::parse_any(text).ok()
}

fn code_key(code: &str) -> String {
    code.trim().to_ascii_uppercase()
}

/// The id without `.install` or `.portable`: one application in several forms.
pub fn family(name: &str) -> &str {
    name.strip_suffix(".install")
        .or_else(|| name.strip_suffix(".portable"))
        .unwrap_or(name)
}
