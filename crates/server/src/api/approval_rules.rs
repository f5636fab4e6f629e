//! Rules that approve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::Body;
use super::openapi::Refused;
use super::shapes::time;
use crate::app::App;
use crate::approvals::rules::{self, Effect, Rules};
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// The rules that approve, in the order in which they are asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RulesBody {
    /// Raised with each change; to be given with the next.
    generation: i64,
    /// Each has a `name` and conditions that all must be met: `packages` (patterns of ids), `tags`,
    /// `patch_type`, `widest_step` (`patch`, `minor`, `major`), `min_age_days`, `security_only`,
    /// `exploited_only`; and `is_enabled`.
    #[schema(value_type = Vec<Object>)]
    rules: Value,
}

impl TryFrom<Rules> for RulesBody {
    type Error = ApiError;

    fn try_from(it: Rules) -> Result<Self, ApiError> {
        Ok(Self {
            generation: it.generation,
            rules: serde_json::to_value(it.rules).map_err(anyhow::Error::from)?,
        })
    }
}

/// What rules would come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleEffectsBody {
    /// The patches that devices lack, that nobody decided on, and that a rule approves.
    patches: Vec<RuleEffectBody>,
}

/// What a rule comes to for a patch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleEffectBody {
    /// The patch's id.
    patch: i64,
    /// Its title.
    title: String,
    /// The version.
    version: String,
    /// The rule.
    rule: String,
    /// From when on it is approved.
    from: String,
    /// How many devices lack it whose policy lets rules approve.
    devices: usize,
}

impl From<Effect> for RuleEffectBody {
    fn from(it: Effect) -> Self {
        Self {
            patch: it.patch.0,
            title: it.title,
            version: it.version,
            rule: it.rule,
            from: time(it.from),
            devices: it.devices,
        }
    }
}

/// The rules that approve, for devices whose policy lets them. There are none until an administrator writes
/// some, and they never approve for critical systems.
#[utoipa::path(get, path = "/api/v1/approval-rules", operation_id = "list_approval_rules",
    tag = "missing patches", responses((status = 200, body = RulesBody), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<RulesBody>, ApiError> {
    rules::load(&app.db).await?.try_into().map(Json)
}

/// Put other rules in place of those that are there.
#[utoipa::path(post, path = "/api/v1/approval-rules", operation_id = "set_approval_rules",
    tag = "missing patches", request_body = RulesBody,
    responses((status = 200, body = RulesBody), Refused))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<RulesBody>,
) -> Result<Json<RulesBody>, ApiError> {
    let rules = rules::set(&app, it.generation, &it.rules, &by.actor).await?;
    rules.try_into().map(Json)
}

/// What rules would approve. Changes nothing.
#[utoipa::path(post, path = "/api/v1/approval-rules/preview",
    operation_id = "preview_approval_rules", tag = "missing patches", request_body = RulesBody,
    responses((status = 200, body = RuleEffectsBody), Refused))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    _: Confirmed,
    Body(it): Body<RulesBody>,
) -> Result<Json<RuleEffectsBody>, ApiError> {
    let effects = rules::preview(&app, &it.rules).await?;
    Ok(Json(RuleEffectsBody {
        patches: effects.into_iter().map(Into::into).collect(),
    }))
}
