//! The feed of one's own: its address, its keys, and who may read it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::Page;
use fleetmend_store::feed_keys::FeedKey;
use fleetmend_store::feed_packages::{self, ListedPackage};
use fleetmend_store::feed_refusals::{self, FeedRefusal};

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, Viewer, stored};
use crate::api::feed::DAYS;
use crate::app::App;
use crate::error::ApiError;
use crate::feed::{self, ask, keys, listing};

/// How long a key can open the feed, in days: what may be chosen, the first by default.
const CHOICES: [u32; 4] = [DAYS, 30, 90, 1095];
/// How many that are not in the feed are shown.
const MOST_REFUSED: u32 = 100;

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
    /// What was to come in and did not.
    refused: Vec<FeedRefusal>,
    rows: Vec<ListedPackage>,
    /// What the list is filtered by.
    text: String,
    next: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    draw(&app, &viewer, None).await
}

/// Shows a version in clients' lists, or hides it.
pub async fn set_listed(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    let fields = &change.fields;
    let is_listed = fields.get("listed") == Some("1");
    let (package, version) = (fields.text("package"), fields.text("version"));
    listing::set_listed(&app, package, version, is_listed, change.actor()).await?;
    let done = if is_listed {
        Done::FeedPackageShown
    } else {
        Done::FeedPackageHidden
    };
    Ok(change.done("/feed", done, 1))
}

/// Has a package brought into the feed with its installers inside.
pub async fn internalize(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    let fields = &change.fields;
    let (package, version) = (fields.text("package"), fields.get("version"));
    ask::internalize(&app, package, version, change.actor()).await?;
    Ok(change.done("/feed", Done::Internalizing, 1))
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
    let fields = &viewer.fields;
    let text = fields.owned("text").filter(|_| secret.is_none());
    let mut wanted = fields.wanted_page();
    wanted.after = wanted.after.filter(|_| secret.is_none());
    let listed = feed_packages::list(&app.db, text.as_deref(), &wanted)
        .await
        .map_err(stored)?;
    view::page(&FeedPage {
        refused: feed_refusals::list(&app.db, &Page::first(MOST_REFUSED))
            .await
            .map_err(stored)?
            .rows,
        rows: listed.rows,
        next: listed.next.map(|after| fields.next_page("/feed", &after)),
        text: text.unwrap_or_default(),
        layout: viewer.layout(app, "Feed", "feed"),
        url: feed::url(app),
        is_open: app.feed.is_open(),
        packages: app.feed.len(),
        days: CHOICES,
        secret,
        keys: keys::list(app).await?,
    })
}
