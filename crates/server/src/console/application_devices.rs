//! The devices that have an application.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::inventory::Software;

use super::view::{self, Layout, PageError, PathId, Viewer};
use crate::api::application_devices::application;
use crate::app::App;
use crate::missing::application_devices::{self, HavingDevice};

#[derive(Template)]
#[template(path = "application_devices.html")]
struct List {
    layout: Layout,
    software: Software,
    state: &'static str,
    total: u64,
    rows: Vec<HavingDevice>,
    next: Option<String>,
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let found = application_devices::of(&app, application(id)?, &fields.wanted_page()).await?;
    let path = format!("/applications/{id}/devices");
    let title = format!("Devices with {}", found.software.name);
    view::page(&List {
        layout: viewer.layout(&app, title, "applications"),
        software: found.software,
        state: found.state.label(),
        total: found.total,
        rows: found.page.rows,
        next: found.page.next.map(|after| fields.next_page(&path, &after)),
    })
}
