//! Installed applications: all of the fleet's, one device's, and why one is what it is taken for.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::{Match, State as AnswerState, any_version, said_text};
use fleetmend_store::applications::{self, ListedApplication};
use fleetmend_store::devices::Device;
use fleetmend_store::inventories::{self, Carried, StoredInventory};

use super::device;
use super::fields::address;
use super::view::{self, Choice, Layout, PageError, PathId, Viewer, choices, stored};
use crate::app::App;
use crate::error::ApiError;
use crate::missing::explain::{self, Explanation};
use crate::missing::on_device;

/// Candidates shown of one application.
const SHOWN: usize = 5;

/// A row of a list.
struct Row {
    it: ListedApplication,
    state: &'static str,
    /// What it may be, where a person must say it.
    candidates: Vec<(Match, String)>,
    /// Where a person says what it is.
    decide: String,
    /// The same for whatever version of it, where its name has one.
    decide_all: Option<String>,
    /// Where a person says which version it is, where that cannot be told.
    decide_version: Option<String>,
}

fn row(it: ListedApplication, candidates: Vec<Match>) -> Row {
    let to = |package: &str| decide(&it.name, &it.publisher, package);
    let state = AnswerState::from_key(&it.answer.state);
    Row {
        decide_version: decide_version(state, &it.answer.package, &it.version),
        state: state.map_or("Not known yet", AnswerState::label),
        decide: to(&it.answer.package),
        decide_all: decide_all(&it.name, &it.version, &it.publisher, &it.answer.package),
        candidates: candidates
            .into_iter()
            .take(SHOWN)
            .map(|found| {
                let to = to(&found.package);
                (found, to)
            })
            .collect(),
        it,
    }
}

/// The address of the form for an override of a name. A device may register what would be a pattern.
fn decide(name: &str, publisher: &str, package: &str) -> String {
    form(&said_text::exactly(name), publisher, package)
}

/// The same for a pattern that fits the name in any version.
fn decide_all(name: &str, version: &str, publisher: &str, package: &str) -> Option<String> {
    Some(form(&any_version(name, version)?, publisher, package))
}

/// The same for the version that it registers, where it cannot be told which one of the package's it is.
fn decide_version(state: Option<AnswerState>, package: &str, registered: &str) -> Option<String> {
    let is_open = state == Some(AnswerState::CannotTell) && !registered.trim().is_empty();
    let query = [
        ("decision", "version"),
        ("package", package),
        ("registered", registered),
    ];
    is_open.then(|| address("/overrides/new", query))
}

fn form(name: &str, publisher: &str, package: &str) -> String {
    let publisher = said_text::exactly(publisher);
    let query = [
        ("name", name),
        ("publisher", publisher.as_str()),
        ("package", package),
    ];
    let given = query.into_iter().filter(|it| !it.1.is_empty());
    address("/overrides/new", given.chain([("decision", "is")]))
}

fn states(all: &[AnswerState], chosen: Option<AnswerState>) -> Vec<Choice> {
    choices(
        all,
        chosen,
        |it| it.key().to_owned(),
        |it| it.label().to_owned(),
    )
}

#[derive(Template)]
#[template(path = "applications.html")]
struct List {
    layout: Layout,
    /// Applications with each state.
    counts: Vec<(AnswerState, u64)>,
    rows: Vec<Row>,
    states: Vec<Choice>,
    text: String,
    is_filtered: bool,
    next: Option<String>,
}

/// All of the fleet's.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let state = fields.word("state", AnswerState::from_key)?;
    let (key, text) = (state.map(AnswerState::key), fields.get("text"));
    let listed = applications::list(&app.db, key, text, &fields.wanted_page())
        .await
        .map_err(stored)?;
    let mut open = explain::open_candidates(&app, &listed.rows).await?;
    let counts = applications::counts(&app.db).await.map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Applications", "applications"),
        counts: AnswerState::ALL
            .into_iter()
            .filter_map(|state| {
                let found = counts.iter().find(|it| it.0 == state.key())?;
                Some((state, found.1))
            })
            .collect(),
        states: states(&AnswerState::ALL, state),
        text: fields.text("text").to_owned(),
        is_filtered: state.is_some() || text.is_some(),
        next: listed
            .next
            .map(|after| fields.next_page("/applications", &after)),
        rows: listed
            .rows
            .into_iter()
            .map(|it| {
                let candidates = open.remove(&it.answer.software).unwrap_or_default();
                row(it, candidates)
            })
            .collect(),
    })
}

#[derive(Template)]
#[template(path = "device_software.html")]
struct OfDevice {
    layout: Layout,
    device: Device,
    scanned_at: Option<Millis>,
    inventory: Option<StoredInventory>,
    rows: Vec<Row>,
    states: Vec<Choice>,
    text: String,
    is_filtered: bool,
    next: Option<String>,
}

impl OfDevice {
    /// Why a row stands as it was seen before.
    fn kept(&self, row: &Row) -> Option<&Carried> {
        self.inventory.as_ref()?.kept_for(row.it.answer.software)
    }
}

/// One device's.
pub async fn of_device(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let device = device::find(&app, DeviceId(id)).await?;
    let fields = &viewer.fields;
    let state = fields.word("state", AnswerState::from_key)?;
    let text = fields.get("text");
    let listed = on_device::list(&app, device.id, state, text, &fields.wanted_page()).await?;
    let title = format!("Applications of {}", device.host.hostname);
    view::page(&OfDevice {
        layout: viewer.layout(&app, title, "devices"),
        states: states(&AnswerState::OF_DEVICE, state),
        text: fields.text("text").to_owned(),
        is_filtered: state.is_some() || text.is_some(),
        next: listed
            .next
            .map(|after| fields.next_page(&format!("/devices/{id}/software"), &after)),
        rows: listed
            .rows
            .into_iter()
            .map(|it| row(it, Vec::new()))
            .collect(),
        scanned_at: app.registry.scanned_at(&device),
        inventory: inventories::get(&app.db, device.id).await.map_err(stored)?,
        device,
    })
}

#[derive(Template)]
#[template(path = "explanation.html")]
struct One {
    layout: Layout,
    it: Explanation,
    /// With the address of the form that says so.
    candidates: Vec<(Match, String)>,
    /// Nobody says what a package of a package manager is.
    decide: Option<String>,
    decide_all: Option<String>,
    decide_version: Option<String>,
}

/// Why one of a device's applications is what it is taken for.
pub async fn explanation(
    State(app): State<Arc<App>>,
    path: Result<Path<(i64, u32)>, PathRejection>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let Path((device, software)) =
        path.map_err(|_| ApiError::Missing("there is no such application".to_owned()))?;
    let mut it = explain::explain(&app, DeviceId(device), software).await?;
    let found = std::mem::take(&mut it.candidates);
    let software = &it.software;
    let to = |package: &str| decide(&software.name, &software.publisher, package);
    let package = it
        .answer
        .as_ref()
        .map(|it| it.package().unwrap_or_default());
    view::page(&One {
        layout: viewer.layout(&app, software.name.clone(), "devices"),
        decide: package.map(to),
        decide_all: package.and_then(|package| {
            decide_all(
                &software.name,
                &software.version,
                &software.publisher,
                package,
            )
        }),
        decide_version: package.and_then(|package| {
            let state = it.answer.as_ref().map(fleetmend_reconcile::Answer::state);
            decide_version(state, package, &software.version)
        }),
        candidates: found
            .into_iter()
            .map(|found| {
                let to = to(&found.package);
                (found, to)
            })
            .collect(),
        it,
    })
}
