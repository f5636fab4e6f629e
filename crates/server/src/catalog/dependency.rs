//! Which version a dependency of a package is satisfied by.

use fleetmend_chocolatey::dependency::Range;
use fleetmend_store::packages::{self, Package};
use fleetmend_versions::nuget::Version;

use super::offered;
use crate::app::App;

/// The newest version of a package in a range, of the source that the package is taken from.
pub async fn newest(app: &App, id: &str, range: &Range) -> anyhow::Result<Option<Package>> {
    let Some(source) = offered::source_of(app, id).await? else {
        return Ok(None);
    };
    let versions = packages::versions(&app.db, source, id).await?;
    let fits = |it: &Package| {
        is_usable(it) && Version::parse_any(&it.normalized).is_ok_and(|version| range.has(&version))
    };
    Ok(versions.into_iter().find(fits))
}

/// Whether a version may be used where none is named.
pub fn is_usable(package: &Package) -> bool {
    package.listed && !package.prerelease && package.quarantine.is_none()
}
