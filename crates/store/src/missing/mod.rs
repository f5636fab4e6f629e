//! Which devices lack which patches.

mod by_device;
mod by_package;
mod by_patch;
mod counts;
mod dates;
mod filter;
mod grounds;

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, Millis, PatchId};

use crate::db::{Read, Tx};
use crate::devices;
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row};

pub(crate) use by_device::STATEMENTS as BY_DEVICE_STATEMENTS;
pub use by_device::{DevicePatch, of_device, of_os_package, of_packages};
pub(crate) use by_package::STATEMENTS as BY_PACKAGE_STATEMENTS;
pub use by_package::{PackagesMissing, packages, replace_for_packages};
pub(crate) use by_patch::STATEMENTS as BY_PATCH_STATEMENTS;
pub use by_patch::{AffectedSystem, LatestJob, MissingPatch, affected_systems, list};
pub(crate) use counts::Counted;
pub(crate) use counts::STATEMENTS as COUNTS_STATEMENTS;
pub use counts::{OldAnswers, changed_old_answers};
pub(crate) use dates::STATEMENTS as DATES_STATEMENTS;
pub use dates::{Dates, FixCandidate, dates, dates_of, fix_candidates, looked_at};
pub(crate) use filter::STATEMENTS as FILTER_STATEMENTS;
pub use filter::{PatchFilter, PatchSort};
pub(crate) use grounds::STATEMENTS as GROUNDS_STATEMENTS;
pub use grounds::{Grounds, GroundsDigest, GroundsId, intern_grounds};

statements! {
    /// One row a device: handing over a row for each patch costs more than finding it.
    STORED = "SELECT device, string_agg(CAST(patch AS TEXT) || ':' || CAST(grounds AS TEXT), ' ')
                  AS patches
              FROM missing
              WHERE device IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
              GROUP BY device";
    /// `since` stays where the row was there before.
    PUT = "INSERT INTO missing (device, patch, grounds, since)
           SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT),
                  CAST(value->>2 AS BIGINT), $2
           FROM jsonb_each($1) WHERE true
           ON CONFLICT (device, patch) DO UPDATE SET grounds = excluded.grounds";
    DELETE = "DELETE FROM missing WHERE (device, patch) IN
                  (SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT)
                   FROM jsonb_each($1))";
    COUNT = "UPDATE devices SET missing_third_party = t.third_party, missing_os = t.os,
                 missing_total = t.third_party + t.os
             FROM (SELECT CAST(value->>0 AS BIGINT) AS device,
                          CAST(value->>1 AS BIGINT) AS third_party,
                          CAST(value->>2 AS BIGINT) AS os
                   FROM jsonb_each($1)) AS t
             WHERE devices.id = t.device";
    GET = "SELECT m.*, g.installed_version, g.evidence, g.confidence, g.reason
           FROM missing AS m JOIN missing_grounds AS g ON g.id = m.grounds
           WHERE m.device = $1 AND m.patch = $2";
    INSTALLED = "SELECT DISTINCT p.id, g.installed_version
                 FROM patches AS p
                     JOIN patches AS o ON o.patch_type = p.patch_type AND o.name = p.name
                     JOIN missing AS m ON m.patch = o.id
                     JOIN missing_grounds AS g ON g.id = m.grounds
                 WHERE p.id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                   AND g.installed_version <> ''
                 ORDER BY p.id, g.installed_version";
    LACKED = "SELECT m.device, m.patch, m.since, g.installed_version
              FROM missing AS m JOIN missing_grounds AS g ON g.id = m.grounds
              WHERE m.device IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                AND (CAST($2 AS TEXT) IS NULL OR m.patch IN
                     (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($2 AS TEXT))))
              ORDER BY m.device, m.patch";
    DEVICES_OF = "SELECT d.id FROM missing AS m JOIN devices AS d ON d.id = m.device
                  WHERE m.patch = $1
                    AND (CAST($2 AS TEXT) IS NULL OR d.system_type = CAST($2 AS TEXT))
                  ORDER BY d.id";
}

/// A patch that a device lacks, as reconciliation found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMissing {
    /// Which patch.
    pub patch: PatchId,
    /// Which of the device's counts it is in.
    pub patch_type: PatchType,
    /// Why it is missing.
    pub grounds: GroundsId,
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
    /// Which patch.
    pub patch: PatchId,
    /// Since when it has been missing without a break.
    pub since: Millis,
    /// Why.
    pub grounds: Grounds,
}

pub(crate) fn read(row: &Row) -> Result<Missing> {
    Ok(Missing {
        device: DeviceId(row.int("device")?),
        patch: PatchId(row.int("patch")?),
        since: row.millis("since")?,
        grounds: grounds::read(row)?,
    })
}

/// Puts the new answer in place of the old one for each device, and keeps the devices' and the patches'
/// counts in step. Rows that stay keep their `since`; rows that did not change are not written. Devices
/// that were removed are passed over. At most seven statements, however many devices.
pub async fn replace_for_devices(
    tx: &mut Tx,
    devices: &[DeviceMissing],
    now: Millis,
) -> Result<Changes> {
    let managed = devices::lock_typed(tx, devices.iter().map(|it| it.device)).await?;
    if managed.is_empty() {
        return Ok(Changes::default());
    }
    let managed: HashMap<_, _> = managed.into_iter().collect();
    let ids: Vec<DeviceId> = managed.keys().copied().collect();
    let mut stored = stored(&mut *tx, &ids).await?;
    // Of several answers for one device the last one counts.
    let new: BTreeMap<DeviceId, &DeviceMissing> = devices
        .iter()
        .filter(|it| managed.contains_key(&it.device))
        .map(|it| (it.device, it))
        .collect();

    let mut changes = Changes::default();
    let mut put = Rows::new();
    let mut gone = Rows::new();
    let mut counts = Rows::new();
    for (device, it) in new {
        let mut old: BTreeMap<PatchId, GroundsId> = stored
            .remove(&device)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let rows: BTreeMap<PatchId, &NewMissing> =
            it.rows.iter().map(|row| (row.patch, row)).collect();
        let added = changes.added.len();
        for (&patch, row) in &rows {
            let before = old.remove(&patch);
            if before.is_none() {
                changes.added.push((device, patch));
            }
            if before != Some(row.grounds) {
                put.push(&row![device, patch, row.grounds.0]);
            }
        }
        if changes.added.len() > added || !old.is_empty() {
            let third_party = rows
                .values()
                .filter(|row| row.patch_type == PatchType::ThirdParty)
                .count();
            let os = rows.len() - third_party;
            counts.push(&row![device, third_party as i64, os as i64]);
        }
        for patch in old.into_keys() {
            gone.push(&row![device, patch]);
            changes.removed.push((device, patch));
        }
    }
    if !put.is_empty() {
        tx.run(&PUT, args![put, now]).await?;
    }
    if !gone.is_empty() {
        tx.run(&DELETE, args![gone]).await?;
        dates::removed(tx, &changes.removed, now).await?;
    }
    if !counts.is_empty() {
        tx.run(&COUNT, args![counts]).await?;
    }
    Counted::of(&changes, &managed).store(tx).await?;
    Ok(changes)
}

/// Everything that these devices lack, in no order.
pub async fn stored(
    mut from: impl Read,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, Vec<(PatchId, GroundsId)>>> {
    let ids = Rows::of(devices.iter().copied());
    from.rows(&STORED, args![ids])
        .await?
        .iter()
        .map(|row| {
            let pairs = row.text("patches")?;
            let pairs = pairs.split(' ').map(read_pair).collect::<Option<_>>();
            let pairs = pairs.ok_or_else(|| bad("patches", "no list of pairs"))?;
            Ok((DeviceId(row.int("device")?), pairs))
        })
        .collect()
}

fn read_pair(text: &str) -> Option<(PatchId, GroundsId)> {
    let (patch, grounds) = text.split_once(':')?;
    Some((
        PatchId(patch.parse().ok()?),
        GroundsId(grounds.parse().ok()?),
    ))
}

/// Whether, and since when, a device lacks a patch.
pub async fn get(mut from: impl Read, device: DeviceId, patch: PatchId) -> Result<Option<Missing>> {
    from.row(&GET, args![device, patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A patch that a device lacks, as plans ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacked {
    /// Which device.
    pub device: DeviceId,
    /// Which patch.
    pub patch: PatchId,
    /// Since when.
    pub since: Millis,
    /// The version that the device has, in its own words.
    pub installed: String,
}

/// What devices have that lack any version of the packages of these patches, once for each of the patches:
/// the version in their own words, where it is known.
pub async fn installed(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<(PatchId, String)>> {
    let patches = Rows::of(patches.iter().copied());
    let rows = from.rows(&INSTALLED, args![patches]).await?;
    rows.iter()
        .map(|row| Ok((PatchId(row.int("id")?), row.text("installed_version")?)))
        .collect()
}

/// What these devices lack, of these patches or of all.
pub async fn lacked(
    mut from: impl Read,
    devices: &[DeviceId],
    patches: Option<&[PatchId]>,
) -> Result<Vec<Lacked>> {
    let mut values = args![Rows::of(devices.iter().copied())];
    let ids = patches.map(|it| Rows::of(it.iter().copied()).into_value());
    values.push(ids.unwrap_or(crate::value::Value::Text(None)));
    let rows = from.rows(&LACKED, values).await?;
    rows.iter()
        .map(|row| {
            Ok(Lacked {
                device: DeviceId(row.int("device")?),
                patch: PatchId(row.int("patch")?),
                since: row.millis("since")?,
                installed: row.text("installed_version")?,
            })
        })
        .collect()
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
