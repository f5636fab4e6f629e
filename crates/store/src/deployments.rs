//! Deployments: one person's decision to deploy a patch, which made some deploy jobs.

use fleetmend_model::{DeploymentId, Millis, PatchId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO deployments (created_at, created_by, patch, note)
              VALUES ($1, $2, $3, $4) RETURNING id";
    GET = "SELECT d.*, (SELECT COUNT(*) FROM deploy_jobs AS j WHERE j.deployment = d.id) AS jobs,
               (SELECT COUNT(*) FROM deploy_jobs AS j
                WHERE j.deployment = d.id AND j.finished_at IS NULL) AS open_jobs
           FROM deployments AS d WHERE d.id = $1";
    LIST = "SELECT d.*, (SELECT COUNT(*) FROM deploy_jobs AS j WHERE j.deployment = d.id) AS jobs,
                (SELECT COUNT(*) FROM deploy_jobs AS j
                 WHERE j.deployment = d.id AND j.finished_at IS NULL) AS open_jobs
            FROM deployments AS d
            WHERE CAST($1 AS BIGINT) IS NULL OR d.id < CAST($1 AS BIGINT)
            ORDER BY d.id DESC LIMIT $2";
}

/// A deployment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// When it was asked for.
    pub created_at: Millis,
    /// The user's name, or the schedule's.
    pub created_by: String,
    /// What is deployed.
    pub patch: PatchId,
    /// What the person said to it.
    pub note: String,
    /// How many jobs it made.
    pub jobs: u64,
    /// How many of them are not over.
    pub open_jobs: u64,
}

fn read(row: &Row) -> Result<Deployment> {
    Ok(Deployment {
        id: DeploymentId(row.int("id")?),
        created_at: row.millis("created_at")?,
        created_by: row.text("created_by")?,
        patch: PatchId(row.int("patch")?),
        note: row.text("note")?,
        jobs: row.u64("jobs")?,
        open_jobs: row.u64("open_jobs")?,
    })
}

/// Adds a deployment; its jobs are made by [`crate::deploy_jobs::create_many`].
pub async fn insert(
    tx: &mut Tx,
    patch: PatchId,
    by: &str,
    note: &str,
    now: Millis,
) -> Result<DeploymentId> {
    tx.id(&INSERT, args![now, by, patch, note])
        .await
        .map(DeploymentId)
}

/// A deployment.
pub async fn get(mut from: impl Read, deployment: DeploymentId) -> Result<Option<Deployment>> {
    from.row(&GET, args![deployment])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A page of all deployments, newest first.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<Deployment>> {
    let mut values = page.cursor(&[Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let deployments = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(deployments, |it| serde_json::json!([it.id])))
}
