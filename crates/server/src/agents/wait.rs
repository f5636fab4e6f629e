//! `GET /agent/v1/wait`: held until there is something to check in for, so that an order reaches
//! its device at once although only devices ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use fleetmend_protocol::checkin::WaitReply;
use serde::Deserialize;

use crate::agents::Caller;
use crate::app::App;

/// The longest wait, in seconds.
const LONGEST: u64 = 300;

/// How long the agent is ready to wait.
#[derive(Debug, Deserialize)]
pub struct Wait {
    seconds: u64,
}

/// Ends with `wake`, or when the time is over.
pub async fn wait(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    Query(wait): Query<Wait>,
) -> Json<WaitReply> {
    device.heard(app.now());
    let limit = Duration::from_secs(wait.seconds.min(LONGEST));
    let wake = tokio::time::timeout(limit, device.woken()).await.is_ok();
    device.heard(app.now());
    Json(WaitReply { wake })
}
