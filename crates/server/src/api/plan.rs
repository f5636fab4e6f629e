//! The plan: what runs until a time to come, and why not elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::openapi::Refused;
use super::shapes::{time, time_opt};
use crate::app::App;
use crate::error::ApiError;
use crate::people::SignedIn;
use crate::plan::shown::{self, Line, PlanQuery, Shown};

/// The most entries of one answer.
const MOST: usize = 10_000;

/// Which plan is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlanParams {
    /// Up to when: a day (`2026-11-26`) or a time (RFC 3339); a day from now by default.
    until: Option<String>,
    /// One device, by its id or host name: all that it lacks is planned. Of all devices what is approved for
    /// some is.
    device: Option<String>,
}

/// What runs until a time to come, and why not elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NightBody {
    /// The number of the last change that people had made: the same one is the same decisions.
    generation: i64,
    /// When it was planned.
    now: String,
    /// The first moment that is not planned.
    until: String,
    /// How many entries run.
    runs: usize,
    /// How many entries there are.
    total: usize,
    /// By host name, and there in the order in which they run; the first 10,000.
    entries: Vec<NightEntryBody>,
}

/// What is done about a patch on a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NightEntryBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// The patch's id.
    patch: i64,
    /// The patch's title.
    title: String,
    /// The version to install.
    version: String,
    /// Whether it runs.
    runs: bool,
    /// When it may start; absent where it does not.
    starts_at: Option<String>,
    /// From when to when by the device's clock; absent where it does not run.
    window: Option<String>,
    /// Its turn among what starts on the device then, from 1; absent where it does not run.
    turn: Option<usize>,
    /// What is to be known beside.
    notes: Vec<String>,
    /// Why it does not run, in words.
    why_not: Option<String>,
    /// Why not, as data: `why` names the reason.
    #[schema(value_type = Option<Object>)]
    reason: Option<fleetmend_plan::Reason>,
}

impl From<Line> for NightEntryBody {
    fn from(it: Line) -> Self {
        let runs = it.at.is_some();
        Self {
            device: it.device.0,
            hostname: it.hostname,
            patch: it.patch.0,
            title: it.title,
            version: it.version,
            runs,
            starts_at: time_opt(it.at),
            window: runs.then(|| it.says.clone()),
            turn: runs.then_some(it.position),
            notes: it.notes,
            why_not: (!runs).then_some(it.says),
            reason: it.reason,
        }
    }
}

impl From<Shown> for NightBody {
    fn from(it: Shown) -> Self {
        Self {
            generation: it.night.generation,
            now: time(it.night.now),
            until: time(it.night.until),
            runs: it.night.runs(),
            total: it.lines.len(),
            entries: it.lines.into_iter().take(MOST).map(Into::into).collect(),
        }
    }
}

/// What runs until a time to come, device by device, with when or why not. Changes nothing.
#[utoipa::path(get, path = "/api/v1/plan", operation_id = "get_plan", tag = "deployments",
    params(PlanParams), responses((status = 200, body = NightBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<PlanParams>,
) -> Result<Json<NightBody>, ApiError> {
    let query = PlanQuery {
        until: it.until,
        device: it.device,
    };
    Ok(Json(shown::plan(&app, &query).await?.into()))
}
