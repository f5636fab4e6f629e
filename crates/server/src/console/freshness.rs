//! How fresh what devices have is: a row for each package that their software is.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::matched_packages::{self, Freshness, FreshnessFilter, FreshnessSort};

use super::view::{self, Choice, Layout, PageError, Viewer, choices, either, stored};
use crate::app::App;
use crate::missing::published;

#[derive(Template)]
#[template(path = "freshness.html")]
struct List {
    layout: Layout,
    rows: Vec<Freshness>,
    text: String,
    published_since: String,
    published_before: String,
    mirrored: Vec<Choice>,
    sorts: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

fn label(sort: FreshnessSort) -> &'static str {
    match sort {
        FreshnessSort::Title => "Title",
        FreshnessSort::Devices => "Most devices",
        FreshnessSort::Published => "Published last",
    }
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = FreshnessFilter {
        text: fields.owned("text"),
        published_since: published::of("published_since", fields.get("published_since"))?,
        published_before: published::of("published_before", fields.get("published_before"))?,
        mirrored: fields.parsed("mirrored")?,
    };
    let sort = fields.word("sort", FreshnessSort::from_key)?;
    let listed = matched_packages::list(
        &app.db,
        &filter,
        sort.unwrap_or_default(),
        &fields.wanted_page(),
    )
    .await
    .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Freshness", "missing"),
        rows: listed.rows,
        text: fields.text("text").to_owned(),
        published_since: fields.text("published_since").to_owned(),
        published_before: fields.text("published_before").to_owned(),
        mirrored: either(filter.mirrored, "Mirrored", "Not mirrored"),
        sorts: choices(
            &FreshnessSort::ALL[1..],
            sort,
            |it| it.key().to_owned(),
            |it| label(it).to_owned(),
        ),
        is_filtered: filter != FreshnessFilter::default(),
        next: listed
            .next
            .map(|after| fields.next_page("/freshness", &after)),
    })
}
