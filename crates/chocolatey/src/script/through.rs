//! Packages that bring their software by what they depend on: meta packages over `.install` and
//! `.portable` ones, and bundles.

use crate::nuspec::Nuspec;

/// The ids of the dependencies by which a package without an installer brings its software.
///
/// A dependency named after the package (`name.install`) is what it stands for; without one, all are
/// but extensions of Chocolatey.
pub(super) fn dependencies(nuspec: &Nuspec) -> Vec<String> {
    let own = format!("{}.", nuspec.id.to_lowercase());
    let ids = || {
        nuspec
            .dependencies
            .iter()
            .map(|it| it.id.as_str())
            .filter(|id| {
                let lower = id.to_lowercase();
                !lower.ends_with(".extension") && lower != "chocolatey"
            })
    };
    let named: Vec<String> = ids()
        .filter(|id| id.to_lowercase().starts_with(&own))
        .map(str::to_owned)
        .collect();
    if named.is_empty() {
        ids().map(str::to_owned).collect()
    } else {
        named
    }
}
