//! Files that nothing names any more: installers of packages that are gone, of sources that were removed, of
//! work that came to nothing. Those of releases stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

use fleetmend_store::unneeded::{self, FOLDERS};

use crate::app::App;

/// How long a file stays that nobody used: whoever fetched or found it names it before that.
const UNUSED: Duration = Duration::from_hours(48);
/// The most files in one step.
const MOST: usize = 200;

/// Which folder comes next.
#[derive(Debug, Default)]
pub struct Turn(AtomicU16);

/// One step: one of the folders.
pub async fn step(app: &Arc<App>) -> anyhow::Result<()> {
    let folder = app.unneeded.0.fetch_add(1, Ordering::Relaxed) % FOLDERS;
    sweep(app, folder).await
}

/// All folders.
pub async fn all(app: &Arc<App>) -> anyhow::Result<()> {
    for folder in 0..FOLDERS {
        sweep(app, folder).await?;
    }
    Ok(())
}

async fn sweep(app: &Arc<App>, folder: u16) -> anyhow::Result<()> {
    let Some(time) = SystemTime::now().checked_sub(UNUSED) else {
        return Ok(());
    };
    let blobs = app.blobs.clone();
    let looked = tokio::task::spawn_blocking(move || {
        // Of a process that died.
        blobs.put_back()?;
        blobs.unused_since(folder, time)
    });
    let mut unused = looked.await??;
    unused.truncate(MOST);
    if unused.is_empty() {
        return Ok(());
    }
    let named = unneeded::named(&app.db, &unused).await?;
    unused.retain(|it| !named.contains(it));
    if unused.is_empty() {
        return Ok(());
    }
    let analysed = unneeded::analysed(&app.db, &unused).await?;
    unused.retain(|it| !analysed.contains(it));
    let (blobs, mut aside) = (app.blobs.clone(), unused);
    let set = tokio::task::spawn_blocking(move || {
        aside.retain(|it| blobs.set_aside(it).is_ok());
        // Whoever claimed one a moment ago is about to name it.
        aside.retain(|it| blobs.is_unused_aside(it, time).unwrap_or(false));
        aside
    });
    let mut aside = set.await?;
    let forgotten = forget(app, &mut aside).await;
    let blobs = app.blobs.clone();
    let removed = tokio::task::spawn_blocking(move || {
        if forgotten.is_ok() {
            for sha256 in &aside {
                blobs.remove_aside(sha256)?;
                tracing::info!("{sha256} was removed: nothing names it any more");
            }
        }
        blobs.put_back()?;
        forgotten
    });
    removed.await?
}

/// Forgets what the database has of files that are set aside, but for those that are named meanwhile.
async fn forget(app: &App, aside: &mut Vec<String>) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let named = unneeded::named(&mut tx, aside).await?;
    aside.retain(|it| !named.contains(it));
    unneeded::forget(&mut tx, aside).await?;
    Ok(tx.commit().await?)
}
