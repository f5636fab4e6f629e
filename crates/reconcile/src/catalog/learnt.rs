//! What is learnt of a package from all of its versions.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fleetmend_versions::nuget::Version;

use super::CatalogPackage;
use crate::relation::{Pair, Relation, order_as_written};

/// How versions are registered. What the mirror found in installers stands: devices only add to it.
/// Without it devices tell, where they register anything but the package's versions as they are;
/// where they do not, what programs that install versions say of themselves is asked first.
pub(super) fn relation(versions: &[(Version, CatalogPackage)]) -> Relation {
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
pub(super) fn newest_first(
    a: &(Version, CatalogPackage),
    b: &(Version, CatalogPackage),
) -> Ordering {
    b.0.cmp(&a.0)
        .then_with(|| b.1.listed.cmp(&a.1.listed))
        .then_with(|| a.1.deployable.is_err().cmp(&b.1.deployable.is_err()))
        .then_with(|| a.1.id.cmp(&b.1.id))
}
