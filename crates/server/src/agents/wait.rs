//! `GET /agent/v1/wait`: held until there is something to check in for, so that an order reaches
//! its device at once although only devices ask.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use fleetmend_protocol::checkin::WaitReply;
use serde::Deserialize;

use crate::agents::Caller;
use crate::app::App;
use crate::error::ApiError;
use crate::net::listener::{Held, Holder};

/// The longest wait, in seconds.
const LONGEST: u64 = 300;

/// How long the agent is ready to wait.
#[derive(Debug, Deserialize)]
pub struct Wait {
    seconds: u64,
}

/// Hands the request over to be held by its connection, which answers it.
pub async fn wait(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    Extension(holder): Extension<Holder>,
    Query(wait): Query<Wait>,
) -> Result<Json<WaitReply>, ApiError> {
    device.heard(app.now());
    let limit = Duration::from_secs(wait.seconds.min(LONGEST));
    if holder.0.send(Held { device, limit }).await.is_err() {
        return Err(ApiError::Busy("the connection is ending".to_owned()));
    }
    std::future::pending().await
}
