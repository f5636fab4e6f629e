//! What a device has of what was installed, by the rule of the release.

use fleetmend_model::detection::{Detected, detect};
use fleetmend_model::{DeviceId, ReleaseId};
use fleetmend_store::{Tx, inventories, releases, software};

/// What is found among what the device reported last; `None` without a release or an inventory.
pub async fn of(
    tx: &mut Tx,
    device: DeviceId,
    release: Option<ReleaseId>,
) -> fleetmend_store::Result<Option<Detected>> {
    let Some(id) = release else {
        return Ok(None);
    };
    let Some(release) = releases::get(&mut *tx, id).await? else {
        return Ok(None);
    };
    let Some(inventory) = inventories::get(&mut *tx, device).await? else {
        return Ok(None);
    };
    let rows = software::get_many(&mut *tx, &inventory.software).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| row.software).collect();
    Ok(Some(detect(&release.release.action, &rows)))
}

/// The version that stands there in the place of the one that was to come.
pub fn older(found: Option<&Detected>) -> Option<&str> {
    match found {
        Some(Detected::Older { version }) => Some(version),
        _ => None,
    }
}
