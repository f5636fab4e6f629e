//! What users have who do not log on any more: after a while nobody can tell whether it is there, and it is
//! missing no more.

use std::sync::Arc;

use fleetmend_model::inventory::Part;
use fleetmend_store::inventories::{self, StoredInventory};

use crate::api::time;
use crate::app::App;

/// Devices that are looked at in one transaction.
const BATCH: u32 = 64;
/// Transactions in one round.
const MOST: usize = 100;

/// Has it no longer count where it is time.
pub async fn round(app: &Arc<App>) -> anyhow::Result<()> {
    for _ in 0..MOST {
        let due = inventories::unseen_due(&app.db, app.now(), BATCH).await?;
        if due.is_empty() {
            break;
        }
        app.ingest.unseen(due).await?;
    }
    Ok(())
}

/// Why an application does not count, or would not be found by an installer: only users have it whose hives
/// the last scan did not read.
pub fn not_seen(inventory: &StoredInventory, application: u32) -> Option<String> {
    let kept = inventory.kept_for(application)?;
    let at = kept.seen_at.filter(|_| kept.unread.part == Part::User)?;
    let cause = &kept.unread.cause;
    Some(format!(
        "not seen since {} (user's hive not read: {cause})",
        time(at)
    ))
}
