//! `POST /agent/v1/reports`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fleetmend_protocol::reports::{Reports, ReportsReply};

use crate::agents::{Caller, body};
use crate::app::App;
use crate::deployments;
use crate::error::ApiError;

/// The largest batch of reports, in bytes.
const MAX_REPORTS: usize = 4 * 1024 * 1024;

/// Stores reports; what is acknowledged survives a crash of the server.
pub async fn reports(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    body: Body,
) -> Result<Json<ReportsReply>, ApiError> {
    device.heard(app.now());
    let batch: Reports = body::json(&body::bytes(body, MAX_REPORTS).await?)?;
    let acknowledged = deployments::reports::take(&app, &device, batch.reports).await?;
    Ok(Json(ReportsReply { acknowledged }))
}
