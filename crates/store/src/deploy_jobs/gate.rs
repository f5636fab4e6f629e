//! Jobs whose files are here and that wait until their device may have its order.

use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId, ReleaseId};

use super::{DeployJob, read};
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row};

statements! {
    FILES_ARE_HERE = "UPDATE deploy_jobs SET release = $3, look_at = $2
                      WHERE finished_at IS NULL AND order_envelope IS NULL AND id IN
                          (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    DUE = "SELECT * FROM deploy_jobs WHERE finished_at IS NULL AND look_at <= $1
           ORDER BY look_at, id LIMIT $2";
    /// A row that says the same keeps its time.
    WAIT = "UPDATE deploy_jobs SET look_at = t.look_at, cause = t.cause, next_step = t.next_step,
                updated_at = CASE WHEN deploy_jobs.cause = t.cause
                                       AND deploy_jobs.next_step = t.next_step
                                  THEN deploy_jobs.updated_at ELSE $2 END
            FROM (SELECT CAST(value->>0 AS BIGINT) AS job, value->>1 AS cause,
                         value->>2 AS next_step, CAST(value->>3 AS BIGINT) AS look_at
                  FROM jsonb_each($1)) AS t
            WHERE deploy_jobs.id = t.job AND finished_at IS NULL AND order_envelope IS NULL";
    LOOK_AGAIN = "UPDATE deploy_jobs SET look_at = $1 WHERE finished_at IS NULL AND look_at > $1";
    LOOK_AGAIN_AT = "UPDATE deploy_jobs SET look_at = $1
                     WHERE finished_at IS NULL AND look_at > $1 AND patch IN
                         (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($2))";
    /// Only what certainly no device had.
    RECALL = "UPDATE deploy_jobs SET order_envelope = NULL, order_counter = NULL, order_until = NULL,
                  look_at = $1
              WHERE finished_at IS NULL AND status = 3 AND order_sent_at IS NULL
                AND order_envelope IS NOT NULL AND cancel_asked_at IS NULL
                AND (CAST($2 AS TEXT) IS NULL OR patch IN
                     (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($2 AS TEXT))))";
    RECALL_LATE = "UPDATE deploy_jobs SET order_envelope = NULL, order_counter = NULL,
                       order_until = NULL, look_at = $1
                   WHERE finished_at IS NULL AND status = 3 AND order_sent_at IS NULL
                     AND cancel_asked_at IS NULL AND order_until <= $1";
    OPEN = "SELECT id, device, patch, posted_at, occasion,
                CASE WHEN order_envelope IS NOT NULL AND status < 10 THEN 1 ELSE 0 END AS is_out
            FROM deploy_jobs
            WHERE finished_at IS NULL AND (CAST($1 AS TEXT) IS NULL OR device IN
                (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($1 AS TEXT))))
            ORDER BY id";
}

/// Why a job waits, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Which.
    pub job: DeployJobId,
    /// Why, in words.
    pub cause: String,
    /// What comes next, in words.
    pub next_step: String,
    /// When it is looked at again.
    pub look_at: Millis,
}

/// A job that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJob {
    /// Which.
    pub job: DeployJobId,
    /// Where.
    pub device: DeviceId,
    /// What it installs.
    pub patch: PatchId,
    /// When it was posted.
    pub posted_at: Millis,
    /// The plan's word for who posted it.
    pub occasion: String,
    /// Whether its device may have its order, and is not done but for a restart.
    pub is_out: bool,
}

/// The files of these jobs are here: they are looked at now.
pub async fn files_are_here(
    tx: &mut Tx,
    jobs: &[DeployJobId],
    release: ReleaseId,
    now: Millis,
) -> Result<()> {
    let ids = Rows::of(jobs.iter().copied());
    let values = args![ids, now, release];
    tx.run(&FILES_ARE_HERE, values).await.map(drop)
}

/// Jobs that are to be looked at by now.
pub async fn due_to_look_at(
    mut from: impl Read,
    now: Millis,
    limit: u32,
) -> Result<Vec<DeployJob>> {
    let rows = from.rows(&DUE, args![now, limit]).await?;
    rows.iter().map(read).collect()
}

/// Says why jobs wait, and until when.
pub async fn wait(tx: &mut Tx, waits: &[Wait], now: Millis) -> Result<()> {
    if waits.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new();
    for it in waits {
        rows.push(&row![it.job, &it.cause, &it.next_step, it.look_at]);
    }
    tx.run(&WAIT, args![rows, now]).await.map(drop)
}

/// Has all that waits looked at now.
pub async fn look_again(tx: &mut Tx, now: Millis) -> Result<()> {
    tx.run(&LOOK_AGAIN, args![now]).await.map(drop)
}

/// Has what waits of these patches looked at now.
pub async fn look_again_at_patches(tx: &mut Tx, patches: &[PatchId], now: Millis) -> Result<()> {
    let ids = Rows::of(patches.iter().copied());
    tx.run(&LOOK_AGAIN_AT, args![now, ids]).await.map(drop)
}

/// Takes back the orders that were never sent, of these patches or of all, and has their jobs looked at
/// now.
pub async fn recall(tx: &mut Tx, patches: Option<&[PatchId]>, now: Millis) -> Result<()> {
    let ids = patches.map(|it| Rows::of(it.iter().copied()).into_value());
    let ids = ids.unwrap_or(crate::value::Value::Text(None));
    let mut values = args![now];
    values.push(ids);
    tx.run(&RECALL, values).await.map(drop)
}

/// The same for those whose window is about to close; returns how many.
pub async fn recall_late(tx: &mut Tx, now: Millis) -> Result<u64> {
    tx.run(&RECALL_LATE, args![now]).await
}

/// Jobs that are not over: those of these devices, or all; oldest first.
pub async fn open(mut from: impl Read, devices: Option<&[DeviceId]>) -> Result<Vec<OpenJob>> {
    let ids = devices.map(|it| Rows::of(it.iter().copied()).into_value());
    let ids = ids.unwrap_or(crate::value::Value::Text(None));
    let rows = from.rows(&OPEN, vec![ids]).await?;
    rows.iter()
        .map(|row| {
            Ok(OpenJob {
                job: DeployJobId(row.int("id")?),
                device: DeviceId(row.int("device")?),
                patch: PatchId(row.int("patch")?),
                posted_at: row.millis("posted_at")?,
                occasion: row.text("occasion")?,
                is_out: row.flag("is_out")?,
            })
        })
        .collect()
}
