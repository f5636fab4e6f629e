//! Odd things that devices sent and that were not acted on, for people to look at.

use fleetmend_model::{DeviceId, Millis};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

/// How many are kept for one device; the oldest go.
pub const KEPT: u32 = 100;
/// How much of a text is kept, in characters.
pub const MAX_TEXT: usize = 1000;

statements! {
    INSERT = "INSERT INTO anomalies (device, at, what) VALUES ($1, $2, $3)";
    TRIM = "DELETE FROM anomalies WHERE device = $1 AND id <=
                (SELECT id FROM anomalies WHERE device = $1
                 ORDER BY id DESC LIMIT 1 OFFSET $2)";
    OF_DEVICE = "SELECT at, what FROM anomalies WHERE device = $1 ORDER BY id DESC";
}

/// Something odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// When it came.
    pub at: Millis,
    /// What it was.
    pub what: String,
}

/// Notes something odd. Keeps the latest [`KEPT`] of the device, each up to [`MAX_TEXT`].
pub async fn add(tx: &mut Tx, device: DeviceId, what: &str, now: Millis) -> Result<()> {
    let what: String = what.chars().take(MAX_TEXT).collect();
    tx.run(&INSERT, args![device, now, what]).await?;
    tx.run(&TRIM, args![device, KEPT]).await.map(drop)
}

/// What is kept of a device, newest first.
pub async fn of_device(mut from: impl Read, device: DeviceId) -> Result<Vec<Anomaly>> {
    let rows = from.rows(&OF_DEVICE, args![device]).await?;
    rows.iter()
        .map(|row| {
            Ok(Anomaly {
                at: row.millis("at")?,
                what: row.text("what")?,
            })
        })
        .collect()
}
