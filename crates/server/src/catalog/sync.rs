//! Reads a source into the catalog. A source that is down or answers nonsense changes nothing
//! that was known.

use std::path::Path;
use std::sync::Arc;

use fleetmend_model::SourceId;
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::sources::{self, Source, SourceKind};

use super::{feed, folder};
use crate::app::App;
use crate::jobs;

/// Packages stored in one transaction.
const BATCH: usize = 500;

/// Reads one source.
pub async fn sync(app: &Arc<App>, id: SourceId) -> anyhow::Result<()> {
    let Some(source) = sources::get(&app.db, id)
        .await?
        .filter(|source| source.enabled)
    else {
        return Ok(());
    };
    let read = read(app, &source).await;
    let outcome = match read {
        Ok(packages) => {
            let count = packages.len();
            for batch in packages.chunks(BATCH) {
                let mut tx = app.db.begin().await?;
                packages::upsert_many(&mut tx, batch, app.now()).await?;
                tx.commit().await?;
            }
            tracing::info!("source {}: {count} packages", source.name);
            Ok(())
        }
        Err(error) => Err(format!("{error:#}")),
    };
    let mut tx = app.db.begin().await?;
    let finished = outcome.is_ok().then(|| app.now());
    let error = outcome.as_ref().err().map(String::as_str);
    sources::set_sync(&mut tx, id, finished, error, None).await?;
    if outcome.is_ok() {
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, app.now()).await?;
    }
    tx.commit().await?;
    if let Err(error) = outcome {
        tracing::warn!("source {}: {error}", source.name);
    }
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

async fn read(app: &Arc<App>, source: &Source) -> anyhow::Result<Vec<NewPackage>> {
    match source.kind {
        SourceKind::Feed => feed::read(&app.http, &app.pace, source.id, &source.location).await,
        SourceKind::Folder => {
            let (id, location) = (source.id, source.location.clone());
            tokio::task::spawn_blocking(move || folder::read(id, Path::new(&location))).await?
        }
    }
}

/// Has the sources read whose time has come.
pub async fn enqueue_due(app: &Arc<App>) -> anyhow::Result<()> {
    let every = std::time::Duration::from_secs(app.policy.sync_seconds);
    let now = app.now();
    let due: Vec<_> = sources::list(&app.db)
        .await?
        .into_iter()
        .filter(|source| source.enabled)
        .filter(|source| source.last_sync_at.is_none_or(|at| now.since(at) >= every))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    for source in due {
        jobs::enqueue(&mut tx, jobs::Kind::SyncSource, source.id.0, now).await?;
    }
    Ok(tx.commit().await?)
}
