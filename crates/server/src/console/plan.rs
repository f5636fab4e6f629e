//! The plan: what runs until a time to come, and why not elsewhere.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_plan::night::Night;

use super::view::{self, Layout, PageError, Viewer};
use crate::app::App;
use crate::plan::shown::{self, Line, PlanQuery, Shown};

/// The most lines of the page: whoever wants more asks for a device, or the API.
const MOST: usize = 1_000;

#[derive(Template)]
#[template(path = "plan.html")]
struct Tonight {
    layout: Layout,
    night: Night,
    runs: usize,
    total: usize,
    left_out: usize,
    lines: Vec<Line>,
    until: String,
    device: String,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let given = |name: &str| {
        let text = viewer.fields.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (until, device) = (given("until"), given("device"));
    let query = PlanQuery {
        until: until.clone(),
        device: device.clone(),
    };
    let Shown {
        night, mut lines, ..
    } = shown::plan(&app, &query).await?;
    let total = lines.len();
    lines.truncate(MOST);
    view::page(&Tonight {
        layout: viewer.layout(&app, "Plan", "plan"),
        runs: night.runs(),
        left_out: total - lines.len(),
        night,
        total,
        lines,
        until: until.unwrap_or_default(),
        device: device.unwrap_or_default(),
    })
}
