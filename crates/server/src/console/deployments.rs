//! The list of deploy jobs.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::patch::PatchType;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, PatchId};
use fleetmend_store::deploy_jobs::{self, DeployJob, JobFilter, JobProgress, ListedJob};

use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, Viewer, choices, stored};
use crate::app::App;
use crate::deployments;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "deployments.html")]
struct List {
    layout: Layout,
    rows: Vec<ListedJob>,
    hostname: String,
    title: String,
    statuses: Vec<Choice>,
    endings: Vec<Choice>,
    patch_types: Vec<Choice>,
    progresses: Vec<Choice>,
    is_archive: bool,
    is_filtered: bool,
    next: Option<String>,
}

/// Whether a person may still call a job off.
pub(super) fn can_cancel(job: &DeployJob) -> bool {
    job.state.can_cancel() && job.cancel_asked.is_none()
}

fn progress_key(progress: JobProgress) -> &'static str {
    match progress {
        JobProgress::Open => "open",
        JobProgress::Finished => "finished",
    }
}

const PROGRESSES: [JobProgress; 2] = [JobProgress::Open, JobProgress::Finished];

fn filter(fields: &Fields) -> Result<JobFilter, ApiError> {
    let id = |name| fields.word(name, |it| it.parse::<i64>().ok());
    Ok(JobFilter {
        status: fields.word("status", |it| {
            it.parse::<i64>()
                .ok()
                .and_then(|it| DeployStatus::try_from(it).ok())
        })?,
        ending: fields.word("ending", Ending::from_key)?,
        hostname: fields.owned("hostname"),
        title: fields.owned("title"),
        patch_type: fields.word("patch_type", PatchType::from_key)?,
        progress: fields.word("progress", |it| {
            PROGRESSES
                .into_iter()
                .find(|progress| progress_key(*progress) == it)
        })?,
        archived: fields.get("archived").is_some(),
        device: id("device")?.map(DeviceId),
        patch: id("patch")?.map(PatchId),
        deployment: id("deployment")?.map(DeploymentId),
    })
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = filter(fields)?;
    let wanted = fields.wanted_page();
    let listed = deploy_jobs::list(&app.db, &filter, &wanted)
        .await
        .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Deployments", "deployments"),
        rows: listed.rows,
        hostname: fields.text("hostname").to_owned(),
        title: fields.text("title").to_owned(),
        statuses: choices(
            &DeployStatus::ALL,
            filter.status,
            |it| it.number().to_string(),
            |it| format!("{} {}", it.number(), it.label()),
        ),
        endings: choices(
            &Ending::ALL,
            filter.ending,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        patch_types: choices(
            &[PatchType::Os, PatchType::ThirdParty],
            filter.patch_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        progresses: choices(
            &PROGRESSES,
            filter.progress,
            |it| progress_key(it).to_owned(),
            |it| match it {
                JobProgress::Open => "Open".to_owned(),
                JobProgress::Finished => "Finished".to_owned(),
            },
        ),
        is_archive: filter.archived,
        is_filtered: filter != JobFilter::default(),
        next: listed
            .next
            .map(|after| fields.next_page("/deployments", &after)),
    })
}

/// Posts the ticked jobs again.
pub async fn redeploy(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let jobs: Vec<DeployJobId> = change.fields.ids("job")?;
    if jobs.is_empty() {
        return Ok(change.done("/deployments", Done::NothingChosen, 0));
    }
    let posted = deployments::redeploy(&app, &jobs, change.actor()).await?;
    Ok(change.done("/deployments", Done::Redeployed, posted))
}

/// Calls one job off.
pub async fn cancel(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    let job = change
        .fields
        .word("cancel", |it| it.parse::<DeployJobId>().ok())?
        .ok_or_else(|| ApiError::Bad("field 'cancel' is missing: name a job".to_owned()))?;
    let done = match deployments::cancel(&app, job, change.actor()).await? {
        deployments::Cancelled::Ended => Done::Cancelled,
        deployments::Cancelled::AskedFor => Done::CancelAsked,
    };
    Ok(change.done("/deployments", done, 1))
}
