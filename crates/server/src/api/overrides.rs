//! What administrators say about matches.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_reconcile::State as AnswerState;
use fleetmend_store::overrides::{self as store, Override};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::openapi::Refused;
use super::shapes::{IdBody, PageBody, page, time, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::missing::overrides::{self, Change, Given, PatchCount, Preview, Turn};
use crate::people::{Confirmed, SignedIn};

/// An override.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverrideBody {
    /// Its number.
    id: i64,
    /// `DisplayName`, or a pattern with `*` and `?` for it; behind a backslash they are letters. Empty
    /// for `version`.
    name: String,
    /// The same for the publisher; empty for any.
    publisher: String,
    /// `is`, `is_not`, `excluded`, `pinned` or `version`.
    decision: String,
    /// The package that it is or is not, or of whose version it is said.
    package: Option<String>,
    /// The highest version that is still wanted of what is pinned; without one, whatever is installed
    /// stays.
    highest: Option<String>,
    /// The `DisplayVersion` of which it is said which version of the package it is.
    registered: Option<String>,
    /// The package's version that it is.
    version: Option<String>,
    /// Why.
    reason: String,
    /// Who said so.
    created_by: String,
    /// When.
    created_at: String,
    /// Who took it back.
    removed_by: Option<String>,
    /// When.
    removed_at: Option<String>,
}

impl From<Override> for OverrideBody {
    fn from(it: Override) -> Self {
        let (removed_by, removed_at) = it.removed.unzip();
        Self {
            id: it.id,
            name: it.what.name,
            publisher: it.what.publisher,
            decision: it.what.decision,
            package: Some(it.what.package).filter(|it| !it.is_empty()),
            highest: Some(it.what.highest).filter(|it| !it.is_empty()),
            registered: Some(it.what.registered).filter(|it| !it.is_empty()),
            version: Some(it.what.version).filter(|it| !it.is_empty()),
            reason: it.what.reason,
            created_by: it.created_by,
            created_at: time(it.created_at),
            removed_by,
            removed_at: time_opt(removed_at),
        }
    }
}

/// What an override says.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewOverrideBody {
    /// `DisplayName`, or a pattern with `*` and `?` for it; behind a backslash they are letters.
    /// Letter case does not count. None for `version`.
    #[serde(default)]
    name: String,
    /// The same for the publisher; empty for any.
    #[serde(default)]
    publisher: String,
    /// `is` (the package is this one), `is_not` (it is not, whatever else speaks for it),
    /// `excluded` (nothing is wanted for it), `pinned` (it stays at the version that it has), or
    /// `version` (what registers a version is this version of the package).
    decision: String,
    /// The package's id, for `is`, `is_not` and `version`.
    #[serde(default)]
    package: String,
    /// For `pinned`: the highest package version that is still wanted, e.g. `3.11.9`. Without one,
    /// whatever is installed stays.
    #[serde(default)]
    highest: String,
    /// For `version`: a `DisplayVersion` that devices have, e.g. `3.11.7150.0`.
    #[serde(default)]
    registered: String,
    /// For `version`: the package's version that it is, e.g. `3.11.7`.
    #[serde(default)]
    version: String,
    /// Why. A preview needs none.
    #[serde(default)]
    reason: String,
}

impl NewOverrideBody {
    fn given(&self) -> Given<'_> {
        Given {
            name: &self.name,
            publisher: &self.publisher,
            decision: &self.decision,
            package: &self.package,
            highest: &self.highest,
            registered: &self.registered,
            version: &self.version,
            reason: &self.reason,
        }
    }
}

/// What an override would change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewBody {
    /// Applications that it is for, each version on its own.
    applications: u64,
    /// Applications whose answer it changes.
    changed: u64,
    /// Devices that have one of them.
    devices: u64,
    /// How many change from which state to which, also where another package or other candidates are all
    /// that changes.
    turns: Vec<TurnBody>,
    /// The first hundred changes, those that most devices have first.
    changes: Vec<ChangeBody>,
    /// Patches that devices lack then and not now: the first hundred, those of most devices first.
    more_missing: Vec<PatchCountBody>,
    /// Patches that devices lack now and not then, in the same way.
    fewer_missing: Vec<PatchCountBody>,
}

/// Applications whose answers change from one state to another, or within one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TurnBody {
    /// The answers' state now.
    #[schema(value_type = String)]
    state: AnswerState,
    /// Their state then.
    #[schema(value_type = String)]
    new_state: AnswerState,
    /// How many applications, each version on its own.
    applications: u64,
    /// How many devices have one of them.
    devices: u64,
}

impl From<Turn> for TurnBody {
    fn from(it: Turn) -> Self {
        Self {
            state: it.before,
            new_state: it.after,
            applications: it.applications,
            devices: it.devices,
        }
    }
}

/// A patch and a number of devices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatchCountBody {
    /// The package's id.
    package: String,
    /// What a person calls it.
    title: String,
    /// The version that is lacked.
    version: String,
    /// On how many devices.
    devices: u64,
}

impl From<PatchCount> for PatchCountBody {
    fn from(it: PatchCount) -> Self {
        Self {
            package: it.package,
            title: it.title,
            version: it.available,
            devices: it.devices,
        }
    }
}

/// An application whose answer changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// `DisplayName`.
    name: String,
    /// `DisplayVersion`.
    version: String,
    /// How many devices have it.
    devices: u64,
    /// The answer's state now.
    #[schema(value_type = String)]
    state: AnswerState,
    /// The package now; where a person must say it, the candidates, with commas.
    package: Option<String>,
    /// The answer's state then.
    #[schema(value_type = String)]
    new_state: AnswerState,
    /// The package then.
    new_package: Option<String>,
}

impl From<Change> for ChangeBody {
    fn from(it: Change) -> Self {
        let some = |package: String| Some(package).filter(|it| !it.is_empty());
        Self {
            name: it.name,
            version: it.version,
            devices: it.devices,
            state: it.before.0,
            package: some(it.before.1),
            new_state: it.after.0,
            new_package: some(it.after.1),
        }
    }
}

impl From<Preview> for PreviewBody {
    fn from(it: Preview) -> Self {
        Self {
            applications: it.applications,
            changed: it.changed,
            devices: it.devices,
            turns: it.turns.into_iter().map(Into::into).collect(),
            changes: it.changes.into_iter().map(Into::into).collect(),
            more_missing: it.more.into_iter().map(Into::into).collect(),
            fewer_missing: it.fewer.into_iter().map(Into::into).collect(),
        }
    }
}

/// Which overrides.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OverrideParams {
    /// With those that were taken back.
    #[serde(default)]
    with_removed: bool,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Overrides, the latest first.
#[utoipa::path(get, path = "/api/v1/overrides", operation_id = "list_overrides",
    tag = "applications", params(OverrideParams),
    responses((status = 200, body = PageBody<OverrideBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<OverrideParams>,
) -> Result<Json<PageBody<OverrideBody>>, ApiError> {
    let listed = store::list(&app.db, it.with_removed, &page(it.after, it.limit))
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// Say what an override would change, without making it.
#[utoipa::path(post, path = "/api/v1/overrides/preview", operation_id = "preview_override",
    tag = "applications", request_body = NewOverrideBody,
    responses((status = 200, body = PreviewBody), Refused))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    _: Confirmed,
    Body(it): Body<NewOverrideBody>,
) -> Result<Json<PreviewBody>, ApiError> {
    Ok(Json(overrides::preview(&app, &it.given()).await?.into()))
}

/// Make an override: all devices are matched anew under it.
#[utoipa::path(post, path = "/api/v1/overrides", operation_id = "create_override",
    tag = "applications", request_body = NewOverrideBody,
    responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewOverrideBody>,
) -> Result<Json<IdBody>, ApiError> {
    let id = overrides::add(&app, &it.given(), &by.actor).await?;
    Ok(Json(IdBody { id }))
}

/// Say what taking an override back would change.
#[utoipa::path(get, path = "/api/v1/overrides/{id}/removal",
    operation_id = "preview_override_removal", tag = "applications",
    params(("id" = i64, Path, description = "The override's number")),
    responses((status = 200, body = PreviewBody), Refused))]
pub(crate) async fn preview_removal(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<PreviewBody>, ApiError> {
    Ok(Json(overrides::preview_removal(&app, id).await?.into()))
}

/// Take an override back: all devices are matched anew without it.
#[utoipa::path(post, path = "/api/v1/overrides/{id}/remove", operation_id = "remove_override",
    tag = "applications", params(("id" = i64, Path, description = "The override's number")),
    responses((status = 204), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    overrides::remove(&app, id, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
