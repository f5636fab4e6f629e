//! Policies: for which devices each is, what it sets, and who changed it when.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::view::{self, Layout, PageError, PathId, Viewer};
use crate::app::App;
use crate::policies::shown::{self, Detail, Shown};

#[derive(Template)]
#[template(path = "policies.html")]
struct List {
    layout: Layout,
    rows: Vec<Shown>,
}

/// All of them, in the order in which they are asked.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    view::page(&List {
        layout: viewer.layout(&app, "Policies", "policies"),
        rows: shown::all(&app).await?,
    })
}

#[derive(Template)]
#[template(path = "policy.html")]
struct One {
    layout: Layout,
    detail: Detail,
}

/// One of them.
pub async fn one(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let detail = shown::one(&app, &id.to_string()).await?;
    view::page(&One {
        layout: viewer.layout(&app, &detail.shown.policy.what.name, "policies"),
        detail,
    })
}
