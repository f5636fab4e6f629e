//! What devices teach about a package's versions: an application beside a version of its package that
//! is known from elsewhere.
//!
//! The known version is what Chocolatey recorded or what was deployed last. The application may have
//! been updated since, by itself or by a person, and nobody records that; and a device may say what
//! it likes: so one device is no proof. What is written like the known version and is another one has
//! moved on and teaches nothing; all else counts where several devices say the same, they are no
//! vanishing part of those that have the package, and hardly any says otherwise.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use fleetmend_model::inventory::ChocolateyRecord;

use crate::answer::Answer;
use crate::catalog::parse_version;
use crate::device::copy_of;
use crate::relation::{order_as_written, version_in_name};

/// Devices that must say the same.
const LEAST: u32 = 2;
/// Of so many devices that say anything of the package one must say it.
const SHARE: u32 = 50;
/// Of so many devices one may say otherwise.
const OUTLIER: u32 = 5;

/// An installed application, its answer, and what it registers.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'a> {
    /// The caller's id of the row.
    pub id: u32,
    /// The answer for it.
    pub answer: &'a Answer,
    /// `DisplayVersion`.
    pub registered: &'a str,
}

/// An application beside the known version of its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The package that the application is matched to.
    pub package: String,
    /// The version that is known.
    pub version: String,
    /// The application's row.
    pub id: u32,
}

/// How many devices register something beside a known version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The package's id, lower case.
    pub package: String,
    /// The version that is known.
    pub version: String,
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub registered: String,
    /// On how many devices.
    pub devices: u32,
}

/// One device's applications whose package's version is known from Chocolatey's records or from what
/// was `deployed` (package and version): of several versions the highest. A package that several
/// applications with different versions are matched to says nothing.
pub fn sightings<'a>(
    installed: impl IntoIterator<Item = Installed<'a>>,
    records: &'a [ChocolateyRecord],
    deployed: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Sighting> {
    let records = records
        .iter()
        .map(|it| (it.id.as_str(), it.version.as_str()));
    let mut known: HashMap<String, &str> = HashMap::new();
    for (package, version) in records.chain(deployed) {
        let slot = copy_of(&package.to_lowercase()).to_owned();
        let higher = known
            .get(&slot)
            .is_none_or(|it| parse_version(it) < parse_version(version));
        if higher {
            known.insert(slot, version);
        }
    }
    if known.is_empty() {
        return Vec::new();
    }
    let mut rows: BTreeMap<&str, Vec<(&str, Installed<'a>)>> = BTreeMap::new();
    for it in installed {
        if let Some(package) = it.answer.package() {
            let slot = copy_of(package);
            if known.contains_key(slot) {
                rows.entry(slot).or_default().push((package, it));
            }
        }
    }
    let sighting = |(slot, rows): (&str, Vec<(&str, Installed<'a>)>)| {
        let (package, first) = rows.iter().min_by_key(|it| it.1.id)?;
        let is_one = rows
            .iter()
            .all(|it| it.0 == *package && it.1.registered.trim() == first.registered.trim());
        let is_said = is_one && !first.registered.trim().is_empty();
        is_said.then(|| Sighting {
            package: (*package).to_owned(),
            version: known[slot].to_owned(),
            id: first.id,
        })
    };
    rows.into_iter().filter_map(sighting).collect()
}

/// Those of which it is certain that the known version registers so. A name whose version is not as
/// certain is left out of them. Equal for any order of them.
pub fn certain(mut all: Vec<Observation>) -> Vec<Observation> {
    let mut of_package: HashMap<String, u32> = HashMap::new();
    for it in &all {
        add(&mut of_package, it.package.clone(), it.devices);
    }
    all.retain(|it| {
        order_as_written(&it.registered, &it.version).is_none_or(|it| it == Ordering::Equal)
    });
    let registered = Votes::of(&all, |it| Some(it.registered.trim().to_owned()));
    let named = Votes::of(&all, |it| version_in_name(&it.name));
    all.retain(|it| registered.are_for(it, of_package[&it.package]));
    for it in &mut all {
        if version_in_name(&it.name).is_some() && !named.are_for(it, of_package[&it.package]) {
            it.name.clear();
        }
    }
    all
}

fn add<K: Eq + Hash>(to: &mut HashMap<K, u32>, key: K, devices: u32) {
    let sum = to.entry(key).or_default();
    *sum = sum.saturating_add(devices);
}

/// How many devices say what beside which version of a package.
struct Votes<S> {
    says: S,
    by_version: HashMap<(String, String), u32>,
    by_said: HashMap<(String, String), u32>,
    of_pair: HashMap<(String, String, String), u32>,
}

impl<S: Fn(&Observation) -> Option<String>> Votes<S> {
    fn of(all: &[Observation], says: S) -> Self {
        let mut votes = Self {
            says,
            by_version: HashMap::new(),
            by_said: HashMap::new(),
            of_pair: HashMap::new(),
        };
        for it in all {
            let package = || it.package.clone();
            let version = || it.version.clone();
            add(&mut votes.by_version, (package(), version()), it.devices);
            if let Some(said) = (votes.says)(it) {
                let pair = (package(), version(), said.clone());
                add(&mut votes.by_said, (package(), said), it.devices);
                add(&mut votes.of_pair, pair, it.devices);
            }
        }
        votes
    }

    /// Whether enough devices say what this one says, of so many that say anything of the package.
    fn are_for(&self, it: &Observation, of_package: u32) -> bool {
        let Some(said) = (self.says)(it) else {
            return false;
        };
        let (package, version) = (it.package.clone(), it.version.clone());
        let agreeing = self.of_pair[&(package.clone(), version.clone(), said.clone())];
        let hardly_any = |of: u32| (of - agreeing).saturating_mul(OUTLIER) <= of;
        agreeing >= LEAST
            && agreeing.saturating_mul(SHARE) >= of_package
            && hardly_any(self.by_version[&(package.clone(), version)])
            && hardly_any(self.by_said[&(package, said)])
    }
}
