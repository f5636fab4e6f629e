//! What administrators say about matches: with what it changes before it is done.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_store::overrides::{self as store, Override};

use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, PathId, Viewer, choices, stored};
use crate::app::App;
use crate::error::ApiError;
use crate::missing::overrides::{self as service, Given, Preview};

const DECISIONS: [(&str, &str); 5] = [
    ("is", "It is the package"),
    ("is_not", "It is not the package"),
    ("excluded", "Nothing is wanted for it"),
    (
        "pinned",
        "It stays as it is installed, or at a highest version",
    ),
    (
        "version",
        "What registers a version is this version of the package",
    ),
];

#[derive(Template)]
#[template(path = "overrides.html")]
struct List {
    layout: Layout,
    /// With what each says.
    rows: Vec<(Override, String)>,
    next: Option<String>,
}

/// Those that are in force.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let listed = store::list(&app.db, false, &fields.wanted_page())
        .await
        .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Overrides", "applications"),
        next: listed
            .next
            .map(|after| fields.next_page("/overrides", &after)),
        rows: listed
            .rows
            .into_iter()
            .map(|it| {
                let says = service::says(&it.what);
                (it, says)
            })
            .collect(),
    })
}

/// Of the fields those that the decision goes by.
fn given(fields: &Fields) -> Given<'_> {
    let decision = fields.text("decision");
    let of = |decisions: &[&str], field: &str| {
        if decisions.contains(&decision) {
            fields.text(field)
        } else {
            ""
        }
    };
    let names = ["is", "is_not", "excluded", "pinned"];
    Given {
        name: of(&names, "name"),
        publisher: of(&names, "publisher"),
        decision,
        package: of(&["is", "is_not", "version"], "package"),
        highest: of(&["pinned"], "highest"),
        registered: of(&["version"], "registered"),
        version: of(&["version"], "version"),
        reason: fields.text("reason"),
    }
}

/// Whether all is there that a decision needs.
fn is_complete(fields: &Fields) -> bool {
    let needs: &[&str] = match fields.text("decision") {
        "excluded" | "pinned" => &["name"],
        "version" => &["package", "registered", "version"],
        _ => &["name", "package"],
    };
    needs.iter().all(|it| fields.get(it).is_some())
}

#[derive(Template)]
#[template(path = "override_form.html")]
struct Form {
    layout: Layout,
    name: String,
    publisher: String,
    decisions: Vec<Choice>,
    package: String,
    highest: String,
    registered: String,
    version: String,
    reason: String,
    /// What it changes, where it can be made.
    preview: Option<Preview>,
    /// Why it cannot.
    fault: Option<String>,
}

/// The form, with what the override would change as it is filled in.
pub async fn form(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let (preview, fault) = if is_complete(fields) {
        match service::preview(&app, &given(fields)).await {
            Ok(preview) => (Some(preview), None),
            Err(ApiError::Bad(fault)) => (None, Some(fault)),
            Err(error) => return Err(error.into()),
        }
    } else {
        (None, None)
    };
    let chosen = fields.get("decision");
    view::page(&Form {
        layout: viewer.layout(&app, "Say what an application is", "applications"),
        name: fields.text("name").to_owned(),
        publisher: fields.text("publisher").to_owned(),
        decisions: choices(
            &DECISIONS,
            DECISIONS.into_iter().find(|it| Some(it.0) == chosen),
            |it| it.0.to_owned(),
            |it| it.1.to_owned(),
        ),
        package: fields.text("package").to_owned(),
        highest: fields.text("highest").to_owned(),
        registered: fields.text("registered").to_owned(),
        version: fields.text("version").to_owned(),
        reason: fields.text("reason").to_owned(),
        preview,
        fault,
    })
}

/// Makes an override.
pub async fn add(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    service::add(&app, &given(&change.fields), change.actor()).await?;
    Ok(change.done("/overrides", Done::OverrideAdded, 1))
}

#[derive(Template)]
#[template(path = "remove_override.html")]
struct Removal {
    layout: Layout,
    id: i64,
    says: String,
    preview: Preview,
}

/// The question whether to take one back.
pub async fn question(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let preview = service::preview_removal(&app, id).await?;
    let kept = store::get(&app.db, id).await.map_err(stored)?;
    view::page(&Removal {
        layout: viewer.layout(&app, format!("Take override {id} back"), "applications"),
        id,
        says: kept.map(|it| service::says(&it.what)).unwrap_or_default(),
        preview,
    })
}

/// Takes one back.
pub async fn remove(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    service::remove(&app, id, change.actor()).await?;
    Ok(change.done("/overrides", Done::OverrideRemoved, 1))
}
