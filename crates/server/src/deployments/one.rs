//! One deploy job as it is shown.

use fleetmend_model::DeployJobId;
use fleetmend_store::deploy_jobs::{self, JobTransition, ListedJob};

use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;

/// A job and every state that it was in, both as they were at one moment: a history must not go beyond
/// the status beside it.
pub async fn one(app: &App, id: DeployJobId) -> Result<(ListedJob, Vec<JobTransition>), ApiError> {
    let mut tx = app.db.read().await.map_err(stored)?;
    let job = deploy_jobs::listed(&mut tx, id).await.map_err(stored)?;
    let job = job.ok_or_else(|| ApiError::Missing(format!("there is no deploy job {id}")))?;
    let transitions = deploy_jobs::transitions(&mut tx, id)
        .await
        .map_err(stored)?;
    Ok((job, transitions))
}
