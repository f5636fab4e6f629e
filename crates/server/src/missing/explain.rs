//! Why an application of a device is what the server takes it for, and what that means for the device.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fleetmend_model::inventory::{ChocolateyRecord, Software};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::catalog::{family, forms};
use fleetmend_reconcile::{Answer, Here, Match, State, answer, candidates, match_software};
use fleetmend_store::applications::ListedApplication;
use fleetmend_store::devices::{self, Device};
use fleetmend_store::inventories::Carried;
use fleetmend_store::missing::{self, DevicePatch};
use fleetmend_store::software::SoftwareRow;
use fleetmend_store::{inventories, software};

use super::on_device;
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;

/// Everything that is known of one application of one device.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The device.
    pub device: Device,
    /// When a scan found last what is known of it.
    pub scanned_at: Option<Millis>,
    /// The application's id.
    pub id: u32,
    /// The application, as the device registers it.
    pub software: Software,
    /// Why it stands as it was seen last; `None` where the last scan found it.
    pub kept: Option<Carried>,
    /// The answer for it alone.
    pub answer: Answer,
    /// What it comes to on the device, where that is something else.
    pub here: Option<Here>,
    /// What the match rests on, where there is one.
    pub found: Option<Match>,
    /// Everything that it may be by its codes and its name, each with its own evidence.
    pub candidates: Vec<Match>,
    /// Chocolatey's own record of the package on the device.
    pub record: Option<ChocolateyRecord>,
    /// The package's patch that the device lacks.
    pub missing: Option<DevicePatch>,
}

impl Explanation {
    /// What it comes to on the device, and why.
    pub fn told(&self) -> (State, &str) {
        match &self.here {
            Some(it) => (it.state, &it.why),
            None => (self.answer.state(), self.answer.why()),
        }
    }
}

/// The explanation of an application, by its id.
pub async fn explain(app: &App, device: DeviceId, id: u32) -> Result<Explanation, ApiError> {
    let none = || ApiError::Missing(format!("device {device} has no application {id}"));
    let known = devices::get(&app.db, device).await.map_err(stored)?;
    let known = known.ok_or_else(|| ApiError::Missing(format!("there is no device {device}")))?;
    let inventory = inventories::get(&app.db, device).await.map_err(stored)?;
    let inventory = inventory
        .filter(|it| it.software.contains(&id))
        .ok_or_else(none)?;
    let rows = software::get_many(&app.db, &inventory.software).await;
    let rows = rows.map_err(stored)?;
    let row = rows.iter().find(|it| it.id == id).ok_or_else(none)?;
    let software = row.software.clone();
    let here = on_device::of(app, &rows, &inventory.chocolatey, id);
    let (answer, found, candidates) = {
        let fleet = app.fleet();
        let catalog = fleet.catalog();
        (
            answer(catalog, &software),
            match_software(catalog, &software),
            candidates(catalog, &software),
        )
    };
    let is_package = |it: &str| {
        let package = answer.package().map(family);
        package == Some(family(&it.to_lowercase()))
    };
    let record = inventory.chocolatey.iter().find(|it| is_package(&it.id));
    let missing = match answer.package() {
        Some(package) => missing::of_packages(&app.db, device, &forms(package))
            .await
            .map_err(stored)?,
        None => None,
    };
    Ok(Explanation {
        candidates,
        kept: inventory.kept_for(id).cloned(),
        record: record.cloned(),
        missing,
        scanned_at: app.registry.scanned_at(&known),
        device: known,
        id,
        software,
        answer,
        here,
        found,
    })
}

/// The applications of a device whose name has a text in it, case ignored.
pub async fn find(app: &App, device: DeviceId, text: &str) -> Result<Vec<u32>, ApiError> {
    let inventory = inventories::get(&app.db, device).await.map_err(stored)?;
    let ids = inventory.map(|it| it.software).unwrap_or_default();
    let text = text.to_lowercase();
    let rows = software::get_many(&app.db, &ids).await.map_err(stored)?;
    let fits = |it: &SoftwareRow| it.software.name.to_lowercase().contains(&text);
    let mut seen = HashSet::new();
    let rows = rows.into_iter().filter(fits);
    // One application may be registered for several architectures or users.
    Ok(rows
        .filter(|it| seen.insert((it.software.name.clone(), it.software.version.clone())))
        .map(|it| it.id)
        .collect())
}

/// What those of these applications may be of which a person must say it.
pub async fn open_candidates(
    app: &Arc<App>,
    rows: &[ListedApplication],
) -> Result<HashMap<u32, Vec<Match>>, ApiError> {
    let open = rows
        .iter()
        .filter(|it| it.answer.state == State::Review.key());
    let ids: Vec<u32> = open.map(|it| it.answer.software).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = software::get_many(&app.db, &ids).await.map_err(stored)?;
    let app = Arc::clone(app);
    let find = move || {
        let candidates = |it: SoftwareRow| {
            let found = candidates(app.fleet().catalog(), &it.software);
            (it.id, found)
        };
        rows.into_iter().map(candidates).collect()
    };
    let found = tokio::task::spawn_blocking(find).await;
    Ok(found.map_err(anyhow::Error::from)?)
}
