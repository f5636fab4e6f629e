//! The catalog in one file: exported here, or imported from another server.

use std::sync::Arc;

use askama::Template;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use fleetmend_store::carried_catalogs::{self, Carried};

use super::form::{CSRF_FIELD, Change};
use super::notice::{self, Done};
use super::view::{self, Layout, PageError, Viewer, stored};
use crate::agents::body::broken;
use crate::api::catalog::answer;
use crate::app::App;
use crate::catalog::offline::import::Wanted;
use crate::catalog::offline::scope::Scope;
use crate::catalog::offline::streams::import_stream;
use crate::error::ApiError;
use crate::net::before_file::{Began, NoFile};
use crate::people::sessions::unconfirmed;

/// The page's address.
const PAGE: &str = "/sources/carry";
/// The longest text field, in bytes.
const LONGEST_FIELD: usize = 1024;

#[derive(Template)]
#[template(path = "carry.html")]
struct Carry {
    layout: Layout,
    rows: Vec<(i64, Carried)>,
    next: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let listed = carried_catalogs::list(&app.db, &fields.wanted_page()).await;
    let listed = listed.map_err(stored)?;
    view::page(&Carry {
        layout: viewer.layout(&app, "Offline export and import", "sources"),
        rows: listed.rows,
        next: listed.next.map(|after| fields.next_page(PAGE, &after)),
    })
}

/// Answers with an export.
pub async fn export(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let fields = &change.fields;
    let packages = fields.text("packages").split([',', ' ', ';']);
    let packages = packages.filter(|it| !it.is_empty());
    let scope = Scope::given(fields.text("files") == "none", packages);
    Ok(answer(&app, &scope, change.actor()).await?)
}

/// Imports the file of a form, whose other fields come before it.
pub async fn import(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    request: Request,
) -> Result<Response, PageError> {
    let began = Began::default();
    let multipart = Multipart::from_request(began.limit(request), &app).await;
    // What is no form of ours has no word of the session either.
    let mut form = multipart.map_err(|_| unconfirmed())?;
    let mut is_confirmed = false;
    let mut wanted = Wanted::default();
    while let Some(mut field) = form.next_field().await.map_err(unreadable)? {
        match field.name().unwrap_or_default() {
            CSRF_FIELD => is_confirmed = viewer.signed_in.confirms(&text(&mut field).await?),
            "sha256" => {
                let sha256 = text(&mut field).await?;
                wanted.sha256 = Some(sha256).filter(|it| !it.trim().is_empty());
            }
            "older" => wanted.older = true,
            "file" if is_confirmed => {
                began.note();
                let actor = &viewer.signed_in.actor;
                let found = import_stream(&app, field, &wanted, actor).await?;
                let to = notice::onto(PAGE, Done::CatalogImported, found.carried.versions);
                return Ok(Redirect::to(&to).into_response());
            }
            _ => return Err(unconfirmed().into()),
        }
    }
    Err(ApiError::Bad("the form has no file: choose one".to_owned()).into())
}

/// A field of text.
async fn text(field: &mut Field<'_>) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(part) = field.chunk().await.map_err(unreadable)? {
        text.extend_from_slice(&part);
        if text.len() > LONGEST_FIELD {
            return Err(ApiError::Bad("a field of the form is too long".to_owned()));
        }
    }
    String::from_utf8(text).map_err(|_| ApiError::Bad("a field of the form is no text".to_owned()))
}

fn unreadable(error: MultipartError) -> ApiError {
    if NoFile::is_cause_of(&error) {
        return ApiError::Bad(format!("the form was not read to its end: {NoFile}"));
    }
    broken(&error, "the form cannot be read")
}
