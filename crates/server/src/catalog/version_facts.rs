//! What is certain of package versions: what the mirror found in their installers, and what devices
//! register where they are installed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use fleetmend_reconcile::observed::{self, Observation};
use fleetmend_reconcile::{Observed, Product};
use fleetmend_store::{Read, installer_versions, observations, products};
use fleetmend_versions::display;

/// Facts of every version of every package, by package id and version.
#[derive(Debug, Default)]
pub(super) struct VersionFacts {
    placed: HashMap<String, BTreeMap<String, Facts>>,
    /// MSIs of which it is not known which version brings them.
    unplaced: HashMap<String, Vec<Product>>,
}

/// Facts of one version.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) products: Vec<Product>,
    pub(super) programs: Vec<String>,
    pub(super) observed: Vec<Observed>,
}

impl VersionFacts {
    /// From the database.
    pub(super) async fn read(mut from: impl Read) -> Result<Self, fleetmend_store::Error> {
        let mut all = Self::default();
        for it in products::load_all(&mut from).await? {
            let product = Product {
                product_code: Some(it.product_code),
                upgrade_code: it.upgrade_code,
                product_version: it.product_version,
            };
            match it.package_version {
                Some(version) => all.of(it.package, version).products.push(product),
                None => all.unplaced.entry(it.package).or_default().push(product),
            }
        }
        for it in installer_versions::load_all(&mut from).await? {
            let says = [
                it.product_version,
                it.fixed_product_version,
                it.file_version,
                it.fixed_file_version,
            ];
            let facts = all.of(it.package, it.package_version);
            facts.programs.extend(says);
        }
        let seen = observations::load_all(&mut from).await?;
        let seen = seen.into_iter().map(|it| Observation {
            package: it.package,
            version: it.version,
            name: it.name,
            registered: it.registered,
            devices: it.devices,
        });
        for it in observed::certain(seen.collect()) {
            all.of(it.package, it.version).observed.push(Observed {
                name: it.name,
                version: it.registered,
            });
        }
        Ok(all)
    }

    fn of(&mut self, package: String, version: String) -> &mut Facts {
        let versions = self.placed.entry(package).or_default();
        versions.entry(version).or_default()
    }

    /// Takes what is known of a package out: of one version, and of all others.
    pub(super) fn take(
        &mut self,
        package: &str,
        version: &str,
    ) -> (Facts, BTreeMap<String, Facts>) {
        let mut others = self.placed.remove(package).unwrap_or_default();
        let mut own = others.remove(version).unwrap_or_default();
        let unplaced = self.unplaced.remove(package).unwrap_or_default();
        let is_own =
            |it: &Product| display::compare(&it.product_version, version) == Some(Ordering::Equal);
        own.products.extend(unplaced.into_iter().filter(is_own));
        (own, others)
    }
}
