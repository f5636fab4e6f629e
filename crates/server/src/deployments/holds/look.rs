//! What inventories say of holds: the version is there after all, or is known not to be.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::detection::Detected;
use fleetmend_plan::hold::{Inventory, Over, Scan, Seen, Step, look};
use fleetmend_store::holds::{self, ToLookAt};
use fleetmend_store::{Tx, missing};

use super::{found, shortened, weigh};
use crate::api::time;
use crate::app::App;
use crate::journal;
use crate::people::Actor;

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
    let mut tx = app.db.begin().await?;
    let found = found::of(&mut tx, it.device, it.release).await?;
    let detected = found.detected;
    let installed = found::older(detected.as_ref());
    let step = look(Seen {
        is_confirmed,
        is_missing: it.is_missing,
        inventory: inventory(it, now),
        scan: scan(it, detected.as_ref(), found.is_read),
        found: detected.as_ref(),
        held_at: it.installed.as_deref(),
    });
    match step {
        Step::Later => return Ok(false),
        Step::Wait => holds::looked(&mut tx, it.hold.id, it.inventory_at, installed).await?,
        Step::End(_) if !is_confirmed => holds::forget(&mut tx, it.hold.id).await?,
        Step::End(over) => end(&mut tx, it, &in_words(over, installed), now).await?,
        Step::Hold => {
            if !confirm(&mut tx, it, installed, now).await? {
                return Ok(false);
            }
        }
    }
    tx.commit().await?;
    Ok(step != Step::Wait)
}

async fn confirm(
    tx: &mut Tx,
    it: &ToLookAt,
    installed: Option<&str>,
    now: Millis,
) -> anyhow::Result<bool> {
    let patch = it.hold.patch;
    let Some(row) = missing::get(&mut *tx, it.device, patch).await? else {
        return Ok(false);
    };
    let job = it.hold.job.map(|job| format!("deploy job {job} "));
    let cause = format!(
        "{}installed it, and the inventory of {} still has version {}",
        job.unwrap_or_default(),
        time(it.inventory_at),
        row.grounds.installed_version
    );
    if holds::confirm(tx, it.hold.id, &shortened(&cause), installed, now).await? {
        weigh(tx, patch, now).await?;
    }
    Ok(true)
}

/// Ends a hold by what an inventory says, and tells it in the audit log.
async fn end(tx: &mut Tx, it: &ToLookAt, why: &str, now: Millis) -> anyhow::Result<()> {
    if !holds::end(tx, it.hold.id, None, why, now).await? {
        return Ok(());
    }
    let subject = format!("patch {} {} on {}", it.hold.patch, it.title, it.hostname);
    let actor = Actor {
        name: format!("device {}", it.device),
        address: String::new(),
    };
    let says = format!("{why}; it was held because {}", it.hold.cause);
    journal::record(tx, &actor, "end_hold", &subject, &says, now).await
}

fn in_words(over: Over, installed: Option<&str>) -> String {
    match over {
        Over::HasIt => "the device has the version".to_owned(),
        Over::IsGone => "the software is gone from the device".to_owned(),
        Over::IsAnother => format!(
            "the device has another version than when it was held: {}",
            installed.unwrap_or_default()
        ),
    }
}

fn scan(it: &ToLookAt, detected: Option<&Detected>, is_read: bool) -> Scan {
    match (is_read, it.is_complete) {
        (true, true) => Scan::Whole,
        (true, false) if detected.is_some() => Scan::Partial,
        // Without a rule it may be anything that was not read.
        _ => Scan::Unread,
    }
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
