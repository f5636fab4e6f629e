//! The catalog that installed software is matched against: put together from the database whenever it
//! changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use fleetmend_reconcile::{CatalogPackage, Overrides};
use fleetmend_store::packages::Package;
use fleetmend_store::quarantine;

use super::metadata::Metadata;
use super::version_facts::{Facts, VersionFacts};
use super::{offered, readiness};
use crate::app::App;
use crate::jobs;
use crate::missing::overrides;

/// What is known of every package, by its id, and what administrators say about matches.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its versions, those that are not offered any more as well.
    pub packages: BTreeMap<String, Vec<CatalogPackage>>,
    /// All that are in force.
    pub overrides: Overrides,
}

/// Has what the database knows now put in place, and devices matched anew where it is something else.
pub async fn renew(app: &Arc<App>) -> anyhow::Result<()> {
    let renewing = app.renewing.lock().await;
    let began = Instant::now();
    app.ingest.renew(load(app).await?).await?;
    drop(renewing);
    let held = quarantine::count(&app.db).await?;
    app.quarantined.store(held, Ordering::Relaxed);
    app.costs.rematch.took(began.elapsed());
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::Applications, 0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// From the database.
pub async fn load(app: &App) -> anyhow::Result<Known> {
    let mut tx = app.db.read().await?;
    let mut facts = VersionFacts::read(&mut tx)
        .await
        .context("cannot read what is known of versions")?;
    let offered = offered::known(&mut tx)
        .await
        .context("cannot read the catalog")?;
    let overrides = overrides::load(&mut tx)
        .await
        .context("cannot read the overrides")?;
    drop(tx);
    let read = move || {
        let mut packages: BTreeMap<String, Vec<CatalogPackage>> = BTreeMap::new();
        for (package, is_offered) in offered {
            let versions = versions(&package, is_offered, &mut facts);
            packages.entry(package.id).or_default().extend(versions);
        }
        Known {
            packages,
            overrides,
        }
    };
    Ok(tokio::task::spawn_blocking(read).await?)
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
