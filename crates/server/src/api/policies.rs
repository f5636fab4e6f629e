//! Policies: what is set for which devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::PolicyId;
use fleetmend_store::policies as store;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Body, Id};
use super::openapi::Refused;
use super::shapes::{IdBody, PageBody, time};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};
use crate::policies::{self, Given, Listed};

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyBody {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// Whether devices can have it.
    enabled: bool,
    /// Whether it is for the devices that no other one takes.
    rest: bool,
    /// Whose it is: `include`, conditions of which one must be met, and `exclude`, of which none may be.
    #[schema(value_type = Object)]
    scope: Value,
    /// What it sets, with all that nobody set at its default.
    #[schema(value_type = Object)]
    settings: Value,
    /// Raised with each change; to be given with the next.
    generation: i64,
    /// Who changed it last.
    updated_by: String,
    /// When.
    updated_at: String,
}

fn read(text: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(text)?)
}

fn body(it: store::Policy) -> Result<PolicyBody, ApiError> {
    Ok(PolicyBody {
        id: it.id.0,
        scope: read(&it.what.scope)?,
        settings: policies::settings_in_full(&it)?,
        name: it.what.name,
        enabled: it.what.is_enabled,
        rest: it.is_rest,
        generation: it.generation,
        updated_by: it.updated_by,
        updated_at: time(it.updated_at),
    })
}

/// A policy in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedPolicyBody {
    /// The policy.
    #[serde(flatten)]
    policy: PolicyBody,
    /// How many devices have it.
    devices: u64,
}

/// A policy and the devices that have it.
pub(crate) fn listed(it: Listed) -> Result<ListedPolicyBody, ApiError> {
    Ok(ListedPolicyBody {
        devices: it.devices,
        policy: body(it.policy)?,
    })
}

/// A policy with what it was before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyDetailBody {
    /// The policy.
    #[serde(flatten)]
    policy: PolicyBody,
    /// Each change, the latest first.
    versions: Vec<VersionBody>,
}

/// What a policy was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionBody {
    /// In which generation.
    generation: i64,
    /// Its name.
    name: String,
    /// Whether devices could have it; absent where that was not kept then.
    enabled: Option<bool>,
    /// Whose it was.
    #[schema(value_type = Object)]
    scope: Value,
    /// What it set beside the defaults.
    #[schema(value_type = Object)]
    settings: Value,
    /// Who made it so.
    changed_by: String,
    /// When.
    at: String,
}

/// A policy that is to be there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicyBody {
    /// Its name.
    name: String,
    /// Whether devices can have it.
    #[serde(default = "yes")]
    enabled: bool,
    /// Whose it is.
    #[schema(value_type = Object)]
    scope: Value,
    /// What it sets beside the defaults.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    settings: Value,
}

/// What a policy is to be: all of it, for what is left out would be lost.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPolicyBody {
    /// Its name.
    name: String,
    /// Whether devices can have it.
    enabled: bool,
    /// Whose it is.
    #[schema(value_type = Object)]
    scope: Value,
    /// What it sets beside the defaults.
    #[schema(value_type = Object)]
    settings: Value,
    /// The generation that is changed.
    generation: i64,
}

fn yes() -> bool {
    true
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

impl NewPolicyBody {
    pub(crate) fn given(self) -> Given {
        Given {
            name: self.name,
            is_enabled: self.enabled,
            scope: self.scope,
            settings: self.settings,
        }
    }
}

impl ChangedPolicyBody {
    fn given(self) -> Given {
        Given {
            name: self.name,
            is_enabled: self.enabled,
            scope: self.scope,
            settings: self.settings,
        }
    }
}

/// Where a policy is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RankBody {
    /// 1 is the first that is asked.
    rank: u32,
}

/// Policies, in the order in which they are asked: the first that takes a device is the device's.
#[utoipa::path(get, path = "/api/v1/policies", operation_id = "list_policies", tag = "policies",
    responses((status = 200, body = PageBody<ListedPolicyBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<PageBody<ListedPolicyBody>>, ApiError> {
    let all = policies::list(&app).await?.into_iter();
    let items = all.map(listed).collect::<Result<_, _>>()?;
    Ok(Json(PageBody::whole(items)))
}

/// Add a policy, behind all others but the one for what no other takes.
#[utoipa::path(post, path = "/api/v1/policies", operation_id = "create_policy", tag = "policies",
    request_body = NewPolicyBody, responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewPolicyBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = policies::add(&app, &it.given(), &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}

/// A policy, and who changed it when.
#[utoipa::path(get, path = "/api/v1/policies/{id}", operation_id = "get_policy", tag = "policies",
    params(("id" = i64, Path, description = "The policy's number")),
    responses((status = 200, body = PolicyDetailBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<PolicyDetailBody>, ApiError> {
    Ok(Json(detail(&app, PolicyId(id)).await?))
}

/// A policy, and what it was.
pub(crate) async fn detail(app: &App, id: PolicyId) -> Result<PolicyDetailBody, ApiError> {
    let policy = body(policies::get(&app.db, id).await?)?;
    let versions = store::versions(&app.db, id).await.map_err(stored)?;
    let version = |it: store::Version| -> anyhow::Result<VersionBody> {
        Ok(VersionBody {
            generation: it.generation,
            name: it.name,
            enabled: it.is_enabled,
            scope: read(&it.scope)?,
            settings: read(&it.settings)?,
            changed_by: it.changed_by,
            at: time(it.at),
        })
    };
    let versions = versions.into_iter().map(version);
    Ok(PolicyDetailBody {
        policy,
        versions: versions.collect::<anyhow::Result<_>>()?,
    })
}

/// Change a policy; 409 if somebody did since the given generation.
#[utoipa::path(post, path = "/api/v1/policies/{id}", operation_id = "set_policy", tag = "policies",
    params(("id" = i64, Path, description = "The policy's number")),
    request_body = ChangedPolicyBody, responses((status = 204), Refused))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<ChangedPolicyBody>,
) -> Result<StatusCode, ApiError> {
    let generation = it.generation;
    policies::set(&app, PolicyId(id), generation, &it.given(), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a policy asked at another place; the one for what no other takes is always the last.
#[utoipa::path(post, path = "/api/v1/policies/{id}/rank", operation_id = "move_policy",
    tag = "policies", params(("id" = i64, Path, description = "The policy's number")),
    request_body = RankBody, responses((status = 204), Refused))]
pub(crate) async fn set_rank(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<RankBody>,
) -> Result<StatusCode, ApiError> {
    policies::set_rank(&app, PolicyId(id), it.rank, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a policy: its devices have the next one that takes them.
#[utoipa::path(post, path = "/api/v1/policies/{id}/remove", operation_id = "remove_policy",
    tag = "policies", params(("id" = i64, Path, description = "The policy's number")),
    responses((status = 204), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    policies::remove(&app, PolicyId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
