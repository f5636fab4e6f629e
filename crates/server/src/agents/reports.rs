//! `POST /agent/v1/reports`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fleetmend_protocol::reports::{Report, Reports, ReportsReply};

use crate::agents::{Caller, body, epoch};
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
    let (epoch, batch) = read(&body::bytes(body, MAX_REPORTS).await?)?;
    epoch::check(&epoch)?;
    let acknowledged = deployments::reports::take(&app, &device, &epoch, batch).await?;
    Ok(Json(ReportsReply { acknowledged }))
}

/// A report, or its number and why it cannot be understood.
pub type Taken = Result<Report, (i64, String)>;

/// Reads a batch and its epoch, each report on its own: one that only a newer server understands must not keep
/// those behind it back for good. What has no number cannot be acknowledged and is an error.
fn read(bytes: &[u8]) -> Result<(String, Vec<Taken>), ApiError> {
    if let Ok(batch) = serde_json::from_slice::<Reports>(bytes) {
        return Ok((batch.epoch, batch.reports.into_iter().map(Ok).collect()));
    }
    let batch: Batch = body::json(bytes)?;
    let numbered = batch.reports.into_iter().enumerate().map(|(at, report)| {
        let sequence = report.get("sequence").and_then(serde_json::Value::as_i64);
        let Some(sequence) = sequence else {
            let field = format!("reports[{at}].sequence");
            return Err(ApiError::Bad(format!(
                "field '{field}': it is not a whole number"
            )));
        };
        let read = serde_path_to_error::deserialize::<_, Report>(report);
        Ok(read.map_err(|error| {
            (
                sequence,
                format!("field '{}': {}", error.path(), error.inner()),
            )
        }))
    });
    Ok((batch.epoch, numbered.collect::<Result<_, _>>()?))
}

/// [`Reports`] whose reports are not looked into yet.
#[derive(serde::Deserialize)]
struct Batch {
    #[serde(default)]
    epoch: String,
    reports: Vec<serde_json::Value>,
}
