//! Nupkgs that cannot be had or read: why, and when they are tried again.

use fleetmend_model::{Millis, PackageId, SourceId};

use super::{Package, read};
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    SET_PROBLEM = "UPDATE packages SET problem = $2, problem_tries = $3, problem_retry_at = $4
                   WHERE id = $1";
    RETRY_NOW = "UPDATE packages SET problem_retry_at = $2, problem_tries = 0, verdict = NULL,
                     analysis = NULL, analysed_at = NULL, content_sha256 = NULL
                 WHERE source = $1 AND problem IS NOT NULL";
    WITH_PROBLEMS = "SELECT * FROM packages
                     WHERE source = $1 AND (problem IS NOT NULL OR quarantined_at IS NOT NULL)
                     ORDER BY package, order_key DESC, id LIMIT $2";
}

/// Why a nupkg cannot be had or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In a sentence.
    pub why: String,
    /// After how many tries.
    pub tries: i64,
    /// When it is tried again; absent: when the source offers it otherwise.
    pub retry_at: Option<Millis>,
}

impl Problem {
    /// Whether it is time to try again.
    pub fn is_due(&self, now: Millis) -> bool {
        self.retry_at.is_some_and(|at| at <= now)
    }
}

/// Notes why a nupkg cannot be had or read.
pub async fn set_problem(tx: &mut Tx, package: PackageId, problem: &Problem) -> Result<()> {
    let values = args![package, &problem.why, problem.tries, problem.retry_at];
    tx.run(&SET_PROBLEM, values).await.map(drop)
}

/// Has the nupkgs of a source that could not be had or read tried again, as if never before.
pub async fn retry_now(tx: &mut Tx, source: SourceId, now: Millis) -> Result<()> {
    tx.run(&RETRY_NOW, args![source, now]).await.map(drop)
}

/// The first packages of a source that cannot be had or read or are in quarantine, by id.
pub async fn with_problems(
    mut from: impl Read,
    source: SourceId,
    most: u32,
) -> Result<Vec<Package>> {
    from.rows(&WITH_PROBLEMS, args![source, most])
        .await?
        .iter()
        .map(read)
        .collect()
}
