//! Decisions on patches.

use std::sync::Arc;

use axum::extract::State;
use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use crate::app::App;
use crate::approvals;
use crate::error::ApiError;
use crate::people::Confirmed;

/// One decision for many patches.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ApprovalsBody {
    /// On which patches, for which system types.
    patches: Vec<DecidedBody>,
    /// `approved`, `disapproved`, or `not_approved` to take a decision back.
    #[schema(value_type = String)]
    decision: Approval,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// A patch and a system type.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DecidedBody {
    /// The patch's id.
    #[schema(value_type = i64)]
    patch: PatchId,
    /// `normal` or `critical`.
    #[schema(value_type = String)]
    system_type: SystemType,
}

/// Decide on patches.
#[utoipa::path(post, path = "/api/v1/approvals", operation_id = "set_approvals",
    tag = "missing patches", request_body = ApprovalsBody,
    responses((status = 204, description = "Decided"), Refused))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<ApprovalsBody>,
) -> Result<StatusCode, ApiError> {
    let patches: Vec<_> = it
        .patches
        .iter()
        .map(|it| (it.patch, it.system_type))
        .collect();
    approvals::set(&app, &patches, it.decision, &it.reason, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
