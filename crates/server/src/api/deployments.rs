//! Deploying patches: who would get it, and doing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_plan::{Decision, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use super::shapes::time;
use crate::app::App;
use crate::deployments::{self, Asked};
use crate::error::ApiError;
use crate::people::Confirmed;

/// What is to be deployed where.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DeployBody {
    /// The patch's id.
    #[schema(value_type = i64)]
    patch: PatchId,
    /// The devices' ids; absent: all that lack the patch.
    #[schema(value_type = Option<Vec<i64>>)]
    devices: Option<Vec<DeviceId>>,
    /// Whether install windows and days without changes do not count; they do by default.
    at_any_time: Option<bool>,
}

impl DeployBody {
    fn asked(&self) -> Asked<'_> {
        Asked {
            patch: self.patch,
            devices: self.devices.as_deref(),
            at_any_time: self.at_any_time.unwrap_or(false),
        }
    }
}

/// What runs where, and why not elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanBody {
    /// The deployment that was made; absent in a preview, and when no device gets the patch.
    deployment: Option<i64>,
    /// The patch's id.
    patch: i64,
    /// The version to install.
    version: String,
    /// One entry a device, by host name.
    devices: Vec<PlanEntryBody>,
}

/// The decision for one device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanEntryBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// Whether it gets the patch.
    deploys: bool,
    /// When it may start there first; absent where it does not get it.
    starts_at: Option<String>,
    /// The window that it waits for, in words by the device's clock; absent where it may start now.
    waits_for: Option<String>,
    /// Why not, in words.
    why_not: Option<String>,
    /// Why not, as data: `why` names the reason.
    #[schema(value_type = Option<Object>)]
    reason: Option<fleetmend_plan::Reason>,
}

fn plan_body(deployment: Option<i64>, plan: Plan) -> PlanBody {
    let entries = plan.entries.into_iter().map(|entry| {
        let start = entry.decision.start();
        let starts_at = start.map(|it| time(it.slot.at));
        let waits_for = start
            .and_then(|it| it.slot.later(plan.now))
            .map(str::to_owned);
        let reason = match entry.decision {
            Decision::Deploy(_) => None,
            Decision::Not(reason) => Some(reason),
        };
        PlanEntryBody {
            device: entry.device.0,
            hostname: entry.hostname,
            deploys: reason.is_none(),
            starts_at,
            waits_for,
            why_not: reason.as_ref().map(ToString::to_string),
            reason,
        }
    });
    PlanBody {
        deployment,
        patch: plan.patch.id.0,
        version: plan.patch.version,
        devices: entries.collect(),
    }
}

/// Who would get a patch and when, and who not and why. Changes nothing.
#[utoipa::path(post, path = "/api/v1/deployments/preview", operation_id = "preview_deployment",
    tag = "deployments", request_body = DeployBody,
    responses((status = 200, body = PlanBody), Refused))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    _: Confirmed,
    Body(it): Body<DeployBody>,
) -> Result<Json<PlanBody>, ApiError> {
    let plan = deployments::preview(&app, &it.asked()).await?;
    Ok(Json(plan_body(None, plan)))
}

/// Deploy a patch.
///
/// Each device gets it in the next window of its policy, or at once where it has none.
#[utoipa::path(post, path = "/api/v1/deployments", operation_id = "create_deployment",
    tag = "deployments", request_body = DeployBody,
    responses((status = 200, body = PlanBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<DeployBody>,
) -> Result<Json<PlanBody>, ApiError> {
    let (deployment, plan) = deployments::deploy(&app, &it.asked(), &by.actor).await?;
    Ok(Json(plan_body(deployment.map(|it| it.0), plan)))
}
