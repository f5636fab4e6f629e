//! One source: how it is doing, when it is read next, what is wrong in it, and what is set.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::SourceId;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::{self, Source, dialect_key};

use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, PathId, Viewer, choices, stored};
use crate::api::sources::MOST_PROBLEMS;
use crate::app::App;
use crate::catalog::credentials::Login;
use crate::catalog::priority::HeldBack;
use crate::catalog::sources::{
    self as service, ANY_DIALECT, EVERY_SECONDS, Given, MOST_PER_MINUTE, MOST_PRIORITY, Progress,
    existing, protection, read_now, state,
};
use crate::catalog::sync::is_reading;
use crate::catalog::{offered, private_hosts};
use crate::error::ApiError;

/// How many packages that are held back are shown.
const MOST_HELD_BACK: usize = 500;
/// What may be chosen as dialect.
const DIALECTS: [(&str, &str); 3] = [
    (ANY_DIALECT, "Any"),
    ("choco2", "Chocolatey 2.x"),
    ("choco1", "Chocolatey 1.x"),
];

#[derive(Template)]
#[template(path = "source.html")]
struct One {
    layout: Layout,
    source: Source,
    packages: u64,
    state: String,
    is_reading: bool,
    progress: Option<Progress>,
    withheld: Option<String>,
    protection: Option<&'static str>,
    age: Option<String>,
    problems: Vec<Package>,
    dialects: Vec<Choice>,
    most_priority: i64,
    most_per_minute: u32,
    least_every: u32,
    most_every: u32,
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = SourceId(id);
    let source = existing(&app.db, id).await?;
    let chosen = source.settings.dialect.map_or(ANY_DIALECT, dialect_key);
    let chosen = DIALECTS.into_iter().find(|(key, _)| *key == chosen);
    view::page(&One {
        layout: viewer.layout(&app, source.settings.name.clone(), "sources"),
        packages: packages::count(&app.db, id).await.map_err(stored)?,
        state: state(&source),
        is_reading: is_reading(&source),
        progress: service::progress(&source),
        withheld: service::withheld(&source),
        protection: protection(&source),
        age: service::age(&source, app.now()),
        problems: packages::with_problems(&app.db, id, MOST_PROBLEMS)
            .await
            .map_err(stored)?,
        dialects: choices(
            &DIALECTS,
            chosen,
            |it| it.0.to_owned(),
            |it| it.1.to_owned(),
        ),
        most_priority: MOST_PRIORITY,
        most_per_minute: MOST_PER_MINUTE,
        least_every: *EVERY_SECONDS.start(),
        most_every: *EVERY_SECONDS.end(),
        source,
    })
}

/// Sets what the form says.
pub async fn set(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let fields = &change.fields;
    let given = Given {
        enabled: fields.word("enabled", switch)?,
        internalize: fields.word("internalize", switch)?,
        ..given(fields)?
    };
    service::change(&app, SourceId(id), &given, change.actor()).await?;
    Ok(change.done(&format!("/sources/{id}"), Done::SourceSet, 1))
}

fn switch(word: &str) -> Option<bool> {
    match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// What a form says of a source. An empty number is none of its own.
pub fn given(fields: &Fields) -> Result<Given<'_>, ApiError> {
    let number = |field| {
        let has_field = fields.0.iter().any(|(name, _)| name == field);
        let number = fields.parsed(field)?;
        Ok::<_, ApiError>(has_field.then(|| number.unwrap_or(0)))
    };
    Ok(Given {
        location: fields.get("location"),
        name: fields.get("name"),
        priority: fields.parsed("priority")?,
        per_minute: number("per_minute")?,
        every_seconds: number("every_seconds")?,
        dialect: fields.get("dialect"),
        user: fields.get("user"),
        password: password(fields),
        allow_private: fields.get("allow_private").is_some(),
        ..Given::default()
    })
}

/// Sets, or takes away, what the feed is read with.
pub async fn set_login(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let fields = &change.fields;
    let login = Login::given(fields.get("user"), password(fields))?;
    service::set_login(&app, SourceId(id), login.as_ref(), change.actor()).await?;
    Ok(change.done(&format!("/sources/{id}"), Done::SourceRead, 1))
}

/// Sets the hosts that the source may lead to although they are in one's own network.
pub async fn set_private_hosts(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let hosts = change.fields.text("hosts").split([',', ' ', '\n', '\r']);
    private_hosts::set(&app, SourceId(id), hosts, change.actor()).await?;
    Ok(change.done(&format!("/sources/{id}"), Done::PrivateHostsSet, 1))
}

/// A form's password, as it was typed.
fn password(fields: &Fields) -> Option<&str> {
    Some(fields.verbatim("password")).filter(|it| !it.is_empty())
}

/// Has the source read at once.
pub async fn read(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    read_now(&app, SourceId(id), change.actor()).await?;
    Ok(change.done(&format!("/sources/{id}"), Done::SourceRead, 1))
}

/// Takes away what the source no longer has.
pub async fn remove_gone(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let count = service::remove_gone(&app, SourceId(id), change.actor()).await?;
    Ok(change.done(&format!("/sources/{id}"), Done::GoneRemoved, count))
}

#[derive(Template)]
#[template(path = "held_back.html")]
struct HeldBackPage {
    layout: Layout,
    source: Source,
    rows: Vec<(HeldBack, String)>,
    count: usize,
}

/// The packages that are taken from another source.
pub async fn held_back(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let source = existing(&app.db, SourceId(id)).await?;
    let mut held = offered::held_back_of(&app, source.id).await?;
    let count = held.len();
    held.truncate(MOST_HELD_BACK);
    let all = sources::list(&app.db).await.map_err(stored)?;
    let name = |id: SourceId| {
        let source = all.iter().find(|it| it.id == id);
        source.map_or_else(|| id.to_string(), |it| it.settings.name.clone())
    };
    let title = format!("{}: taken from other sources", source.settings.name);
    view::page(&HeldBackPage {
        layout: viewer.layout(&app, title, "sources"),
        rows: held
            .into_iter()
            .map(|it| {
                let name = name(it.taken_from);
                (it, name)
            })
            .collect(),
        source,
        count,
    })
}
