//! Gets the files of a patch to the server, for the jobs that wait for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis, PatchId, ReleaseId};
use fleetmend_store::deploy_jobs::{self, DeployJob};
use fleetmend_store::downloads::{self, Failed};
use fleetmend_store::patches::{self, Patch};

use super::moves::{self, With};
use super::tries;
use crate::api::time;
use crate::app::App;
use crate::catalog::mirror::{self, MirrorError};
use crate::jobs;

/// Jobs taken on at a time.
const BATCH: u32 = 1_000;

/// What came of trying to get the files.
enum Got {
    /// They are here.
    Release(ReleaseId),
    /// They are tried to be had again then. Why, in words.
    Wait(String, Millis),
    /// Only a person helps. Why, in words.
    Never(String),
}

/// Makes the release of a patch, for all jobs that wait for it.
pub async fn mirror_patch(app: &Arc<App>, id: PatchId) -> anyhow::Result<()> {
    let patch = patches::get(&app.db, id)
        .await?
        .with_context(|| format!("no patch {id}"))?;
    let Some(last) = deploy_jobs::last_needing_files(&app.db, id).await? else {
        return Ok(());
    };
    if !mirror::is_at_hand(app, &patch).await? {
        say_begun(app, id).await?;
    }
    match get(app, &patch).await? {
        Got::Release(release) => arrive(app, id, release).await,
        Got::Wait(cause, at) => wait(app, id, &cause, at).await,
        Got::Never(cause) => give_up(app, id, last, &cause).await,
    }
}

async fn get(app: &Arc<App>, patch: &Patch) -> anyhow::Result<Got> {
    let most = app.policy.download_tries;
    let failed = downloads::get(&app.db, patch.id).await?;
    let before = failed.as_ref().map_or(0, |it| it.tries);
    match &failed {
        Some(Failed {
            retry_at: None,
            cause,
            tries,
            ..
        }) => return Ok(Got::Never(tries::given_up(cause, *tries, most))),
        Some(it) if it.retry_at > Some(app.now()) => {
            let at = it.retry_at.unwrap_or_default();
            return Ok(Got::Wait(tries::waiting(&it.cause, it.tries, most, at), at));
        }
        Some(it) => {
            let cause = tries::under_way(&it.cause, it.tries, most);
            note(app, patch.id, &cause, super::NEXT_STEP).await?;
        }
        None => {}
    }
    Ok(match mirror::release_for(app, patch).await {
        Ok(release) => {
            forget(app, patch.id, failed.is_some()).await?;
            Got::Release(release)
        }
        Err(MirrorError::Internal(error)) => {
            let cause = "the server failed; its log says why";
            note(app, patch.id, cause, "the server tries again").await?;
            return Err(error);
        }
        Err(MirrorError::Later { cause, at }) => {
            Got::Wait(format!("{cause}; tries again at {}", time(at)), at)
        }
        Err(MirrorError::Again { cause, gained }) => {
            let tries = tries::count(before, gained);
            let first_wait = Duration::from_secs(app.policy.download_retry_seconds);
            let retry_at = tries::next(app.now(), tries, most, first_wait);
            remember(app, patch, &cause, tries, retry_at).await?;
            match retry_at {
                Some(at) => Got::Wait(tries::waiting(&cause, tries, most, at), at),
                None => Got::Never(tries::given_up(&cause, tries, most)),
            }
        }
        Err(MirrorError::Refused(cause)) => {
            remember(app, patch, &cause, before + 1, None).await?;
            Got::Never(cause)
        }
        Err(MirrorError::Never(cause)) => {
            forget(app, patch.id, failed.is_some()).await?;
            Got::Never(cause)
        }
    })
}

async fn remember(
    app: &App,
    patch: &Patch,
    cause: &str,
    tries: u32,
    retry_at: Option<Millis>,
) -> anyhow::Result<()> {
    tracing::warn!("{} {}: {cause}", patch.title, patch.version);
    let failed = Failed {
        patch: patch.id,
        tries,
        cause: cause.to_owned(),
        failed_at: app.now(),
        retry_at,
    };
    let mut tx = app.db.begin().await?;
    downloads::set_failed(&mut tx, &failed).await?;
    Ok(tx.commit().await?)
}

async fn forget(app: &App, patch: PatchId, is_known: bool) -> anyhow::Result<()> {
    if is_known {
        let mut tx = app.db.begin().await?;
        downloads::reset(&mut tx, patch).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Status 2 for the jobs at 1.
async fn say_begun(app: &Arc<App>, patch: PatchId) -> anyhow::Result<()> {
    let downloading = Change::Status {
        status: DeployStatus::Downloading,
    };
    loop {
        // Every round takes its jobs out of this list, or fails.
        let mut jobs = deploy_jobs::posted(&app.db, patch, BATCH).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        change(app, &mut jobs, downloading, &With::default()).await?;
    }
}

/// From here on the jobs wait until their devices may have their orders.
async fn arrive(app: &Arc<App>, patch: PatchId, release: ReleaseId) -> anyhow::Result<()> {
    loop {
        // As above.
        let waiting = deploy_jobs::needing_files(&app.db, patch, BATCH).await?;
        if waiting.is_empty() {
            break;
        }
        let ids: Vec<_> = waiting.iter().map(|it| it.id).collect();
        let mut tx = app.db.begin().await?;
        deploy_jobs::files_are_here(&mut tx, &ids, release, app.now()).await?;
        jobs::enqueue(&mut tx, jobs::Kind::HandOut, 0, app.now()).await?;
        tx.commit().await?;
    }
    app.jobs_due.notify_one();
    Ok(())
}

async fn wait(app: &Arc<App>, patch: PatchId, cause: &str, at: Millis) -> anyhow::Result<()> {
    let next_step = format!("the server tries again at {}", time(at));
    let mut tx = app.db.begin().await?;
    deploy_jobs::set_note_of_patch(&mut tx, patch, cause, &next_step, app.now()).await?;
    jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, patch.0, at).await?;
    tx.commit().await?;
    app.touch();
    Ok(())
}

/// Ends the jobs up to the last one that waited when it was tried. Whoever posts another one meanwhile has it
/// tried again.
async fn give_up(
    app: &Arc<App>,
    patch: PatchId,
    last: DeployJobId,
    cause: &str,
) -> anyhow::Result<()> {
    let end = Change::End {
        ending: Ending::DownloadFailed,
    };
    loop {
        // As above.
        let mut jobs = deploy_jobs::needing_files(&app.db, patch, BATCH).await?;
        jobs.retain(|it| it.id <= last);
        if jobs.is_empty() {
            return Ok(());
        }
        change(app, &mut jobs, end, &With::cause(cause)).await?;
    }
}

async fn change(
    app: &Arc<App>,
    jobs: &mut [DeployJob],
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

async fn note(app: &App, patch: PatchId, cause: &str, next_step: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    deploy_jobs::set_note_of_patch(&mut tx, patch, cause, next_step, app.now()).await?;
    tx.commit().await?;
    app.touch();
    Ok(())
}
