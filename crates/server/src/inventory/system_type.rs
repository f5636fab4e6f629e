//! A person's word on how careful approvals are with devices.

use std::sync::Arc;

use fleetmend_model::DeviceId;
use fleetmend_model::device::SystemType;
use fleetmend_store::devices;

use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{journal, policies};

/// Sets the system type of devices; returns how many of them there are.
pub async fn set(
    app: &Arc<App>,
    ids: &[DeviceId],
    system_type: SystemType,
    actor: &Actor,
) -> Result<u64, ApiError> {
    let now = app.now();
    let failed = |error: fleetmend_store::Error| ApiError::Internal(error.into());
    let mut tx = app.db.begin().await.map_err(failed)?;
    let found = devices::set_system_type(&mut tx, ids, system_type)
        .await
        .map_err(failed)?;
    let subject = journal::devices(ids);
    journal::record(
        &mut tx,
        actor,
        "set_system_type",
        &subject,
        system_type.label(),
        now,
    )
    .await?;
    policies::apply(app, tx, now).await?;
    Ok(found)
}
