//! Patches whose files could not be downloaded, and Reset Download Count.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::PatchId;
use fleetmend_store::downloads::{self, Listed};

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, Viewer, stored};
use crate::app::App;
use crate::deployments::reset;
use crate::error::ApiError;
use crate::storage::Storage;

#[derive(Template)]
#[template(path = "downloads.html")]
struct List {
    layout: Layout,
    rows: Vec<Listed>,
    /// How often is tried.
    most: u32,
    /// What the server's files take.
    storage: Storage,
    next: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let wanted = fields.wanted_page();
    let listed = downloads::list(&app.db, &wanted).await.map_err(stored)?;
    let storage = Storage::of(&app).await.map_err(ApiError::from)?;
    view::page(&List {
        layout: viewer.layout(&app, "Downloads", "downloads"),
        rows: listed.rows,
        most: app.policy.download_tries,
        storage,
        next: listed
            .next
            .map(|after| fields.next_page("/downloads", &after)),
    })
}

/// Has the ticked ones tried again.
pub async fn reset(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let patches: Vec<PatchId> = change.fields.ids("patch")?;
    if patches.is_empty() {
        return Ok(change.done("/downloads", Done::NothingChosen, 0));
    }
    let count = reset::reset(&app, &patches, change.actor()).await?;
    Ok(change.done("/downloads", Done::DownloadCountReset, count))
}
