//! Organizational units: trees of them, and the devices in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::{DeviceId, UnitId, UnitTreeId};
use fleetmend_store::units::{Tree, Unit};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::openapi::Refused;
use super::shapes::{IdBody, PageBody, page};
use crate::app::App;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};
use crate::policies::units;

/// A tree of units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitTreeBody {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
}

impl From<Tree> for UnitTreeBody {
    fn from(it: Tree) -> Self {
        Self {
            id: it.id.0,
            name: it.name,
        }
    }
}

/// What a tree is to be called.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewUnitTreeBody {
    /// Its name.
    name: String,
}

/// An organizational unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitBody {
    /// Its number.
    id: i64,
    /// The number of the unit above it; absent at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<i64>,
    /// The names from the top, with `/` between them.
    path: String,
}

impl From<Unit> for UnitBody {
    fn from(it: Unit) -> Self {
        Self {
            id: it.id.0,
            parent: it.parent.map(|it| it.0),
            path: it.path.to_string(),
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnitParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Devices, and the unit that they are put into.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PlaceBody {
    /// The unit, which is made if it is not there; absent takes them out of the tree.
    path: Option<String>,
    /// The devices' numbers.
    devices: Vec<i64>,
}

/// How many devices it was done for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacedBody {
    /// How many.
    count: u64,
}

/// Trees of organizational units, by name.
#[utoipa::path(get, path = "/api/v1/unit-trees", operation_id = "list_unit_trees", tag = "policies",
    responses((status = 200, body = PageBody<UnitTreeBody>), Refused))]
pub(crate) async fn list_trees(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<PageBody<UnitTreeBody>>, ApiError> {
    let trees = units::trees(&app).await?.into_iter();
    Ok(Json(PageBody::whole(trees.map(Into::into).collect())))
}

/// Add a tree of organizational units.
#[utoipa::path(post, path = "/api/v1/unit-trees", operation_id = "create_unit_tree",
    tag = "policies", request_body = NewUnitTreeBody,
    responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create_tree(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewUnitTreeBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = units::add_tree(&app, &it.name, &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}

/// Remove a tree with all its units.
#[utoipa::path(post, path = "/api/v1/unit-trees/{id}/remove", operation_id = "remove_unit_tree",
    tag = "policies", params(("id" = i64, Path, description = "The tree's number")),
    responses((status = 204), Refused))]
pub(crate) async fn remove_tree(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    units::remove_tree(&app, UnitTreeId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The units of a tree, each behind those above it.
#[utoipa::path(get, path = "/api/v1/unit-trees/{id}/units", operation_id = "list_units",
    tag = "policies", params(("id" = i64, Path, description = "The tree's number"), UnitParams),
    responses((status = 200, body = PageBody<UnitBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
    Params(it): Params<UnitParams>,
) -> Result<Json<PageBody<UnitBody>>, ApiError> {
    let listed = units::list(&app, UnitTreeId(id), &page(it.after, it.limit)).await?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// Put devices into a unit of a tree, or take them out of the tree.
#[utoipa::path(post, path = "/api/v1/unit-trees/{id}/devices", operation_id = "place_devices",
    tag = "policies", params(("id" = i64, Path, description = "The tree's number")),
    request_body = PlaceBody, responses((status = 200, body = PlacedBody), Refused))]
pub(crate) async fn place(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<PlaceBody>,
) -> Result<Json<PlacedBody>, ApiError> {
    let devices: Vec<_> = it.devices.into_iter().map(DeviceId).collect();
    let tree = UnitTreeId(id);
    let count = match &it.path {
        Some(path) => units::place(&app, tree, path, &devices, &by.actor).await?,
        None => units::take_out(&app, tree, &devices, &by.actor).await?,
    };
    Ok(Json(PlacedBody { count }))
}

/// Remove a unit that has none below it.
#[utoipa::path(post, path = "/api/v1/units/{id}/remove", operation_id = "remove_unit",
    tag = "policies", params(("id" = i64, Path, description = "The unit's number")),
    responses((status = 204), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    units::remove(&app, UnitId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
