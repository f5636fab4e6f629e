//! What people changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::audit::{self, AuditFilter, Entry};

use super::view::{self, Layout, PageError, Viewer, stored};
use crate::app::App;

#[derive(Template)]
#[template(path = "audit.html")]
struct List {
    layout: Layout,
    rows: Vec<(i64, Entry)>,
    who: String,
    action: String,
    subject: String,
    is_filtered: bool,
    next: Option<String>,
}

/// The text inside a JSON string; other JSON as it is.
fn plain(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = AuditFilter {
        who: fields.owned("who"),
        action: fields.owned("action"),
        subject: fields.owned("subject"),
    };
    let wanted = fields.wanted_page();
    let listed = audit::list(&app.db, &filter, &wanted)
        .await
        .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Audit", "audit"),
        rows: listed.rows,
        is_filtered: filter != AuditFilter::default(),
        who: filter.who.unwrap_or_default(),
        action: filter.action.unwrap_or_default(),
        subject: filter.subject.unwrap_or_default(),
        next: listed.next.map(|after| fields.next_page("/audit", &after)),
    })
}
