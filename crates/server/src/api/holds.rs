//! Updates that were installed and whose version did not change.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_store::holds::{self, Hold, HoldFilter, ListedHold};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::deployments;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// What keeps a patch from being offered again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldBody {
    /// Its number.
    id: i64,
    /// Whether it counts everywhere, and not on one device alone.
    everywhere: bool,
    /// Why, in words.
    cause: String,
    /// The deploy job that installed it.
    job: Option<i64>,
    /// When that job ended.
    since: String,
    /// Since when it is known that the version did not change; absent as long as an inventory is
    /// awaited.
    confirmed_at: Option<String>,
}

impl From<Hold> for HoldBody {
    fn from(it: Hold) -> Self {
        Self {
            id: it.id,
            everywhere: it.device.is_none(),
            cause: it.cause,
            job: it.job.map(|job| job.0),
            since: time(it.since),
            confirmed_at: time_opt(it.confirmed_at),
        }
    }
}

/// A hold with its patch and its device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedHoldBody {
    /// The hold.
    hold: HoldBody,
    /// The patch's id.
    patch: i64,
    /// What a person calls the patch.
    title: String,
    /// The version that did not come.
    version: String,
    /// The device's id; absent where it counts everywhere.
    device: Option<i64>,
    /// The device's name.
    hostname: Option<String>,
}

impl From<ListedHold> for ListedHoldBody {
    fn from(it: ListedHold) -> Self {
        Self {
            patch: it.hold.patch.0,
            title: it.title,
            version: it.version,
            device: it.hold.device.map(|device| device.0),
            hostname: it.hostname,
            hold: it.hold.into(),
        }
    }
}

/// Which holds.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldParams {
    /// The patch's id.
    #[param(value_type = Option<i64>)]
    patch: Option<PatchId>,
    /// The device's id.
    #[param(value_type = Option<i64>)]
    device: Option<DeviceId>,
    /// Whether they count everywhere.
    everywhere: Option<bool>,
    /// Part of the patch's title or name, case ignored.
    title: Option<String>,
    /// Part of the device's name, case ignored.
    hostname: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Updates that were installed and whose version did not change, the latest first.
#[utoipa::path(get, path = "/api/v1/holds", operation_id = "list_holds",
    tag = "missing patches", params(HoldParams),
    responses((status = 200, body = PageBody<ListedHoldBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<HoldParams>,
) -> Result<Json<PageBody<ListedHoldBody>>, ApiError> {
    let filter = HoldFilter {
        patch: it.patch,
        device: it.device,
        everywhere: it.everywhere,
        title: it.title,
        hostname: it.hostname,
    };
    let listed = holds::list(&app.db, &filter, &page(it.after, it.limit))
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// Why an update is let go.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReleaseHoldBody {
    /// Why it is worth another try.
    reason: String,
}

/// Release a held update: it is offered again.
#[utoipa::path(post, path = "/api/v1/holds/{id}/release", operation_id = "release_hold",
    tag = "missing patches", params(("id" = i64, Path, description = "The hold's number")),
    request_body = ReleaseHoldBody, responses((status = 204), Refused))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<ReleaseHoldBody>,
) -> Result<StatusCode, ApiError> {
    deployments::holds::release::release(&app, id, &it.reason, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
