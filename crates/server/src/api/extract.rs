//! Ids, queries and bodies of requests; what is wrong with them is said in the API's own shape.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::agents::body;
use crate::app::App;
use crate::error::ApiError;

/// The largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The id in the path.
pub(crate) struct Id(pub(crate) i64);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let Path(id) = Path::from_request_parts(parts, &())
            .await
            .map_err(|error| ApiError::Bad(error.body_text()))?;
        Ok(Self(id))
    }
}

/// The query.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let Query(params) =
            Query::try_from_uri(&parts.uri).map_err(|error| ApiError::Bad(error.body_text()))?;
        Ok(Self(params))
    }
}

/// The JSON body. Unknown fields are dropped; a wrong type is an error with the field's path.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ApiError> {
        let bytes = body::bytes(request.into_body(), MAX_BODY).await?;
        body::json(&bytes).map(Self)
    }
}
