//! What devices teach about a package's versions: an application beside a version of its package that
//! is known from elsewhere.
//!
//! The known version is what Chocolatey recorded or what was deployed last. The application may have
//! been updated since, by itself or by a person, and nobody records that: so one device is no proof.
//! What is written like the known version and is another one has moved on and teaches nothing; what
//! is written otherwise counts where several devices say the same and hardly any says otherwise.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use fleetmend_model::inventory::ChocolateyRecord;

use crate::answer::Answer;
use crate::catalog::parse_version;
use crate::device::slot_of;
use crate::relation::order_as_written;

/// Devices that must register the same where it is not written like the known version.
const LEAST: u32 = 2;
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
        let slot = slot_of(&package.to_lowercase()).to_owned();
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
            let slot = slot_of(package);
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

/// Those of which it is certain that the known version registers so. Equal for any order of them.
pub fn certain(all: Vec<Observation>) -> Vec<Observation> {
    let order = |it: &Observation| order_as_written(&it.registered, &it.version);
    let unlike: Vec<bool> = all.iter().map(|it| order(it).is_none()).collect();
    // Devices that say anything of a version, or of what is registered.
    let mut by_version: HashMap<(&str, &str), u32> = HashMap::new();
    let mut by_registered: HashMap<(&str, &str), u32> = HashMap::new();
    let mut of_pair: HashMap<(&str, &str, &str), u32> = HashMap::new();
    for (it, _) in all.iter().zip(&unlike).filter(|it| *it.1) {
        let (package, version) = (it.package.as_str(), it.version.as_str());
        let registered = it.registered.trim();
        *by_version.entry((package, version)).or_default() += it.devices;
        *by_registered.entry((package, registered)).or_default() += it.devices;
        *of_pair.entry((package, version, registered)).or_default() += it.devices;
    }
    let is_certain = |it: &Observation| {
        if let Some(order) = order(it) {
            return order == Ordering::Equal;
        }
        let (package, version) = (it.package.as_str(), it.version.as_str());
        let registered = it.registered.trim();
        let agreeing = of_pair[&(package, version, registered)];
        let hardly_any = |of: u32| (of - agreeing) * OUTLIER <= of;
        agreeing >= LEAST
            && hardly_any(by_version[&(package, version)])
            && hardly_any(by_registered[&(package, registered)])
    };
    let keep: Vec<bool> = all.iter().map(is_certain).collect();
    let mut keep = keep.into_iter();
    all.into_iter()
        .filter(|_| keep.next().unwrap_or_default())
        .collect()
}
