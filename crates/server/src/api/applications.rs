//! Installed applications: what the server takes them for, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use fleetmend_model::DeviceId;
use fleetmend_reconcile::{Match, State as AnswerState};
use fleetmend_store::applications::{self, ListedApplication};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::devices::{ScanFailureBody, UnreadBody};
use super::extract::{Id, Params};
use super::missing::{MissingBody, PatchBody};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::missing::explain::{self, Explanation};
use crate::missing::on_device;
use crate::people::SignedIn;

/// An installed application and the answer for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationBody {
    /// The application's id.
    id: u32,
    /// `DisplayName`.
    name: String,
    /// `DisplayVersion`; in lists of all applications that of the version that most devices have.
    version: String,
    /// `Publisher`.
    publisher: String,
    /// `missing`, `current`, `newer`, `cannot_tell`, `review`, `unmatched`,
    /// `pinned` or `excluded`; empty where
    /// it is not known yet. Of one device's applications also `not_missing`: it is older than what is on
    /// offer, and the device lacks nothing for its sake.
    state: String,
    /// The package that it is, where that is clear.
    package: Option<String>,
    /// Why.
    why: String,
    /// How many devices have it; in lists of all applications, in any version. A device that has a copy
    /// beside it may lack nothing: how many lack a patch is said by the patch.
    devices: u64,
    /// The packages that it may be, where a person must say which.
    candidates: Vec<CandidateBody>,
}

/// A package that an application may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateBody {
    /// The package's id.
    package: String,
    /// What it rests on: `override`, `product_code`, `upgrade_code`, `software_name`, `name`.
    evidence: &'static str,
    /// `certain`, `strong` or `weak`.
    confidence: &'static str,
    /// The same in a sentence.
    why: String,
}

impl From<Match> for CandidateBody {
    fn from(it: Match) -> Self {
        Self {
            package: it.package,
            evidence: it.evidence.key(),
            confidence: it.confidence.key(),
            why: it.why,
        }
    }
}

fn body(it: ListedApplication, devices: u64, candidates: Vec<Match>) -> ApplicationBody {
    ApplicationBody {
        id: it.answer.software,
        name: it.name,
        version: it.version,
        publisher: it.publisher,
        state: it.answer.state,
        package: Some(it.answer.package).filter(|it| !it.is_empty()),
        why: it.answer.why,
        devices,
        candidates: candidates.into_iter().map(Into::into).collect(),
    }
}

impl ApplicationBody {
    /// A row of the list of all applications, without its candidates.
    pub(crate) fn of_all(it: ListedApplication) -> Self {
        let devices = it.answer.group_devices;
        body(it, devices, Vec::new())
    }
}

/// Which applications.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApplicationParams {
    /// `missing`, `current`, `newer`, `cannot_tell`, `review`, `unmatched`,
    /// `pinned` or `excluded`; of one device's
    /// also `not_missing`.
    #[param(value_type = Option<String>)]
    state: Option<AnswerState>,
    /// Part of the name, case ignored; in lists of all applications also of the package.
    text: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Installed applications, each once whatever its version, those that most devices have first. With
/// `state=review` the review list, with `state=unmatched` those that no package is known for.
#[utoipa::path(get, path = "/api/v1/applications", operation_id = "list_applications",
    tag = "applications", params(ApplicationParams),
    responses((status = 200, body = PageBody<ApplicationBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<ApplicationParams>,
) -> Result<Json<PageBody<ApplicationBody>>, ApiError> {
    let state = it.state.map(AnswerState::key);
    let page = page(it.after, it.limit);
    let listed = applications::list(&app.db, state, it.text.as_deref(), &page)
        .await
        .map_err(stored)?;
    let mut open = explain::open_candidates(&app, &listed.rows).await?;
    Ok(Json(PageBody::of(listed, |row| {
        let candidates = open.remove(&row.answer.software).unwrap_or_default();
        let devices = row.answer.group_devices;
        body(row, devices, candidates)
    })))
}

/// A device's applications, by name.
#[utoipa::path(get, path = "/api/v1/devices/{id}/software", operation_id = "list_device_software",
    tag = "applications",
    params(("id" = i64, Path, description = "The device's id"), ApplicationParams),
    responses((status = 200, body = PageBody<ApplicationBody>), Refused))]
pub(crate) async fn list_of_device(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
    Params(it): Params<ApplicationParams>,
) -> Result<Json<PageBody<ApplicationBody>>, ApiError> {
    let page = page(it.after, it.limit);
    let listed = on_device::list(&app, DeviceId(id), it.state, it.text.as_deref(), &page).await?;
    Ok(Json(PageBody::of(listed, |row| {
        let devices = row.answer.devices;
        body(row, devices, Vec::new())
    })))
}

/// Why an application of a device is what it is taken for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// When the device's inventory changed last.
    inventory_at: Option<String>,
    /// When a scan found that last: the answer is as of then.
    scanned_at: Option<String>,
    /// That the last scan failed; absent where it did not.
    scan_failure: Option<ScanFailureBody>,
    /// Why the application stands as it was seen before; absent where that scan found it.
    unread: Option<UnreadBody>,
    /// Whether its last scan reached all sources.
    inventory_complete: bool,
    /// The application's id.
    id: u32,
    /// `DisplayName`.
    name: String,
    /// `DisplayVersion`.
    version: String,
    /// `Publisher`.
    publisher: String,
    /// Product code of its MSI.
    product_code: Option<String>,
    /// Upgrade code of its MSI.
    upgrade_code: Option<String>,
    /// `missing`, `not_missing`, `current`, `newer`, `cannot_tell`, `review`, `unmatched`,
    /// `pinned` or `excluded`:
    /// what it comes to on the device.
    #[schema(value_type = String)]
    state: AnswerState,
    /// Why: the match and the comparison of versions, or what else is on the device. Of a package of the
    /// machine's own package manager, that one's word.
    why: String,
    /// The answer for the application alone, where something else on the device makes another one of
    /// it. Absent of a package of the machine's own package manager.
    alone: Option<AloneBody>,
    /// The match, where there is one.
    found: Option<CandidateBody>,
    /// Everything that it may be by its codes and its name.
    candidates: Vec<CandidateBody>,
    /// The version that Chocolatey recorded for the package on the device.
    chocolatey: Option<String>,
    /// Whether Chocolatey on the device has that pinned.
    chocolatey_pinned: bool,
    /// The package's patch that the device lacks.
    patch: Option<PatchBody>,
    /// How it is missing.
    missing: Option<MissingBody>,
}

/// An answer for an application alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AloneBody {
    /// Its state.
    #[schema(value_type = String)]
    state: AnswerState,
    /// Why: the match and the comparison of versions.
    why: String,
}

impl From<Explanation> for ExplanationBody {
    fn from(it: Explanation) -> Self {
        let (state, why) = it.told();
        let why = why.to_owned();
        let alone = it.alone().map(|(state, why)| AloneBody {
            state,
            why: why.to_owned(),
        });
        let (patch, missing) = match it.missing {
            Some(row) => (Some(row.patch.into()), Some(row.missing.into())),
            None => (None, None),
        };
        Self {
            device: it.device.id.0,
            hostname: it.device.host.hostname,
            inventory_at: time_opt(it.device.inventory_at),
            scanned_at: time_opt(it.scanned_at),
            unread: it.kept.map(UnreadBody::from),
            scan_failure: ScanFailureBody::of(it.device.scan_failure),
            inventory_complete: it.device.inventory_complete,
            id: it.id,
            state,
            why,
            alone,
            name: it.software.name,
            version: it.software.version,
            publisher: it.software.publisher,
            product_code: it.software.product_code,
            upgrade_code: it.software.upgrade_code,
            found: it.found.map(Into::into),
            candidates: it.candidates.into_iter().map(Into::into).collect(),
            chocolatey_pinned: it.record.as_ref().is_some_and(|it| it.pinned),
            chocolatey: it.record.map(|it| it.version),
            patch,
            missing,
        }
    }
}

/// Explain the answer for an application of a device.
#[utoipa::path(get, path = "/api/v1/devices/{id}/software/{software}",
    operation_id = "get_device_software", tag = "applications",
    params(("id" = i64, Path, description = "The device's id"),
        ("software" = u32, Path, description = "The application's id")),
    responses((status = 200, body = ExplanationBody), Refused))]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    _: SignedIn,
    path: Result<Path<(i64, u32)>, axum::extract::rejection::PathRejection>,
) -> Result<Json<ExplanationBody>, ApiError> {
    let Path((device, software)) =
        path.map_err(|_| ApiError::Missing("there is no such application".to_owned()))?;
    let found = explain::explain(&app, DeviceId(device), software).await?;
    Ok(Json(found.into()))
}
