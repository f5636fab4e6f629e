//! The latest inventory of each device.

use fleetmend_model::id_list;
use fleetmend_model::inventory::{ChocolateyRecord, UpdateScan, WithheldUpdate};
use fleetmend_model::{DeviceId, Millis};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row, to_json};

statements! {
    PUT = "INSERT INTO inventories (device, digest, at, software, chocolatey, updates, withheld)
           SELECT CAST(value->>0 AS BIGINT), value->>1, CAST(value->>2 AS BIGINT),
                  unhex(value->>3), value->>4, value->>5, value->>6
           FROM jsonb_each($1)
           WHERE EXISTS (SELECT 1 FROM devices AS d
                         WHERE d.id = CAST(value->>0 AS BIGINT) AND d.removed_at IS NULL)
           ON CONFLICT (device) DO UPDATE SET digest = excluded.digest, at = excluded.at,
               software = excluded.software, chocolatey = excluded.chocolatey,
               updates = excluded.updates, withheld = excluded.withheld";
    GET = "SELECT * FROM inventories WHERE device = $1";
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
    /// Ids of [`crate::software`]; sorted when read.
    pub software: Vec<u32>,
    /// What Chocolatey says that it installed.
    pub chocolatey: Vec<ChocolateyRecord>,
    /// What the package manager would upgrade; its `withheld` is kept apart, and empty here.
    pub updates: Option<UpdateScan>,
    /// Upgrades that exist and are not offered.
    pub withheld: Vec<WithheldUpdate>,
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
