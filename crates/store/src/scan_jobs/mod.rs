//! Scan jobs, with every state that they were in. The latest state stands in the device's row as
//! well, for the list of devices.

mod list;

use fleetmend_model::status::Party;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis, ScanJobId};

use crate::db::{Read, Tx};
use crate::deploy_jobs::{party_from_key, party_key};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

pub(crate) use list::STATEMENTS as LIST_STATEMENTS;
pub use list::{
    answered_again, due_between, history, of_silent_devices, open_of_device, overdue, unanswered,
};

statements! {
    POST = "INSERT INTO scan_jobs (device, status, cause, reason, posted_at, run_at)
            VALUES ($1, 1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id";
    OPEN_ID = "SELECT id FROM scan_jobs WHERE device = $1 AND finished_at IS NULL";
    /// An open job that was meant for later runs when it is asked for now.
    SOONER = "UPDATE scan_jobs SET run_at = $2 WHERE id = $1 AND run_at > $2 AND status = 1";
    GET = "SELECT * FROM scan_jobs WHERE id = $1";
    /// A check-in takes the device's row before the job's; whoever takes them the other way round
    /// waits for it as it waits for them.
    LOCK_DEVICE = {
        sqlite: "SELECT device AS id FROM scan_jobs WHERE id = $1",
        postgres: "SELECT d.id FROM devices AS d JOIN scan_jobs AS j ON j.device = d.id
                   WHERE j.id = $1 FOR NO KEY UPDATE OF d",
    };
    MOVE = "UPDATE scan_jobs SET status = $3, cause = $4, started_at = COALESCE($5, started_at),
                finished_at = $6, run_at = COALESCE($7, run_at), retries = retries + $8
            WHERE id = $1 AND status = $2 AND finished_at IS NULL RETURNING device AS id";
    WRITE_DOWN = "INSERT INTO scan_transitions (job, seq, status, cause, at, taken_by)
                  SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5
                  FROM scan_transitions WHERE job = $1";
    ON_DEVICE = "UPDATE devices SET scan_status = $2, scan_cause = $3, scan_at = $4 WHERE id = $1";
    EXPLAIN = "UPDATE scan_jobs SET cause = $2 WHERE id = $1 RETURNING device AS id";
    /// A device's row is about its latest scan.
    EXPLAIN_ON_DEVICE = "UPDATE devices SET scan_cause = $3
                         WHERE id = $1 AND (SELECT MAX(id) FROM scan_jobs WHERE device = $1) = $2";
    TRANSITIONS = "SELECT * FROM scan_transitions WHERE job = $1 ORDER BY seq";
}

/// A scan job as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanJob {
    /// Its id.
    pub id: ScanJobId,
    /// Of which device.
    pub device: DeviceId,
    /// Where it stands.
    pub status: ScanStatus,
    /// Why, in words.
    pub cause: String,
    /// Why the scan was asked for: on demand, by schedule, after a deployment, …
    pub reason: String,
    /// When it was asked for.
    pub posted_at: Millis,
    /// From when on the agent may take it.
    pub run_at: Millis,
    /// When the agent took it last.
    pub started_at: Option<Millis>,
    /// When it ended; `None` as long as it is open.
    pub finished_at: Option<Millis>,
    /// How often it was put back from started to posted.
    pub retries: u32,
}

/// What came of a scan that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostedScan {
    /// The job was made.
    Created(ScanJobId),
    /// The device has an open one: this.
    AlreadyOpen(ScanJobId),
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanMove {
    /// The status that the decision was made in.
    pub from: ScanStatus,
    /// The new status, out of [`fleetmend_model::status::scan::step`].
    pub to: ScanStatus,
    /// Who takes the edge.
    pub by: Party,
    /// Why, in words; empty where the label says it all.
    pub cause: String,
    /// When.
    pub at: Millis,
    /// A new time from which on the agent may take it, for a retry.
    pub run_at: Option<Millis>,
}

/// A state that a job was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanTransition {
    /// From 1, in the order in which they were taken.
    pub seq: i64,
    /// The status.
    pub status: ScanStatus,
    /// Why.
    pub cause: String,
    /// Since when.
    pub at: Millis,
    /// Who took the edge to it.
    pub by: Party,
}

fn read(row: &Row) -> Result<ScanJob> {
    Ok(ScanJob {
        id: ScanJobId(row.int("id")?),
        device: DeviceId(row.int("device")?),
        status: row.numbered("status")?,
        cause: row.text("cause")?,
        reason: row.text("reason")?,
        posted_at: row.millis("posted_at")?,
        run_at: row.millis("run_at")?,
        started_at: row.millis_opt("started_at")?,
        finished_at: row.millis_opt("finished_at")?,
        retries: row.u32("retries")?,
    })
}

/// Asks for a scan, from `run_at` on. A device has one open scan job; one that is posted for later
/// is brought forward.
pub async fn post(
    tx: &mut Tx,
    device: DeviceId,
    reason: &str,
    run_at: Millis,
    now: Millis,
) -> Result<PostedScan> {
    post_by(tx, device, reason, run_at, Party::User, now).await
}

/// The same by a schedule, or by a person.
pub async fn post_by(
    tx: &mut Tx,
    device: DeviceId,
    reason: &str,
    run_at: Millis,
    by: Party,
    now: Millis,
) -> Result<PostedScan> {
    let cause = "";
    let Some(id) = tx
        .maybe_id(&POST, args![device, cause, reason, now, run_at])
        .await?
    else {
        let open = tx.maybe_id(&OPEN_ID, args![device]).await?;
        let id = open.ok_or_else(|| Error::missing("open scan job of device", device))?;
        tx.run(&SOONER, args![id, run_at]).await?;
        return Ok(PostedScan::AlreadyOpen(ScanJobId(id)));
    };
    write_down(
        tx,
        device,
        ScanJobId(id),
        ScanStatus::Posted,
        by,
        cause,
        now,
    )
    .await?;
    Ok(PostedScan::Created(ScanJobId(id)))
}

/// Takes a job from one status to the next, writes that down, and shows it in the device's row.
/// [`Error::Moved`] when the job is not in [`ScanMove::from`] any more; whether the edge is legal
/// is the caller's to know.
pub async fn transition(tx: &mut Tx, job: ScanJobId, change: &ScanMove) -> Result<()> {
    let started = (change.to == ScanStatus::Started).then_some(change.at);
    let finished = change.to.is_final().then_some(change.at);
    let is_retry = change.from == ScanStatus::Started && change.to == ScanStatus::Posted;
    let values = args![
        job,
        change.from.number(),
        change.to.number(),
        &change.cause,
        started,
        finished,
        change.run_at,
        is_retry,
    ];
    tx.maybe_id(&LOCK_DEVICE, args![job]).await?;
    let Some(device) = tx.maybe_id(&MOVE, values).await? else {
        return Err(Error::Moved {
            what: "scan job",
            id: job.0,
        });
    };
    write_down(
        tx,
        DeviceId(device),
        job,
        change.to,
        change.by,
        &change.cause,
        change.at,
    )
    .await
}

async fn write_down(
    tx: &mut Tx,
    device: DeviceId,
    job: ScanJobId,
    status: ScanStatus,
    by: Party,
    cause: &str,
    at: Millis,
) -> Result<()> {
    tx.run(
        &WRITE_DOWN,
        args![job, status.number(), cause, at, party_key(by)],
    )
    .await?;
    tx.run(&ON_DEVICE, args![device, status.number(), cause, at])
        .await
        .map(drop)
}

/// Says more of why a job is where it is, whether or not it is over.
pub async fn explain(tx: &mut Tx, job: ScanJobId, cause: &str) -> Result<()> {
    if let Some(device) = tx.maybe_id(&EXPLAIN, args![job, cause]).await? {
        tx.run(&EXPLAIN_ON_DEVICE, args![device, job, cause])
            .await?;
    }
    Ok(())
}

/// A scan job.
pub async fn get(mut from: impl Read, job: ScanJobId) -> Result<Option<ScanJob>> {
    from.row(&GET, args![job])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The states that a job was in, oldest first.
pub async fn transitions(mut from: impl Read, job: ScanJobId) -> Result<Vec<ScanTransition>> {
    let rows = from.rows(&TRANSITIONS, args![job]).await?;
    rows.iter()
        .map(|row| {
            Ok(ScanTransition {
                seq: row.int("seq")?,
                status: row.numbered("status")?,
                cause: row.text("cause")?,
                at: row.millis("at")?,
                by: row.word("taken_by", party_from_key)?,
            })
        })
        .collect()
}
