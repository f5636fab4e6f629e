//! Files that nothing names any more: installers of packages that are gone, of sources that were removed, of
//! work that came to nothing. Those of releases stay.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fleetmend_store::unneeded::{self, FOLDERS};

use crate::app::App;

/// How long a file stays that nobody used: whoever fetched or found it names it before that.
const UNUSED: Duration = Duration::from_hours(48);
/// The most files at a time; the others are looked at the next day.
const MOST: usize = 2_000;

/// Looks at all files, and removes those that nothing names.
pub async fn remove(app: &Arc<App>) -> anyhow::Result<()> {
    let Some(time) = SystemTime::now().checked_sub(UNUSED) else {
        return Ok(());
    };
    let unused = unused(app, time).await?;
    let (blobs, mut aside) = (app.blobs.clone(), unused);
    let set = tokio::task::spawn_blocking(move || {
        // Whoever claimed one a moment ago is about to name it.
        aside.retain(|it| blobs.set_aside(it, time).unwrap_or(false));
        aside
    });
    let mut aside = set.await?;
    let forgotten = forget(app, &mut aside).await;
    let blobs = app.blobs.clone();
    let removed = tokio::task::spawn_blocking(move || {
        if forgotten.is_ok() {
            for sha256 in &aside {
                if blobs.remove_aside(sha256)? {
                    tracing::info!("{sha256} was removed: nothing names it any more");
                }
            }
        }
        blobs.put_back()?;
        forgotten
    });
    removed.await?
}

/// The files that nobody used since a time, and that nothing names. None where nothing names any file that
/// is here: the database is then another one than that of these files, or was emptied.
async fn unused(app: &App, time: SystemTime) -> anyhow::Result<Vec<String>> {
    let blobs = app.blobs.clone();
    // What a process that died set aside.
    tokio::task::spawn_blocking(move || blobs.put_back()).await??;
    let (mut all, mut is_any_named) = (Vec::new(), false);
    for folder in 0..FOLDERS {
        let blobs = app.blobs.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let unused = blobs.unused_since(folder, time)?;
            Ok::<_, std::io::Error>((blobs.all_in(folder)?, unused))
        });
        let (here, unused) = looked.await??;
        if !here.is_empty() {
            let named = unneeded::named(&app.db, &here).await?;
            is_any_named |= !named.is_empty();
            all.extend(unused.into_iter().filter(|it| !named.contains(it)));
        }
    }
    if !is_any_named {
        all.clear();
    }
    if !all.is_empty() {
        let analysed = unneeded::analysed(&app.db, &all).await?;
        all.retain(|it| !analysed.contains(it));
    }
    all.truncate(MOST);
    Ok(all)
}

/// Forgets what the database has of files that are set aside, but for those that are named meanwhile.
async fn forget(app: &App, aside: &mut Vec<String>) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let named = unneeded::named(&mut tx, aside).await?;
    aside.retain(|it| !named.contains(it));
    unneeded::forget(&mut tx, aside).await?;
    Ok(tx.commit().await?)
}
