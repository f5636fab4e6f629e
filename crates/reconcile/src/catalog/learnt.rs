//! What is learnt of a package from all of its versions.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fleetmend_versions::nuget::Version;

use super::CatalogPackage;
use crate::relation::{Pair, Relation, order_as_written};

/// Pairs that are known of a package's versions.
#[derive(Debug, Default)]
pub(crate) struct Known {
    installers: Vec<Pair>,
    devices: Vec<Pair>,
    programs: Vec<Pair>,
}

impl Known {
    pub(super) fn of(versions: &[(Version, CatalogPackage)]) -> Self {
        Self {
            installers: of_installers(versions),
            devices: of_devices(versions),
            programs: of_programs(versions),
        }
    }

    /// How versions are registered. What the mirror found in installers and what a person confirmed stand
    /// beside each other, and devices only add to what installers say. Without installers devices tell,
    /// where they register anything but the package's versions as they are; where they do not, what
    /// programs that install versions say of themselves is asked first, and goes with all that is
    /// confirmed or counts for nothing.
    pub(super) fn relation(&self, confirmed: &[Pair]) -> Relation {
        if !self.installers.is_empty() {
            let relation = Relation::learn_with(&self.installers, confirmed);
            let mut pairs = self.installers.clone();
            pairs.extend(self.devices.iter().filter(|it| relation.fits(it)).cloned());
            if pairs.len() == self.installers.len() {
                return relation;
            }
            return Relation::learn_with(&pairs, confirmed);
        }
        let is_as_written =
            |it: &Pair| order_as_written(&it.registered, &it.version) == Some(Ordering::Equal);
        if self.devices.iter().all(is_as_written) {
            let guess = Relation::guess(self.programs.clone());
            if guess != Relation::default() && confirmed.iter().all(|it| guess.fits(it)) {
                return guess;
            }
        }
        Relation::learn_with(&self.devices, confirmed)
    }
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
pub(super) fn newest_first(
    a: &(Version, CatalogPackage),
    b: &(Version, CatalogPackage),
) -> Ordering {
    b.0.cmp(&a.0)
        .then_with(|| b.1.listed.cmp(&a.1.listed))
        .then_with(|| a.1.deployable.is_err().cmp(&b.1.deployable.is_err()))
        .then_with(|| a.1.id.cmp(&b.1.id))
}
