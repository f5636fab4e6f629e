//! Adding a machine: a one-time token inside the one command to run there.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::Page;
use fleetmend_store::enrol_tokens::{self, EnrolToken};

use super::form::Change;
use super::view::{self, Layout, PageError, Viewer, stored};
use crate::api::enrol_tokens as api;
use crate::app::App;

/// Tokens shown.
const RECENT: u32 = 50;
/// How long a token can be used, in hours: what may be chosen, the first by default.
const HOURS: [u32; 4] = [24, 1, 72, 168];

#[derive(Template)]
#[template(path = "enrol.html")]
struct AddMachine {
    layout: Layout,
    url: String,
    hours: [u32; 4],
    token: Option<String>,
    tokens: Vec<EnrolToken>,
}

/// The form, and the tokens made so far.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    draw(&app, &viewer, None).await
}

/// Makes a token and shows it. It is shown this once; the server keeps a digest of its secret.
pub async fn make_token(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    let hours = change
        .fields
        .word("hours", |it| {
            it.parse().ok().filter(|it| HOURS.contains(it))
        })?
        .unwrap_or(HOURS[0]);
    let url = change.fields.get("url").unwrap_or(&app.url);
    let label = change.fields.text("label");
    let token = api::make(&app, url, label, hours, change.actor()).await?;
    draw(&app, &change.viewer, Some(token)).await
}

async fn draw(
    app: &Arc<App>,
    viewer: &Viewer,
    token: Option<String>,
) -> Result<Response, PageError> {
    let tokens = enrol_tokens::list(&app.db, &Page::first(RECENT))
        .await
        .map_err(stored)?;
    view::page(&AddMachine {
        layout: viewer.layout(app, "Add a machine", "enrol"),
        url: app.url.clone(),
        hours: HOURS,
        token,
        tokens: tokens.rows,
    })
}
