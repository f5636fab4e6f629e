//! Reads a JSON body under a cap; an error names the field.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::net::paced::is_too_slow;

/// How much of a body that is too long is read and thrown away, in bytes.
const MAX_WASTE: u64 = 64 * 1024 * 1024;
/// How long that may take.
const WASTE_LIMIT: Duration = Duration::from_secs(10);

/// The body's bytes, if it is not longer than `cap`.
pub async fn bytes(body: Body, cap: usize) -> Result<bytes::Bytes, ApiError> {
    let too_large = || ApiError::TooLarge(format!("the request is larger than {cap} bytes"));
    let length = body.size_hint().lower();
    if length > cap as u64 {
        if length <= MAX_WASTE {
            let _ = tokio::time::timeout(WASTE_LIMIT, waste(body)).await;
        }
        return Err(too_large());
    }
    match Limited::new(body, cap).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(error) => Err(broken(&*error, "the request broke off")),
    }
}

/// Why a body could not be read, where it was not too long.
pub fn broken(error: &(dyn std::error::Error + 'static), what: &str) -> ApiError {
    if is_too_slow(error) {
        return ApiError::TooSlow;
    }
    ApiError::Bad(format!("{what}: {error}"))
}

/// Reads a body to its end. A caller whose connection is closed while it still sends sees a broken
/// connection in place of the answer, and tries again for ever.
async fn waste(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Reads JSON; unknown fields are dropped, a wrong type is an error with the field's path.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Keeping track of the path costs as much again as reading; it is done only to explain.
    serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))
}

fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    ApiError::Bad(
        match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(error) => format!("field '{}': {}", error.path(), error.inner()),
            Ok(_) => format!("behind the JSON: {error}"),
        },
    )
}
