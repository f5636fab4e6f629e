//! Gets the files of a patch to the server and hands out the orders of the jobs that wait for it.

use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_model::PatchId;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_store::deploy_jobs::{self, DeployJob};
use fleetmend_store::patches::{self, Patch};
use fleetmend_store::releases;

use super::moves::{self, With};
use super::orders;
use crate::app::App;
use crate::catalog::mirror::{self, MirrorError};

/// The most jobs that one round takes on.
const BATCH: u32 = 1_000;
/// Jobs handed out in one transaction.
const CHUNK: usize = 200;

/// Makes the release of a patch and hands out the orders of all jobs that wait for it.
pub async fn mirror_patch(app: &Arc<App>, id: PatchId) -> anyhow::Result<()> {
    let patch = patches::get(&app.db, id)
        .await?
        .with_context(|| format!("no patch {id}"))?;
    loop {
        // Every round takes its jobs out of this list, or fails.
        let jobs = deploy_jobs::needing_files(&app.db, id, BATCH).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        mirror_for(app, &patch, jobs).await?;
    }
}

async fn mirror_for(app: &Arc<App>, patch: &Patch, mut jobs: Vec<DeployJob>) -> anyhow::Result<()> {
    if !mirror::is_at_hand(app, patch).await? {
        let downloading = Change::Status {
            status: DeployStatus::Downloading,
        };
        let posted = |job: &&mut DeployJob| job.state.status == DeployStatus::Posted;
        let mut posted: Vec<_> = jobs.iter_mut().filter(posted).collect();
        change(app, &mut posted, downloading, &With::default()).await?;
    }
    let release = match mirror::release_for(app, patch).await {
        Ok(release) => release,
        Err(MirrorError::Internal(error)) => {
            note(
                app,
                &jobs,
                "the server failed; its log says why; tries again",
            )
            .await?;
            return Err(error);
        }
        Err(MirrorError::Again(cause)) => {
            note(app, &jobs, &format!("{cause}; tries again")).await?;
            anyhow::bail!("{} {}: {cause}", patch.title, patch.version);
        }
        Err(MirrorError::Never(cause)) => {
            let end = Change::End {
                ending: Ending::DownloadFailed,
            };
            let mut all: Vec<_> = jobs.iter_mut().collect();
            return change(app, &mut all, end, &With::cause(cause)).await;
        }
    };
    let release = releases::get(&app.db, release)
        .await?
        .with_context(|| format!("release {release} is gone"))?;
    for chunk in jobs.chunks_mut(CHUNK) {
        let mut tx = app.db.begin().await?;
        for job in chunk.iter_mut() {
            if !orders::hand_out(app, &mut tx, job, &release, app.now()).await? {
                tracing::debug!("job {} moved on meanwhile", job.id);
            }
        }
        tx.commit().await?;
        for job in chunk {
            app.registry.wake(job.device);
        }
    }
    app.touch();
    Ok(())
}

async fn change(
    app: &Arc<App>,
    jobs: &mut [&mut DeployJob],
    change: Change,
    with: &With,
) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    for job in jobs {
        let with = with.clone();
        match moves::advance(&mut tx, job, change, Party::Server, with, app.now()).await {
            Err(error) if error.is_outrun() => tracing::debug!("job {}: {error}", job.id),
            moved => moved?,
        }
    }
    tx.commit().await?;
    app.touch();
    Ok(())
}

async fn note(app: &Arc<App>, jobs: &[DeployJob], cause: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    for job in jobs {
        deploy_jobs::set_note(&mut tx, job.id, cause, &job.next_step, app.now()).await?;
    }
    tx.commit().await?;
    app.touch();
    Ok(())
}
