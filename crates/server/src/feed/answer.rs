//! The feed's answers, which are XML, errors included.

use axum::response::{IntoResponse, Response};
use fleetmend_chocolatey::gallery;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::ext::ReasonPhrase;

use super::AddError;
use crate::error::ApiError;
use crate::net::gzip;

/// The most of a message that stands behind the status, in characters.
const LONGEST_REASON: usize = 300;

/// Why the feed does not answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 400.
    Bad(String),
    /// 401: a key is needed.
    WhoAreYou,
    /// 403.
    Denied(String),
    /// 404.
    Missing(String),
    /// 409.
    Conflict(String),
    /// 413.
    TooLarge(String),
    /// 507.
    NoRoom(String),
    /// 500; the log says why.
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => {
                Self::NoRoom(format!("it cannot be stored: {error}"))
            }
            _ => Self::Internal(anyhow::Error::from(error).context("a package cannot be stored")),
        }
    }
}

impl From<fleetmend_store::Error> for Refusal {
    fn from(error: fleetmend_store::Error) -> Self {
        match error {
            fleetmend_store::Error::Exists { .. } => Self::Conflict(error.to_string()),
            error => Self::Internal(error.into()),
        }
    }
}

impl From<AddError> for Refusal {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Unusable(_) | AddError::Dependency(_) => Self::Bad(error.to_string()),
            AddError::Taken(_) => Self::Conflict(error.to_string()),
            AddError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Missing(message) => Self::Missing(message),
            ApiError::Internal(error) => Self::Internal(error),
            other => Self::Bad(other.message()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Bad(message) => (StatusCode::BAD_REQUEST, message),
            Self::WhoAreYou => (
                StatusCode::UNAUTHORIZED,
                "the feed needs a key: make one in the console, and give it as the password"
                    .to_owned(),
            ),
            Self::Denied(message) => (StatusCode::FORBIDDEN, message),
            Self::Missing(message) => (StatusCode::NOT_FOUND, message),
            Self::Conflict(message) => (StatusCode::CONFLICT, message),
            Self::TooLarge(message) => (StatusCode::PAYLOAD_TOO_LARGE, message),
            Self::NoRoom(message) => (StatusCode::INSUFFICIENT_STORAGE, message),
            Self::Internal(error) => {
                tracing::error!("feed: {error:#}");
                let message = "the server failed to answer; its log says why";
                (StatusCode::INTERNAL_SERVER_ERROR, message.to_owned())
            }
        };
        let mut response = document(
            "application/xml",
            gallery::error(&message),
            &HeaderMap::new(),
        );
        *response.status_mut() = status;
        if let Some(reason) = reason(&message) {
            response.extensions_mut().insert(reason);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"Fleetmend feed\""),
            );
        }
        response
    }
}

/// The message as the text behind the status: it is all that NuGet's and Chocolatey's clients show
/// of an error. What cannot stand there becomes `?`.
fn reason(message: &str) -> Option<ReasonPhrase> {
    let shown = message.chars().take(LONGEST_REASON).map(|c| match c {
        ' '..='~' => c,
        _ => '?',
    });
    ReasonPhrase::try_from(shown.collect::<String>()).ok()
}

/// An XML document, packed for clients that take it so.
pub(super) fn document(kind: &'static str, body: String, headers: &HeaderMap) -> Response {
    let packed = gzip::packed(body.as_bytes(), headers);
    let mut response = match packed {
        Some(packed) => {
            let mut response = (XML_HEADERS, packed).into_response();
            let encoding = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
            response
        }
        None => (XML_HEADERS, body).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

const XML_HEADERS: [(&str, &str); 1] = [("dataserviceversion", "2.0;")];
