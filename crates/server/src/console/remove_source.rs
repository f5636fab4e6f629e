//! Removing a source, after a question.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::SourceId;

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, PathId, Viewer};
use crate::app::App;
use crate::catalog::sources as service;

#[derive(Template)]
#[template(path = "remove_source.html")]
struct RemoveSource {
    layout: Layout,
    id: SourceId,
    name: String,
    sentences: Vec<String>,
}

/// The question.
pub async fn question(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = SourceId(id);
    let source = service::existing(&app.db, id).await?;
    let consequences = service::consequences(&app, id).await?;
    let name = source.settings.name;
    view::page(&RemoveSource {
        layout: viewer.layout(&app, format!("Remove {name}"), "sources"),
        id,
        name,
        sentences: consequences.sentences(),
    })
}

/// Removes it.
pub async fn remove(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    service::remove(&app, SourceId(id), change.actor()).await?;
    Ok(change.done("/sources", Done::SourceRemoved, 1))
}
