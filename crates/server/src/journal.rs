//! The audit log: who changed what, from where.

use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::{Tx, audit};

use crate::people::Actor;

/// Devices as the subject of a change.
pub fn devices(ids: &[DeviceId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    format!("devices {}", ids.join(", "))
}

/// Notes a change in the transaction that makes it.
pub async fn record(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    subject: &str,
    after: &str,
    now: Millis,
) -> anyhow::Result<()> {
    let entry = audit::Entry {
        at: now,
        who: actor.name.clone(),
        from_address: actor.address.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        before: None,
        after: serde_json::to_string(after).ok(),
    };
    Ok(audit::append(tx, &entry).await?)
}
