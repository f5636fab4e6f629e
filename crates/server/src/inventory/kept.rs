//! Brings into what is about to be stored what partial scans leave as it was.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::inventory::Software;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::inventories::{self, HiveRows, StoredInventory};
use fleetmend_store::software::SoftwareDigest;
use fleetmend_store::{Tx, software};

use super::carry::{Scan, carry};
use super::ingest::Incoming;

/// Adds to the inventories of partial scans what is kept of earlier ones; gives the applications that
/// were added to each.
pub(super) async fn add(
    tx: &mut Tx,
    incoming: &HashMap<DeviceId, &Incoming>,
    stored: &mut [StoredInventory],
    ids: &HashMap<SoftwareDigest, u32>,
) -> anyhow::Result<HashMap<DeviceId, Vec<(u32, Software)>>> {
    for it in stored.iter_mut() {
        it.hives = hives(incoming[&it.device], ids);
    }
    let partial = incoming.iter().filter(|it| it.1.is_partial());
    let partial: Vec<DeviceId> = partial.map(|it| *it.0).collect();
    if partial.is_empty() {
        return Ok(HashMap::new());
    }
    let before = inventories::get_many(&mut *tx, &partial).await?;
    let mut before: HashMap<DeviceId, StoredInventory> =
        before.into_iter().map(|it| (it.device, it)).collect();
    let mut wanted: Vec<u32> = before
        .values()
        .flat_map(|it| &it.software)
        .copied()
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let rows = software::get_many(&mut *tx, &wanted).await?;
    let rows: BTreeMap<u32, Software> = rows.into_iter().map(|it| (it.id, it.software)).collect();
    let mut added = HashMap::new();
    for it in stored.iter_mut() {
        let incoming = incoming[&it.device];
        if !incoming.is_partial() {
            continue;
        }
        let before = before.remove(&it.device);
        let before = before.unwrap_or_else(|| nothing(it.device, it.at));
        let now: Vec<(u32, &Software)> = incoming.rows(ids).collect();
        let scan = Scan {
            software: &now,
            hives: &it.hives,
            chocolatey: &incoming.inventory.chocolatey,
            unread: &incoming.inventory.unread,
        };
        let seen_at = incoming.device.scanned_at().unwrap_or(before.at);
        let kept = carry(&before, &rows, seen_at, scan);
        let is_new = |id: &u32| it.software.binary_search(id).is_err();
        let mut new: Vec<u32> = kept.software.into_iter().filter(is_new).collect();
        new.sort_unstable();
        new.dedup();
        let of_rows = |id: &u32| Some((*id, rows.get(id)?.clone()));
        added.insert(it.device, new.iter().filter_map(of_rows).collect());
        it.software.extend(new);
        it.software.sort_unstable();
        it.chocolatey.extend(kept.chocolatey);
        it.chocolatey
            .sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
        it.carried = kept.carried;
    }
    Ok(added)
}

fn hives(incoming: &Incoming, ids: &HashMap<SoftwareDigest, u32>) -> Vec<HiveRows> {
    let digests = &incoming.software_digests;
    let id = |index: &u32| ids.get(digests.get(*index as usize)?).copied();
    let hives = incoming.inventory.hives.iter().map(|it| {
        let mut software: Vec<u32> = it.software.iter().filter_map(id).collect();
        software.sort_unstable();
        software.dedup();
        HiveRows {
            user: it.user.clone(),
            software,
        }
    });
    hives.collect()
}

/// What is stored of a device that was never scanned.
fn nothing(device: DeviceId, at: Millis) -> StoredInventory {
    StoredInventory {
        device,
        digest: String::new(),
        at,
        software: Vec::new(),
        chocolatey: Vec::new(),
        updates: None,
        withheld: Vec::new(),
        hives: Vec::new(),
        carried: Vec::new(),
    }
}
