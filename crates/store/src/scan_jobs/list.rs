//! Lists of scan jobs: a device's own, and those that the server's clock decides on.

use fleetmend_model::{DeviceId, Millis};

use super::{ScanJob, read};
use crate::db::Read;
use crate::devices::Having;
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
    UNANSWERED = "SELECT j.* FROM scan_jobs AS j JOIN devices AS d ON d.id = j.device
                  WHERE j.finished_at IS NULL AND j.status IN (1, 2, 5)
                    AND j.posted_at <= $1 AND j.run_at <= $1 AND d.last_seen < $2
                    AND (CAST($4 AS TEXT) IS NULL OR COALESCE(d.policy, 0) IN
                         (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($4 AS TEXT))))
                  ORDER BY j.id LIMIT $3";
    /// A device's row says since when its latest scan is in its status.
    OVERDUE = "SELECT j.* FROM scan_jobs AS j JOIN devices AS d ON d.id = j.device
               WHERE j.finished_at IS NULL AND j.status IN (1, 2)
                 AND j.run_at <= $1 AND d.scan_at <= $1 AND d.heard_since <= $1
                 AND d.last_seen >= $2
                 AND (CAST($4 AS TEXT) IS NULL OR COALESCE(d.policy, 0) IN
                      (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($4 AS TEXT))))
               ORDER BY j.id LIMIT $3";
    DUE_BETWEEN = "SELECT device FROM scan_jobs
                   WHERE finished_at IS NULL AND status = 1 AND run_at > posted_at
                     AND run_at >= $1 AND run_at <= $2";
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

/// Open jobs that were due at a time or before, of devices not heard from since another: they are
/// aborted.
pub async fn unanswered(
    mut from: impl Read,
    due: Millis,
    not_seen_since: Millis,
    of: &Having,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    let mut values = args![due, not_seen_since, limit];
    values.push(of.value());
    from.rows(&UNANSWERED, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Jobs that are due and neither taken (1) nor ended (2) since a time, of devices that were heard
/// from without a silence since then, and last since another time: they are tried again, or given
/// up.
pub async fn overdue(
    mut from: impl Read,
    since: Millis,
    seen_since: Millis,
    of: &Having,
    limit: u32,
) -> Result<Vec<ScanJob>> {
    let mut values = args![since, seen_since, limit];
    values.push(of.value());
    from.rows(&OVERDUE, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The devices of jobs that were posted for later, for a moment between two.
pub async fn due_between(
    mut from: impl Read,
    first: Millis,
    last: Millis,
) -> Result<Vec<DeviceId>> {
    let rows = from.rows(&DUE_BETWEEN, args![first, last]).await?;
    rows.iter()
        .map(|row| Ok(DeviceId(row.int("device")?)))
        .collect()
}
