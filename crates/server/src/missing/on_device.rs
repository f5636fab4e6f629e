//! What applications of one device come to, where something else on the device makes it another thing
//! than their answers.

use std::collections::HashMap;

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{ChocolateyRecord, HELD, Place};
use fleetmend_reconcile::{Answer, Here, Registered, State, answer, here};
use fleetmend_store::applications::{self, ListedApplication, OnDevice};
use fleetmend_store::inventories::StoredInventory;
use fleetmend_store::software::SoftwareRow;
use fleetmend_store::{Page, Paged, inventories};

use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::inventory::unseen::not_seen;

/// A page of a device's applications, by name, with what they come to there.
pub async fn list(
    app: &App,
    device: DeviceId,
    state: Option<State>,
    text: Option<&str>,
    page: &Page,
) -> Result<Paged<ListedApplication>, ApiError> {
    let inventory = inventories::get(&app.db, device).await.map_err(stored)?;
    let Some(inventory) = inventory else {
        return Ok(Paged {
            rows: Vec::new(),
            next: None,
        });
    };
    let now = app.now();
    let counting = inventory.counting(now);
    let mut there = app.fleet().here(&counting, &inventory.chocolatey);
    let unseen = inventory.unseen(now).into_iter();
    there.extend(unseen.filter_map(|id| unseen_here(&inventory, id)));
    let there: Vec<OnDevice> = there.into_iter().map(kept).collect();
    applications::of_device(
        &app.db,
        &inventory.software,
        &there,
        state.map(State::key),
        text,
        page,
    )
    .await
    .map_err(stored)
}

/// What a device has and does not get, though a newer version is or may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The package.
    pub package: String,
    /// The version that it stays at.
    pub installed: String,
    /// The version that it does not get, where that is known.
    pub candidate: String,
    /// Whether somebody said on the device that it stays as it is.
    pub is_pinned: bool,
    /// Why.
    pub why: String,
}

/// What the device itself keeps back: by its package manager's word, or by Chocolatey's pins.
pub fn withheld(inventory: StoredInventory) -> Vec<Withheld> {
    let pinned = inventory.chocolatey.into_iter().filter(|it| it.pinned);
    let pinned = pinned.map(|it| Withheld {
        package: it.id,
        installed: it.version,
        candidate: String::new(),
        is_pinned: true,
        why: "pinned in Chocolatey on the device".to_owned(),
    });
    let kept_back = inventory.withheld.into_iter().map(|it| {
        let is_pinned = it.why == HELD;
        Withheld {
            package: it.package,
            installed: it.installed,
            candidate: it.candidate,
            is_pinned,
            why: if is_pinned {
                "held in the package manager on the device".to_owned()
            } else {
                it.why
            },
        }
    });
    kept_back.chain(pinned).collect()
}

/// What an application comes to that does not count any more.
pub fn unseen_here(inventory: &StoredInventory, id: u32) -> Option<Here> {
    let why = not_seen(inventory, id)?;
    let state = State::CannotTell;
    Some(Here { id, state, why })
}

fn kept(it: Here) -> OnDevice {
    OnDevice {
        software: it.id,
        state: it.state.key().to_owned(),
        why: it.why,
    }
}

/// What one of a device's applications comes to, where that is something else than its answer. The index
/// need not know them: commands fill none.
pub fn of<'a>(
    app: &App,
    all: impl Iterator<Item = &'a SoftwareRow> + Clone,
    records: &[ChocolateyRecord],
    id: u32,
) -> Option<Here> {
    let fleet = app.fleet();
    let windows = all.clone().filter(|it| it.software.place != Place::Dpkg);
    let answers: HashMap<u32, Answer> = windows
        .map(|it| {
            let known = fleet.answer(it.id).cloned();
            let found = known.unwrap_or_else(|| answer(fleet.catalog(), &it.software));
            (it.id, found)
        })
        .collect();
    let rows = all.filter_map(|it| {
        let answer = answers.get(&it.id)?;
        Some(Registered::new(it.id, &it.software, answer))
    });
    let mut there = here(fleet.catalog(), rows, records).into_iter();
    there.find(|it| it.id == id)
}
