//! Signing in and out for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use crate::app::App;
use crate::error::ApiError;
use crate::people::{Address, Confirmed, SignedIn, login, same_origin};

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionBody {
    /// Who is signed in.
    user: String,
    /// What changes carry in the header `X-CSRF-Token`.
    csrf_token: String,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Credentials {
    /// The user's name.
    name: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// Who is signed in, and the token that changes carry.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "get_session", tag = "session",
    responses((status = 200, body = SessionBody), Refused))]
pub(crate) async fn get(signed_in: SignedIn) -> Json<SessionBody> {
    Json(SessionBody {
        user: signed_in.session.user_name,
        csrf_token: signed_in.session.csrf,
    })
}

/// Sign in. The answer sets the session's cookie; `get_session` then gives the token for changes.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "create_session", tag = "session",
    request_body = Credentials, security(()),
    responses((status = 204, description = "Signed in"), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Address(address): Address,
    headers: HeaderMap,
    Body(who): Body<Credentials>,
) -> Result<Response, ApiError> {
    same_origin::check(&headers)?;
    let cookie = login::sign_in(&app, &who.name, &who.password, &address).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Sign out.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "delete_session", tag = "session",
    responses((status = 204, description = "Signed out"), Refused))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Confirmed(signed_in): Confirmed,
) -> Result<Response, ApiError> {
    let cookie = login::sign_out(&app, &signed_in).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
