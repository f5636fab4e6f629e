//! Errors as callers see them.
//!
//! Which to use: what a caller did wrong is [`ApiError::Bad`] (malformed), [`ApiError::Denied`]
//! (not allowed), [`ApiError::Missing`] (not there, or not theirs to know of), or
//! [`ApiError::Conflict`] (right, but not now). Everything else is [`ApiError::Internal`]: it is
//! logged, and the caller learns only that it happened.

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use fleetmend_protocol::{ErrorBody, ErrorDetail};
use http::StatusCode;

/// What a handler answers when it does not answer.
#[derive(Debug)]
pub enum ApiError {
    /// 400: the request is malformed.
    Bad(String),
    /// 401: nobody is signed in.
    Unauthenticated(String),
    /// 403: this caller may not. The first text is the code.
    Denied(&'static str, String),
    /// 404.
    Missing(String),
    /// 409.
    Conflict(String),
    /// 408: the request's body did not come.
    TooSlow,
    /// 413.
    TooLarge(String),
    /// 429, with the seconds to wait.
    TooMany(u64),
    /// 503: try again.
    Busy(String),
    /// 500.
    Internal(anyhow::Error),
}

impl ApiError {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Bad(message) => (StatusCode::BAD_REQUEST, "bad_request", message.clone()),
            Self::Unauthenticated(message) => {
                (StatusCode::UNAUTHORIZED, "unauthenticated", message.clone())
            }
            Self::Denied(code, message) => (StatusCode::FORBIDDEN, code, message.clone()),
            Self::Missing(message) => (StatusCode::NOT_FOUND, "not_found", message.clone()),
            Self::Conflict(message) => (StatusCode::CONFLICT, "conflict", message.clone()),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "the request came too slowly and was not read to its end".to_owned(),
            ),
            Self::TooLarge(message) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", message.clone())
            }
            Self::TooMany(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                format!("too many tries: wait {seconds} seconds"),
            ),
            Self::Busy(message) => (StatusCode::SERVICE_UNAVAILABLE, "busy", message.clone()),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the server failed to answer; its log says why".to_owned(),
            ),
        }
    }

    /// The sentence for people.
    pub fn message(&self) -> String {
        self.parts().2
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.parts().0
    }
}

/// The sentence of an answer that is an error, for what stands around the handlers.
#[derive(Debug, Clone)]
pub struct Told(pub String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!("{error:#}");
        }
        let (status, code, message) = self.parts();
        let told = Told(message.clone());
        let body = ErrorBody {
            error: ErrorDetail {
                code: code.to_owned(),
                message,
            },
        };
        (status, Extension(told), Json(body)).into_response()
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}
