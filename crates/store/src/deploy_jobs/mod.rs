//! Deploy jobs: one device and one patch each, with every state that they were in.

mod create;
mod gate;
mod list;

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, Millis, PatchId, ReleaseId};

use crate::db::{Read, Tx};
use crate::devices::Having;
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

pub(crate) use create::STATEMENTS as CREATE_STATEMENTS;
pub use create::{NewJob, Posted, create_many};
pub(crate) use gate::STATEMENTS as GATE_STATEMENTS;
pub use gate::{
    OpenJob, Wait, due_to_look_at, files_are_here, look_again, look_again_at_patches, open, recall,
    recall_late, wait,
};
pub(crate) use list::STATEMENTS as LIST_STATEMENTS;
pub use list::{
    JobFilter, JobProgress, ListedJob, StatusCount, awaiting_restart, count_by_status, expired,
    last_needing_files, list, listed, needing_files, open_of_device, posted, postpone,
};

statements! {
    GET = "SELECT * FROM deploy_jobs WHERE id = $1";
    MOVE = "UPDATE deploy_jobs SET status = $4, ending = $5, cause = $6, next_step = $7,
                updated_at = $8, finished_at = $9, attempt = COALESCE($10, attempt),
                output = COALESCE($11, output), restart_boot = COALESCE($12, restart_boot),
                reboot_note = COALESCE($13, reboot_note), release = COALESCE($14, release)
            WHERE id = $1 AND status = $2 AND ending IS NOT DISTINCT FROM $3
              AND finished_at IS NULL";
    MOVED = "INSERT INTO deploy_transitions (job, seq, status, ending, cause, at, taken_by)
             SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6
             FROM deploy_transitions WHERE job = $1";
    TRANSITIONS = "SELECT * FROM deploy_transitions WHERE job = $1 ORDER BY seq";
    SET_NOTE = "UPDATE deploy_jobs SET cause = $2, next_step = $3, updated_at = $4
                WHERE id = $1 AND finished_at IS NULL";
    SET_NOTE_OF_PATCH = "UPDATE deploy_jobs SET cause = $2, next_step = $3, updated_at = $4
                         WHERE patch = $1 AND finished_at IS NULL AND status IN (1, 2)
                           AND look_at IS NULL";
    SET_AFTERWARDS = "UPDATE deploy_jobs SET cause = $2, attempt = COALESCE($3, attempt),
                          output = COALESCE($4, output), updated_at = $5
                      WHERE id = $1 AND finished_at IS NOT NULL";
    SET_ATTEMPT = "UPDATE deploy_jobs SET attempt = $2, output = $3, updated_at = $4
                   WHERE id = $1 AND finished_at IS NULL";
    SET_RELEASE = "UPDATE deploy_jobs SET release = $2 WHERE id = $1 AND finished_at IS NULL";
    SET_ORDER = "UPDATE deploy_jobs SET order_counter = $2, order_envelope = $3, order_until = $4,
                     look_at = NULL, cause = '', next_step = $5, updated_at = $6
                 WHERE id = $1 AND finished_at IS NULL AND order_envelope IS NULL";
    /// Takes the row's lock, so that of a cancel and a check-in one sees the other's mark. At 8 the
    /// cancel came too late. What was never sent is not sent when its window closes.
    MARK_SENT = "UPDATE deploy_jobs SET order_sent_at = COALESCE(order_sent_at, $2)
                 WHERE id = $1 AND finished_at IS NULL AND order_counter IS NOT DISTINCT FROM $3
                   AND (cancel_asked_at IS NULL OR status = 8)
                   AND (order_sent_at IS NOT NULL OR order_until IS NULL OR order_until > $2)";
    ASK_CANCEL = "UPDATE deploy_jobs SET cancel_asked_by = COALESCE(cancel_asked_by, $2),
                      cancel_asked_at = COALESCE(cancel_asked_at, $3)
                  WHERE id = $1 AND finished_at IS NULL AND status BETWEEN 3 AND 7
                  RETURNING *";
    ARCHIVE = "UPDATE deploy_jobs SET archived_at = $2
               WHERE finished_at IS NOT NULL AND archived_at IS NULL AND finished_at < $1
                 AND (CAST($3 AS TEXT) IS NULL OR device IN
                      (SELECT id FROM devices WHERE COALESCE(policy, 0) IN
                          (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($3 AS TEXT)))))";
}

/// A person's wish to call off a job that its device may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelAsked {
    /// Who asked first.
    pub by: String,
    /// When.
    pub at: Millis,
}

/// A job as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployJob {
    /// Its id.
    pub id: DeployJobId,
    /// The decision that made it.
    pub deployment: DeploymentId,
    /// On which device.
    pub device: DeviceId,
    /// What.
    pub patch: PatchId,
    /// Which release.
    pub release: Option<ReleaseId>,
    /// Where it stands.
    pub state: DeployState,
    /// Why, in words.
    pub cause: String,
    /// What comes next, in words.
    pub next_step: String,
    /// Which start of the installer it is at, from 1; 0 before the first.
    pub attempt: u32,
    /// The counter of its order.
    pub order_counter: Option<i64>,
    /// Its signed order, JSON, once there is one.
    pub order_envelope: Option<String>,
    /// When the order first went into an answer to its device; `None` as long as it is certain
    /// that the device never had it.
    pub order_sent_at: Option<Millis>,
    /// Set once a person wants it called off and the device has the last word.
    pub cancel_asked: Option<CancelAsked>,
    /// When it was made.
    pub posted_at: Millis,
    /// When it changed last.
    pub updated_at: Millis,
    /// When it ends as expired.
    pub deadline_at: Millis,
    /// When it ended; `None` as long as it is open.
    pub finished_at: Option<Millis>,
    /// The boot in which a restart became due.
    pub restart_boot: Option<String>,
    /// The Reboot column.
    pub reboot_note: String,
    /// The end of the installer's output.
    pub output: String,
    /// The job that it does again.
    pub redeploy_of: Option<DeployJobId>,
    /// When it went to the archive.
    pub archived_at: Option<Millis>,
    /// The plan's word for who posted it.
    pub occasion: String,
    /// From when on its order is of no use, where that is before the deadline.
    pub order_until: Option<Millis>,
}

/// A change of state. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobMove {
    /// The state that the decision was made in.
    pub from: DeployState,
    /// The new state, out of [`fleetmend_model::status::deploy::step`].
    pub to: DeployState,
    /// Who takes the edge.
    pub by: Party,
    /// Why, in words; empty where the label says it all.
    pub cause: String,
    /// What comes next, in words; empty when nothing does.
    pub next_step: String,
    /// When.
    pub at: Millis,
    /// Which start of the installer it is at.
    pub attempt: Option<u32>,
    /// The end of the installer's output.
    pub output: Option<String>,
    /// The boot in which a restart became due.
    pub restart_boot: Option<String>,
    /// The Reboot column.
    pub reboot_note: Option<String>,
    /// Which release.
    pub release: Option<ReleaseId>,
}

impl JobMove {
    /// A change without details.
    pub fn new(from: DeployState, to: DeployState, by: Party, at: Millis) -> Self {
        Self {
            from,
            to,
            by,
            cause: String::new(),
            next_step: String::new(),
            at,
            attempt: None,
            output: None,
            restart_boot: None,
            reboot_note: None,
            release: None,
        }
    }
}

/// A state that a job was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobTransition {
    /// From 1, in the order in which they were taken.
    pub seq: i64,
    /// The state.
    pub state: DeployState,
    /// Why.
    pub cause: String,
    /// Since when.
    pub at: Millis,
    /// Who took the edge to it.
    pub by: Party,
}

pub(crate) fn party_key(party: Party) -> &'static str {
    match party {
        Party::User => "user",
        Party::Server => "server",
        Party::Agent => "agent",
    }
}

pub(crate) fn party_from_key(key: &str) -> Option<Party> {
    [Party::User, Party::Server, Party::Agent]
        .into_iter()
        .find(|it| party_key(*it) == key)
}

fn state(row: &Row) -> Result<DeployState> {
    Ok(DeployState {
        status: row.numbered("status")?,
        ending: row.word_opt("ending", Ending::from_key)?,
    })
}

fn cancel_asked(row: &Row) -> Result<Option<CancelAsked>> {
    let by = row.text_opt("cancel_asked_by")?;
    let at = row.millis_opt("cancel_asked_at")?;
    Ok(by.zip(at).map(|(by, at)| CancelAsked { by, at }))
}

fn read(row: &Row) -> Result<DeployJob> {
    Ok(DeployJob {
        id: DeployJobId(row.int("id")?),
        deployment: DeploymentId(row.int("deployment")?),
        device: DeviceId(row.int("device")?),
        patch: PatchId(row.int("patch")?),
        release: row.int_opt("release")?.map(ReleaseId),
        state: state(row)?,
        cause: row.text("cause")?,
        next_step: row.text("next_step")?,
        attempt: row.u32("attempt")?,
        order_counter: row.int_opt("order_counter")?,
        order_envelope: row.text_opt("order_envelope")?,
        order_sent_at: row.millis_opt("order_sent_at")?,
        cancel_asked: cancel_asked(row)?,
        posted_at: row.millis("posted_at")?,
        updated_at: row.millis("updated_at")?,
        deadline_at: row.millis("deadline_at")?,
        finished_at: row.millis_opt("finished_at")?,
        restart_boot: row.text_opt("restart_boot")?,
        reboot_note: row.text("reboot_note")?,
        output: row.text("output")?,
        redeploy_of: row.int_opt("redeploy_of")?.map(DeployJobId),
        archived_at: row.millis_opt("archived_at")?,
        occasion: row.text("occasion")?,
        order_until: row.millis_opt("order_until")?,
    })
}

/// A job.
pub async fn get(mut from: impl Read, job: DeployJobId) -> Result<Option<DeployJob>> {
    from.row(&GET, args![job])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Takes a job from one state to the next and writes that down. [`Error::Moved`] when the job is
/// not in [`JobMove::from`] any more; whether the edge is legal is the caller's to know.
pub async fn transition(tx: &mut Tx, job: DeployJobId, change: &JobMove) -> Result<()> {
    let ending = change.to.ending.map(Ending::key);
    let values = args![
        job,
        change.from.status.number(),
        change.from.ending.map(Ending::key),
        change.to.status.number(),
        ending,
        &change.cause,
        &change.next_step,
        change.at,
        change.to.is_final().then_some(change.at),
        change.attempt.map(i64::from),
        &change.output,
        &change.restart_boot,
        &change.reboot_note,
        change.release,
    ];
    if tx.run(&MOVE, values).await? == 0 {
        return Err(Error::Moved {
            what: "deploy job",
            id: job.0,
        });
    }
    let by = party_key(change.by);
    let values = args![
        job,
        change.to.status.number(),
        ending,
        &change.cause,
        change.at,
        by
    ];
    tx.run(&MOVED, values).await.map(drop)
}

/// The states that a job was in, oldest first.
pub async fn transitions(mut from: impl Read, job: DeployJobId) -> Result<Vec<JobTransition>> {
    let rows = from.rows(&TRANSITIONS, args![job]).await?;
    rows.iter()
        .map(|row| {
            Ok(JobTransition {
                seq: row.int("seq")?,
                state: state(row)?,
                cause: row.text("cause")?,
                at: row.millis("at")?,
                by: row.word("taken_by", party_from_key)?,
            })
        })
        .collect()
}

/// Says why an open job stays where it is, and what comes next.
pub async fn set_note(
    tx: &mut Tx,
    job: DeployJobId,
    cause: &str,
    next_step: &str,
    now: Millis,
) -> Result<()> {
    tx.run(&SET_NOTE, args![job, cause, next_step, now])
        .await
        .map(drop)
}

/// Says why the open jobs of a patch whose files the server does not have yet (1, 2) stay where they
/// are, and what comes next.
pub async fn set_note_of_patch(
    tx: &mut Tx,
    patch: PatchId,
    cause: &str,
    next_step: &str,
    now: Millis,
) -> Result<()> {
    tx.run(&SET_NOTE_OF_PATCH, args![patch, cause, next_step, now])
        .await
        .map(drop)
}

/// Says more of a job that is over: what became known of it afterwards. It stays as it ended. What
/// is `None` stays as well.
pub async fn set_afterwards(
    tx: &mut Tx,
    job: DeployJobId,
    cause: &str,
    attempt: Option<u32>,
    output: Option<String>,
    now: Millis,
) -> Result<()> {
    let attempt = attempt.map(i64::from);
    tx.run(&SET_AFTERWARDS, args![job, cause, attempt, output, now])
        .await
        .map(drop)
}

/// Notes which start of the installer an open job is at, and what the last one printed.
pub async fn set_attempt(
    tx: &mut Tx,
    job: DeployJobId,
    attempt: u32,
    output: &str,
    now: Millis,
) -> Result<()> {
    tx.run(&SET_ATTEMPT, args![job, attempt, output, now])
        .await
        .map(drop)
}

/// Sets the release of an open job.
pub async fn set_release(tx: &mut Tx, job: DeployJobId, release: ReleaseId) -> Result<()> {
    tx.run(&SET_RELEASE, args![job, release]).await.map(drop)
}

/// An order to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder<'a> {
    /// Its counter.
    pub counter: i64,
    /// As it is signed, JSON.
    pub envelope: &'a str,
    /// From when on it is of no use, where that is before the deadline.
    pub until: Option<Millis>,
    /// What comes next, in words.
    pub next_step: &'a str,
}

/// Keeps the signed order of an open job. From here on its device may fetch the release's files.
pub async fn set_order(
    tx: &mut Tx,
    job: DeployJobId,
    order: &NewOrder<'_>,
    now: Millis,
) -> Result<()> {
    let values = args![
        job,
        order.counter,
        order.envelope,
        order.until,
        order.next_step,
        now
    ];
    match tx.run(&SET_ORDER, values).await? {
        0 => Err(Error::Moved {
            what: "deploy job",
            id: job.0,
        }),
        _ => Ok(()),
    }
}

/// Notes that the order of an open job, with this counter, goes into an answer to its device. `false` when
/// it must not: the job ended meanwhile, somebody asked in time to call it off, the order was taken back, or
/// its window is about to close.
pub async fn mark_sent(
    tx: &mut Tx,
    job: DeployJobId,
    counter: Option<i64>,
    now: Millis,
) -> Result<bool> {
    Ok(tx.run(&MARK_SENT, args![job, now, counter]).await? > 0)
}

/// Notes who wants a job called off that is with its device (status 3 to 7); who asked first
/// stays. Returns the job as it is now: no order of it is sent any more, and until the transaction
/// ends nobody else changes it. `None` when it is in another status or over.
pub async fn ask_cancel(
    tx: &mut Tx,
    job: DeployJobId,
    by: &str,
    now: Millis,
) -> Result<Option<DeployJob>> {
    tx.row(&ASK_CANCEL, args![job, by, now])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Archives the jobs of some devices that ended before a time; returns how many.
pub async fn archive_finished_before(
    tx: &mut Tx,
    before: Millis,
    of: &Having,
    now: Millis,
) -> Result<u64> {
    let mut values = args![before, now];
    values.push(of.value());
    tx.run(&ARCHIVE, values).await
}
