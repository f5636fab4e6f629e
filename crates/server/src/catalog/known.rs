//! The catalog that installed software is matched against: put together from the database, and put in
//! place whenever it changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use fleetmend_reconcile::{Catalog, CatalogPackage, Product};
use fleetmend_store::{products, quarantine};
use fleetmend_versions::display;

use super::{offered, readiness};
use crate::app::App;

/// Puts the catalog in place as the database has it now, and has all devices matched against it.
pub async fn renew(app: &Arc<App>) -> anyhow::Result<()> {
    let renewing = app.renewing.lock().await;
    app.set_catalog(Arc::new(load(app).await?));
    drop(renewing);
    let held = quarantine::count(&app.db).await?;
    app.quarantined.store(held, Ordering::Relaxed);
    app.ingest.rematch().await?;
    app.touch();
    Ok(())
}

/// The catalog from the database.
pub async fn load(app: &App) -> anyhow::Result<Catalog> {
    let products = products::load_all(&app.db)
        .await
        .context("cannot read the known products")?;
    let packages = offered::all(app).await.context("cannot read the catalog")?;
    let versions = packages
        .into_iter()
        .map(|package| {
            let own = products
                .iter()
                .filter(|product| product.package == package.id)
                .filter(|product| match &product.package_version {
                    Some(version) => *version == package.version,
                    None => {
                        display::compare(&product.product_version, &package.version)
                            == Some(std::cmp::Ordering::Equal)
                    }
                })
                .map(|product| Product {
                    product_code: Some(product.product_code.clone()),
                    upgrade_code: product.upgrade_code.clone(),
                    product_version: product.product_version.clone(),
                })
                .collect();
            let deployable = readiness::why_not(&package).map_or(Ok(()), Err);
            CatalogPackage {
                id: package.row,
                name: package.id.clone(),
                title: package.title.clone(),
                version: package.version.clone(),
                listed: package.listed,
                // Not handed in yet: matching goes by names, patterns and codes alone.
                authors: String::new(),
                project_url: String::new(),
                tags: String::new(),
                dependencies: Vec::new(),
                software_names: package
                    .analysis
                    .as_ref()
                    .and_then(|analysis| analysis.recipe.as_ref())
                    .and_then(|recipe| recipe.software_name.clone())
                    .into_iter()
                    .collect(),
                observed: Vec::new(),
                products: own,
                deployable,
            }
        })
        .collect();
    Ok(Catalog::new(versions))
}
