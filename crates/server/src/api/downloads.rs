//! Patches whose files could not be downloaded.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::PatchId;
use fleetmend_store::downloads::{self, Listed};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Params};
use super::openapi::Refused;
use super::shapes::{CountBody, PageBody, page, time, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::deployments::reset;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};
use crate::storage::Storage;

/// A patch whose files could not be downloaded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DownloadBody {
    /// The patch's id.
    patch: i64,
    /// What a person calls it.
    title: String,
    /// The version that it brings.
    version: String,
    /// The package's id.
    package: String,
    /// Tries in a row that failed.
    tries: u32,
    /// Why the last one did.
    cause: String,
    /// When it did.
    failed_at: String,
    /// When the next one is; absent: not before the count is reset.
    retry_at: Option<String>,
    /// Deploy jobs that wait for the files.
    jobs: u64,
}

impl From<Listed> for DownloadBody {
    fn from(it: Listed) -> Self {
        Self {
            patch: it.failed.patch.0,
            title: it.title,
            version: it.version,
            package: it.name,
            tries: it.failed.tries,
            cause: it.failed.cause,
            failed_at: time(it.failed.failed_at),
            retry_at: time_opt(it.failed.retry_at),
            jobs: it.jobs,
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DownloadParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Which counts are reset.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResetBody {
    /// The patches' ids.
    #[schema(value_type = Vec<i64>)]
    patches: Vec<PatchId>,
}

/// Patches whose files could not be downloaded, the last failure first.
#[utoipa::path(get, path = "/api/v1/downloads", operation_id = "list_downloads",
    tag = "deployments", params(DownloadParams),
    responses((status = 200, body = PageBody<DownloadBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<DownloadParams>,
) -> Result<Json<PageBody<DownloadBody>>, ApiError> {
    let listed = downloads::list(&app.db, &page(it.after, it.limit))
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// How much the server's files take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StorageBody {
    /// How many files are kept, those on their way in included.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Bytes that are free on their disk; absent where that cannot be told.
    free_bytes: Option<u64>,
    /// Bytes that stay free.
    kept_free_bytes: Option<u64>,
}

/// What the server's files take, and the room that is left for them.
#[utoipa::path(get, path = "/api/v1/storage", operation_id = "get_storage",
    tag = "deployments", responses((status = 200, body = StorageBody), Refused))]
pub(crate) async fn storage(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<StorageBody>, ApiError> {
    let Storage { files, bytes, room } = Storage::of(&app).await?;
    Ok(Json(StorageBody {
        files,
        bytes,
        free_bytes: room.map(|it| it.free),
        kept_free_bytes: room.map(|it| it.kept),
    }))
}

/// Reset download counts: what deploy jobs wait for is tried again at once.
#[utoipa::path(post, path = "/api/v1/downloads/reset", operation_id = "reset_downloads",
    tag = "deployments", request_body = ResetBody,
    responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<ResetBody>,
) -> Result<Json<CountBody>, ApiError> {
    let count = reset::reset(&app, &it.patches, &by.actor).await?;
    Ok(Json(CountBody { count }))
}
