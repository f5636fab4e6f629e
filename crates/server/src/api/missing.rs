//! Missing patches and the systems that they affect.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_store::holds;
use fleetmend_store::missing::{
    self, Dates, LatestJob, Missing, MissingPatch, PatchFilter, PatchSort,
};
use fleetmend_store::patches::{self, Patch};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::devices::ScanFailureBody;
use super::extract::{Id, Params};
use super::holds::HoldBody;
use super::openapi::Refused;
use super::shapes::{DeployStatusBody, PageBody, page, time, time_opt};
use crate::app::App;
use crate::catalog::readiness;
use crate::console::stored;
use crate::error::ApiError;
use crate::missing::published;
use crate::people::SignedIn;

/// A newer version that devices lack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatchBody {
    /// Its id.
    id: i64,
    /// `os` or `third_party`.
    patch_type: &'static str,
    /// The package's name.
    name: String,
    /// The architecture; empty where it does not matter.
    architecture: String,
    /// The version that it brings.
    version: String,
    /// What a person calls it.
    title: String,
    /// Whether it closes a security hole, as its origin says.
    security: bool,
    /// The archive or source that offers it.
    origin: String,
    /// When a device lacked it first.
    first_seen: String,
}

impl From<Patch> for PatchBody {
    fn from(it: Patch) -> Self {
        Self {
            id: it.id.0,
            patch_type: it.patch_type.key(),
            name: it.name,
            architecture: it.architecture,
            version: it.version,
            title: it.title,
            security: it.security,
            origin: it.origin,
            first_seen: time(it.first_seen),
        }
    }
}

/// When what happened to a patch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatesBody {
    /// When its source published it, where it says so.
    published: Option<String>,
    /// When the catalog had it first.
    seen: Option<String>,
    /// When the server had its files and made a release of it first.
    mirrored: Option<String>,
    /// When a device that had lacked it was first found to have it.
    first_fixed: Option<String>,
    /// When one was last.
    last_fixed: Option<String>,
}

impl From<Dates> for DatesBody {
    fn from(it: Dates) -> Self {
        Self {
            published: time_opt(it.published.as_deref().and_then(published::at)),
            seen: time_opt(it.seen),
            mirrored: time_opt(it.mirrored),
            first_fixed: time_opt(it.first_fixed),
            last_fixed: time_opt(it.last_fixed),
        }
    }
}

/// A patch with its dates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatchDetailBody {
    /// What.
    patch: PatchBody,
    /// When what happened to it.
    dates: DatesBody,
    /// Why it is offered nowhere, where it was in vain on several devices.
    held_everywhere: Option<HoldBody>,
}

/// One patch, whether devices lack it or not any more.
#[utoipa::path(get, path = "/api/v1/missing/{id}", operation_id = "get_patch",
    tag = "missing patches", params(("id" = i64, Path, description = "The patch's id")),
    responses((status = 200, body = PatchDetailBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<PatchDetailBody>, ApiError> {
    let patch = patches::get(&app.db, PatchId(id)).await.map_err(stored)?;
    let patch = patch.ok_or_else(|| ApiError::Missing(format!("there is no patch {id}")))?;
    let dates = missing::dates(&app.db, patch.id).await.map_err(stored)?;
    let held = holds::everywhere(&app.db, patch.id).await.map_err(stored)?;
    Ok(Json(PatchDetailBody {
        patch: patch.into(),
        dates: dates.into(),
        held_everywhere: held.map(Into::into),
    }))
}

/// How a patch is missing on a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MissingBody {
    /// The version that is installed.
    installed_version: String,
    /// What the match rests on.
    evidence: &'static str,
    /// `certain` or `strong`.
    confidence: &'static str,
    /// Why it is missing, in words.
    reason: String,
    /// Since when.
    since: String,
}

impl From<Missing> for MissingBody {
    fn from(it: Missing) -> Self {
        Self {
            installed_version: it.grounds.installed_version,
            evidence: it.grounds.evidence.key(),
            confidence: it.grounds.confidence.key(),
            reason: it.grounds.reason,
            since: time(it.since),
        }
    }
}

/// The latest deploy job of a device for a patch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestJobBody {
    /// Its id.
    id: i64,
    /// Where it stands.
    status: DeployStatusBody,
    /// Why.
    cause: String,
    /// Since when.
    at: String,
}

impl From<LatestJob> for LatestJobBody {
    fn from(it: LatestJob) -> Self {
        Self {
            id: it.job.0,
            status: it.state.into(),
            cause: it.cause,
            at: time(it.at),
        }
    }
}

/// A patch that devices of a system type lack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MissingPatchBody {
    /// What.
    patch: PatchBody,
    /// `normal` or `critical`.
    system_type: &'static str,
    /// `not_approved`, `approved` or `disapproved`.
    approval: &'static str,
    /// Who decided; empty where nobody did.
    decided_by: String,
    /// When.
    decided_at: Option<String>,
    /// Why, as far as said.
    reason: String,
    /// How many devices of that type lack it.
    affected: u64,
    /// On how many of these no scan confirmed that for seven days, as it was counted last: each quarter of
    /// an hour.
    old_answers: u64,
    /// On how many of these it was installed and the version did not change.
    held_devices: u64,
    /// Why it is offered nowhere, where it was in vain on several devices.
    held_everywhere: Option<HoldBody>,
    /// When what happened to it.
    dates: DatesBody,
    /// Why it cannot be deployed anywhere, whoever approves it.
    not_deployable: Option<String>,
}

impl MissingPatchBody {
    /// A row, with why its patch cannot be deployed, where it is among those.
    pub(crate) fn of(row: MissingPatch, why_not: &HashMap<PatchId, String>) -> Self {
        let not_deployable = why_not.get(&row.patch.id).cloned();
        Self {
            patch: row.patch.into(),
            system_type: row.system_type.key(),
            approval: row.approval.key(),
            decided_by: row.decided_by,
            decided_at: time_opt(row.decided_at),
            reason: row.decision_reason,
            affected: row.affected,
            old_answers: row.old_answers,
            held_devices: row.held_devices,
            held_everywhere: row.held_everywhere.map(Into::into),
            dates: row.dates.into(),
            not_deployable,
        }
    }
}

/// Which missing patches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MissingParams {
    /// `os` or `third_party`.
    #[param(value_type = Option<String>)]
    patch_type: Option<PatchType>,
    /// `normal` or `critical`.
    #[param(value_type = Option<String>)]
    system_type: Option<SystemType>,
    /// `not_approved`, `approved` or `disapproved`.
    #[param(value_type = Option<String>)]
    approval: Option<Approval>,
    /// Part of the title or name, case ignored.
    title: Option<String>,
    /// Part of the name of a host that lacks it, case ignored.
    hostname: Option<String>,
    /// Whether it closes a security hole.
    security: Option<bool>,
    /// Whether it is held everywhere or on some device.
    held: Option<bool>,
    /// Published then or later: a day or a time.
    published_since: Option<String>,
    /// Published before that: a day or a time.
    published_before: Option<String>,
    /// Whether a device that had lacked it was found to have it. With `true` also those that no device
    /// lacks any more.
    fixed: Option<bool>,
    /// Also those that no device lacks any more, where one was found to have it.
    with_fixed: Option<bool>,
    /// `title` (the default), `affected` (those that most devices lack first) or `newest`.
    #[param(value_type = Option<String>)]
    sort: Option<PatchSort>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Missing patches, a row for each patch and system type.
#[utoipa::path(get, path = "/api/v1/missing", operation_id = "list_missing_patches",
    tag = "missing patches", params(MissingParams),
    responses((status = 200, body = PageBody<MissingPatchBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<MissingParams>,
) -> Result<Json<PageBody<MissingPatchBody>>, ApiError> {
    let filter = PatchFilter {
        patch_type: it.patch_type,
        system_type: it.system_type,
        approval: it.approval,
        title: it.title,
        hostname: it.hostname,
        security: it.security,
        held: it.held,
        published_since: published::of("published_since", it.published_since.as_deref())?,
        published_before: published::of("published_before", it.published_before.as_deref())?,
        fixed: it.fixed,
        with_fixed: it.with_fixed.unwrap_or_default(),
    };
    let page = page(it.after, it.limit);
    let listed = missing::list(&app.db, &filter, it.sort.unwrap_or_default(), &page)
        .await
        .map_err(stored)?;
    let why_not = readiness::of_patches(&app, listed.rows.iter().map(|row| &row.patch))
        .await
        .map_err(stored)?;
    let body = |row| MissingPatchBody::of(row, &why_not);
    Ok(Json(PageBody::of(listed, body)))
}

/// A device that lacks a patch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AffectedSystemBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// `normal` or `critical`.
    system_type: &'static str,
    /// When it was heard from last, as far as written down.
    last_seen: String,
    /// When a scan found last that it lacks the patch, as far as written down.
    scanned_at: Option<String>,
    /// That the last scan failed; absent where it did not.
    scan_failure: Option<ScanFailureBody>,
    /// What a deployment needs that the device does not have.
    cannot_deploy: Option<String>,
    /// How the patch is missing.
    missing: MissingBody,
    /// The device's latest job for it.
    latest_job: Option<LatestJobBody>,
    /// What keeps the patch from being offered again to it.
    hold: Option<HoldBody>,
}

/// Which affected systems.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SystemParams {
    /// `normal` or `critical`.
    #[param(value_type = Option<String>)]
    system_type: Option<SystemType>,
    /// Part of the host name, case ignored.
    hostname: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// The systems that lack a patch, by host name.
#[utoipa::path(get, path = "/api/v1/missing/{id}/systems", operation_id = "list_affected_systems",
    tag = "missing patches",
    params(("id" = i64, Path, description = "The patch's id"), SystemParams),
    responses((status = 200, body = PageBody<AffectedSystemBody>), Refused))]
pub(crate) async fn list_systems(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
    Params(it): Params<SystemParams>,
) -> Result<Json<PageBody<AffectedSystemBody>>, ApiError> {
    let patch = PatchId(id);
    if patches::get(&app.db, patch)
        .await
        .map_err(stored)?
        .is_none()
    {
        return Err(ApiError::Missing(format!("there is no patch {id}")));
    }
    let page = page(it.after, it.limit);
    let hostname = it.hostname.as_deref();
    let listed = missing::affected_systems(&app.db, patch, it.system_type, hostname, &page)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, |row| AffectedSystemBody {
        device: row.missing.device.0,
        hostname: row.hostname,
        system_type: row.system_type.key(),
        last_seen: time(row.last_seen),
        scanned_at: time_opt(row.scanned_at),
        scan_failure: ScanFailureBody::of(row.scan_failure),
        cannot_deploy: row.cannot_deploy,
        missing: row.missing.into(),
        latest_job: row.job.map(Into::into),
        hold: row.hold.map(Into::into),
    })))
}
