//! Lists of deploy jobs: the one that people see, and those that the server's work needs.

use std::time::Duration;

use fleetmend_model::patch::PatchType;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, Millis, PatchId};

use super::{DeployJob, read};
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

macro_rules! listed_jobs {
    () => {
        "SELECT j.*, d.hostname, p.title, p.version, p.patch_type, p.security,
             s.created_by
         FROM deploy_jobs AS j
         JOIN devices AS d ON d.id = j.device
         JOIN patches AS p ON p.id = j.patch
         JOIN deployments AS s ON s.id = j.deployment "
    };
}

statements! {
    LIST = (concat!(listed_jobs!(), "
         WHERE (CAST($1 AS BIGINT) IS NULL OR j.status = CAST($1 AS BIGINT))
           AND (CAST($2 AS TEXT) IS NULL OR j.ending = CAST($2 AS TEXT))
           AND (CAST($3 AS TEXT) IS NULL OR d.hostname_key LIKE CAST($3 AS TEXT) ESCAPE '\\')
           AND (CAST($4 AS TEXT) IS NULL OR p.title_key LIKE CAST($4 AS TEXT) ESCAPE '\\')
           AND (CAST($5 AS TEXT) IS NULL OR p.patch_type = CAST($5 AS TEXT))
           AND (CAST($6 AS BIGINT) IS NULL
                OR CASE WHEN j.finished_at IS NULL THEN 1 ELSE 0 END = CAST($6 AS BIGINT))
           AND CASE WHEN j.archived_at IS NULL THEN 0 ELSE 1 END = $7
           AND (CAST($8 AS BIGINT) IS NULL OR j.device = CAST($8 AS BIGINT))
           AND (CAST($9 AS BIGINT) IS NULL OR j.patch = CAST($9 AS BIGINT))
           AND (CAST($10 AS BIGINT) IS NULL OR j.deployment = CAST($10 AS BIGINT))
           AND (CAST($11 AS BIGINT) IS NULL OR j.id < CAST($11 AS BIGINT))
         ORDER BY j.id DESC LIMIT $12"));
    LISTED = (concat!(listed_jobs!(), " WHERE j.id = $1"));
    OPEN_OF_DEVICE = "SELECT * FROM deploy_jobs WHERE device = $1 AND finished_at IS NULL
                      ORDER BY id";
    NEEDING_FILES = "SELECT * FROM deploy_jobs
                     WHERE patch = $1 AND finished_at IS NULL AND status IN (1, 2)
                       AND look_at IS NULL ORDER BY id LIMIT $2";
    LAST_NEEDING_FILES = "SELECT MAX(id) AS id FROM deploy_jobs
                          WHERE patch = $1 AND finished_at IS NULL AND status IN (1, 2)";
    POSTED = "SELECT * FROM deploy_jobs
              WHERE patch = $1 AND finished_at IS NULL AND status = 1
                AND look_at IS NULL ORDER BY id LIMIT $2";
    AWAITING_RESTART = "SELECT * FROM deploy_jobs
                        WHERE finished_at IS NULL AND status = 10 AND device IN
                            (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                        ORDER BY id";
    EXPIRED = "SELECT * FROM deploy_jobs
               WHERE finished_at IS NULL AND deadline_at <= $1 AND status <> 10
               ORDER BY deadline_at, id LIMIT $2";
    /// An order that is signed says itself until when it may start.
    POSTPONE = "UPDATE deploy_jobs SET deadline_at = deadline_at + $2
                WHERE finished_at IS NULL AND order_envelope IS NULL AND posted_at <= $1";
    BY_STATUS = "SELECT status, ending, COUNT(*) AS jobs FROM deploy_jobs
                 WHERE archived_at IS NULL AND posted_at >= $1
                 GROUP BY status, ending ORDER BY status, ending";
}

/// Whether a job is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobProgress {
    /// Something may still happen by itself.
    Open,
    /// It is over.
    Finished,
}

/// Which jobs are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// In which status.
    pub status: Option<DeployStatus>,
    /// Ended how.
    pub ending: Option<Ending>,
    /// Part of the host name, case ignored.
    pub hostname: Option<String>,
    /// Part of the patch's title or name, case ignored.
    pub title: Option<String>,
    /// Third-party or OS.
    pub patch_type: Option<PatchType>,
    /// Open or finished.
    pub progress: Option<JobProgress>,
    /// Those in the archive, instead of those that are not.
    pub archived: bool,
    /// Of which device.
    pub device: Option<DeviceId>,
    /// For which patch.
    pub patch: Option<PatchId>,
    /// Of which deployment.
    pub deployment: Option<DeploymentId>,
}

/// A job with what people know its device and patch by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    /// The job.
    pub job: DeployJob,
    /// The machine's name.
    pub hostname: String,
    /// The patch's title.
    pub title: String,
    /// The version that it brings.
    pub version: String,
    /// Third-party or OS.
    pub patch_type: PatchType,
    /// Whether it closes a security hole.
    pub security: bool,
    /// Who deployed it.
    pub deployed_by: String,
}

/// How many jobs stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCount {
    /// The status.
    pub status: DeployStatus,
    /// The ending.
    pub ending: Option<Ending>,
    /// How many.
    pub jobs: u64,
}

fn read_listed(row: &Row) -> Result<ListedJob> {
    Ok(ListedJob {
        job: read(row)?,
        hostname: row.text("hostname")?,
        title: row.text("title")?,
        version: row.text("version")?,
        patch_type: row.word("patch_type", PatchType::from_key)?,
        security: row.flag("security")?,
        deployed_by: row.text("created_by")?,
    })
}

/// A page of jobs, newest first.
pub async fn list(
    mut from: impl Read,
    filter: &JobFilter,
    page: &Page,
) -> Result<Paged<ListedJob>> {
    let mut values = args![
        filter.status.map(DeployStatus::number),
        filter.ending.map(Ending::key),
        contains(filter.hostname.as_deref()),
        contains(filter.title.as_deref()),
        filter.patch_type.map(PatchType::key),
        filter
            .progress
            .map(|progress| progress == JobProgress::Open),
        filter.archived,
        filter.device,
        filter.patch,
        filter.deployment,
    ];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let jobs = rows.iter().map(read_listed).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(jobs, |it| serde_json::json!([it.job.id])))
}

/// One job as the list shows it.
pub async fn listed(mut from: impl Read, job: DeployJobId) -> Result<Option<ListedJob>> {
    from.row(&LISTED, args![job])
        .await?
        .as_ref()
        .map(read_listed)
        .transpose()
}

/// The open jobs of a device, oldest first.
pub async fn open_of_device(mut from: impl Read, device: DeviceId) -> Result<Vec<DeployJob>> {
    from.rows(&OPEN_OF_DEVICE, args![device])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Open jobs of a patch whose files the server does not have yet (1, 2), oldest first.
pub async fn needing_files(
    mut from: impl Read,
    patch: PatchId,
    limit: u32,
) -> Result<Vec<DeployJob>> {
    from.rows(&NEEDING_FILES, args![patch, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The latest open job of a patch that waits for its files (1 and 2).
pub async fn last_needing_files(
    mut from: impl Read,
    patch: PatchId,
) -> Result<Option<DeployJobId>> {
    let row = from.row(&LAST_NEEDING_FILES, args![patch]).await?;
    let id = row.as_ref().map(|row| row.int_opt("id")).transpose()?;
    Ok(id.flatten().map(DeployJobId))
}

/// Open jobs of a patch for which nothing was done yet (1), oldest first.
pub async fn posted(mut from: impl Read, patch: PatchId, limit: u32) -> Result<Vec<DeployJob>> {
    from.rows(&POSTED, args![patch, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The jobs of these devices that wait for a restart (status 10), oldest first.
pub async fn awaiting_restart(
    mut from: impl Read,
    devices: impl IntoIterator<Item = DeviceId>,
) -> Result<Vec<DeployJob>> {
    from.rows(&AWAITING_RESTART, args![Rows::of(devices)])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Open jobs whose deadline is over, the longest first.
pub async fn expired(mut from: impl Read, now: Millis, limit: u32) -> Result<Vec<DeployJob>> {
    from.rows(&EXPIRED, args![now, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Gives open jobs that were posted until `posted_until` more time, unless a device may have the order
/// already.
pub async fn postpone(tx: &mut Tx, posted_until: Millis, by: Duration) -> Result<()> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    tx.run(&POSTPONE, args![posted_until, by]).await.map(drop)
}

/// How many jobs that were posted since a time, and are not archived, stand where.
pub async fn count_by_status(mut from: impl Read, since: Millis) -> Result<Vec<StatusCount>> {
    let rows = from.rows(&BY_STATUS, args![since]).await?;
    rows.iter()
        .map(|row| {
            Ok(StatusCount {
                status: row.numbered("status")?,
                ending: row.word_opt("ending", Ending::from_key)?,
                jobs: row.u64("jobs")?,
            })
        })
        .collect()
}
