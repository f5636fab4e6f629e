//! What devices lack of some packages, put in place of what they lacked of them: after a change of the
//! catalog, which concerns few packages and maybe many devices.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::{DeviceId, Millis, PatchId};

use super::{Changes, Counted, DELETE, GroundsId, NewMissing, PUT, dates};
use crate::db::{Read, Tx};
use crate::devices;
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row};

statements! {
    STORED_OF = "SELECT m.device, m.patch, m.grounds FROM missing AS m
                 JOIN patches AS p ON p.id = m.patch
                 WHERE p.patch_type = 'third_party'
                   AND p.name IN (SELECT value->>0 FROM jsonb_each($1))";
    DEVICES_LACKING = "SELECT DISTINCT m.device FROM missing AS m
                       JOIN patches AS p ON p.id = m.patch
                       WHERE p.patch_type = 'third_party'
                         AND p.name IN (SELECT value->>0 FROM jsonb_each($1))";
    PACKAGES = "SELECT DISTINCT p.name FROM patches AS p
                WHERE p.patch_type = 'third_party'
                  AND EXISTS (SELECT 1 FROM missing AS m WHERE m.patch = p.id)
                ORDER BY p.name";
    RECOUNT = "UPDATE devices SET missing_third_party = missing_third_party + t.more,
                   missing_total = missing_total + t.more
               FROM (SELECT CAST(value->>0 AS BIGINT) AS device,
                            CAST(value->>1 AS BIGINT) AS more
                     FROM jsonb_each($1)) AS t
               WHERE devices.id = t.device";
}

/// Rows that one statement writes.
const BATCH: usize = 5_000;

/// What all devices lack of some packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackagesMissing {
    /// Ids of the packages, lower case.
    pub packages: Vec<String>,
    /// Every patch is of one of the packages.
    pub rows: Vec<(DeviceId, NewMissing)>,
}

/// Puts the new answer in the place of the old one, and keeps the devices' and the patches' counts in
/// step. Rows that stay keep their `since`; rows that did not change are not written. Devices that were
/// removed are passed over.
pub async fn replace_for_packages(
    tx: &mut Tx,
    new: &PackagesMissing,
    now: Millis,
) -> Result<Changes> {
    let names = || Rows::of(new.packages.iter().map(String::as_str));
    let lacking = tx.rows(&DEVICES_LACKING, args![names()]).await?;
    let lacking = lacking.iter().map(|row| row.int("device").map(DeviceId));
    let mut concerned = lacking.collect::<Result<BTreeSet<_>>>()?;
    concerned.extend(new.rows.iter().map(|it| it.0));
    let managed = devices::lock_typed(tx, concerned).await?;
    let managed: HashMap<_, _> = managed.into_iter().collect();
    let mut old: HashMap<(DeviceId, PatchId), GroundsId> = HashMap::new();
    for row in tx.rows(&STORED_OF, args![names()]).await? {
        let key = (DeviceId(row.int("device")?), PatchId(row.int("patch")?));
        old.insert(key, GroundsId(row.int("grounds")?));
    }
    let mut changes = Changes::default();
    let mut put = Vec::new();
    // Of a device and patch that stand twice the last one counts.
    let rows = new.rows.iter().filter(|it| managed.contains_key(&it.0));
    let rows: BTreeMap<(DeviceId, PatchId), &NewMissing> =
        rows.map(|it| ((it.0, it.1.patch), &it.1)).collect();
    for (key, row) in rows {
        let before = old.remove(&key);
        if before.is_none() {
            changes.added.push(key);
        }
        if before != Some(row.grounds) {
            put.push((key, row.grounds));
        }
    }
    changes.removed = old.into_keys().collect();
    changes.removed.sort_unstable();
    for some in put.chunks(BATCH) {
        let mut rows = Rows::new();
        for ((device, patch), grounds) in some {
            rows.push(&row![*device, *patch, grounds.0]);
        }
        tx.run(&PUT, args![rows, now]).await?;
    }
    for some in changes.removed.chunks(BATCH) {
        let mut rows = Rows::new();
        for (device, patch) in some {
            rows.push(&row![*device, *patch]);
        }
        tx.run(&DELETE, args![rows]).await?;
    }
    if !changes.removed.is_empty() {
        dates::removed(tx, &changes.removed, now).await?;
    }
    recount(tx, &changes).await?;
    Counted::of(&changes, &managed).store(tx).await?;
    Ok(changes)
}

async fn recount(tx: &mut Tx, changes: &Changes) -> Result<()> {
    let mut more: BTreeMap<DeviceId, i64> = BTreeMap::new();
    for (device, _) in &changes.added {
        *more.entry(*device).or_default() += 1;
    }
    for (device, _) in &changes.removed {
        *more.entry(*device).or_default() -= 1;
    }
    let more: Vec<_> = more.into_iter().filter(|it| it.1 != 0).collect();
    for some in more.chunks(BATCH) {
        let mut rows = Rows::new();
        for (device, more) in some {
            rows.push(&row![*device, *more]);
        }
        tx.run(&RECOUNT, args![rows]).await?;
    }
    Ok(())
}

/// Ids of the packages of which any device lacks a patch.
pub async fn packages(mut from: impl Read) -> Result<Vec<String>> {
    let rows = from.rows(&PACKAGES, args![]).await?;
    rows.iter().map(|row| row.text("name")).collect()
}
