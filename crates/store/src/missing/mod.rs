//! Which devices lack which patches.

mod by_device;
mod by_patch;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_model::{DeviceId, Millis, PatchId};

use crate::db::{Read, Tx};
use crate::devices;
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row, storable};

pub(crate) use by_device::STATEMENTS as BY_DEVICE_STATEMENTS;
pub use by_device::{DevicePatch, of_device};
pub(crate) use by_patch::STATEMENTS as BY_PATCH_STATEMENTS;
pub use by_patch::{
    AffectedSystem, LatestJob, MissingPatch, PatchFilter, PatchSort, affected_systems, list,
};

statements! {
    OF_DEVICES = "SELECT m.* FROM json_each($1) AS j
                  JOIN missing AS m ON m.device = CAST(j.value->>0 AS BIGINT)";
    /// `since` stays where the row was there before.
    PUT = "INSERT INTO missing (device, patch, installed_version, evidence, confidence, reason,
               since, software)
           SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT), value->>2, value->>3,
                  value->>4, value->>5, CAST(value->>6 AS BIGINT), CAST(value->>7 AS BIGINT)
           FROM json_each($1) WHERE true
           ON CONFLICT (device, patch) DO UPDATE SET
               installed_version = excluded.installed_version, evidence = excluded.evidence,
               confidence = excluded.confidence, reason = excluded.reason,
               software = excluded.software";
    DELETE = "DELETE FROM missing WHERE (device, patch) IN
                  (SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT)
                   FROM json_each($1))";
    COUNT = "UPDATE devices SET missing_third_party = t.third_party, missing_os = t.os,
                 missing_total = t.third_party + t.os
             FROM (SELECT CAST(j.value->>0 AS BIGINT) AS device,
                          COUNT(CASE WHEN p.patch_type = 'third_party' THEN 1 END) AS third_party,
                          COUNT(CASE WHEN p.patch_type = 'os' THEN 1 END) AS os
                   FROM json_each($1) AS j
                   LEFT JOIN missing AS m ON m.device = CAST(j.value->>0 AS BIGINT)
                   LEFT JOIN patches AS p ON p.id = m.patch
                   GROUP BY 1) AS t
             WHERE devices.id = t.device";
    GET = "SELECT * FROM missing WHERE device = $1 AND patch = $2";
    DEVICES_OF = "SELECT d.id FROM missing AS m JOIN devices AS d ON d.id = m.device
                  WHERE m.patch = $1
                    AND (CAST($2 AS TEXT) IS NULL OR d.system_type = CAST($2 AS TEXT))
                  ORDER BY d.id";
}

/// A patch that a device lacks, as reconciliation found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMissing {
    /// Which patch.
    pub patch: PatchId,
    /// The version that is installed.
    pub installed_version: String,
    /// What the match rests on.
    pub evidence: Evidence,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is missing, in words.
    pub reason: String,
    /// Which installed software it is about, where one is known ([`crate::software`]).
    pub software: Option<u32>,
}

/// Everything that one device lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceMissing {
    /// Which device.
    pub device: DeviceId,
    /// What is missing, with what an incomplete scan left unanswered. A patch that stands twice counts once, the last one.
    pub rows: Vec<NewMissing>,
}

/// What a replacement changed. Both in the order of device and patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What is missing now and was not before.
    pub added: Vec<(DeviceId, PatchId)>,
    /// What is not missing any more.
    pub removed: Vec<(DeviceId, PatchId)>,
}

/// A row as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which device.
    pub device: DeviceId,
    /// Since when it has been missing without a break.
    pub since: Millis,
    /// The rest.
    pub what: NewMissing,
}

pub(crate) fn read(row: &Row) -> Result<Missing> {
    Ok(Missing {
        device: DeviceId(row.int("device")?),
        since: row.millis("since")?,
        what: NewMissing {
            patch: PatchId(row.int("patch")?),
            installed_version: row.text("installed_version")?,
            evidence: row.word("evidence", Evidence::from_key)?,
            confidence: row.word("confidence", Confidence::from_key)?,
            reason: row.text("reason")?,
            software: row
                .int_opt("software")?
                .map(|_| row.u32("software"))
                .transpose()?,
        },
    })
}

fn is_same(old: &NewMissing, new: &NewMissing) -> bool {
    old.installed_version == storable(&new.installed_version)
        && old.evidence == new.evidence
        && old.confidence == new.confidence
        && old.reason == storable(&new.reason)
        && old.software == new.software
}

/// Puts the new answer in place of the old one for each device, and keeps the devices' counts in
/// step. Rows that stay keep their `since`; rows that did not change are not written. Devices that
/// were removed are passed over. At most five statements, however many devices.
pub async fn replace_for_devices(
    tx: &mut Tx,
    devices: &[DeviceMissing],
    now: Millis,
) -> Result<Changes> {
    let managed = devices::lock(tx, devices.iter().map(|it| it.device)).await?;
    if managed.is_empty() {
        return Ok(Changes::default());
    }
    let mut old: HashMap<(DeviceId, PatchId), NewMissing> = HashMap::new();
    for row in of_devices(&mut *tx, &managed).await? {
        old.insert((row.device, row.what.patch), row.what);
    }
    let managed: BTreeSet<DeviceId> = managed.into_iter().collect();
    let mut new: BTreeMap<(DeviceId, PatchId), &NewMissing> = BTreeMap::new();
    for it in devices.iter().filter(|it| managed.contains(&it.device)) {
        new.extend(it.rows.iter().map(|row| ((it.device, row.patch), row)));
    }

    let mut changes = Changes::default();
    let mut put = Rows::new();
    for (&(device, patch), row) in &new {
        let before = old.get(&(device, patch));
        if before.is_none() {
            changes.added.push((device, patch));
        }
        if before.is_none_or(|before| !is_same(before, row)) {
            put.push(&row![
                device,
                patch,
                &row.installed_version,
                row.evidence.key(),
                row.confidence.key(),
                &row.reason,
                now,
                row.software.map(i64::from),
            ]);
        }
    }
    changes
        .removed
        .extend(old.into_keys().filter(|key| !new.contains_key(key)));
    changes.removed.sort_unstable();

    if !put.is_empty() {
        tx.run(&PUT, args![put]).await?;
    }
    if !changes.removed.is_empty() {
        let mut gone = Rows::new();
        for (device, patch) in &changes.removed {
            gone.push(&row![*device, *patch]);
        }
        tx.run(&DELETE, args![gone]).await?;
    }
    let recount: BTreeSet<DeviceId> = changes
        .added
        .iter()
        .chain(&changes.removed)
        .map(|(device, _)| *device)
        .collect();
    if !recount.is_empty() {
        tx.run(&COUNT, args![Rows::of(recount)]).await?;
    }
    Ok(changes)
}

/// Everything that these devices lack, in no order.
pub async fn of_devices(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<Missing>> {
    let ids = Rows::of(devices.iter().copied());
    from.rows(&OF_DEVICES, args![ids])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Whether, and since when, a device lacks a patch.
pub async fn get(mut from: impl Read, device: DeviceId, patch: PatchId) -> Result<Option<Missing>> {
    from.row(&GET, args![device, patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All devices that lack a patch, by id; of one system type, or of both with `None`.
pub async fn devices_of(
    mut from: impl Read,
    patch: PatchId,
    system_type: Option<fleetmend_model::device::SystemType>,
) -> Result<Vec<DeviceId>> {
    let system_type = system_type.map(fleetmend_model::device::SystemType::key);
    let rows = from.rows(&DEVICES_OF, args![patch, system_type]).await?;
    rows.iter().map(|row| row.int("id").map(DeviceId)).collect()
}
