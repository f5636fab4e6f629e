//! The pages of signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{StatusCode, Uri, header};

use super::form::{Change, OpenForm};
use super::view::{self, PageError, fields};
use crate::app::App;
use crate::error::ApiError;
use crate::people::{self, Address, local_path, login};

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    name: String,
    next: String,
    error: Option<String>,
    needs_setup: bool,
}

/// The form.
pub async fn page(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, PageError> {
    let fields = fields(&uri)?;
    view::page(&Page {
        name: String::new(),
        next: local_path::or(fields.text("next"), "/").to_owned(),
        error: None,
        needs_setup: people::needs_setup(&app).await?,
    })
}

/// Signs in, and goes on to where the person wanted to go.
pub async fn sign_in(
    State(app): State<Arc<App>>,
    Address(address): Address,
    OpenForm(fields): OpenForm,
) -> Result<Response, PageError> {
    let next = local_path::or(fields.text("next"), "/");
    let name = fields.text("name");
    match login::sign_in(&app, name, fields.verbatim("password"), &address).await {
        Ok(cookie) => Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()),
        Err(error @ (ApiError::Unauthenticated(_) | ApiError::TooMany(_))) => {
            let body = view::page(&Page {
                name: name.to_owned(),
                next: next.to_owned(),
                error: Some(error.message()),
                needs_setup: false,
            })?;
            let status = match error.status() {
                StatusCode::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
                // 401 would have to name an HTTP authentication scheme.
                _ => StatusCode::FORBIDDEN,
            };
            Ok((status, body).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Signs out.
pub async fn sign_out(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let cookie = login::sign_out(&app, &change.viewer.signed_in).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}
