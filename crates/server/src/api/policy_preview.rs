//! What a change of a policy comes to, before it is made.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::PolicyId;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Body, Id};
use super::openapi::Refused;
use super::policies::NewPolicyBody;
use crate::app::App;
use crate::error::ApiError;
use crate::people::Confirmed;
use crate::policies::effect::{self, Change, Effect};

/// What a change of a policy comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyEffectBody {
    /// How many devices have the policy.
    devices_before: usize,
    /// How many would.
    devices_after: usize,
    /// How many devices would have another policy than now.
    devices_changed: usize,
    /// How many deploy jobs that wait would be answered otherwise.
    jobs_changed: usize,
    /// Of how many patches on devices the plan of the next seven days would say something else.
    plan_changed: usize,
    /// The first 50 of these.
    changes: Vec<PlanChangeBody>,
}

/// A patch on a device of which the plan would say something else.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanChangeBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// The patch's id.
    patch: i64,
    /// When it runs by now, or why not.
    before: String,
    /// The same afterwards.
    after: String,
}

impl From<Change> for PlanChangeBody {
    fn from(it: Change) -> Self {
        Self {
            device: it.device.0,
            hostname: it.hostname,
            patch: it.patch.0,
            before: it.before,
            after: it.after,
        }
    }
}

impl From<Effect> for PolicyEffectBody {
    fn from(it: Effect) -> Self {
        Self {
            devices_before: it.devices_before,
            devices_after: it.devices_after,
            devices_changed: it.devices_changed,
            jobs_changed: it.jobs_changed,
            plan_changed: it.plan_changed,
            changes: it.changes.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a new policy would come to: for devices, for jobs that wait, and for the plan of the next seven days.
/// Changes nothing.
#[utoipa::path(post, path = "/api/v1/policies/preview", operation_id = "preview_new_policy",
    tag = "policies", request_body = NewPolicyBody,
    responses((status = 200, body = PolicyEffectBody), Refused))]
pub(crate) async fn of_new(
    State(app): State<Arc<App>>,
    _: Confirmed,
    Body(it): Body<NewPolicyBody>,
) -> Result<Json<PolicyEffectBody>, ApiError> {
    Ok(Json(effect::preview(&app, None, &it.given()).await?.into()))
}

/// What a change of a policy would come to. Changes nothing.
#[utoipa::path(post, path = "/api/v1/policies/{id}/preview", operation_id = "preview_policy",
    tag = "policies", params(("id" = i64, Path, description = "The policy's number")),
    request_body = NewPolicyBody, responses((status = 200, body = PolicyEffectBody), Refused))]
pub(crate) async fn of_one(
    State(app): State<Arc<App>>,
    _: Confirmed,
    Id(id): Id,
    Body(it): Body<NewPolicyBody>,
) -> Result<Json<PolicyEffectBody>, ApiError> {
    let effect = effect::preview(&app, Some(PolicyId(id)), &it.given()).await?;
    Ok(Json(effect.into()))
}
