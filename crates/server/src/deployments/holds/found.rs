//! What a device has of what was installed, by the rule of the release.

use std::collections::HashSet;

use fleetmend_model::detection::{Detected, detect};
use fleetmend_model::inventory::Software;
use fleetmend_model::release::Action;
use fleetmend_model::{DeviceId, ReleaseId};
use fleetmend_store::inventories::StoredInventory;
use fleetmend_store::{Tx, inventories, releases, software};

/// What is found among what a scan read.
pub struct Found {
    /// By the rule; `None` without a release or an inventory.
    pub detected: Option<Detected>,
    /// Whether that is known, and not only kept of an earlier scan.
    pub is_read: bool,
}

/// What is found among what the device reported last.
pub async fn of(
    tx: &mut Tx,
    device: DeviceId,
    release: Option<ReleaseId>,
) -> fleetmend_store::Result<Found> {
    let inventory = inventories::get(&mut *tx, device).await?;
    let kept = inventory.as_ref().map(kept).unwrap_or_default();
    let release = match release {
        Some(id) => releases::get(&mut *tx, id).await?,
        None => None,
    };
    let (Some(release), Some(inventory)) = (release, inventory) else {
        return Ok(Found {
            detected: None,
            is_read: kept.is_empty(),
        });
    };
    let rows = software::get_many(&mut *tx, &inventory.software).await?;
    let (kept, read): (Vec<_>, Vec<_>) = rows.into_iter().partition(|it| kept.contains(&it.id));
    let read: Vec<Software> = read.into_iter().map(|it| it.software).collect();
    let kept: Vec<Software> = kept.into_iter().map(|it| it.software).collect();
    Ok(among(&release.release.action, &read, &kept))
}

/// What is found among what a scan read, and what is kept of earlier ones.
pub fn among(action: &Action, read: &[Software], kept: &[Software]) -> Found {
    let detected = detect(action, read);
    let is_older = matches!(detected, Detected::Older { .. });
    let is_read = kept.is_empty() || is_older || detect(action, &[read, kept].concat()) == detected;
    Found {
        detected: Some(detected),
        is_read,
    }
}

/// The applications that the last scan did not read. What one user has may be kept of another.
fn kept(inventory: &StoredInventory) -> HashSet<u32> {
    let kept = inventory.carried.iter().flat_map(|it| &it.software);
    let mut kept: HashSet<u32> = kept.copied().collect();
    for id in inventory.hives.iter().flat_map(|it| &it.software) {
        kept.remove(id);
    }
    kept
}

/// The version that stands there in the place of the one that was to come.
pub fn older(found: Option<&Detected>) -> Option<&str> {
    match found {
        Some(Detected::Older { version }) => Some(version),
        _ => None,
    }
}
