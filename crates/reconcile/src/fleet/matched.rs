//! Packages that what devices have is matched to, and how what is installed stands to any version of one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use fleetmend_model::PackageId;
use fleetmend_versions::nuget::Version;

use super::device_set::DeviceSet;
use super::{Fleet, union};
use crate::answer::Answer;
use crate::catalog::parse_version;
use crate::relation::Told;

/// A package that devices have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedPackage {
    /// Its id, lower case.
    pub package: String,
    /// What a person calls it; its id where no version is on offer.
    pub title: String,
    /// The version on offer, as its source writes it, and its row.
    pub offered: Option<(PackageId, String)>,
    /// How many devices have it, in any version.
    pub devices: u64,
}

impl Fleet {
    /// All packages that devices have by their applications or by Chocolatey's records, by id.
    pub fn matched_packages(&self) -> Vec<MatchedPackage> {
        let mut sets: BTreeMap<&str, Vec<&DeviceSet>> = BTreeMap::new();
        for it in self.applications.iter() {
            if let Some(package) = it.answer.package() {
                sets.entry(package).or_default().push(&it.devices);
            }
        }
        for it in self.records.iter() {
            // What no source has is nobody's package.
            if self.catalog.named(&it.package).is_some() {
                sets.entry(&it.package).or_default().push(&it.devices);
            }
        }
        let counted = sets
            .into_iter()
            .map(|(id, sets)| (id, union(sets.into_iter()).len()));
        let found = counted.filter(|it| it.1 > 0).map(|(id, devices)| {
            let offer = self.catalog.named(id).and_then(|it| it.offer.as_ref());
            MatchedPackage {
                package: id.to_owned(),
                title: offer.map_or(id, |it| &it.title).to_owned(),
                offered: offer.map(|it| (it.id, it.text.clone())),
                devices,
            }
        });
        found.collect()
    }

    /// Whether an application that is known is at least this version of the package that it is. False
    /// where that cannot be told.
    pub fn is_at_least(&self, application: u32, version: &str) -> bool {
        let Some(it) = self.applications.get(application) else {
            return false;
        };
        let found = it.answer.package().and_then(|id| self.catalog.named(id));
        let Some(package) = found else { return false };
        let is_current = matches!(it.answer, Answer::Current { .. } | Answer::Newer { .. });
        let reaches =
            |offered: &Version| parse_version(version).is_some_and(|wanted| *offered >= wanted);
        if is_current
            && package
                .offer
                .as_ref()
                .is_some_and(|it| reaches(&it.version))
        {
            return true;
        }
        matches!(
            package.relation.order(&it.software.software(), version),
            Told::Order { order, .. } if order != Ordering::Less
        )
    }
}
