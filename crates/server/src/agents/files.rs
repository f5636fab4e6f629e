//! `GET /agent/v1/files/{sha256}`: a release's file, for a device that has an order for it.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use fleetmend_store::files;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, StatusCode};

use crate::agents::Caller;
use crate::app::App;
use crate::error::ApiError;

/// How much of a file is in memory at a time, in bytes.
const PART: usize = 256 * 1024;

/// Streams the file, from the offset that the agent asks for.
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
    let mut file = app.blobs.get(&sha256).map_err(|_| missing())?;
    let length = file.metadata().map_err(anyhow::Error::from)?.len();
    let offset = offset(&headers)?;
    if offset > length {
        return Err(ApiError::Bad(format!("the file has {length} bytes")));
    }
    file.seek(SeekFrom::Start(offset))
        .map_err(anyhow::Error::from)?;
    let mut response = Response::builder()
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_LENGTH, length - offset);
    if headers.contains_key(RANGE) && length > 0 && offset < length {
        let range = format!("bytes {offset}-{}/{length}", length - 1);
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(CONTENT_RANGE, range);
    }
    let parts = futures_util::stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut part = vec![0; PART];
            let read = file.read(&mut part)?;
            part.truncate(read);
            Ok::<_, std::io::Error>((part, file))
        });
        let (part, file) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>(if part.is_empty() {
            None
        } else {
            Some((part, file))
        })
    });
    response
        .body(Body::from_stream(parts))
        .map_err(|error| ApiError::Internal(error.into()))
}

/// The start of `Range: bytes=N-`.
fn offset(headers: &HeaderMap) -> Result<u64, ApiError> {
    let Some(range) = headers.get(RANGE) else {
        return Ok(0);
    };
    range
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|text| text.strip_suffix('-'))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            ApiError::Bad("only a range of the form 'bytes=N-' is understood".to_owned())
        })
}
