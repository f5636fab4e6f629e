//! Removing a source, after a question.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::SourceId;
use fleetmend_store::sources;

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, PathId, Viewer, stored};
use crate::app::App;
use crate::catalog::sources as service;
use crate::error::ApiError;

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
    let source = sources::get(&app.db, id).await.map_err(stored)?;
    let source = source.ok_or_else(|| ApiError::Missing(format!("there is no source {id}")))?;
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
