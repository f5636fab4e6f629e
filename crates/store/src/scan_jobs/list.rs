//! Lists of scan jobs: a device's own, and those that the server's clock decides on.

use fleetmend_model::{DeviceId, Millis};

use super::{ScanJob, read};
use crate::db::Read;
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::args;

statements! {
    OPEN_OF_DEVICE = "SELECT * FROM scan_jobs WHERE device = $1 AND finished_at IS NULL";
    HISTORY = "SELECT * FROM scan_jobs
               WHERE device = $1 AND (CAST($2 AS BIGINT) IS NULL OR id < CAST($2 AS BIGINT))
               ORDER BY id DESC LIMIT $3";
    OF_SILENT = "SELECT j.* FROM scan_jobs AS j JOIN devices AS d ON d.id = j.device
                 WHERE j.finished_at IS NULL AND j.status = 1 AND j.run_at <= $1
                   AND d.last_seen < $2
                 ORDER BY j.id LIMIT $3";
    ANSWERED_AGAIN = "SELECT j.* FROM scan_jobs AS j JOIN devices AS d ON d.id = j.device
                      WHERE j.finished_at IS NULL AND j.status = 5 AND d.last_seen >= $1
                      ORDER BY j.id LIMIT $2";
    POSTED_BEFORE = "SELECT * FROM scan_jobs
                     WHERE finished_at IS NULL AND status IN (1, 2, 5)
                       AND posted_at < $1 AND run_at < $1
                     ORDER BY id LIMIT $2";
    STARTED_BEFORE = "SELECT * FROM scan_jobs
                      WHERE finished_at IS NULL AND status = 2 AND started_at < $1
                      ORDER BY id LIMIT $2";
}

/// The open job of a device, in whichever status.
pub async fn open_of_device(mut from: impl Read, device: DeviceId) -> Result<Option<ScanJob>> {
    from.row(&OPEN_OF_DEVICE, args![device])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A page of all scans of a device, newest first.
pub async fn history(mut from: impl Read, device: DeviceId, page: &Page) -> Result<Paged<ScanJob>> {
    let mut values = args![device];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&HISTORY, values).await?;
    let jobs = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(jobs, |it| serde_json::json!([it.id])))
}

/// Posted jobs that are due, of devices not heard from since a time: their ping fails.
pub async fn of_silent_devices(
    mut from: impl Read,
    now: Millis,
    not_seen_since: Millis,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    let values = args![now, not_seen_since, limit];
    from.rows(&OF_SILENT, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Jobs whose ping failed, of devices that were heard from since a time: they are posted again.
pub async fn answered_again(
    mut from: impl Read,
    seen_since: Millis,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    from.rows(&ANSWERED_AGAIN, args![seen_since, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Open jobs that were posted and due before a time: they are aborted.
pub async fn posted_before(
    mut from: impl Read,
    before: Millis,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    from.rows(&POSTED_BEFORE, args![before, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Jobs that the agent took before a time and has not ended: they are tried again.
pub async fn started_before(
    mut from: impl Read,
    before: Millis,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    from.rows(&STARTED_BEFORE, args![before, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}
