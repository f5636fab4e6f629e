//! How many devices of a system type lack a patch, kept in the transactions that change it: counting all
//! that devices lack takes seconds where there are many.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, PatchId};

use super::Changes;
use crate::db::{Read as _, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row};

statements! {
    /// Rows are taken in the order given, so that two servers wait for each other and no more.
    ADD = "INSERT INTO missing_counts (patch, system_type, devices)
           SELECT CAST(value->>0 AS BIGINT), value->>1, CAST(value->>2 AS BIGINT)
           FROM jsonb_each($1) WHERE true
           ON CONFLICT (patch, system_type) DO UPDATE SET
               devices = missing_counts.devices + excluded.devices";
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
        let mut counted = Self::default();
        for row in tx.rows(&LACKED, args![ids]).await? {
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
