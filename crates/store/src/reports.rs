//! How far an agent's reports are stored, so that each is stored once.

use fleetmend_model::DeviceId;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    GET = "SELECT epoch, acknowledged FROM agent_reports WHERE device = $1";
    BEGIN = "INSERT INTO agent_reports (device, epoch, acknowledged) VALUES ($1, $2, 0)
             ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch, acknowledged = 0
             WHERE agent_reports.epoch <> excluded.epoch";
    ADVANCE = "INSERT INTO agent_reports (device, epoch, acknowledged) VALUES ($1, $2, $3)
               ON CONFLICT (device) DO UPDATE SET acknowledged = excluded.acknowledged
               WHERE agent_reports.epoch = excluded.epoch
                 AND agent_reports.acknowledged < excluded.acknowledged";
}

/// How far the reports of a device are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acknowledged {
    /// The state of the agent that counts them; empty where the agent does not name it.
    pub epoch: String,
    /// The highest sequence number that is stored; 0 before the first.
    pub sequence: i64,
}

/// How far a device's reports are stored; `None` for one that was never heard to count them.
pub async fn acknowledged(mut from: impl Read, device: DeviceId) -> Result<Option<Acknowledged>> {
    let row = from.row(&GET, args![device]).await?;
    row.map(|row| {
        Ok(Acknowledged {
            epoch: row.text("epoch")?,
            sequence: row.int("acknowledged")?,
        })
    })
    .transpose()
}

/// Notes that the agent counts from 1 again, in another state than before. False if it is the
/// state that is stored.
pub async fn begin(tx: &mut Tx, device: DeviceId, epoch: &str) -> Result<bool> {
    Ok(tx.run(&BEGIN, args![device, epoch]).await? == 1)
}

/// Notes that everything up to `sequence` is stored, in the transaction that stores it. False if
/// that was so before, or the agent counts in another state meanwhile: then nothing of it may be
/// stored. On PostgreSQL another transaction that advances the same device waits for this one.
pub async fn advance(tx: &mut Tx, device: DeviceId, epoch: &str, sequence: i64) -> Result<bool> {
    Ok(tx.run(&ADVANCE, args![device, epoch, sequence]).await? == 1)
}
