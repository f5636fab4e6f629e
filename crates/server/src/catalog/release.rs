//! A release from a package's recipe and the files that were mirrored for it.

use fleetmend_installer::{ReadError, Version, VersionInfo, msi, pe};
use fleetmend_model::detection::Detection;
use fleetmend_model::recipe::{FileOrigin, InstallerKind, Recipe, RecipeFile};
use fleetmend_model::release::{Action, Release, ReleaseFile, RunInstaller};
use fleetmend_store::blobs::Blobs;
use fleetmend_store::installer_versions::InstallerVersion;
use fleetmend_store::packages::Package;
use fleetmend_store::products::Product;
use fleetmend_versions::display;

use super::mirror::MirrorError;
use super::readiness;
use super::store_file::Fetched;

/// What the installers of a release say of themselves.
#[derive(Debug, Default)]
pub struct Facts {
    /// What MSIs register.
    pub products: Vec<Product>,
    /// The version resources of programs.
    pub versions: Vec<InstallerVersion>,
}

/// The release, and what its installers say of themselves; or why there is none.
pub fn make(
    blobs: &Blobs,
    package: &Package,
    recipe: &Recipe,
    kind: InstallerKind,
    mirrored: &[(&RecipeFile, Fetched)],
) -> Result<(Release, Facts), MirrorError> {
    let mut facts = Facts::default();
    for (_, fetched) in mirrored {
        let file = blobs.get(&fetched.sha256).map_err(anyhow::Error::from)?;
        let file = std::io::BufReader::new(file);
        let unusable = |why| MirrorError::Never(format!("the installer is {why}"));
        match kind {
            InstallerKind::Msi => {
                let msi = msi::properties(file).map_err(unusable)?;
                facts.products.push(product(package, msi));
            }
            InstallerKind::Exe => {
                let info = match pe::version_info(file) {
                    // What a program says of itself only helps.
                    Err(ReadError::Lacks { .. }) => None,
                    info => info.map_err(unusable)?,
                };
                let of = |info| version(package, &fetched.sha256, info);
                facts.versions.extend(info.map(of));
            }
        }
    }
    let names = readiness::detection_names(recipe, kind).map_err(MirrorError::Never)?;
    let files = mirrored
        .iter()
        .map(|(file, fetched)| ReleaseFile {
            name: file_name(&file.origin, kind),
            sha256: fetched.sha256.clone(),
            length: fetched.length,
            bitness: file.bitness,
        })
        .collect();
    let release = Release {
        package: package.id.clone(),
        version: package.version.clone(),
        title: package.title.clone(),
        action: Action::RunInstaller(RunInstaller {
            kind,
            files,
            arguments: recipe.arguments.clone(),
            exit_codes: recipe.exit_codes.clone(),
            detection: detection(names, &package.version, &facts.products),
        }),
    };
    Ok((release, facts))
}

fn product(package: &Package, msi: msi::Properties) -> Product {
    Product {
        package: package.id.clone(),
        product_code: msi.product_code,
        upgrade_code: msi.upgrade_code,
        product_name: msi.product_name,
        product_version: msi.product_version,
        publisher: msi.manufacturer,
        package_version: Some(package.version.clone()),
    }
}

fn version(package: &Package, sha256: &str, info: VersionInfo) -> InstallerVersion {
    let numbers = |version: Option<Version>| version.map(|it| it.to_string()).unwrap_or_default();
    InstallerVersion {
        package: package.id.clone(),
        package_version: package.version.clone(),
        sha256: sha256.to_owned(),
        product_name: info.product_name,
        company_name: info.company_name,
        product_version: info.product_version,
        file_version: info.file_version,
        fixed_product_version: numbers(info.fixed_product_version),
        fixed_file_version: numbers(info.fixed_file_version),
    }
}

/// How the release is found on a device. With a file for each bitness, only what both have in common
/// is certain.
fn detection(mut names: Vec<String>, package_version: &str, products: &[Product]) -> Detection {
    let common = |of: fn(&Product) -> Option<&String>| {
        let first = of(products.first()?)?;
        let is_same = products.iter().all(|it| of(it) == Some(first));
        is_same.then(|| first.clone())
    };
    if names.is_empty() {
        names.extend(products.iter().map(|it| it.product_name.clone()));
        names.dedup();
    }
    // The higher version: one that only the other file brings is not taken for installed.
    let version = products
        .iter()
        .map(|it| it.product_version.as_str())
        .reduce(|a, b| match display::compare(a, b) {
            Some(std::cmp::Ordering::Less) => b,
            _ => a,
        });
    Detection {
        product_code: common(|it| Some(&it.product_code)),
        upgrade_code: common(|it| it.upgrade_code.as_ref()),
        names,
        display_version: version.unwrap_or(package_version).to_owned(),
    }
}

/// A name that every Windows file system takes, with the ending that the kind needs.
fn file_name(origin: &FileOrigin, kind: InstallerKind) -> String {
    let text = match origin {
        FileOrigin::Embedded { path } => path.as_str(),
        FileOrigin::Url { url } => url.split(['?', '#']).next().unwrap_or_default(),
    };
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = match kind {
        InstallerKind::Msi => ".msi",
        InstallerKind::Exe => ".exe",
    };
    let plain: String = last
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(120)
        .collect();
    let stem = plain.trim_matches('.');
    let lower = stem.to_lowercase();
    match lower.strip_suffix(ending) {
        Some(stem_lower) if !stem_lower.is_empty() => stem.to_owned(),
        _ => format!(
            "{}{ending}",
            if stem.is_empty() { "installer" } else { stem }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(code: &str, upgrade: Option<&str>, name: &str, version: &str) -> Product {
        Product {
            package: "acme".to_owned(),
            product_code: code.to_owned(),
            upgrade_code: upgrade.map(str::to_owned),
            product_name: name.to_owned(),
            product_version: version.to_owned(),
            publisher: String::new(),
            package_version: None,
        }
    }

    #[test]
    fn detection_rests_on_what_is_certain_for_every_file() {
        let one = product("{1}", Some("{U}"), "Acme", "2.0.1");
        let found = detection(vec!["Acme*".to_owned()], "2.0", std::slice::from_ref(&one));
        assert_eq!(found.product_code.as_deref(), Some("{1}"));
        assert_eq!(found.upgrade_code.as_deref(), Some("{U}"));
        assert_eq!(
            (&*found.names[0], &*found.display_version),
            ("Acme*", "2.0.1")
        );

        let x64 = product("{2}", Some("{U}"), "Acme (x64)", "2.0.10");
        let found = detection(Vec::new(), "2.0", &[one.clone(), x64]);
        assert_eq!(
            (found.product_code, found.upgrade_code.as_deref()),
            (None, Some("{U}"))
        );
        assert_eq!(found.names, ["Acme", "Acme (x64)"]);
        assert_eq!(found.display_version, "2.0.10");

        let other = product("{2}", None, "Acme", "2.0.1");
        let found = detection(Vec::new(), "2.0", &[one, other]);
        assert_eq!((found.upgrade_code, found.names.len()), (None, 1));

        let found = detection(vec!["Acme*".to_owned()], "2.0", &[]);
        assert_eq!(found.display_version, "2.0");
        assert_eq!(found.names, ["Acme*"]);
    }
}
