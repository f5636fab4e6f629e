//! The page that a setup link leads to. The link's secret is in the fragment, which only a script
//! can read; without JavaScript the person copies it into the field.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header;

use super::form::OpenForm;
use super::view::{self, PageError};
use crate::app::App;
use crate::error::ApiError;
use crate::people::{Address, password, setup};

#[derive(Template)]
#[template(path = "setup.html")]
struct Page {
    name: String,
    secret: String,
    error: Option<String>,
    shortest: usize,
}

/// The form.
pub async fn page() -> Result<Response, PageError> {
    view::page(&Page {
        name: "administrator".to_owned(),
        secret: String::new(),
        error: None,
        shortest: password::SHORTEST,
    })
}

/// Sets the password and signs in.
pub async fn use_link(
    State(app): State<Arc<App>>,
    Address(address): Address,
    OpenForm(fields): OpenForm,
) -> Result<Response, PageError> {
    let given = setup::Setup {
        secret: fields.text("secret"),
        name: fields.text("name"),
        password: fields.verbatim("password"),
        repeated: fields.verbatim("repeated"),
    };
    match setup::use_link(&app, &given, &address).await {
        Ok(cookie) => Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()),
        Err(error @ (ApiError::Bad(_) | ApiError::Denied(..))) => {
            let body = view::page(&Page {
                name: given.name.to_owned(),
                secret: given.secret.to_owned(),
                error: Some(error.message()),
                shortest: password::SHORTEST,
            })?;
            Ok((error.status(), body).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
