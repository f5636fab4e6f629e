//! How old the answer is that a device lacks a patch, and why there is no younger one.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_store::devices::Device;
use fleetmend_store::missing;

use crate::app::App;

/// Days after which an answer is old. Devices are scanned each day; one that was not in a week is what the
/// tools of the field call inactive.
pub const OLD_DAYS: u64 = 7;

/// As of when what is said of a device holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Age {
    /// When a scan found last what is known of it.
    pub scanned_at: Option<Millis>,
    /// When the last scan failed, and why; `None` where it did not.
    pub scan_failure: Option<(Millis, String)>,
}

impl Age {
    /// That of what is known of a device.
    pub fn of(app: &App, device: &Device) -> Self {
        Self {
            scanned_at: app.registry.scanned_at(device),
            scan_failure: device.scan_failure.clone(),
        }
    }
}

/// Counts on how many devices the answers are old, and stores it for the list of patches.
pub async fn count(app: &Arc<App>) -> anyhow::Result<()> {
    let before = app.now() - Duration::from_hours(24 * OLD_DAYS);
    let changed = missing::changed_old_answers(&app.db, before).await?;
    let mut tx = app.db.begin().await?;
    changed.store(&mut tx).await?;
    Ok(tx.commit().await?)
}
