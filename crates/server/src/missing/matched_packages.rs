//! The packages that what devices have is matched to, stored where something of them changed.

use std::sync::Arc;

use fleetmend_store::matched_packages::{self, MatchedPackage};

use crate::app::App;

/// Stores them as they are now.
pub async fn store(app: &Arc<App>) -> anyhow::Result<()> {
    let fleet = Arc::clone(app);
    let found = tokio::task::spawn_blocking(move || fleet.fleet().matched_packages()).await?;
    let all = found.into_iter().map(|it| {
        let (offered, version) = it.offered.unzip();
        MatchedPackage {
            package: it.package,
            title: it.title,
            version: version.unwrap_or_default(),
            offered,
            devices: it.devices,
        }
    });
    let all: Vec<MatchedPackage> = all.collect();
    let mut tx = app.db.begin().await?;
    matched_packages::replace_all(&mut tx, &all).await?;
    tx.commit().await?;
    Ok(())
}
