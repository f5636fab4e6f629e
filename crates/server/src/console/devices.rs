//! The list of devices.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::devices::{self, Device, DeviceFilter, DeviceSort, Totals};

use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, Viewer, choices, stored};
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::{scans, system_type};

/// The words for [`OsFamily`] on pages.
pub(super) fn os_label(family: OsFamily) -> String {
    match family {
        OsFamily::Windows => "Windows",
        OsFamily::Linux => "Linux",
    }
    .to_owned()
}

#[derive(Template)]
#[template(path = "devices.html")]
struct List {
    layout: Layout,
    rows: Vec<Row>,
    totals: Totals,
    hostname: String,
    os_families: Vec<Choice>,
    system_types: Vec<Choice>,
    scan_statuses: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

struct Row {
    device: Device,
    last_seen: Millis,
    scanned_at: Option<Millis>,
    is_down: bool,
}

/// When a device was heard from last: memory is newer than the database.
pub(super) fn last_seen(app: &App, device: &Device) -> Millis {
    app.registry
        .by_id(device.id)
        .map_or(device.last_seen, |it| it.last_seen().max(device.last_seen))
}

/// Whether a device missed two check-ins.
pub(super) fn is_down(app: &App, last_seen: Millis) -> bool {
    app.now().since(last_seen) > app.policy.silence()
}

fn filter(fields: &Fields) -> Result<DeviceFilter, ApiError> {
    Ok(DeviceFilter {
        hostname: fields.owned("hostname"),
        os_family: fields.word("os_family", OsFamily::from_key)?,
        system_type: fields.word("system_type", SystemType::from_key)?,
        scan_status: fields.word("scan_status", |it| {
            it.parse::<i64>()
                .ok()
                .and_then(|it| ScanStatus::try_from(it).ok())
        })?,
        has_missing: None,
    })
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = filter(fields)?;
    let wanted = fields.wanted_page();
    let listed = devices::list(&app.db, &filter, DeviceSort::Hostname, &wanted)
        .await
        .map_err(stored)?;
    let totals = devices::totals(&app.db, &filter).await.map_err(stored)?;
    let rows = listed.rows.into_iter().map(|device| {
        let last_seen = last_seen(&app, &device);
        Row {
            last_seen,
            scanned_at: app.registry.scanned_at(&device),
            is_down: is_down(&app, last_seen),
            device,
        }
    });
    view::page(&List {
        layout: viewer.layout(&app, "Devices", "devices"),
        rows: rows.collect(),
        totals,
        hostname: fields.text("hostname").to_owned(),
        os_families: choices(
            &[OsFamily::Windows, OsFamily::Linux],
            filter.os_family,
            |it| it.key().to_owned(),
            os_label,
        ),
        system_types: choices(
            &SystemType::ALL,
            filter.system_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        scan_statuses: choices(
            &ScanStatus::ALL,
            filter.scan_status,
            |it| it.number().to_string(),
            |it| it.label().to_owned(),
        ),
        is_filtered: filter != DeviceFilter::default(),
        next: listed
            .next
            .map(|after| fields.next_page("/devices", &after)),
    })
}

/// Posts scans for the ticked devices.
pub async fn scan(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let ids: Vec<DeviceId> = change.fields.ids("device")?;
    if ids.is_empty() {
        return Ok(change.done("/devices", Done::NothingChosen, 0));
    }
    let new = scans::request(&app, &ids, change.actor()).await?;
    Ok(change.done("/devices", Done::Scan, new))
}

/// Sets the system type of the ticked devices.
pub async fn set_system_type(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    let ids: Vec<DeviceId> = change.fields.ids("device")?;
    let wanted = change
        .fields
        .word("system_type", SystemType::from_key)?
        .ok_or_else(|| ApiError::Bad("field 'system_type' is missing".to_owned()))?;
    if ids.is_empty() {
        return Ok(change.done("/devices", Done::NothingChosen, 0));
    }
    let set = system_type::set(&app, &ids, wanted, change.actor()).await?;
    Ok(change.done("/devices", Done::SystemType, set))
}
