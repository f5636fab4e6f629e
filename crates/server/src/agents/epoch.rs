//! Which state an agent counts its reports in. Another one than before says that it lost the one
//! before: it counts from 1 again, and what it was given is handed out anew.

use fleetmend_model::Millis;
use fleetmend_store::reports::{self, Acknowledged};
use fleetmend_store::{Tx, anomalies};

use crate::error::ApiError;
use crate::registry::Device;

/// The longest epoch, in bytes.
const MAX_EPOCH: usize = 64;
const LOST: &str = "the agent lost its state: it starts afresh, and its open jobs are handed out \
                    to it again";

/// Refuses what no agent makes.
pub fn check(epoch: &str) -> Result<(), ApiError> {
    if epoch.len() <= MAX_EPOCH && epoch.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(ApiError::Bad(format!(
        "field 'epoch': it is not at most {MAX_EPOCH} letters and digits"
    )))
}

/// How far the reports of the state that a device names are stored. An agent that names none is
/// taken to have the one that it had before.
pub async fn enter(
    tx: &mut Tx,
    device: &Device,
    epoch: &str,
    now: Millis,
) -> fleetmend_store::Result<Acknowledged> {
    let stored = reports::acknowledged(&mut *tx, device.id).await?;
    if epoch.is_empty() {
        return Ok(stored.unwrap_or_default());
    }
    match stored {
        Some(stored) if stored.epoch == epoch => Ok(stored),
        before => {
            let is_first = reports::begin(tx, device.id, epoch).await?;
            if is_first && before.is_some() {
                tracing::warn!("device {}: {LOST}", device.id);
                anomalies::add(tx, device.id, LOST, now).await?;
            }
            Ok(Acknowledged {
                epoch: epoch.to_owned(),
                sequence: 0,
            })
        }
    }
}
