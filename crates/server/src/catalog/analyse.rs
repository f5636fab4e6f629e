//! Fetches the packages that some device may have, analyses them, and puts the catalog together
//! that installed software is matched against.

use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script;
use fleetmend_model::inventory::Place;
use fleetmend_model::recipe::{Analysis, Checksum, Verdict};
use fleetmend_reconcile::{Catalog, CatalogPackage, Product};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::{inventories, products, software};
use fleetmend_versions::display;

use super::candidates::Names;
use super::fetch::{self, FetchError, Fetched};
use super::folder::MAX_NUPKG;
use crate::app::App;
use crate::jobs;

/// Fetches and analyses what is new, then puts the new catalog in place and has all devices
/// matched against it. One package that fails holds up no other.
pub async fn fetch_packages(app: &Arc<App>) -> anyhow::Result<()> {
    let mut new = packages::latest_all(&app.db, false).await?;
    new.retain(|package| package.analysis.is_none());
    if new.is_empty() {
        return Ok(());
    }
    let names = names(app).await?;
    new.retain(|package| names.may_have(&package.id, &package.title));
    let mut is_new = false;
    for package in new {
        match fetch_and_analyse(app, &package).await {
            Ok(()) => is_new = true,
            Err(error) => tracing::warn!("{} {}: {error:#}", package.shown_id, package.version),
        }
    }
    if is_new {
        renew(app).await?;
    }
    Ok(())
}

/// Puts the catalog in place as the database has it now, and has all devices matched against it.
async fn renew(app: &Arc<App>) -> anyhow::Result<()> {
    app.set_catalog(Arc::new(load(app).await?));
    app.ingest.rematch().await?;
    app.touch();
    Ok(())
}

/// Puts a version in quarantine whose bytes are not what they should be: from now on the last good
/// one is offered instead.
pub async fn quarantine(
    app: &Arc<App>,
    package: &Package,
    cause: &FetchError,
) -> anyhow::Result<()> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    packages::quarantine(&mut tx, package.row, Some(&cause.to_string()), now).await?;
    // The version that is the latest now may not have been looked at yet.
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    renew(app).await
}

async fn names(app: &App) -> anyhow::Result<Names> {
    let software = software::load_all(&app.db).await?;
    let mut ids = Vec::new();
    for (device, _) in inventories::load_all(&app.db).await? {
        if let Some(inventory) = inventories::get(&app.db, device).await? {
            ids.extend(inventory.chocolatey.into_iter().map(|record| record.id));
        }
    }
    let windows = software
        .iter()
        .filter(|row| row.software.place != Place::Dpkg);
    Ok(Names::new(
        windows.map(|row| row.software.name.as_str()),
        ids.iter().map(String::as_str),
    ))
}

async fn fetch_and_analyse(app: &Arc<App>, package: &Package) -> anyhow::Result<()> {
    let fetched = match fetch_nupkg(app, package).await {
        Err(error @ FetchError::Mismatch { .. }) => {
            quarantine(app, package, &error).await?;
            return Err(error.into());
        }
        other => other?,
    };
    let bytes = app.blobs.read(&fetched.sha256, MAX_NUPKG)?;
    let analysis = tokio::task::spawn_blocking(move || analyse(&bytes)).await?;
    tracing::info!(
        "{} {}: {}",
        package.shown_id,
        package.version,
        analysis.verdict.key()
    );
    let mut tx = app.db.begin().await?;
    packages::set_analysis(&mut tx, package.row, &analysis, &fetched.sha256, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// A nupkg that cannot be read is a package that needs review, with why; it is not asked for
/// again and again.
fn analyse(bytes: &[u8]) -> Analysis {
    match Nupkg::read(bytes, &Limits::default()) {
        Ok(nupkg) => script::analyse(&nupkg),
        Err(error) => Analysis {
            verdict: Verdict::NeedsReview,
            recipe: None,
            findings: vec![fleetmend_model::recipe::Finding {
                file: String::new(),
                line: 0,
                what: format!("the package cannot be read: {error}"),
            }],
        },
    }
}

async fn fetch_nupkg(app: &App, package: &Package) -> Result<Fetched, FetchError> {
    let location = &package.content_location;
    let checksum = package.content_hash.as_deref().and_then(|text| {
        let (algorithm, hex) = text.split_once(':')?;
        Some(Checksum {
            algorithm: algorithm.to_lowercase(),
            hex: hex.to_owned(),
        })
    });
    if location.starts_with("http://") || location.starts_with("https://") {
        app.pace.wait(location).await;
        return fetch::file(
            &app.http,
            location,
            MAX_NUPKG,
            checksum.as_ref(),
            &app.blobs,
        )
        .await;
    }
    let disk = |error| FetchError::Disk {
        url: location.clone(),
        error,
    };
    let bytes = tokio::fs::read(location).await.map_err(disk)?;
    fetch::keep(location, &bytes, checksum.as_ref(), &app.blobs)
}

/// The catalog from the database.
pub async fn load(app: &App) -> anyhow::Result<Catalog> {
    let products = products::load_all(&app.db)
        .await
        .context("cannot read the known products")?;
    let packages = packages::latest_all(&app.db, false)
        .await
        .context("cannot read the catalog")?;
    let versions = packages
        .into_iter()
        .map(|package| {
            let own = products
                .iter()
                .filter(|product| product.package == package.id)
                .filter(|product| {
                    display::compare(&product.product_version, &package.version)
                        == Some(std::cmp::Ordering::Equal)
                })
                .map(|product| Product {
                    product_code: Some(product.product_code.clone()),
                    upgrade_code: product.upgrade_code.clone(),
                    product_version: product.product_version.clone(),
                })
                .collect();
            CatalogPackage {
                id: package.row,
                name: package.id.clone(),
                title: package.title.clone(),
                version: package.version.clone(),
                listed: package.listed,
                software_name: package
                    .analysis
                    .as_ref()
                    .and_then(|analysis| analysis.recipe.as_ref())
                    .and_then(|recipe| recipe.software_name.clone()),
                products: own,
                deployable: deployable(package.analysis.as_ref()),
            }
        })
        .collect();
    Ok(Catalog::new(versions))
}

/// Whether a release can be made of a package, or why not.
pub fn deployable(analysis: Option<&Analysis>) -> Result<(), String> {
    let Some(analysis) = analysis else {
        return Err("its install script was not looked at yet".to_owned());
    };
    let why = analysis
        .findings
        .first()
        .map(|finding| finding.what.as_str())
        .unwrap_or_default();
    match analysis.verdict {
        Verdict::Ready => Ok(()),
        Verdict::NoInstaller => Err("it installs nothing by itself".to_owned()),
        Verdict::NeedsReview => Err(format!("its install script needs review: {why}")),
        Verdict::NeedsChocolatey => Err(format!("its install script needs Chocolatey: {why}")),
    }
}
