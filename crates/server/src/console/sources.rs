//! The sources that the catalog is read from.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::packages;
use fleetmend_store::sources::{self, Source, SourceKind};

use super::form::Change;
use super::notice::Done;
use super::source::given;
use super::view::{self, Layout, PageError, Viewer, stored};
use crate::app::App;
use crate::catalog::sources::{self as service, Progress, age, progress, state};
use crate::catalog::sync::is_reading;

#[derive(Template)]
#[template(path = "sources.html")]
struct List {
    layout: Layout,
    rows: Vec<Row>,
    /// Whether there is one beside this server's own feed.
    has_others: bool,
}

struct Row {
    source: Source,
    packages: u64,
    /// The State column.
    state: String,
    is_reading: bool,
    progress: Option<Progress>,
    /// What a person should know of how old it is.
    age: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let mut rows = Vec::new();
    for source in sources::list(&app.db).await.map_err(stored)? {
        let packages = packages::count(&app.db, source.id).await.map_err(stored)?;
        rows.push(Row {
            state: state(&source),
            is_reading: is_reading(&source),
            progress: progress(&source),
            age: age(&source, app.now()),
            source,
            packages,
        });
    }
    view::page(&List {
        layout: viewer.layout(&app, "Sources", "sources"),
        has_others: rows.iter().any(|row| row.source.kind != SourceKind::Own),
        rows,
    })
}

/// Adds a source.
pub async fn add(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    service::add(&app, &given(&change.fields)?, change.actor()).await?;
    Ok(change.done("/sources", Done::SourceAdded, 1))
}
