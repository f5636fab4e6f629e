//! Sources of packages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::SourceId;
use fleetmend_store::sources;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use super::shapes::{IdBody, time_opt};
use crate::app::App;
use crate::catalog;
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Actor, Confirmed, SignedIn};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// Its id.
    id: i64,
    /// `folder` or `feed`.
    kind: &'static str,
    /// Path or URL.
    location: String,
    /// What a person calls it.
    name: String,
    /// The lower number is asked first and wins.
    priority: i64,
    /// Whether it is read.
    enabled: bool,
    /// When it was last read to its end.
    last_read_at: Option<String>,
    /// Why the last read failed.
    last_error: Option<String>,
}

/// A source to add.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewSourceBody {
    /// The address of a NuGet v2 feed, or the full path of a folder on the server.
    location: String,
    /// What a person calls it; the location by default.
    name: Option<String>,
}

/// Adds a source on a person's word.
pub(crate) async fn add(
    app: &Arc<App>,
    location: &str,
    name: Option<&str>,
    actor: &Actor,
) -> Result<SourceId, ApiError> {
    if name.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(ApiError::Bad(format!(
            "field 'name' is longer than {LONGEST_NAME} characters"
        )));
    }
    catalog::sources::add(app, location.trim(), name, actor).await
}

/// All sources, the one that is asked first in front.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "list_sources", tag = "sources",
    responses((status = 200, body = Vec<SourceBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<Vec<SourceBody>>, ApiError> {
    let sources = sources::list(&app.db).await.map_err(stored)?;
    let bodies = sources.into_iter().map(|it| SourceBody {
        id: it.id.0,
        kind: it.kind.key(),
        location: it.location,
        name: it.name,
        priority: it.priority,
        enabled: it.enabled,
        last_read_at: time_opt(it.last_sync_at),
        last_error: it.last_error,
    });
    Ok(Json(bodies.collect()))
}

/// Add a source.
#[utoipa::path(post, path = "/api/v1/sources", operation_id = "create_source", tag = "sources",
    request_body = NewSourceBody, responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewSourceBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = add(&app, &it.location, it.name.as_deref(), &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}
