//! Background work: what to do, with an id, and when. Enqueued in the transaction of the change
//! that makes it necessary; whoever works reads the state anew, so that doing it twice is harmless.

use std::time::Duration;

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

/// The wait after a first failure; each further one doubles it.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(5);
/// The longest wait after a failure.
pub const MAX_BACKOFF: Duration = Duration::from_hours(1);
/// How much of an error is kept, in characters.
pub const MAX_ERROR: usize = 2000;

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM queue
                 WHERE run_at <= $1 AND (locked_until IS NULL OR locked_until <= $1)
                   AND kind IN (SELECT value->>0 FROM jsonb_each(CAST($5 AS TEXT)))
                 ORDER BY run_at, id LIMIT $3",
            $lock,
            ")
             UPDATE queue SET locked_until = $2, attempts = attempts + 1, claims = claims + 1,
                 claimed_by = $4
             WHERE id IN (SELECT id FROM due) RETURNING *"
        )
    };
}

statements! {
    /// One row a kind and subject. Asked for while somebody works on it, it is done again.
    ENQUEUE = "INSERT INTO queue (kind, subject, run_at) VALUES ($1, $2, $3)
               ON CONFLICT (kind, subject) DO UPDATE SET
                   run_at = CASE WHEN queue.locked_until IS NULL AND excluded.run_at < queue.run_at
                                 THEN excluded.run_at ELSE queue.run_at END,
                   next_run_at = CASE
                       WHEN queue.locked_until IS NULL THEN NULL
                       WHEN queue.next_run_at < excluded.run_at THEN queue.next_run_at
                       ELSE excluded.run_at END";
    CLAIM = { sqlite: claim!(""), postgres: claim!(" FOR UPDATE SKIP LOCKED") };
    EXTEND = "UPDATE queue SET locked_until = $3
              WHERE id = $1 AND claims = $2 AND locked_until IS NOT NULL";
    RELEASE = "UPDATE queue SET locked_until = NULL
               WHERE claimed_by = $1 AND locked_until IS NOT NULL";
    FINISH = "DELETE FROM queue WHERE id = $1 AND claims = $2 AND locked_until IS NOT NULL
                  AND next_run_at IS NULL";
    AGAIN = "UPDATE queue SET locked_until = NULL, attempts = 0, last_error = NULL,
                 run_at = next_run_at, next_run_at = NULL
             WHERE id = $1 AND claims = $2 AND locked_until IS NOT NULL
                 AND next_run_at IS NOT NULL";
    FAIL = "UPDATE queue SET locked_until = NULL, last_error = $3, next_run_at = NULL,
                run_at = CASE WHEN next_run_at < $4 THEN next_run_at ELSE $4 END
            WHERE id = $1 AND claims = $2 AND locked_until IS NOT NULL RETURNING run_at AS id";
    LIST = "SELECT * FROM queue
            WHERE (CAST($1 AS TEXT) IS NULL OR kind = CAST($1 AS TEXT))
              AND (CAST($2 AS BIGINT) IS NULL
                   OR (run_at, id) > (CAST($2 AS BIGINT), CAST($3 AS BIGINT)))
            ORDER BY run_at, id LIMIT $4";
    GET = "SELECT * FROM queue WHERE kind = $1 AND subject = $2";
    FIRST = "SELECT MIN(run_at) AS at FROM queue WHERE kind = $1";
    DUE_KINDS = "SELECT DISTINCT kind FROM queue
                 WHERE run_at <= $1 AND (locked_until IS NULL OR locked_until <= $1)";
}

/// Work to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The row.
    pub id: i64,
    /// What to do; the server knows the words.
    pub kind: String,
    /// The id that it is about; 0 where it is about none.
    pub subject: i64,
    /// From when on.
    pub run_at: Millis,
    /// How often it was begun, this time included; goes back to 0 when it is asked for anew.
    pub attempts: i64,
    /// Until when somebody works on it.
    pub locked_until: Option<Millis>,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// How often it was claimed: tells this claim from a later one.
    claims: i64,
}

fn read(row: &Row) -> Result<Work> {
    Ok(Work {
        id: row.int("id")?,
        kind: row.text("kind")?,
        subject: row.int("subject")?,
        run_at: row.millis("run_at")?,
        attempts: row.int("attempts")?,
        locked_until: row.millis_opt("locked_until")?,
        last_error: row.text_opt("last_error")?,
        claims: row.int("claims")?,
    })
}

/// Asks for work, from `run_at` on. Work of the same kind and subject is there once: it runs at
/// the earlier of the two times. If somebody works on it now, it runs once more, from `run_at` on;
/// so work may ask for itself again.
pub async fn enqueue(tx: &mut Tx, kind: &str, subject: i64, run_at: Millis) -> Result<()> {
    tx.run(&ENQUEUE, args![kind, subject, run_at])
        .await
        .map(drop)
}

/// Takes up to `limit` works of some kinds that are due for a server, the longest due first, for as
/// long as `lease`. Nobody else gets them before that; after it, anybody.
pub async fn claim(
    tx: &mut Tx,
    server: &str,
    kinds: &[&str],
    limit: u32,
    now: Millis,
    lease: Duration,
) -> Result<Vec<Work>> {
    let kinds = Rows::of(kinds.iter().copied());
    let values = args![now, now + lease, limit, server, kinds];
    let rows = tx.rows(&CLAIM, values).await?;
    let mut works = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    works.sort_by_key(|work| (work.run_at, work.id));
    Ok(works)
}

/// Keeps work for longer; false if somebody else has it.
pub async fn extend(tx: &mut Tx, work: &Work, now: Millis, lease: Duration) -> Result<bool> {
    Ok(tx
        .run(&EXTEND, args![work.id, work.claims, now + lease])
        .await?
        == 1)
}

/// Gives back what a server works on: its earlier life did, and is over.
pub async fn release(tx: &mut Tx, server: &str) -> Result<()> {
    tx.run(&RELEASE, args![server]).await.map(drop)
}

/// Ends work; if it was asked for meanwhile, it stays, due when it was asked for. Nothing if
/// somebody else has it.
pub async fn finish(tx: &mut Tx, work: &Work) -> Result<()> {
    if tx.run(&FINISH, args![work.id, work.claims]).await? == 0 {
        tx.run(&AGAIN, args![work.id, work.claims]).await?;
    }
    Ok(())
}

/// Gives failed work back, to be tried again after a wait that doubles with each failure up to
/// `longest`, or when it was asked for meanwhile; returns when. `None` if somebody else has it.
pub async fn fail(
    tx: &mut Tx,
    work: &Work,
    error: &str,
    now: Millis,
    longest: Duration,
) -> Result<Option<Millis>> {
    let error: String = error.chars().take(MAX_ERROR).collect();
    let at = now + backoff(work.attempts).min(longest);
    Ok(tx
        .maybe_id(&FAIL, args![work.id, work.claims, error, at])
        .await?
        .map(Millis))
}

/// The wait after the given number of attempts.
pub fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from((attempts - 1).clamp(0, 20)).unwrap_or(0);
    (FIRST_BACKOFF * 2_u32.pow(doublings)).min(MAX_BACKOFF)
}

/// The kinds of which work is due that nobody works on.
pub async fn due_kinds(mut from: impl Read, now: Millis) -> Result<Vec<String>> {
    let rows = from.rows(&DUE_KINDS, args![now]).await?;
    rows.iter().map(|row| row.text("kind")).collect()
}

/// The work of a kind for a subject.
pub async fn get(mut from: impl Read, kind: &str, subject: i64) -> Result<Option<Work>> {
    from.row(&GET, args![kind, subject])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// When the first work of a kind is due; `None` when there is none.
pub async fn first_run(mut from: impl Read, kind: &str) -> Result<Option<Millis>> {
    from.row(&FIRST, args![kind])
        .await?
        .map_or(Ok(None), |row| row.millis_opt("at"))
}

/// A page of all work, or of one kind, by due time.
pub async fn list(mut from: impl Read, kind: Option<&str>, page: &Page) -> Result<Paged<Work>> {
    let mut values = args![kind];
    values.extend(page.cursor(&[Kind::Int, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let works = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(works, |it| serde_json::json!([it.run_at, it.id])))
}
