//! What inventories say of holds: the version is there after all, or is known not to be.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::detection::{Detected, detect};
use fleetmend_plan::hold::{Inventory, Seen, Step, look};
use fleetmend_store::holds::{self, ToLookAt};
use fleetmend_store::{inventories, missing, releases, software};

use super::{shortened, weigh};
use crate::api::time;
use crate::app::App;

/// After this time an inventory whose scan had begun before the end of the job was followed by another.
const SETTLE: Duration = Duration::from_mins(10);
/// Holds that are read at a time.
const BATCH: u32 = 1_000;

/// One round over the holds of which an inventory may say something new. One that fails keeps no other
/// from its turn.
pub async fn round(app: &Arc<App>, now: Millis) -> anyhow::Result<()> {
    let mut after = 0;
    let mut failure = None;
    let mut has_changed = false;
    loop {
        let holds = holds::to_look_at(&app.db, after, BATCH).await?;
        let Some(last) = holds.last() else { break };
        after = last.hold.id;
        for it in &holds {
            match one(app, it, now).await {
                Ok(changed) => has_changed |= changed,
                Err(error) => failure = Some(error),
            }
        }
    }
    has_changed |= lift_groundless(app, now).await?;
    if has_changed {
        app.touch();
    }
    failure.map_or(Ok(()), Err)
}

async fn one(app: &App, it: &ToLookAt, now: Millis) -> anyhow::Result<bool> {
    let is_confirmed = it.hold.confirmed_at.is_some();
    let is_detected = if it.is_missing {
        None
    } else {
        is_detected(app, it).await?
    };
    let step = look(Seen {
        is_confirmed,
        is_missing: it.is_missing,
        inventory: inventory(it, now),
        is_detected,
    });
    if step == Step::Wait && it.is_missing {
        return Ok(false);
    }
    let mut tx = app.db.begin().await?;
    match step {
        Step::Wait => holds::looked(&mut tx, it.hold.id, it.inventory_at).await?,
        Step::Lift if !is_confirmed => holds::forget(&mut tx, it.hold.id).await?,
        Step::Lift => {
            let found = "the device has the version";
            holds::end(&mut tx, it.hold.id, None, found, now).await?;
        }
        Step::Hold => {
            let patch = it.hold.patch;
            let Some(row) = missing::get(&mut tx, it.device, patch).await? else {
                return Ok(false);
            };
            let job = it.hold.job.map(|job| format!("deploy job {job} "));
            let cause = format!(
                "{}installed it, and the inventory of {} still has version {}",
                job.unwrap_or_default(),
                time(it.inventory_at),
                row.grounds.installed_version
            );
            if holds::confirm(&mut tx, it.hold.id, &shortened(&cause), now).await? {
                weigh(&mut tx, patch, now).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(step != Step::Wait)
}

fn inventory(it: &ToLookAt, now: Millis) -> Inventory {
    if it.inventory_at <= it.hold.since {
        Inventory::Awaited
    } else if now.since(it.hold.since) < SETTLE {
        Inventory::MaybeOlder
    } else {
        Inventory::Settled
    }
}

/// Whether what was installed is among the device's software, by the rule of its release.
async fn is_detected(app: &App, it: &ToLookAt) -> anyhow::Result<Option<bool>> {
    let Some(id) = it.release else {
        return Ok(None);
    };
    let Some(release) = releases::get(&app.db, id).await? else {
        return Ok(None);
    };
    let Some(inventory) = inventories::get(&app.db, it.device).await? else {
        return Ok(Some(false));
    };
    let rows = software::get_many(&app.db, &inventory.software).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| row.software).collect();
    let found = detect(&release.release.action, &rows);
    Ok(Some(matches!(found, Detected::Installed { .. })))
}

/// A version is not held everywhere any more when there is no device that it is held for.
async fn lift_groundless(app: &App, now: Millis) -> anyhow::Result<bool> {
    let groundless = holds::groundless(&app.db, BATCH).await?;
    if groundless.is_empty() {
        return Ok(false);
    }
    let mut tx = app.db.begin().await?;
    for it in groundless {
        let why = "no device is held any more";
        holds::end(&mut tx, it.id, None, why, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}
