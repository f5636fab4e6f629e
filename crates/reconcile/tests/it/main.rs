//! Tables and properties of matching, comparing and combining.

mod answers;
mod devices;
mod explained;
mod fleet;
mod matched;
mod matches;
mod names;
mod normal;
mod observed;
mod overrides;
mod properties;
mod relations;
mod said_versions;

use fleetmend_model::PackageId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use fleetmend_reconcile::{CatalogPackage, Product};

/// A listed, deployable version without pattern or products.
pub(crate) fn package(id: i64, name: &str, version: &str) -> CatalogPackage {
    CatalogPackage {
        id: PackageId(id),
        name: name.to_owned(),
        title: name.to_owned(),
        version: version.to_owned(),
        listed: true,
        authors: String::new(),
        project_url: String::new(),
        tags: String::new(),
        dependencies: Vec::new(),
        software_names: Vec::new(),
        observed: Vec::new(),
        programs: Vec::new(),
        products: Vec::new(),
        deployable: Ok(()),
    }
}

/// Titled as its pattern.
pub(crate) fn with_pattern(mut package: CatalogPackage, pattern: &str) -> CatalogPackage {
    package.title = pattern.replace(['*', '?', '"'], " ");
    package.software_names.push(pattern.to_owned());
    package
}

/// Empty codes are absent ones.
pub(crate) fn with_product(
    mut package: CatalogPackage,
    product_code: &str,
    upgrade_code: &str,
    product_version: &str,
) -> CatalogPackage {
    package.products.push(Product {
        product_code: some(product_code),
        upgrade_code: some(upgrade_code),
        product_version: product_version.to_owned(),
    });
    package
}

pub(crate) fn software(name: &str, version: &str) -> Software {
    Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    }
}

/// Empty codes are absent ones.
pub(crate) fn msi(name: &str, version: &str, product: &str, upgrade: &str) -> Software {
    Software {
        product_code: some(product),
        upgrade_code: some(upgrade),
        ..software(name, version)
    }
}

pub(crate) fn record(id: &str, version: &str) -> ChocolateyRecord {
    ChocolateyRecord {
        id: id.to_owned(),
        version: version.to_owned(),
        pinned: false,
    }
}

/// Pinned by Chocolatey.
pub(crate) fn pinned(id: &str, version: &str) -> ChocolateyRecord {
    ChocolateyRecord {
        pinned: true,
        ..record(id, version)
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
