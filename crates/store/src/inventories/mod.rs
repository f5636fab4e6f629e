//! The latest inventory of each device.

mod carried;

use fleetmend_model::id_list;
use fleetmend_model::inventory::{ChocolateyRecord, UpdateScan, WithheldUpdate};
use fleetmend_model::{DeviceId, Millis};

pub use carried::{Carried, HiveRows};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row, to_json};

statements! {
    PUT = "INSERT INTO inventories (device, digest, at, software, chocolatey, updates, withheld,
               hives, carried)
           SELECT CAST(value->>0 AS BIGINT), value->>1, CAST(value->>2 AS BIGINT),
                  unhex(value->>3), value->>4, value->>5, value->>6, value->>7, value->>8
           FROM jsonb_each($1)
           WHERE EXISTS (SELECT 1 FROM devices AS d
                         WHERE d.id = CAST(value->>0 AS BIGINT) AND d.removed_at IS NULL)
           ON CONFLICT (device) DO UPDATE SET digest = excluded.digest, at = excluded.at,
               software = excluded.software, chocolatey = excluded.chocolatey,
               updates = excluded.updates, withheld = excluded.withheld,
               hives = excluded.hives, carried = excluded.carried";
    GET = "SELECT * FROM inventories WHERE device = $1";
    GET_MANY = "SELECT i.* FROM jsonb_each($1) AS j
                JOIN inventories AS i ON i.device = CAST(j.value->>0 AS BIGINT)";
    DIGEST = "SELECT digest FROM inventories WHERE device = $1";
    HELD = "SELECT device, software, chocolatey FROM inventories WHERE device > $1
            ORDER BY device LIMIT $2";
    HELD_BY = "SELECT i.device, i.software, i.chocolatey FROM jsonb_each($1) AS j
               JOIN inventories AS i ON i.device = CAST(j.value->>0 AS BIGINT)
               ORDER BY i.device";
}

/// An inventory as it is kept. What it says about the device itself is in
/// [`crate::devices::Device`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInventory {
    /// Whose.
    pub device: DeviceId,
    /// SHA-256 of the inventory's JSON, lower-case hexadecimal.
    pub digest: String,
    /// When it came.
    pub at: Millis,
    /// Ids of [`crate::software`], with those that are kept of earlier scans; sorted when read.
    pub software: Vec<u32>,
    /// What Chocolatey says that it installed, or said when that was read last.
    pub chocolatey: Vec<ChocolateyRecord>,
    /// What the package manager would upgrade; its `withheld` is kept apart, and empty here.
    pub updates: Option<UpdateScan>,
    /// Upgrades that exist and are not offered.
    pub withheld: Vec<WithheldUpdate>,
    /// Whose the rows of users are.
    pub hives: Vec<HiveRows>,
    /// What the scan did not read, and what is kept of it.
    pub carried: Vec<Carried>,
}

impl StoredInventory {
    /// What an application is kept for that the last scan did not read; `None` where it did.
    pub fn kept_for(&self, software: u32) -> Option<&Carried> {
        let is_read = |it: &HiveRows| it.software.contains(&software);
        if self.hives.iter().any(is_read) {
            return None;
        }
        let has_it = |it: &&Carried| it.software.contains(&software);
        self.carried
            .iter()
            .filter(has_it)
            .max_by_key(|it| it.seen_at)
    }
}

fn ids(row: &Row) -> Result<Vec<u32>> {
    id_list::decode(&row.blob("software")?).ok_or_else(|| bad("software", "no list of ids"))
}

fn read(row: &Row) -> Result<StoredInventory> {
    Ok(StoredInventory {
        device: DeviceId(row.int("device")?),
        digest: row.text("digest")?,
        at: row.millis("at")?,
        software: ids(row)?,
        chocolatey: row.json("chocolatey")?,
        updates: row.json_opt("updates")?,
        withheld: row.json("withheld")?,
        hives: row.json("hives")?,
        carried: row.json("carried")?,
    })
}

/// Stores inventories, each in place of its device's last, in one statement. Those of devices
/// that were removed are dropped.
pub async fn put_many(tx: &mut Tx, inventories: &[StoredInventory]) -> Result<()> {
    let mut rows = Rows::new();
    for it in inventories {
        let updates = it
            .updates
            .as_ref()
            .map(|updates| to_json("updates", updates))
            .transpose()?;
        rows.push(&row![
            it.device,
            &it.digest,
            it.at,
            id_list::encode(&it.software),
            to_json("chocolatey", &it.chocolatey)?,
            updates,
            to_json("withheld", &it.withheld)?,
            to_json("hives", &it.hives)?,
            to_json("carried", &it.carried)?,
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&PUT, args![rows]).await.map(drop)
}

/// A device's inventory.
pub async fn get(mut from: impl Read, device: DeviceId) -> Result<Option<StoredInventory>> {
    from.row(&GET, args![device])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The inventories of these devices.
pub async fn get_many(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<StoredInventory>> {
    let rows = from
        .rows(&GET_MANY, args![Rows::of(devices.iter().copied())])
        .await?;
    rows.iter().map(read).collect()
}

/// The digest of a device's inventory.
pub async fn digest(mut from: impl Read, device: DeviceId) -> Result<Option<String>> {
    from.row(&DIGEST, args![device])
        .await?
        .map(|row| row.text("digest"))
        .transpose()
}

/// What a device has that is matched to packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub device: DeviceId,
    /// Ids of [`crate::software`]; sorted.
    pub software: Vec<u32>,
    /// What Chocolatey says that it installed.
    pub chocolatey: Vec<ChocolateyRecord>,
}

/// What the next devices after one have, by device: to go through all of them in pieces.
pub async fn held_after(
    mut from: impl Read,
    device: Option<DeviceId>,
    limit: u32,
) -> Result<Vec<Held>> {
    let after = device.map_or(0, |device| device.0);
    let rows = from.rows(&HELD, args![after, limit]).await?;
    rows.iter().map(read_held).collect()
}

/// What these devices have, by device.
pub async fn held_by(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<Held>> {
    let rows = from
        .rows(&HELD_BY, args![Rows::of(devices.iter().copied())])
        .await?;
    rows.iter().map(read_held).collect()
}

fn read_held(row: &Row) -> Result<Held> {
    Ok(Held {
        device: DeviceId(row.int("device")?),
        software: ids(row)?,
        chocolatey: row.json("chocolatey")?,
    })
}
