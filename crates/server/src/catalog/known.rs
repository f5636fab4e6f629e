//! The catalog that installed software is matched against: put together from the database, and put in
//! place whenever it changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use fleetmend_reconcile::{Catalog, CatalogPackage};
use fleetmend_store::packages::Package;
use fleetmend_store::quarantine;

use super::metadata::Metadata;
use super::version_facts::{Facts, VersionFacts};
use super::{offered, readiness};
use crate::app::App;
use crate::jobs;
use crate::missing::overrides;

/// Puts the catalog in place as the database has it now, and has all devices matched against it.
pub async fn renew(app: &Arc<App>) -> anyhow::Result<()> {
    let renewing = app.renewing.lock().await;
    let began = Instant::now();
    app.set_catalog(Arc::new(load(app).await?));
    drop(renewing);
    let held = quarantine::count(&app.db).await?;
    app.quarantined.store(held, Ordering::Relaxed);
    app.ingest.rematch().await?;
    app.costs.rematch.took(began.elapsed());
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::Applications, 0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// The catalog from the database.
pub async fn load(app: &App) -> anyhow::Result<Catalog> {
    let mut tx = app.db.read().await?;
    let mut facts = VersionFacts::read(&mut tx)
        .await
        .context("cannot read what is known of versions")?;
    let packages = offered::known(&mut tx)
        .await
        .context("cannot read the catalog")?;
    let overrides = overrides::load(&mut tx)
        .await
        .context("cannot read the overrides")?;
    drop(tx);
    let index = move || {
        let versions = packages
            .into_iter()
            .flat_map(|(package, is_offered)| versions(&package, is_offered, &mut facts));
        Catalog::new(versions.collect()).with_overrides(overrides)
    };
    Ok(tokio::task::spawn_blocking(index).await?)
}

/// What a source has to offer of a package, and every other version that something is known of: that
/// is not offered, and tells which version a device has.
fn versions(package: &Package, is_offered: bool, facts: &mut VersionFacts) -> Vec<CatalogPackage> {
    let metadata = Metadata::from_json(&package.metadata);
    let recipe = package.analysis.as_ref().and_then(|it| it.recipe.as_ref());
    let (own, others) = facts.take(&package.id, &package.version);
    let version = |version: String, facts: Facts| CatalogPackage {
        id: package.row,
        name: package.id.clone(),
        title: package.title.clone(),
        version,
        listed: false,
        authors: package.authors.clone(),
        project_url: package.project_url.clone(),
        tags: metadata.tags.join(" "),
        dependencies: metadata.dependencies.clone(),
        software_names: recipe
            .and_then(|it| it.software_name.clone())
            .into_iter()
            .collect(),
        observed: facts.observed,
        products: facts.products,
        programs: facts.programs,
        deployable: readiness::why_not(package).map_or(Ok(()), Err),
    };
    let own = CatalogPackage {
        listed: is_offered,
        ..version(package.version.clone(), own)
    };
    let others = others.into_iter().map(|(text, facts)| version(text, facts));
    std::iter::once(own).chain(others).collect()
}
