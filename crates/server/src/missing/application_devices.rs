//! The devices that have an application, in any version with the same answer: those that lists count.

use std::collections::HashMap;
use std::sync::Arc;

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::Software;
use fleetmend_reconcile::State;
use fleetmend_store::devices::{self, Device};
use fleetmend_store::{MAX_PAGE, Page, Paged};

use crate::app::App;
use crate::error::ApiError;

/// A device that has an application.
pub struct HavingDevice {
    /// The device.
    pub device: Device,
    /// What it has of it: several versions stand side by side.
    pub installed: Vec<Software>,
}

/// A page of the devices that have an application, by their ids.
pub struct ApplicationDevices {
    /// The application as it was asked for.
    pub software: Software,
    /// Its state, which all versions that count have.
    pub state: State,
    /// How many devices there are.
    pub total: u64,
    /// The page.
    pub page: Paged<HavingDevice>,
}

/// What the index knows of it.
struct Found {
    software: Software,
    state: State,
    total: u64,
    rows: Vec<(DeviceId, Vec<Software>)>,
}

/// The devices that have an application, one page.
pub async fn of(
    app: &Arc<App>,
    application: u32,
    page: &Page,
) -> Result<ApplicationDevices, ApiError> {
    let after = page.after.as_deref().map(str::parse::<i64>).transpose();
    let after = after.map_err(|_| ApiError::Bad("field 'after': it is of no page".to_owned()))?;
    let size = page.limit.clamp(1, MAX_PAGE) as usize;
    let index = Arc::clone(app);
    let look = move || found(&index, application, after.map(DeviceId), size + 1);
    let found = tokio::task::spawn_blocking(look)
        .await
        .map_err(anyhow::Error::from)?;
    let Some(mut found) = found else {
        return Err(ApiError::Missing(format!(
            "no device has an application {application}"
        )));
    };
    let has_more = found.rows.len() > size;
    found.rows.truncate(size);
    let last = found.rows.last().map(|it| it.0);
    let ids: Vec<DeviceId> = found.rows.iter().map(|it| it.0).collect();
    let known = devices::get_many(&app.db, &ids)
        .await
        .map_err(anyhow::Error::from)?;
    let mut known: HashMap<DeviceId, Device> = known.into_iter().map(|it| (it.id, it)).collect();
    let rows = found.rows.into_iter().filter_map(|(id, installed)| {
        let device = known.remove(&id)?;
        Some(HavingDevice { device, installed })
    });
    Ok(ApplicationDevices {
        software: found.software,
        state: found.state,
        total: found.total,
        page: Paged {
            rows: rows.collect(),
            next: last.filter(|_| has_more).map(|it| it.to_string()),
        },
    })
}

fn found(app: &App, application: u32, after: Option<DeviceId>, limit: usize) -> Option<Found> {
    let fleet = app.fleet();
    let software = fleet.software(application)?;
    let state = fleet.answer(application)?.state();
    let alike = fleet.alike(application);
    let rows = fleet.having(&alike, after, limit).into_iter().map(|it| {
        let installed = it.applications.iter();
        let installed = installed.filter_map(|id| fleet.software(*id)).collect();
        (it.device, installed)
    });
    Some(Found {
        software,
        state,
        total: fleet.devices_with(alike.iter().copied()),
        rows: rows.collect(),
    })
}
