//! How far an agent's reports are stored, so that each is stored once.

use fleetmend_model::DeviceId;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    GET = "SELECT acknowledged FROM agent_reports WHERE device = $1";
    ADVANCE = "INSERT INTO agent_reports (device, acknowledged) VALUES ($1, $2)
               ON CONFLICT (device) DO UPDATE SET acknowledged = excluded.acknowledged
               WHERE agent_reports.acknowledged < excluded.acknowledged";
}

/// The highest sequence number that is stored; 0 before the first report.
pub async fn acknowledged(mut from: impl Read, device: DeviceId) -> Result<i64> {
    from.row(&GET, args![device])
        .await?
        .map_or(Ok(0), |row| row.int("acknowledged"))
}

/// Notes that everything up to `sequence` is stored, in the transaction that stores it. False if
/// that was so before: then nothing of it may be stored again. On PostgreSQL another transaction
/// that advances the same device waits for this one.
pub async fn advance(tx: &mut Tx, device: DeviceId, sequence: i64) -> Result<bool> {
    Ok(tx.run(&ADVANCE, args![device, sequence]).await? == 1)
}
