//! One source: how it is doing, when it is read next, and what is wrong in it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::SourceId;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::{self, Source};

use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, PathId, Viewer, stored};
use crate::api::sources::MOST_PROBLEMS;
use crate::app::App;
use crate::catalog::credentials::Login;
use crate::catalog::private_hosts;
use crate::catalog::sources::{self as catalog, protection, read_now, state};
use crate::catalog::sync::is_reading;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "source.html")]
struct One {
    layout: Layout,
    source: Source,
    packages: u64,
    state: String,
    is_reading: bool,
    protection: Option<&'static str>,
    problems: Vec<Package>,
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = SourceId(id);
    let source = sources::get(&app.db, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no source {id}")))?;
    view::page(&One {
        layout: viewer.layout(&app, source.name.clone(), "sources"),
        packages: packages::count(&app.db, id).await.map_err(stored)?,
        state: state(&source),
        is_reading: is_reading(&source),
        protection: protection(&source),
        problems: packages::with_problems(&app.db, id, MOST_PROBLEMS)
            .await
            .map_err(stored)?,
        source,
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
    catalog::set_login(&app, SourceId(id), login.as_ref(), change.actor()).await?;
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
pub fn password(fields: &Fields) -> Option<&str> {
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
