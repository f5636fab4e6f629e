//! The feed of one's own: its address, its keys, and who may read it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::feed_keys::FeedKey;

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, Viewer};
use crate::api::feed::DAYS;
use crate::app::App;
use crate::error::ApiError;
use crate::feed::{self, keys};

/// How long a key can open the feed, in days: what may be chosen, the first by default.
const CHOICES: [u32; 4] = [DAYS, 30, 90, 1095];

#[derive(Template)]
#[template(path = "feed.html")]
struct FeedPage {
    layout: Layout,
    url: String,
    is_open: bool,
    packages: usize,
    days: [u32; 4],
    secret: Option<String>,
    keys: Vec<FeedKey>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    draw(&app, &viewer, None).await
}

/// Makes a key and shows its secret, this once.
pub async fn make_key(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let days = change
        .fields
        .word("days", |it| {
            it.parse().ok().filter(|it| CHOICES.contains(it))
        })?
        .unwrap_or(DAYS);
    let can_push = change.fields.get("may") == Some("push");
    let name = change.fields.text("name");
    let secret = keys::make(&app, name, can_push, days, change.actor()).await?;
    draw(&app, &change.viewer, Some(secret)).await
}

/// Takes a key away.
pub async fn revoke_key(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    keys::revoke(&app, change.fields.text("name"), change.actor()).await?;
    Ok(change.done("/feed", Done::FeedKeyRevoked, 1))
}

/// Says who may read.
pub async fn set_readers(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    let is_open = match change.fields.get("readers") {
        Some("everybody") => true,
        Some("keys") => false,
        _ => {
            let message = "field 'readers' must be 'everybody' or 'keys'";
            return Err(ApiError::Bad(message.to_owned()).into());
        }
    };
    keys::set_open(&app, is_open, change.actor()).await?;
    Ok(change.done("/feed", Done::FeedReadersSet, 1))
}

async fn draw(
    app: &Arc<App>,
    viewer: &Viewer,
    secret: Option<String>,
) -> Result<Response, PageError> {
    view::page(&FeedPage {
        layout: viewer.layout(app, "Feed", "feed"),
        url: feed::url(app),
        is_open: app.feed.is_open(),
        packages: app.feed.len(),
        days: CHOICES,
        secret,
        keys: keys::list(app).await?,
    })
}
