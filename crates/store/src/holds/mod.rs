//! Updates that were installed and whose version did not change: on one device, or everywhere.

mod joined;
mod list;

use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

pub(crate) use joined::{hold_columns, hold_joins, read_joined};
pub(crate) use list::STATEMENTS as LIST_STATEMENTS;
pub use list::{HoldFilter, ListedHold, list, listed};

statements! {
    /// What was not known yet becomes known; what is known stays.
    PUT = "INSERT INTO holds (device, patch, job, cause, since, confirmed_at, installed)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (device, patch) WHERE ended_at IS NULL AND device IS NOT NULL
           DO UPDATE SET job = excluded.job, cause = excluded.cause, since = excluded.since,
               confirmed_at = excluded.confirmed_at, installed = excluded.installed
           WHERE holds.confirmed_at IS NULL";
    PUT_EVERYWHERE = "INSERT INTO holds (patch, cause, since, confirmed_at)
                      VALUES ($1, $2, $3, $3)
                      ON CONFLICT (patch) WHERE ended_at IS NULL AND device IS NULL DO NOTHING";
    OF_DEVICE = "SELECT * FROM holds WHERE device = $1 AND patch = $2 AND ended_at IS NULL";
    EVERYWHERE = "SELECT * FROM holds
                  WHERE patch = $1 AND device IS NULL AND ended_at IS NULL";
    OF_PATCHES = "SELECT * FROM holds
                  WHERE ended_at IS NULL AND patch IN
                      (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                  ORDER BY id";
    /// Those of which an inventory may say something that it did not say before.
    TO_LOOK_AT = "SELECT h.*, d.inventory_at, d.inventory_complete, d.hostname, m.patch AS missing,
                      j.release, p.title, p.version
                  FROM holds AS h
                  JOIN devices AS d ON d.id = h.device
                  JOIN patches AS p ON p.id = h.patch
                  LEFT JOIN missing AS m ON m.device = h.device AND m.patch = h.patch
                  LEFT JOIN deploy_jobs AS j ON j.id = h.job
                  WHERE h.ended_at IS NULL AND d.removed_at IS NULL AND h.id > $1
                    AND (h.confirmed_at IS NOT NULL OR d.inventory_at > h.since)
                    AND ((h.confirmed_at IS NULL AND m.patch IS NOT NULL)
                         OR h.looked_at IS NULL OR d.inventory_at > h.looked_at)
                  ORDER BY h.id LIMIT $2";
    CONFIRM = "UPDATE holds SET confirmed_at = $2, cause = $3, installed = $4
               WHERE id = $1 AND ended_at IS NULL AND confirmed_at IS NULL";
    LOOKED = "UPDATE holds SET looked_at = $2, installed = COALESCE(installed, $3) WHERE id = $1";
    END = "UPDATE holds SET ended_at = $2, ended_by = $3, end_reason = $4
           WHERE id = $1 AND ended_at IS NULL";
    FORGET = "DELETE FROM holds WHERE id = $1 AND confirmed_at IS NULL";
    AWAITS_INVENTORY = "SELECT h.id FROM holds AS h JOIN devices AS d ON d.id = h.device
                        WHERE h.device = $1 AND h.ended_at IS NULL AND h.confirmed_at IS NULL
                          AND (d.inventory_at IS NULL OR d.inventory_at <= h.since)
                        LIMIT 1";
    /// Since a person last let the version go everywhere. A device counts once, whatever it reports.
    TALLY = "SELECT
                 (SELECT COUNT(*) FROM holds AS h JOIN devices AS d ON d.id = h.device
                  WHERE h.patch = $1 AND h.ended_at IS NULL AND h.confirmed_at IS NOT NULL
                    AND d.removed_at IS NULL AND h.since > r.at) AS in_vain,
                 (SELECT COUNT(DISTINCT j.device) FROM deploy_jobs AS j
                  WHERE j.patch = $1 AND j.status IN (9, 10) AND j.ending IS NULL
                    AND j.updated_at > r.at
                    AND NOT EXISTS (SELECT 1 FROM holds AS h
                                    WHERE h.device = j.device AND h.patch = j.patch
                                      AND h.ended_at IS NULL)) AS well
             FROM (SELECT COALESCE(MAX(ended_at), 0) AS at FROM holds
                   WHERE patch = $1 AND device IS NULL AND ended_at IS NOT NULL) AS r";
    /// Versions held everywhere that no device is held for any more.
    GROUNDLESS = "SELECT h.* FROM holds AS h
                  WHERE h.device IS NULL AND h.ended_at IS NULL
                    AND NOT EXISTS (SELECT 1 FROM holds AS o JOIN devices AS d ON d.id = o.device
                                    WHERE o.patch = h.patch AND o.ended_at IS NULL
                                      AND o.confirmed_at IS NOT NULL AND d.removed_at IS NULL)
                  ORDER BY h.id LIMIT $1";
}

/// A hold of a device to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// On which device.
    pub device: DeviceId,
    /// What.
    pub patch: PatchId,
    /// The job that installed it.
    pub job: DeployJobId,
    /// Why, in words.
    pub cause: String,
    /// When the job ended.
    pub since: Millis,
    /// Whether it is known that the version did not change; otherwise an inventory is awaited.
    pub is_confirmed: bool,
    /// The version that the device has, as detection finds it.
    pub installed: Option<String>,
}

/// A hold as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// On which device; `None`: everywhere.
    pub device: Option<DeviceId>,
    /// What.
    pub patch: PatchId,
    /// The job that installed it.
    pub job: Option<DeployJobId>,
    /// Why, in words.
    pub cause: String,
    /// When the job ended.
    pub since: Millis,
    /// Since when it is known that the version did not change.
    pub confirmed_at: Option<Millis>,
}

/// A hold of a device with what its inventory may say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToLookAt {
    /// The hold.
    pub hold: Hold,
    /// On which device.
    pub device: DeviceId,
    /// When the device's inventory came.
    pub inventory_at: Millis,
    /// Whether its scan reached all there is.
    pub is_complete: bool,
    /// The version that the device had when it was held.
    pub installed: Option<String>,
    /// What people know the device by.
    pub hostname: String,
    /// What people know the patch by, with its version.
    pub title: String,
    /// Whether the device lacks the patch.
    pub is_missing: bool,
    /// What was installed.
    pub release: Option<fleetmend_model::ReleaseId>,
}

/// On how many devices a version was in vain, and on how many not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Held.
    pub in_vain: u64,
    /// Installed and found.
    pub well: u64,
}

fn read(row: &Row) -> Result<Hold> {
    Ok(Hold {
        id: row.int("id")?,
        device: row.int_opt("device")?.map(DeviceId),
        patch: PatchId(row.int("patch")?),
        job: row.int_opt("job")?.map(DeployJobId),
        cause: row.text("cause")?,
        since: row.millis("since")?,
        confirmed_at: row.millis_opt("confirmed_at")?,
    })
}

/// Keeps a hold of a device, of which there is one at most for each patch.
pub async fn put(tx: &mut Tx, hold: &NewHold, now: Millis) -> Result<()> {
    let values = args![
        hold.device,
        hold.patch,
        hold.job,
        &hold.cause,
        hold.since,
        hold.is_confirmed.then_some(now),
        hold.installed.as_deref(),
    ];
    tx.run(&PUT, values).await.map(drop)
}

/// Holds a version everywhere; whether it was not before.
pub async fn put_everywhere(tx: &mut Tx, patch: PatchId, cause: &str, now: Millis) -> Result<bool> {
    Ok(tx.run(&PUT_EVERYWHERE, args![patch, cause, now]).await? > 0)
}

/// The open hold of a patch on a device.
pub async fn of_device(
    mut from: impl Read,
    device: DeviceId,
    patch: PatchId,
) -> Result<Option<Hold>> {
    from.row(&OF_DEVICE, args![device, patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The open hold of a patch everywhere.
pub async fn everywhere(mut from: impl Read, patch: PatchId) -> Result<Option<Hold>> {
    from.row(&EVERYWHERE, args![patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The open holds of these patches, on devices and everywhere.
pub async fn of_patches(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<Hold>> {
    let ids = Rows::of(patches.iter().copied());
    let rows = from.rows(&OF_PATCHES, args![ids]).await?;
    rows.iter().map(read).collect()
}

/// Holds of devices of which an inventory may say something new, by number, from behind `after` on.
pub async fn to_look_at(mut from: impl Read, after: i64, limit: u32) -> Result<Vec<ToLookAt>> {
    let rows = from.rows(&TO_LOOK_AT, args![after, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(ToLookAt {
                hold: read(row)?,
                device: DeviceId(row.int("device")?),
                inventory_at: row.millis_opt("inventory_at")?.unwrap_or_default(),
                is_complete: row.flag("inventory_complete")?,
                installed: row.text_opt("installed")?,
                hostname: row.text("hostname")?,
                title: format!("{} {}", row.text("title")?, row.text("version")?),
                is_missing: row.int_opt("missing")?.is_some(),
                release: row.int_opt("release")?.map(fleetmend_model::ReleaseId),
            })
        })
        .collect()
}

/// It is known now that the version did not change from the installed one. `false`: somebody else was
/// faster.
pub async fn confirm(
    tx: &mut Tx,
    id: i64,
    cause: &str,
    installed: Option<&str>,
    now: Millis,
) -> Result<bool> {
    Ok(tx.run(&CONFIRM, args![id, now, cause, installed]).await? > 0)
}

/// The version was looked for in vain in an inventory that came then; what is installed is kept where it
/// was not known.
pub async fn looked(
    tx: &mut Tx,
    id: i64,
    inventory_at: Millis,
    installed: Option<&str>,
) -> Result<()> {
    let values = args![id, inventory_at, installed];
    tx.run(&LOOKED, values).await.map(drop)
}

/// Ends a hold: `by` a person with a reason, or by itself. `false`: it is over already.
pub async fn end(
    tx: &mut Tx,
    id: i64,
    by: Option<&str>,
    reason: &str,
    now: Millis,
) -> Result<bool> {
    Ok(tx.run(&END, args![id, now, by, reason]).await? > 0)
}

/// Takes away what turned out to be no hold: the device has the version.
pub async fn forget(tx: &mut Tx, id: i64) -> Result<()> {
    tx.run(&FORGET, args![id]).await.map(drop)
}

/// Whether an inventory of the device is needed to know what became of an installation.
pub async fn awaits_inventory(mut from: impl Read, device: DeviceId) -> Result<bool> {
    Ok(from.row(&AWAITS_INVENTORY, args![device]).await?.is_some())
}

/// How a version did, since a person last let it go everywhere.
pub async fn tally(mut from: impl Read, patch: PatchId) -> Result<Tally> {
    let row = from.row(&TALLY, args![patch]).await?;
    row.map_or(
        Ok(Tally {
            in_vain: 0,
            well: 0,
        }),
        |row| {
            Ok(Tally {
                in_vain: row.u64("in_vain")?,
                well: row.u64("well")?,
            })
        },
    )
}

/// Versions held everywhere that no device is held for any more.
pub async fn groundless(mut from: impl Read, limit: u32) -> Result<Vec<Hold>> {
    from.rows(&GROUNDLESS, args![limit])
        .await?
        .iter()
        .map(read)
        .collect()
}
