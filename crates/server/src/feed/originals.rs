//! Nupkgs of sources in the feed of one's own, as they are.

use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_store::feed_packages::{Original, Provenance};
use fleetmend_store::packages::Package;
use fleetmend_store::sources;

use super::{AddError, Added, add};
use crate::app::App;
use crate::people::Actor;

/// Takes a package of the catalog into the feed as its source has it, if nothing that it does fetches
/// anything when it is run. `None`: it must be internalized first, or was not fetched or understood.
pub async fn add_original(
    app: &Arc<App>,
    package: &Package,
    actor: &Actor,
) -> Result<Option<Added>, AddError> {
    let is_self_contained = package
        .analysis
        .as_ref()
        .is_some_and(fleetmend_model::recipe::Analysis::is_self_contained);
    if !is_self_contained || package.quarantine.is_some() {
        return Ok(None);
    }
    let Some(original) = original(app, package).await? else {
        return Ok(None);
    };
    let sha256 = original.sha256.clone();
    add(app, &sha256, Provenance::Mirrored(original), actor)
        .await
        .map(Some)
}

/// What a package's version in the feed is made of; `None` until its nupkg was fetched.
pub async fn original(app: &App, package: &Package) -> anyhow::Result<Option<Original>> {
    let Some(sha256) = package.content_sha256.clone() else {
        return Ok(None);
    };
    let source = sources::get(&app.db, package.source)
        .await?
        .with_context(|| format!("source {} is gone", package.source))?;
    Ok(Some(Original {
        source: source.settings.name,
        location: package.content_location.clone(),
        sha256,
    }))
}
