//! Making deploy jobs.

use std::collections::HashMap;

use fleetmend_model::status::Party;
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, Millis, PatchId, ReleaseId};

use super::party_key;
use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    CREATE = "INSERT INTO deploy_jobs (deployment, device, patch, release, status, cause,
                  next_step, posted_at, updated_at, deadline_at, redeploy_of, occasion)
              SELECT $2, CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT),
                     CAST(value->>2 AS BIGINT), 1, value->>3, value->>4, $3, $3,
                     CAST(value->>5 AS BIGINT), CAST(value->>6 AS BIGINT), value->>7
              FROM jsonb_each($1) WHERE true
              ON CONFLICT DO NOTHING RETURNING id, device, patch";
    OPEN_IDS = "SELECT d.id, d.device, d.patch FROM jsonb_each($1) AS j
                JOIN deploy_jobs AS d ON d.device = CAST(j.value->>0 AS BIGINT)
                    AND d.patch = CAST(j.value->>1 AS BIGINT)
                WHERE d.finished_at IS NULL";
    CREATED = "INSERT INTO deploy_transitions (job, seq, status, ending, cause, at, taken_by)
               SELECT CAST(value->>0 AS BIGINT), 1, 1, NULL, value->>1, $2, value->>2
               FROM jsonb_each($1)";
}

/// A job to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// On which device.
    pub device: DeviceId,
    /// What.
    pub patch: PatchId,
    /// Which release, where it is known already.
    pub release: Option<ReleaseId>,
    /// Why the job is there, in words.
    pub cause: String,
    /// What comes next, in words.
    pub next_step: String,
    /// When it ends as expired.
    pub deadline_at: Millis,
    /// The job that it does again.
    pub redeploy_of: Option<DeployJobId>,
    /// The plan's word for who posts it.
    pub occasion: &'static str,
    /// Who takes the edge to it.
    pub by: Party,
}

/// What came of a job to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was made.
    Created(DeployJobId),
    /// The device has an open job for the patch: this one.
    AlreadyOpen(DeployJobId),
}

/// Makes jobs in status 1; answers in the order given. A device never has two open jobs for one
/// patch.
pub async fn create_many(
    tx: &mut Tx,
    deployment: DeploymentId,
    jobs: &[NewJob],
    now: Millis,
) -> Result<Vec<Posted>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Rows::new();
    let mut pairs = Rows::new();
    for job in jobs {
        pairs.push(&row![job.device, job.patch]);
        rows.push(&row![
            job.device,
            job.patch,
            job.release,
            &job.cause,
            &job.next_step,
            job.deadline_at,
            job.redeploy_of,
            job.occasion,
        ]);
    }
    let pair = |row: &Row| Ok((DeviceId(row.int("device")?), PatchId(row.int("patch")?)));
    let mut created = HashMap::new();
    for row in tx.rows(&CREATE, args![rows, deployment, now]).await? {
        created.insert(pair(&row)?, DeployJobId(row.int("id")?));
    }
    let mut open = HashMap::new();
    for row in tx.rows(&OPEN_IDS, args![pairs]).await? {
        open.insert(pair(&row)?, DeployJobId(row.int("id")?));
    }
    let mut history = Rows::new();
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let key = (job.device, job.patch);
        if let Some(id) = created.remove(&key) {
            history.push(&row![id, &job.cause, party_key(job.by)]);
            answers.push(Posted::Created(id));
        } else {
            let id = open.get(&key).copied();
            let id = id.ok_or_else(|| Error::missing("open job of device", job.device))?;
            answers.push(Posted::AlreadyOpen(id));
        }
    }
    if !history.is_empty() {
        tx.run(&CREATED, args![history, now]).await?;
    }
    Ok(answers)
}
