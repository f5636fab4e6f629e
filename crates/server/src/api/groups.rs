//! Groups: devices that meet conditions, under a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::GroupId;
use fleetmend_store::groups::Group;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Body, Id};
use super::openapi::Refused;
use super::shapes::{IdBody, PageBody, time};
use crate::app::App;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};
use crate::policies::groups::{self, GivenGroup};

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupBody {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// Who is in it: `include`, conditions of which one must be met, and `exclude`, of which none may be.
    #[schema(value_type = Object)]
    scope: Value,
    /// Who changed it last.
    updated_by: String,
    /// When.
    updated_at: String,
}

fn body(it: Group) -> Result<GroupBody, ApiError> {
    Ok(GroupBody {
        id: it.id.0,
        scope: serde_json::from_str(&it.what.scope).map_err(anyhow::Error::from)?,
        name: it.what.name,
        updated_by: it.updated_by,
        updated_at: time(it.updated_at),
    })
}

/// What a group is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewGroupBody {
    /// Its name.
    name: String,
    /// Who is in it. It names no other group.
    #[schema(value_type = Object)]
    scope: Value,
}

impl From<NewGroupBody> for GivenGroup {
    fn from(it: NewGroupBody) -> Self {
        Self {
            name: it.name,
            scope: it.scope,
        }
    }
}

/// Groups, by name.
#[utoipa::path(get, path = "/api/v1/groups", operation_id = "list_groups", tag = "policies",
    responses((status = 200, body = PageBody<GroupBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<PageBody<GroupBody>>, ApiError> {
    let all = groups::list(&app).await?.into_iter().map(body);
    let items = all.collect::<Result<_, _>>()?;
    Ok(Json(PageBody::whole(items)))
}

/// Add a group.
#[utoipa::path(post, path = "/api/v1/groups", operation_id = "create_group", tag = "policies",
    request_body = NewGroupBody, responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewGroupBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = groups::add(&app, &it.into(), &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}

/// Change a group.
#[utoipa::path(post, path = "/api/v1/groups/{id}", operation_id = "set_group", tag = "policies",
    params(("id" = i64, Path, description = "The group's number")),
    request_body = NewGroupBody, responses((status = 204), Refused))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<NewGroupBody>,
) -> Result<StatusCode, ApiError> {
    groups::set(&app, GroupId(id), &it.into(), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a group that no policy names.
#[utoipa::path(post, path = "/api/v1/groups/{id}/remove", operation_id = "remove_group",
    tag = "policies", params(("id" = i64, Path, description = "The group's number")),
    responses((status = 204), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    groups::remove(&app, GroupId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
