//! What devices lack and no installer would find: all that has the patch's package and is older was not
//! read by the last scan, as only users have it who are not logged on.

use std::collections::HashMap;

use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_plan::night::{Missing, Patch};
use fleetmend_reconcile::Answer;
use fleetmend_reconcile::catalog::family;
use fleetmend_store::Tx;
use fleetmend_store::inventories::{self, StoredInventory};

use crate::app::App;
use crate::inventory::unseen::not_seen;

/// Inventories read at a time.
const BATCH: usize = 1_000;

/// Notes it in what is missing.
pub async fn note(
    app: &App,
    tx: &mut Tx,
    missing: &mut [Missing],
    patches: &[Patch],
) -> anyhow::Result<()> {
    let third_party = patches.iter().filter(|it| it.patch_type != PatchType::Os);
    let families: HashMap<PatchId, String> = third_party
        .map(|it| (it.id, family(&it.package.to_lowercase()).to_owned()))
        .collect();
    let mut lacking: HashMap<DeviceId, Vec<&mut Missing>> = HashMap::new();
    for it in missing {
        if families.contains_key(&it.patch) {
            lacking.entry(it.device).or_default().push(it);
        }
    }
    let devices: Vec<_> = lacking.keys().copied().collect();
    for devices in devices.chunks(BATCH) {
        for inventory in inventories::keeping(&mut *tx, devices).await? {
            for it in lacking.get_mut(&inventory.device).into_iter().flatten() {
                it.unread = unread(app, &inventory, &families[&it.patch]);
            }
        }
    }
    Ok(())
}

fn unread(app: &App, inventory: &StoredInventory, name: &str) -> Option<String> {
    let mut recorded = inventory.chocolatey.iter();
    if recorded.any(|it| family(&it.id.to_lowercase()) == name) {
        return None;
    }
    let fleet = app.fleet();
    let is_older = |id: &u32| match fleet.answer(*id) {
        Some(Answer::Missing { package, .. }) => family(package) == name,
        _ => false,
    };
    let older = inventory.software.iter().filter(|it| is_older(it));
    let mut whys = older.map(|id| not_seen(inventory, *id));
    let first = whys.next().flatten()?;
    whys.all(|it| it.is_some()).then_some(first)
}
