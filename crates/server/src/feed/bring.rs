//! What is mirrored comes into the feed, with what it depends on: clients install nothing without
//! that.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_chocolatey::dependency::{Dependency, Range};
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_model::{Millis, PackageId};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::OWN;

use super::{AddError, add_original};
use crate::app::App;
use crate::catalog::{dependency, nupkgs, offered};
use crate::jobs;
use crate::people::Actor;

/// The most packages that one brings along.
const MOST: usize = 200;

/// Has a package of the catalog brought into the feed.
pub async fn enqueue(app: &App, package: PackageId) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::BringToFeed, package.0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(())
}

/// Brings a package of the catalog into the feed: as its source has it, with its dependencies and
/// with the packages that install nothing but it. What would fetch something when it is installed
/// stays out.
pub async fn bring(app: &Arc<App>, root: PackageId) -> anyhow::Result<()> {
    let mut waiting = VecDeque::from([root]);
    if let Some(package) = packages::get(&app.db, root).await? {
        waiting.extend(through(app, &package).await?);
    }
    let mut seen = HashSet::new();
    let mut again: Option<Millis> = None;
    while let Some(id) = waiting.pop_front() {
        if seen.len() >= MOST || !seen.insert(id) {
            continue;
        }
        let Some(package) = fetched(app, id).await? else {
            let retry = packages::get(&app.db, id).await?;
            let retry = retry.and_then(|it| it.problem?.retry_at);
            again = again.into_iter().chain(retry).min();
            continue;
        };
        if is_in(app, &package).await? {
            for dependency in dependencies(app, &package).await? {
                waiting.extend(best(app, &dependency).await?);
            }
        }
    }
    if let Some(at) = again {
        let mut tx = app.db.begin().await?;
        jobs::enqueue(&mut tx, jobs::Kind::BringToFeed, root.0, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The latest packages without an installer of their own that bring this one.
async fn through(app: &App, package: &Package) -> anyhow::Result<Vec<PackageId>> {
    let latest = offered::all(app).await?;
    let is_through = |it: &Package| {
        let analysis = it.analysis.as_ref();
        analysis.is_some_and(|it| it.through.iter().any(|id| id.to_lowercase() == package.id))
    };
    Ok(latest
        .iter()
        .filter(|it| is_through(it))
        .map(|it| it.row)
        .collect())
}

/// A package of the catalog whose nupkg is at hand and analysed; that is done if it was not yet.
async fn fetched(app: &Arc<App>, id: PackageId) -> anyhow::Result<Option<Package>> {
    let is_at_hand = |package: &Package| {
        let sha256 = package.content_sha256.as_ref();
        package.quarantine.is_none()
            && package.analysis.is_some()
            && sha256.is_some_and(|it| app.blobs.has(it))
    };
    let Some(package) = packages::get(&app.db, id).await? else {
        return Ok(None);
    };
    if is_at_hand(&package) {
        return Ok(Some(package));
    }
    if package.quarantine.is_some() {
        return Ok(None);
    }
    nupkgs::fetch_one(app, package).await?;
    let package = packages::get(&app.db, id).await?;
    Ok(package.filter(is_at_hand))
}

/// Takes a package in, if it may be; says whether the feed has it.
async fn is_in(app: &Arc<App>, package: &Package) -> anyhow::Result<bool> {
    if package.source == OWN {
        return Ok(true);
    }
    let actor = Actor {
        name: "mirror".to_owned(),
        address: String::new(),
    };
    let name = format!("{} {}", package.shown_id, package.version);
    match add_original(app, package, &actor).await {
        Ok(Some(added)) => {
            if added.is_new {
                tracing::info!("{name}: it is in the feed");
            }
            Ok(true)
        }
        Ok(None) => {
            tracing::info!("{name}: it is not in the feed, for it fetches files when installed");
            Ok(false)
        }
        Err(AddError::Internal(error)) => Err(error),
        // Another package of this version was pushed, or no client could read this one.
        Err(error) => {
            tracing::warn!("{name}: {error}");
            Ok(matches!(error, AddError::Taken(_)))
        }
    }
}

async fn dependencies(app: &App, package: &Package) -> anyhow::Result<Vec<Dependency>> {
    let sha256 = package.content_sha256.clone().unwrap_or_default();
    let blobs = app.blobs.clone();
    let read = tokio::task::spawn_blocking(move || {
        let nupkg = NupkgIn::open(blobs.reader(&sha256)?, &Limits::default())?;
        anyhow::Ok(nupkg.nuspec().dependencies.clone())
    });
    read.await?
        .with_context(|| format!("{} {} cannot be read", package.shown_id, package.version))
}

/// The newest version that a dependency takes, of the source that its package is taken from; none
/// where the feed has one.
async fn best(app: &App, dependency: &Dependency) -> anyhow::Result<Option<PackageId>> {
    let Ok(range) = Range::parse(dependency.range.as_deref().unwrap_or_default()) else {
        return Ok(None);
    };
    if app.feed.read(|it| it.has_in(&dependency.id, &range)) {
        return Ok(None);
    }
    let newest = dependency::newest(app, &dependency.id, &range).await?;
    Ok(newest.map(|it| it.row))
}
