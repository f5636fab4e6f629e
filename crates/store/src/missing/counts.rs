//! How many devices of a system type lack a patch, kept in the transactions that change it: counting all
//! that devices lack takes seconds where there are many.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, Millis, PatchId};

use super::Changes;
use crate::db::{Db, Read as _, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    /// Rows are taken in the order given, so that two servers wait for each other and no more.
    ADD = "INSERT INTO missing_counts (patch, system_type, devices)
           SELECT CAST(value->>0 AS BIGINT), value->>1, CAST(value->>2 AS BIGINT)
           FROM jsonb_each($1) WHERE true
           ON CONFLICT (patch, system_type) DO UPDATE SET
               devices = missing_counts.devices + excluded.devices";
    OLD = "SELECT m.patch, d.system_type, COUNT(*) AS devices
           FROM devices AS d JOIN missing AS m ON m.device = d.id
           WHERE d.removed_at IS NULL AND (d.scanned_at IS NULL OR d.scanned_at < $1)
           GROUP BY m.patch, d.system_type";
    STORED_OLD = "SELECT patch, system_type, old_answers AS devices
                  FROM missing_counts WHERE old_answers > 0";
    SET_OLD = "UPDATE missing_counts SET old_answers = t.devices
               FROM (SELECT CAST(value->>0 AS BIGINT) AS patch, value->>1 AS system_type,
                            CAST(value->>2 AS BIGINT) AS devices
                     FROM jsonb_each($1)) AS t
               WHERE missing_counts.patch = t.patch
                 AND missing_counts.system_type = t.system_type";
    LACKED = "SELECT m.patch, d.system_type, COUNT(*) AS devices
              FROM devices AS d JOIN missing AS m ON m.device = d.id
              WHERE d.id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
              GROUP BY m.patch, d.system_type";
}

/// How many more devices lack a patch; fewer below 0.
#[derive(Debug, Default)]
pub(crate) struct Counted(BTreeMap<(PatchId, SystemType), i64>);

impl Counted {
    /// What a replacement changed on devices of these types.
    pub(super) fn of(changes: &Changes, types: &HashMap<DeviceId, SystemType>) -> Self {
        let mut counted = Self::default();
        let added = changes.added.iter().map(|it| (it, 1));
        let removed = changes.removed.iter().map(|it| (it, -1));
        for ((device, patch), more) in added.chain(removed) {
            if let Some(system_type) = types.get(device) {
                counted.add(*patch, *system_type, more);
            }
        }
        counted
    }

    /// All that these devices lack.
    pub(crate) async fn lacked_by(tx: &mut Tx, devices: &[DeviceId]) -> Result<Self> {
        let ids = Rows::of(devices.iter().copied());
        Self::read(&tx.rows(&LACKED, args![ids]).await?)
    }

    fn read(rows: &[Row]) -> Result<Self> {
        let mut counted = Self::default();
        for row in rows {
            let system_type = row.word("system_type", SystemType::from_key)?;
            counted.add(PatchId(row.int("patch")?), system_type, row.int("devices")?);
        }
        Ok(counted)
    }

    /// What these devices lack counts for this type from now on. To be stored before their type is.
    pub(crate) async fn retype(
        tx: &mut Tx,
        devices: &[DeviceId],
        system_type: SystemType,
    ) -> Result<()> {
        let mut moved = Self::default();
        for ((patch, was), devices) in Self::lacked_by(tx, devices).await?.0 {
            moved.add(patch, was, -devices);
            moved.add(patch, system_type, devices);
        }
        moved.store(tx).await
    }

    /// The contrary.
    pub(crate) fn taken_away(mut self) -> Self {
        self.0.values_mut().for_each(|it| *it = -*it);
        self
    }

    fn add(&mut self, patch: PatchId, system_type: SystemType, more: i64) {
        *self.0.entry((patch, system_type)).or_default() += more;
    }

    /// Adds it to what is kept.
    pub(crate) async fn store(self, tx: &mut Tx) -> Result<()> {
        let mut rows = Rows::new();
        for ((patch, system_type), more) in self.0.into_iter().filter(|it| it.1 != 0) {
            rows.push(&row![patch, system_type.key(), more]);
        }
        if rows.is_empty() {
            return Ok(());
        }
        tx.run(&ADD, args![rows]).await.map(drop)
    }
}

/// On how many devices of each type the answer that a patch is missing is older than a time, where that is
/// not what is stored: time alone changes it. To count them all takes seconds in a large fleet, so it is
/// read outside of the transaction that stores it.
pub async fn changed_old_answers(db: &Db, before: Millis) -> Result<OldAnswers> {
    let mut from = db.read().await?;
    let mut now = Counted::read(&from.rows(&OLD, args![before]).await?)?.0;
    for (key, devices) in Counted::read(&from.rows(&STORED_OLD, args![]).await?)?.0 {
        if now.get(&key) == Some(&devices) {
            now.remove(&key);
        } else {
            now.entry(key).or_default();
        }
    }
    Ok(OldAnswers(now))
}

/// What [`changed_old_answers`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldAnswers(BTreeMap<(PatchId, SystemType), i64>);

impl OldAnswers {
    /// Puts it in the place of what is stored.
    pub async fn store(self, tx: &mut Tx) -> Result<()> {
        let mut rows = Rows::new();
        for ((patch, system_type), devices) in self.0 {
            rows.push(&row![patch, system_type.key(), devices]);
        }
        if rows.is_empty() {
            return Ok(());
        }
        tx.run(&SET_OLD, args![rows]).await.map(drop)
    }
}
