//! What holds a patch back from a device, beside the row of [`crate::missing`] that says it lacks it.

use fleetmend_model::{DeployJobId, DeviceId, PatchId};

use super::Hold;
use crate::error::Result;
use crate::value::Row;

/// The columns that [`read_joined`] reads.
macro_rules! hold_columns {
    () => {
        " h.id AS hold, h.device AS hold_device, h.patch AS hold_patch, h.job AS hold_job,
          h.cause AS hold_cause, h.since AS hold_since, h.confirmed_at AS hold_confirmed_at "
    };
}
pub(crate) use hold_columns;

/// Joins the hold that counts to a row of `missing AS m`: the device's own once it is known that the
/// version did not change, else the one that counts everywhere, else the device's own.
macro_rules! hold_joins {
    () => {
        " LEFT JOIN holds AS o ON o.device = m.device AND o.patch = m.patch AND o.ended_at IS NULL
          LEFT JOIN holds AS e ON e.patch = m.patch AND e.device IS NULL AND e.ended_at IS NULL
          LEFT JOIN holds AS h ON h.id = CASE WHEN o.confirmed_at IS NOT NULL THEN o.id
                                              ELSE COALESCE(e.id, o.id) END "
    };
}
pub(crate) use hold_joins;

/// Reads the hold of a row, if there is one.
pub(crate) fn read_joined(row: &Row) -> Result<Option<Hold>> {
    let Some(id) = row.int_opt("hold")? else {
        return Ok(None);
    };
    Ok(Some(Hold {
        id,
        device: row.int_opt("hold_device")?.map(DeviceId),
        patch: PatchId(row.int("hold_patch")?),
        job: row.int_opt("hold_job")?.map(DeployJobId),
        cause: row.text("hold_cause")?,
        since: row.millis("hold_since")?,
        confirmed_at: row.millis_opt("hold_confirmed_at")?,
    }))
}
