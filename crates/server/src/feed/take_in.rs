//! A package of the catalog comes into the feed: as its source has it where nothing of it fetches
//! anything when it is installed, and internalized where it does.

use std::sync::Arc;

use fleetmend_model::recipe::Fetches;
use fleetmend_store::feed_packages::{self, Original, Provenance};
use fleetmend_store::packages::Package;
use fleetmend_store::sources::{OWN, Source};

use super::internalize::{InternalizeError, internalize};
use super::{AddError, Added, add};
use crate::app::App;
use crate::catalog::nupkgs;
use crate::people::Actor;

/// Takes a package whose nupkg was fetched and analysed into the feed. What would have to be
/// internalized is so if its source is set to that, or a person asks for it.
pub async fn take_in(
    app: &Arc<App>,
    package: &Package,
    is_asked_for: bool,
    actor: &Actor,
) -> Result<Added, InternalizeError> {
    let refused = |why: String| Err(InternalizeError::Refused(why));
    if package.source == OWN {
        return refused(
            "it was pushed into this feed, where a version never changes: push another version"
                .to_owned(),
        );
    }
    if let Some((_, cause)) = &package.quarantine {
        return refused(format!("it is in quarantine: {cause}"));
    }
    let (Some(analysis), Some(sha256)) = (&package.analysis, &package.content_sha256) else {
        return refused("its nupkg was not fetched and analysed".to_owned());
    };
    let source = nupkgs::source(app, package).await?;
    match is_made_of_it(app, package).await? {
        None => {}
        Some(true) => {
            return Ok(Added {
                id: package.shown_id.clone(),
                version: package.normalized.clone(),
                is_new: false,
            });
        }
        Some(false) => {
            let name = format!("{} {}", package.shown_id, package.normalized);
            return Err(AddError::Taken(name).into());
        }
    }
    let original = original(package, &source, sha256);
    match analysis.fetches() {
        Fetches::Nothing => {
            let provenance = Provenance::Mirrored(original);
            Ok(add(app, sha256, provenance, actor).await?)
        }
        Fetches::Files(_) if is_asked_for || source.settings.internalize => {
            Box::pin(internalize(app, package, original, actor)).await
        }
        Fetches::Files(_) => refused(format!(
            "it downloads its installers when it is installed, and packages of the source '{}' are \
             not internalized",
            source.settings.name
        )),
        Fetches::Unknown(why) => refused(why),
    }
}

/// What a package's version in the feed is made of.
fn original(package: &Package, source: &Source, sha256: &str) -> Original {
    Original {
        source: source.settings.name.clone(),
        location: package.content_location.clone(),
        sha256: sha256.to_owned(),
    }
}

/// Whether what the feed has as this version is made of the package's nupkg; nothing where it has no
/// such version.
pub(super) async fn is_made_of_it(app: &App, package: &Package) -> anyhow::Result<Option<bool>> {
    let version_key = package.normalized.to_lowercase();
    let known = feed_packages::get(&app.db, &package.id, &version_key).await?;
    Ok(known.map(|it| {
        let made_of = it.what.provenance.original();
        made_of.is_some_and(|it| Some(&it.sha256) == package.content_sha256.as_ref())
    }))
}
