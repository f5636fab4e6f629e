//! What a scan that did not reach all of its sources left unanswered: OS patches that were missing
//! stay so until a scan answers for them or the device has them.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use fleetmend_model::inventory::{AvailableUpdate, Place, Software};
use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_store::missing::{self, NewMissing};
use fleetmend_store::patches::{self, Patch};
use fleetmend_store::{Tx, software};
use fleetmend_versions::debian;

use super::matcher::DeviceInput;
use crate::inventory::ingest::is_complete;

/// The stored rows of these devices that no source answered for. Third-party patches are not among
/// them: they do not come from the package manager's sources.
pub(super) async fn rows(
    tx: &mut Tx,
    devices: &[DeviceInput<'_>],
) -> anyhow::Result<HashMap<DeviceId, Vec<NewMissing>>> {
    let partial: HashMap<DeviceId, &DeviceInput<'_>> = devices
        .iter()
        .filter(|device| !is_complete(device.updates))
        .map(|device| (device.device, device))
        .collect();
    if partial.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<DeviceId> = partial.keys().copied().collect();
    let before = missing::stored(&mut *tx, &ids).await?;
    let wanted: BTreeSet<PatchId> = before.values().flatten().map(|row| row.0).collect();
    let wanted: Vec<PatchId> = wanted.into_iter().collect();
    let mut known = HashMap::new();
    for patch in patches::get_many(&mut *tx, &wanted).await? {
        if patch.patch_type == PatchType::Os {
            known.insert(patch.id, patch);
        }
    }
    let wanted: BTreeSet<u32> = partial
        .values()
        .flat_map(|device| device.software)
        .copied()
        .collect();
    let wanted: Vec<u32> = wanted.into_iter().collect();
    let mut installed: HashMap<u32, Software> = HashMap::new();
    for row in software::get_many(&mut *tx, &wanted).await? {
        if row.software.place == Place::Dpkg {
            installed.insert(row.id, row.software);
        }
    }
    let mut kept: HashMap<DeviceId, Vec<NewMissing>> = HashMap::new();
    for (device, rows) in before {
        let Some(input) = partial.get(&device) else {
            continue;
        };
        for (id, grounds) in rows {
            let Some(patch) = known.get(&id) else {
                continue;
            };
            let has = input.software.iter().filter_map(|id| installed.get(id));
            let offers = input.updates.iter().flat_map(|scan| &scan.updates);
            if !is_satisfied(patch, has) && !is_superseded(patch, offers) {
                kept.entry(device).or_default().push(NewMissing {
                    patch: id,
                    patch_type: patch.patch_type,
                    grounds,
                });
            }
        }
    }
    Ok(kept)
}

/// Whether the device has the patch's version or a newer one, by dpkg's own word. A package that
/// dpkg does not name says nothing.
fn is_satisfied<'a>(patch: &Patch, installed: impl Iterator<Item = &'a Software>) -> bool {
    let key = format!("{}:{}", patch.name, patch.architecture);
    installed
        .filter(|row| row.key == key)
        .any(|row| debian::compare(&row.version, &patch.version) != Ordering::Less)
}

/// Whether the sources that did answer offer this version or a newer one.
fn is_superseded<'a>(patch: &Patch, mut offers: impl Iterator<Item = &'a AvailableUpdate>) -> bool {
    offers.any(|offer| {
        offer.package == patch.name
            && offer.architecture == patch.architecture
            && debian::compare(&offer.candidate, &patch.version) != Ordering::Less
    })
}
