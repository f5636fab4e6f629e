//! Updates that were installed and whose version did not change, and the way to have them offered again.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::holds::{self, HoldFilter, ListedHold};

use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, PathId, Viewer, either, stored};
use crate::app::App;
use crate::deployments;

#[derive(Template)]
#[template(path = "holds.html")]
struct List {
    layout: Layout,
    rows: Vec<ListedHold>,
    title: String,
    hostname: String,
    places: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = HoldFilter {
        patch: fields.parsed("patch")?,
        device: fields.parsed("device")?,
        everywhere: fields.parsed("everywhere")?,
        title: fields.owned("title"),
        hostname: fields.owned("hostname"),
    };
    let listed = holds::list(&app.db, &filter, &fields.wanted_page())
        .await
        .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Held Updates", "missing"),
        rows: listed.rows,
        title: fields.text("title").to_owned(),
        hostname: fields.text("hostname").to_owned(),
        places: either(filter.everywhere, "Everywhere", "On one device"),
        is_filtered: filter != HoldFilter::default(),
        next: listed.next.map(|after| fields.next_page("/holds", &after)),
    })
}

/// Lets an update go.
pub async fn release(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let reason = change.fields.text("reason");
    deployments::holds::release::release(&app, id, reason, change.actor()).await?;
    Ok(change.done("/holds", Done::HoldReleased, 1))
}
