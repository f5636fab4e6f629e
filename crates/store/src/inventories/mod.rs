//! The latest inventory of each device.

mod carried;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use fleetmend_model::id_list;
use fleetmend_model::inventory::{ChocolateyRecord, UpdateScan, WithheldUpdate};
use fleetmend_model::{DeviceId, Millis};

pub use carried::{Carried, HiveRows, UNSEEN_AFTER};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row, to_json};

statements! {
    PUT = "INSERT INTO inventories (device, digest, at, software, chocolatey, updates, withheld,
               hives, carried, unseen, unseen_due)
           SELECT CAST(value->>0 AS BIGINT), value->>1, CAST(value->>2 AS BIGINT),
                  unhex(value->>3), value->>4, value->>5, value->>6, value->>7, value->>8,
                  unhex(value->>9), CAST(value->>10 AS BIGINT)
           FROM jsonb_each($1)
           WHERE EXISTS (SELECT 1 FROM devices AS d
                         WHERE d.id = CAST(value->>0 AS BIGINT) AND d.removed_at IS NULL)
           ON CONFLICT (device) DO UPDATE SET digest = excluded.digest, at = excluded.at,
               software = excluded.software, chocolatey = excluded.chocolatey,
               updates = excluded.updates, withheld = excluded.withheld,
               hives = excluded.hives, carried = excluded.carried,
               unseen = excluded.unseen, unseen_due = excluded.unseen_due";
    UNSEEN_DUE = "SELECT device FROM inventories WHERE unseen_due <= $1
                  ORDER BY unseen_due, device LIMIT $2";
    SET_UNSEEN = "UPDATE inventories SET unseen = t.unseen, unseen_due = t.due
                  FROM (SELECT CAST(value->>0 AS BIGINT) AS device, unhex(value->>1) AS unseen,
                               CAST(value->>2 AS BIGINT) AS due
                        FROM jsonb_each($1)) AS t
                  WHERE inventories.device = t.device";
    GET = "SELECT * FROM inventories WHERE device = $1";
    GET_MANY = "SELECT i.* FROM jsonb_each($1) AS j
                JOIN inventories AS i ON i.device = CAST(j.value->>0 AS BIGINT)";
    KEEPING = "SELECT i.* FROM jsonb_each($1) AS j
               JOIN inventories AS i ON i.device = CAST(j.value->>0 AS BIGINT)
               WHERE i.unseen_due IS NOT NULL";
    DIGEST = "SELECT digest FROM inventories WHERE device = $1";
    HELD = "SELECT device, software, chocolatey, unseen FROM inventories WHERE device > $1
            ORDER BY device LIMIT $2";
    HELD_BY = "SELECT i.device, i.software, i.chocolatey, i.unseen FROM jsonb_each($1) AS j
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

    /// Applications that do not count at a time, sorted: only users have them whose hives were not read for
    /// [`UNSEEN_AFTER`].
    pub fn unseen(&self, now: Millis) -> Vec<u32> {
        let (over, others): (Vec<_>, Vec<_>) = self
            .carried
            .iter()
            .partition(|it| it.unseen_at().is_some_and(|at| at <= now));
        let hives = self.hives.iter().flat_map(|it| &it.software);
        let counting = others.into_iter().flat_map(|it| &it.software);
        let counting: HashSet<u32> = hives.chain(counting).copied().collect();
        let unseen = over.into_iter().flat_map(|it| &it.software).copied();
        let unseen: BTreeSet<u32> = unseen.filter(|it| !counting.contains(it)).collect();
        unseen.into_iter().collect()
    }

    /// When the next ones do not count any more.
    fn unseen_due(&self, now: Millis) -> Option<Millis> {
        let all = self.carried.iter().filter_map(Carried::unseen_at);
        all.filter(|at| *at > now).min()
    }

    /// Applications that count at a time, see [`Self::unseen`].
    pub fn counting(&self, now: Millis) -> Vec<u32> {
        without(&self.software, &self.unseen(now))
    }
}

/// Without some that are sorted.
fn without(all: &[u32], some: &[u32]) -> Vec<u32> {
    let all = all.iter().copied();
    all.filter(|it| some.binary_search(it).is_err()).collect()
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
            id_list::encode(&it.unseen(it.at)),
            it.unseen_due(it.at),
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&PUT, args![rows]).await.map(drop)
}

/// The inventories of devices, of those that keep what users have whose hives were not read.
pub async fn keeping(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<StoredInventory>> {
    let devices = Rows::of(devices.iter().copied());
    let rows = from.rows(&KEEPING, args![devices]).await?;
    rows.iter().map(read).collect()
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
    /// Those that do not count, see [`StoredInventory::unseen`]; sorted.
    unseen: Vec<u32>,
    /// What Chocolatey says that it installed.
    pub chocolatey: Vec<ChocolateyRecord>,
}

impl Held {
    /// The applications that count.
    pub fn counting(&self) -> Cow<'_, [u32]> {
        if self.unseen.is_empty() {
            return Cow::Borrowed(&self.software);
        }
        Cow::Owned(without(&self.software, &self.unseen))
    }
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
        unseen: unseen(row)?,
        chocolatey: row.json("chocolatey")?,
    })
}

fn unseen(row: &Row) -> Result<Vec<u32>> {
    let Some(bytes) = row.blob_opt("unseen")? else {
        return Ok(Vec::new());
    };
    id_list::decode(&bytes).ok_or_else(|| bad("unseen", "no list of ids"))
}

/// Devices of which something does not count any more and is stored as if it did.
pub async fn unseen_due(mut from: impl Read, now: Millis, limit: u32) -> Result<Vec<DeviceId>> {
    let rows = from.rows(&UNSEEN_DUE, args![now, limit]).await?;
    rows.iter()
        .map(|row| row.int("device").map(DeviceId))
        .collect()
}

/// Stores what of these does not count at a time.
pub async fn store_unseen(tx: &mut Tx, all: &[StoredInventory], now: Millis) -> Result<()> {
    let mut rows = Rows::new();
    for it in all {
        let unseen = id_list::encode(&it.unseen(now));
        rows.push(&row![it.device, unseen, it.unseen_due(now)]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&SET_UNSEEN, args![rows]).await.map(drop)
}
