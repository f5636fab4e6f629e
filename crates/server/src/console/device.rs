//! One device: its facts, what it lacks, its jobs, and its scans.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::inventory::UnreachableSource;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::deploy_jobs::{self, JobFilter, ListedJob};
use fleetmend_store::devices::{self, Device};
use fleetmend_store::inventories::Carried;
use fleetmend_store::missing::{self, DevicePatch, PatchFilter};
use fleetmend_store::scan_jobs::{self, ScanJob};
use fleetmend_store::{Page, inventories};

use super::devices::{is_down, last_seen, os_label};
use super::fields::Fields;
use super::view::{self, Choice, Layout, PageError, PathId, Viewer, choices, either, stored};
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::unread::shorten;
use crate::missing::on_device::{self, Withheld};

/// Jobs and scans shown; older ones are on their own lists.
const RECENT: u32 = 20;

#[derive(Template)]
#[template(path = "device.html")]
struct One {
    layout: Layout,
    device: Device,
    os: String,
    last_seen: Millis,
    scanned_at: Option<Millis>,
    is_down: bool,
    missing: Vec<DevicePatch>,
    title: String,
    patch_types: Vec<Choice>,
    approvals: Vec<Choice>,
    security: Vec<Choice>,
    held: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
    jobs: Vec<ListedJob>,
    scans: Vec<ScanJob>,
    withheld: Vec<Withheld>,
    unreachable: Vec<UnreachableSource>,
    unread: Vec<Carried>,
    unread_more: usize,
    software: usize,
}

/// A device, which may have been removed.
pub(super) async fn find(app: &App, id: DeviceId) -> Result<Device, ApiError> {
    devices::get(&app.db, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no device {id}")))
}

fn filter(fields: &Fields) -> Result<PatchFilter, ApiError> {
    Ok(PatchFilter {
        patch_type: fields.word("patch_type", PatchType::from_key)?,
        approval: fields.word("approval", Approval::from_key)?,
        title: fields.owned("title"),
        security: fields.parsed("security")?,
        held: fields.parsed("held")?,
        ..PatchFilter::default()
    })
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = DeviceId(id);
    let device = find(&app, id).await?;
    let fields = &viewer.fields;
    let filter = filter(fields)?;
    let wanted = fields.wanted_page();
    let missing = missing::of_device(&app.db, id, &filter, &wanted)
        .await
        .map_err(stored)?;
    let of_device = JobFilter {
        device: Some(id),
        ..JobFilter::default()
    };
    let jobs = deploy_jobs::list(&app.db, &of_device, &Page::first(RECENT))
        .await
        .map_err(stored)?;
    let scans = scan_jobs::history(&app.db, id, &Page::first(RECENT))
        .await
        .map_err(stored)?;
    let inventory = inventories::get(&app.db, id).await.map_err(stored)?;
    let software = inventory.as_ref().map_or(0, |it| it.software.len());
    let updates = inventory.as_ref().and_then(|it| it.updates.as_ref());
    let unreachable = updates.map(|it| it.unreachable.clone()).unwrap_or_default();
    let unread = inventory.as_ref().map(|it| it.carried.clone());
    let mut unread = unread.unwrap_or_default();
    let unread_more = shorten(&mut unread);
    let withheld = inventory.map(on_device::withheld).unwrap_or_default();
    let last_seen = last_seen(&app, &device);
    view::page(&One {
        layout: viewer.layout(&app, device.host.hostname.clone(), "devices"),
        os: os_label(device.host.os_family),
        is_down: is_down(&app, last_seen),
        last_seen,
        scanned_at: app.registry.scanned_at(&device),
        title: fields.text("title").to_owned(),
        patch_types: choices(
            &PatchType::ALL,
            filter.patch_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        approvals: choices(
            &Approval::ALL,
            filter.approval,
            |it| it.key().to_owned(),
            |it| it.list_label().to_owned(),
        ),
        security: either(filter.security, "Security", "Other"),
        held: either(filter.held, "Held", "Not held"),
        is_filtered: filter != PatchFilter::default(),
        next: missing
            .next
            .map(|after| fields.next_page(&format!("/devices/{id}"), &after)),
        missing: missing.rows,
        jobs: jobs.rows,
        scans: scans.rows,
        withheld,
        unreachable,
        unread,
        unread_more,
        software,
        device,
    })
}
