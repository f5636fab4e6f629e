//! Which versions lists show: those that are hidden are had by who names them all the same.

use std::sync::Arc;

use fleetmend_chocolatey::gallery::Item;
use fleetmend_store::feed_packages;

use super::{download, note_change};
use crate::app::App;
use crate::catalog::own;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// Shows a version in lists or hides it from them, and notes who did.
pub async fn set_listed(
    app: &Arc<App>,
    id: &str,
    version: &str,
    is_listed: bool,
    actor: &Actor,
) -> Result<(), ApiError> {
    let found = app.feed.read(|it| it.get(id, Some(version)).cloned());
    let item = found.ok_or_else(|| ApiError::Missing(format!("the feed has no {id} {version}")))?;
    store(app, item, is_listed, actor)
        .await
        .map_err(ApiError::Internal)
}

async fn store(
    app: &Arc<App>,
    mut item: Item,
    is_listed: bool,
    actor: &Actor,
) -> anyhow::Result<()> {
    let (package, version_key) = download::key_of(&item.nuspec.id, &item.nuspec.normalised);
    let subject = format!("{} {}", item.nuspec.id, item.nuspec.normalised);
    let action = if is_listed {
        "show_feed_package"
    } else {
        "hide_feed_package"
    };
    let now = app.now();
    let mut tx = app.db.begin().await?;
    feed_packages::set_listed(&mut tx, &package, &version_key, is_listed).await?;
    note_change(&mut tx).await?;
    own::note_change(app, &mut tx, now).await?;
    journal::record(&mut tx, actor, action, &subject, "", now).await?;
    tx.commit().await?;
    item.listed = is_listed;
    app.feed.change(|gallery| gallery.insert(item));
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
