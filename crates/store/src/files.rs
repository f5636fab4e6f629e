//! Files in the mirror, by digest. Their bytes are elsewhere.

use fleetmend_model::{DeviceId, Millis};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    INSERT = "INSERT INTO files (sha256, length, created_at) VALUES ($1, $2, $3)
              ON CONFLICT (sha256) DO NOTHING";
    LENGTH = "SELECT length FROM files WHERE sha256 = $1";
    /// The device has an open job whose release has the file.
    IS_FOR_DEVICE = "SELECT 1 AS id FROM deploy_jobs AS j
                     JOIN release_files AS f ON f.release = j.release
                     WHERE j.device = $1 AND j.finished_at IS NULL AND f.sha256 = $2
                       AND j.order_envelope IS NOT NULL
                     LIMIT 1";
}

/// Notes that the mirror has a file; nothing if it was noted before.
pub async fn insert(tx: &mut Tx, sha256: &str, length: u64, now: Millis) -> Result<()> {
    tx.run(&INSERT, args![sha256, length as i64, now])
        .await
        .map(drop)
}

/// A file's length in bytes; `None` if the mirror does not have it.
pub async fn length(mut from: impl Read, sha256: &str) -> Result<Option<u64>> {
    from.row(&LENGTH, args![sha256])
        .await?
        .map(|row| row.u64("length"))
        .transpose()
}

/// Whether a file is part of an order that is open for a device. Devices get no other files.
pub async fn is_for_device(mut from: impl Read, sha256: &str, device: DeviceId) -> Result<bool> {
    Ok(from
        .row(&IS_FOR_DEVICE, args![device, sha256])
        .await?
        .is_some())
}
