//! Reads a JSON body under a cap; an error names the field.

use axum::body::Body;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The body's bytes, if it is not longer than `cap`.
pub async fn bytes(body: Body, cap: usize) -> Result<bytes::Bytes, ApiError> {
    match Limited::new(body, cap).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::TooLarge(format!("the request is larger than {cap} bytes")))
        }
        Err(error) => Err(ApiError::Bad(format!("the request broke off: {error}"))),
    }
}

/// Reads JSON; unknown fields are dropped, a wrong type is an error with the field's path.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Keeping track of the path costs as much again as reading; it is done only to explain.
    serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))
}

fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    ApiError::Bad(match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => format!("field '{}': {}", error.path(), error.inner()),
        Ok(_) => format!("behind the JSON: {error}"),
    })
}
