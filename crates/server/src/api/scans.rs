//! Scans on demand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::DeviceId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use super::shapes::CountBody;
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::scans;
use crate::people::Confirmed;

/// Which devices are to be scanned.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ScansBody {
    /// Their ids.
    #[schema(value_type = Vec<i64>)]
    devices: Vec<DeviceId>,
}

/// Scan devices now. The answer counts the new jobs; an open one serves as well.
#[utoipa::path(post, path = "/api/v1/scans", operation_id = "request_scans", tag = "devices",
    request_body = ScansBody, responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn request(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<ScansBody>,
) -> Result<Json<CountBody>, ApiError> {
    let count = scans::request(&app, &it.devices, &by.actor).await?;
    Ok(Json(CountBody { count }))
}
