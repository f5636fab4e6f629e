//! `GET /agent/v1/files/{sha256}`: a release's file, for a device that has an order for it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use fleetmend_store::files;
use http::HeaderMap;

use crate::agents::Caller;
use crate::app::App;
use crate::error::ApiError;
use crate::net::file_answer::{self, FileAnswer};

/// Streams the file, whole or from where the agent's download stopped.
pub async fn file(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    device.heard(app.now());
    // The same answer for a file that is not there and one that is not this device's.
    let missing = || ApiError::Missing("there is no such file for this device".to_owned());
    let is_theirs = files::is_for_device(&app.db, &sha256, device.id)
        .await
        .map_err(anyhow::Error::from)?;
    if !is_theirs {
        return Err(missing());
    }
    let file = app.blobs.get(&sha256).map_err(|_| missing())?;
    let length = file.metadata().map_err(anyhow::Error::from)?.len();
    let answer = FileAnswer {
        file,
        length,
        etag: sha256,
        kind: "application/octet-stream",
    };
    file_answer::respond(answer, &headers).map_err(|error| ApiError::Internal(error.into()))
}
