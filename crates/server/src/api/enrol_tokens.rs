//! One-time tokens by which machines enrol.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use crate::agents::enrol;
use crate::app::App;
use crate::error::ApiError;
use crate::people::{Actor, Confirmed};

/// The longest label, in characters.
const LONGEST_LABEL: usize = 200;
/// The longest address that a token carries, in bytes.
const LONGEST_URL: usize = 512;
/// How long a token can be used at most, in hours.
const LONGEST_HOURS: u32 = 24 * 30;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewTokenBody {
    /// What it is for.
    #[serde(default)]
    label: String,
    /// The server's address as the machine reaches it; the server's own idea of it by default.
    url: Option<String>,
    /// How long it can be used, in hours: 1 to 720, 24 by default.
    hours: Option<u32>,
}

/// A token. It is shown this once: the server keeps only a digest of its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    /// The text to paste on the machine.
    token: String,
}

/// Makes a token on a person's word. Its text has letters, digits, `-` and `_` only, so that
/// shells take it as it is.
pub(crate) async fn make(
    app: &App,
    url: &str,
    label: &str,
    hours: u32,
    actor: &Actor,
) -> Result<String, ApiError> {
    let url = url.trim().trim_end_matches('/');
    let is_good = url.len() <= LONGEST_URL
        && reqwest::Url::parse(url).is_ok_and(|it| it.scheme() == "https" && it.path() == "/");
    if !is_good {
        return Err(ApiError::Bad(format!(
            "field 'url': '{url}' is not an address that agents can use: write https://name:port"
        )));
    }
    if label.chars().count() > LONGEST_LABEL {
        return Err(ApiError::Bad(format!(
            "field 'label' is longer than {LONGEST_LABEL} characters"
        )));
    }
    if !(1..=LONGEST_HOURS).contains(&hours) {
        return Err(ApiError::Bad(format!(
            "field 'hours' must be 1 to {LONGEST_HOURS}"
        )));
    }
    let valid = Duration::from_secs(u64::from(hours) * 3600);
    let token = enrol::make_token(app, url, label, valid, actor).await?;
    Ok(token.to_text())
}

/// Make a one-time enrolment token.
#[utoipa::path(post, path = "/api/v1/enrol-tokens", operation_id = "create_enrol_token",
    tag = "devices", request_body = NewTokenBody,
    responses((status = 200, body = TokenBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewTokenBody>,
) -> Result<Json<TokenBody>, ApiError> {
    let url = it.url.as_deref().unwrap_or(&app.url);
    let token = make(&app, url, &it.label, it.hours.unwrap_or(24), &by.actor).await?;
    Ok(Json(TokenBody { token }))
}
