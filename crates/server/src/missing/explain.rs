//! Why an application of a device is what the server takes it for, and what that means for the device.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::catalog::{family, forms};
use fleetmend_reconcile::{
    Answer, Here, Match, Packaged, State, answer, candidates, match_software,
};
use fleetmend_store::applications::ListedApplication;
use fleetmend_store::devices::{self, Device};
use fleetmend_store::inventories::{Carried, StoredInventory};
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
    /// The answer for it alone; `None` of what a package manager installed.
    pub answer: Option<Answer>,
    /// What it comes to on the device, where that is something else: of what a package manager installed,
    /// that one's word.
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
        let here = self.here.as_ref().map(|it| (it.state, it.why.as_str()));
        here.or_else(|| self.answer.as_ref().map(said))
            .unwrap_or((State::CannotTell, ""))
    }

    /// The answer for it alone, where it comes to something else on the device.
    pub fn alone(&self) -> Option<(State, &str)> {
        self.here.as_ref().and(self.answer.as_ref()).map(said)
    }
}

fn said(answer: &Answer) -> (State, &str) {
    (answer.state(), answer.why())
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
    let explained = Explanation {
        scanned_at: app.registry.scanned_at(&known),
        kept: inventory.kept_for(id).cloned(),
        device: known,
        id,
        software: row.software.clone(),
        answer: None,
        here: None,
        found: None,
        candidates: Vec::new(),
        record: None,
        missing: None,
    };
    match row.software.place {
        Place::Dpkg => packaged(app, explained, &inventory).await,
        _ => matched(app, explained, &inventory, &rows).await,
    }
}

/// What a package manager says of what it installed.
async fn packaged(
    app: &App,
    explained: Explanation,
    inventory: &StoredInventory,
) -> Result<Explanation, ApiError> {
    let software = &explained.software;
    let architecture = software.key.rsplit_once(':').map_or("", |it| it.1);
    let missing =
        missing::of_os_package(&app.db, explained.device.id, &software.name, architecture);
    let missing = missing.await.map_err(stored)?;
    let told = Packaged {
        scan: inventory.updates.as_ref(),
        withheld: &inventory.withheld,
        architecture: &explained.device.host.architecture,
        missing: missing.as_ref().map(|it| it.patch.version.as_str()),
        is_read: explained.kept.is_none(),
    };
    let (state, why) = told.told(software);
    let id = explained.id;
    Ok(Explanation {
        here: Some(Here { id, state, why }),
        missing,
        ..explained
    })
}

/// What the catalog says of an application.
async fn matched(
    app: &App,
    explained: Explanation,
    inventory: &StoredInventory,
    rows: &[SoftwareRow],
) -> Result<Explanation, ApiError> {
    let unseen = inventory.unseen(app.now());
    let here = if unseen.contains(&explained.id) {
        on_device::unseen_here(inventory, explained.id)
    } else {
        let counting = rows.iter().filter(|it| !unseen.contains(&it.id));
        on_device::of(app, counting, &inventory.chocolatey, explained.id)
    };
    let software = &explained.software;
    let (answer, found, candidates) = {
        let fleet = app.fleet();
        let catalog = fleet.catalog();
        (
            answer(catalog, software),
            match_software(catalog, software),
            candidates(catalog, software),
        )
    };
    let is_package = |it: &str| {
        let package = answer.package().map(family);
        package == Some(family(&it.to_lowercase()))
    };
    let record = inventory.chocolatey.iter().find(|it| is_package(&it.id));
    let missing = match answer.package() {
        Some(package) => missing::of_packages(&app.db, explained.device.id, &forms(package))
            .await
            .map_err(stored)?,
        None => None,
    };
    Ok(Explanation {
        answer: Some(answer),
        here,
        found,
        candidates,
        record: record.cloned(),
        missing,
        ..explained
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
    // One application may be registered for several architectures or users. A package is one for each
    // architecture.
    let mut is_new = |it: &SoftwareRow| {
        let it = &it.software;
        let package = (it.place == Place::Dpkg).then(|| it.key.clone());
        seen.insert((it.name.clone(), it.version.clone(), package))
    };
    Ok(rows.filter(|it| is_new(it)).map(|it| it.id).collect())
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
