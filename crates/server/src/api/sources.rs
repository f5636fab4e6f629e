//! Sources of packages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::SourceId;
use fleetmend_store::packages;
use fleetmend_store::sources::{self, LeftOut};
use http::StatusCode;

use super::extract::{Body, Id};
use super::openapi::Refused;
use super::shapes::{CountBody, IdBody};
use super::source_bodies::{
    HeldBackBody, LeftOutBody, OneSourceBody, PrivateHostsBody, RemovalBody, SourceBody,
    SourceLoginBody, SourceSettingsBody,
};
use crate::app::App;
use crate::catalog::sources as service;
use crate::catalog::{offered, private_hosts};
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// How many packages with problems are listed.
pub(crate) const MOST_PROBLEMS: u32 = 100;

/// All sources, the one that is asked first in front.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "list_sources", tag = "sources",
    responses((status = 200, body = Vec<SourceBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<Vec<SourceBody>>, ApiError> {
    let sources = sources::list(&app.db).await.map_err(stored)?;
    Ok(Json(sources.into_iter().map(Into::into).collect()))
}

/// A source, with what is wrong in it.
#[utoipa::path(get, path = "/api/v1/sources/{id}", operation_id = "get_source", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    responses((status = 200, body = OneSourceBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<OneSourceBody>, ApiError> {
    let mut source = service::existing(&app.db, SourceId(id)).await?;
    let left_out = std::mem::take(&mut source.last_read.left_out);
    let problems = packages::with_problems(&app.db, source.id, MOST_PROBLEMS)
        .await
        .map_err(stored)?;
    Ok(Json(OneSourceBody {
        source: source.into(),
        left_out: left_out
            .into_iter()
            .map(|LeftOut { what, why }| LeftOutBody { what, why })
            .collect(),
        problems: problems.into_iter().map(Into::into).collect(),
    }))
}

/// Add a source.
#[utoipa::path(post, path = "/api/v1/sources", operation_id = "create_source", tag = "sources",
    request_body = SourceSettingsBody, responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<SourceSettingsBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = service::add(&app, &it.given(), &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}

/// Set what is given of a source; what is not given stays as it is.
#[utoipa::path(post, path = "/api/v1/sources/{id}", operation_id = "set_source", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    request_body = SourceSettingsBody, responses((status = 204), Refused))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<SourceSettingsBody>,
) -> Result<StatusCode, ApiError> {
    service::change(&app, SourceId(id), &it.given(), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What removing a source would mean now.
#[utoipa::path(get, path = "/api/v1/sources/{id}/removal", operation_id = "preview_source_removal",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    responses((status = 200, body = RemovalBody), Refused))]
pub(crate) async fn preview_removal(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<RemovalBody>, ApiError> {
    let found = service::consequences(&app, SourceId(id)).await?;
    Ok(Json(found.into()))
}

/// Remove a source with its packages. Releases, jobs and approvals stay.
#[utoipa::path(post, path = "/api/v1/sources/{id}/remove", operation_id = "remove_source",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    responses((status = 204), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    service::remove(&app, SourceId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take away the versions that a source no longer has and that were kept because they are so many.
#[utoipa::path(post, path = "/api/v1/sources/{id}/remove-gone",
    operation_id = "remove_gone_versions", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn remove_gone(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<Json<CountBody>, ApiError> {
    let count = service::remove_gone(&app, SourceId(id), &by.actor).await?;
    Ok(Json(CountBody { count }))
}

/// The packages of a source that are taken from another one, which is asked before: those that have
/// a higher version here first.
#[utoipa::path(get, path = "/api/v1/sources/{id}/held-back", operation_id = "list_held_back_packages",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    responses((status = 200, body = Vec<HeldBackBody>), Refused))]
pub(crate) async fn held_back(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<Vec<HeldBackBody>>, ApiError> {
    let held = offered::held_back_of(&app, SourceId(id)).await?;
    Ok(Json(held.into_iter().map(Into::into).collect()))
}

/// Set, or take away, the name and password that a feed is read with.
#[utoipa::path(post, path = "/api/v1/sources/{id}/login", operation_id = "set_source_login",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    request_body = SourceLoginBody, responses((status = 204), Refused))]
pub(crate) async fn set_login(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<SourceLoginBody>,
) -> Result<StatusCode, ApiError> {
    let login = it.login()?;
    service::set_login(&app, SourceId(id), login.as_ref(), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set the hosts that a source may lead to although they are in one's own network.
#[utoipa::path(post, path = "/api/v1/sources/{id}/private-hosts",
    operation_id = "set_source_private_hosts", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    request_body = PrivateHostsBody, responses((status = 204), Refused))]
pub(crate) async fn set_private_hosts(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<PrivateHostsBody>,
) -> Result<StatusCode, ApiError> {
    let hosts = it.hosts.iter().map(String::as_str);
    private_hosts::set(&app, SourceId(id), hosts, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a source read now, whatever wait it is in. A host's ban is kept: 409.
#[utoipa::path(post, path = "/api/v1/sources/{id}/read", operation_id = "request_source_read",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    responses((status = 204), Refused))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    service::read_now(&app, SourceId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
