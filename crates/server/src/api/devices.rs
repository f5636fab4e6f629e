//! Devices and what each lacks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::inventory::Part;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::devices::{self, Device, DeviceFilter, DeviceSort, Refusal};
use fleetmend_store::inventories::{self, Carried};
use fleetmend_store::missing::{self, DevicePatch, PatchFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::holds::HoldBody;
use super::missing::{LatestJobBody, MissingBody, PatchBody};
use super::openapi::Refused;
use super::shapes::{CountBody, PageBody, ScanStatusBody, page, time, time_opt};
use crate::agents;
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::inventory::system_type;
use crate::inventory::unread::shorten;
use crate::missing::age::Age;
use crate::missing::published;
use crate::people::{Confirmed, SignedIn};

/// A device. Its texts are the device's own word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceBody {
    /// Its id.
    id: i64,
    /// The machine's name.
    hostname: String,
    /// `windows` or `linux`.
    os_family: &'static str,
    /// The operating system's name.
    os_name: String,
    /// The operating system's version.
    os_version: String,
    /// `x86_64`, `aarch64`, `x86`.
    architecture: String,
    /// `normal` or `critical`.
    system_type: &'static str,
    /// The agent's version.
    agent_version: String,
    /// When it enrolled.
    enrolled_at: String,
    /// When it was heard from last.
    last_seen: String,
    /// The latest scan; absent before the first.
    scan: Option<ScanBody>,
    /// When its inventory changed last; absent before the first.
    inventory_at: Option<String>,
    /// When a scan found that inventory last: all that is said of what the device has is as of then.
    scanned_at: Option<String>,
    /// That the last scan failed; absent where it did not.
    scan_failure: Option<ScanFailureBody>,
    /// What of its agent the server refused last, until it takes the like again.
    refusal: Option<RefusalBody>,
    /// What the last scan did not read, the first 100; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<Vec<UnreadBody>>,
    /// How many more it did not read; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_more: Option<usize>,
    /// Whether the last scan reached all of its sources.
    inventory_complete: bool,
    /// Which it did not reach, and why.
    inventory_note: String,
    /// OS patches that it lacks.
    missing_os: u32,
    /// Third-party patches that it lacks.
    missing_third_party: u32,
    /// Why a restart is due.
    restart_pending: Option<String>,
    /// What a deployment needs that the device does not have.
    cannot_deploy: Option<String>,
    /// The number of its policy; absent until it was looked at.
    policy: Option<i64>,
    /// Why it has that one.
    policy_why: String,
    /// When it was taken out of management.
    removed_at: Option<String>,
}

/// A device's latest scan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScanBody {
    /// Where it stands.
    status: ScanStatusBody,
    /// Why.
    cause: String,
    /// Since when.
    at: Option<String>,
}

/// Something that the last scan did not read: what was known of it stays as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadBody {
    /// `machine64`, `machine32`, `user`, `dpkg` or `chocolatey`.
    #[schema(value_type = String)]
    part: Part,
    /// Whose applications, by security identifier; empty outside of users, and for all that are not told
    /// of.
    user: String,
    /// Which entry; empty for all that the scan does not have.
    key: String,
    /// Why.
    cause: String,
    /// When it was read last; absent where nothing is kept of it.
    seen_at: Option<String>,
    /// How many applications are kept of it.
    applications: usize,
    /// How many of Chocolatey's records are.
    records: usize,
}

impl From<Carried> for UnreadBody {
    fn from(it: Carried) -> Self {
        Self {
            part: it.unread.part,
            user: it.unread.user,
            key: it.unread.key,
            cause: it.unread.cause,
            seen_at: time_opt(it.seen_at),
            applications: it.software.len(),
            records: it.chocolatey.len(),
        }
    }
}

/// A scan that failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScanFailureBody {
    /// When.
    at: String,
    /// Why.
    cause: String,
}

/// Something that the server refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalBody {
    /// When last, to the hour.
    at: String,
    /// `certificate` (everything), `checkin`, `inventory` or `reports`.
    what: &'static str,
    /// Why, as its agent was told.
    cause: String,
}

impl From<Refusal> for RefusalBody {
    fn from(it: Refusal) -> Self {
        Self {
            at: time(it.at),
            what: it.what.key(),
            cause: it.cause,
        }
    }
}

impl ScanFailureBody {
    pub(crate) fn of(failure: Option<(Millis, String)>) -> Option<Self> {
        failure.map(|(at, cause)| Self {
            at: time(at),
            cause,
        })
    }
}

fn device_body(app: &App, device: Device) -> DeviceBody {
    let heard = app
        .registry
        .by_id(device.id)
        .map_or(device.last_seen, |it| it.last_seen());
    let scanned_at = app.registry.scanned_at(&device);
    DeviceBody {
        id: device.id.0,
        hostname: device.host.hostname,
        os_family: device.host.os_family.key(),
        os_name: device.host.os_name,
        os_version: device.host.os_version,
        architecture: device.host.architecture,
        system_type: device.system_type.key(),
        agent_version: device.agent_version,
        enrolled_at: time(device.enrolled_at),
        last_seen: time(heard.max(device.last_seen)),
        scan: device.scan_status.map(|status| ScanBody {
            status: status.into(),
            cause: device.scan_cause,
            at: time_opt(device.scan_at),
        }),
        inventory_at: time_opt(device.inventory_at),
        scanned_at: time_opt(scanned_at),
        scan_failure: ScanFailureBody::of(device.scan_failure),
        refusal: device.refusal.map(Into::into),
        unread: None,
        unread_more: None,
        inventory_complete: device.inventory_complete,
        inventory_note: device.inventory_note,
        missing_os: device.missing_os,
        missing_third_party: device.missing_third_party,
        restart_pending: device.restart_pending,
        cannot_deploy: device.cannot_deploy,
        policy: device.policy.map(|it| it.0),
        policy_why: device.policy_why,
        removed_at: time_opt(device.removed_at),
    }
}

/// Which devices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceParams {
    /// Part of the host name, case ignored.
    hostname: Option<String>,
    /// `windows` or `linux`.
    #[param(value_type = Option<String>)]
    os_family: Option<OsFamily>,
    /// `normal` or `critical`.
    #[param(value_type = Option<String>)]
    system_type: Option<SystemType>,
    /// Number of the latest scan's status, 1 to 6.
    #[param(value_type = Option<i64>)]
    scan_status: Option<ScanStatus>,
    /// Whether it lacks patches.
    has_missing: Option<bool>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Devices by host name.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "list_devices", tag = "devices",
    params(DeviceParams), responses((status = 200, body = PageBody<DeviceBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<DeviceParams>,
) -> Result<Json<PageBody<DeviceBody>>, ApiError> {
    let filter = DeviceFilter {
        hostname: it.hostname,
        os_family: it.os_family,
        system_type: it.system_type,
        scan_status: it.scan_status,
        has_missing: it.has_missing,
    };
    let page = page(it.after, it.limit);
    let listed = devices::list(&app.db, &filter, DeviceSort::Hostname, &page)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, |device| {
        device_body(&app, device)
    })))
}

/// One device.
#[utoipa::path(get, path = "/api/v1/devices/{id}", operation_id = "get_device", tag = "devices",
    params(("id" = i64, Path, description = "The device's id")),
    responses((status = 200, body = DeviceBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<DeviceBody>, ApiError> {
    let device = devices::get(&app.db, DeviceId(id)).await.map_err(stored)?;
    let device = device.ok_or_else(|| ApiError::Missing(format!("there is no device {id}")))?;
    let inventory = inventories::get(&app.db, device.id).await.map_err(stored)?;
    let mut unread = inventory.map(|it| it.carried).unwrap_or_default();
    let more = shorten(&mut unread);
    Ok(Json(DeviceBody {
        unread: Some(unread.into_iter().map(Into::into).collect()),
        unread_more: Some(more),
        ..device_body(&app, device)
    }))
}

/// A patch that a device lacks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DevicePatchBody {
    /// What.
    patch: PatchBody,
    /// The decision for the device's system type: `not_approved`, `approved`, `disapproved`.
    approval: &'static str,
    /// How it is missing.
    missing: MissingBody,
    /// When a scan found that last.
    scanned_at: Option<String>,
    /// That the last scan failed; absent where it did not.
    scan_failure: Option<ScanFailureBody>,
    /// The device's latest job for it.
    latest_job: Option<LatestJobBody>,
    /// What keeps it from being offered again.
    hold: Option<HoldBody>,
}

impl DevicePatchBody {
    /// A row of the list of a device of which what is known is so old.
    pub(crate) fn of(row: DevicePatch, age: &Age) -> Self {
        Self {
            scanned_at: time_opt(age.scanned_at),
            scan_failure: ScanFailureBody::of(age.scan_failure.clone()),
            patch: row.patch.into(),
            approval: row.approval.key(),
            missing: row.missing.into(),
            latest_job: row.job.map(Into::into),
            hold: row.hold.map(Into::into),
        }
    }
}

/// Which patches of a device.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceMissingParams {
    /// `os` or `third_party`.
    #[param(value_type = Option<String>)]
    patch_type: Option<PatchType>,
    /// The decision for the device's system type: `not_approved`, `approved` or `disapproved`.
    #[param(value_type = Option<String>)]
    approval: Option<Approval>,
    /// Part of the title or name, case ignored.
    title: Option<String>,
    /// Whether it closes a security hole.
    security: Option<bool>,
    /// Whether it is held for the device.
    held: Option<bool>,
    /// Published then or later: a day or a time.
    published_since: Option<String>,
    /// Published before that: a day or a time.
    published_before: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// What a device lacks, by title.
#[utoipa::path(get, path = "/api/v1/devices/{id}/missing", operation_id = "list_device_missing",
    tag = "devices", params(("id" = i64, Path, description = "The device's id"), DeviceMissingParams),
    responses((status = 200, body = PageBody<DevicePatchBody>), Refused))]
pub(crate) async fn list_missing(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
    Params(it): Params<DeviceMissingParams>,
) -> Result<Json<PageBody<DevicePatchBody>>, ApiError> {
    let page = page(it.after, it.limit);
    let filter = PatchFilter {
        patch_type: it.patch_type,
        approval: it.approval,
        title: it.title,
        security: it.security,
        held: it.held,
        published_since: published::of("published_since", it.published_since.as_deref())?,
        published_before: published::of("published_before", it.published_before.as_deref())?,
        ..PatchFilter::default()
    };
    let device = devices::get(&app.db, DeviceId(id)).await.map_err(stored)?;
    let age = device.map(|it| Age::of(&app, &it)).unwrap_or_default();
    let listed = missing::of_device(&app.db, DeviceId(id), &filter, &page)
        .await
        .map_err(stored)?;
    let body = |row| DevicePatchBody::of(row, &age);
    Ok(Json(PageBody::of(listed, body)))
}

/// A system type for devices.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SystemTypeBody {
    /// Which.
    #[schema(value_type = Vec<i64>)]
    devices: Vec<DeviceId>,
    /// `normal` or `critical`.
    #[schema(value_type = String)]
    system_type: SystemType,
}

/// Devices to take out of management.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RemoveDevicesBody {
    /// Which.
    #[schema(value_type = Vec<i64>)]
    devices: Vec<DeviceId>,
}

/// Take devices out of management. Their agents reach the server no more; their jobs stay as
/// history.
#[utoipa::path(post, path = "/api/v1/devices/remove", operation_id = "remove_devices",
    tag = "devices", request_body = RemoveDevicesBody,
    responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<RemoveDevicesBody>,
) -> Result<Json<CountBody>, ApiError> {
    let count = agents::remove::remove(&app, &it.devices, &by.actor).await?;
    Ok(Json(CountBody { count }))
}

/// Set how careful approvals are with devices.
#[utoipa::path(post, path = "/api/v1/devices/system-type", operation_id = "set_system_type",
    tag = "devices", request_body = SystemTypeBody,
    responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn set_system_type(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<SystemTypeBody>,
) -> Result<Json<CountBody>, ApiError> {
    let count = system_type::set(&app, &it.devices, it.system_type, &by.actor).await?;
    Ok(Json(CountBody { count }))
}
