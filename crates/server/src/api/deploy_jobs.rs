//! Deploy jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::patch::PatchType;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, DeploymentId, DeviceId, PatchId};
use fleetmend_store::deploy_jobs::{self, JobFilter, JobProgress, JobTransition, ListedJob};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::openapi::Refused;
use super::shapes::{CountBody, DeployStatusBody, PageBody, page, time, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::deployments;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// One device's job for one patch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    /// Its id.
    id: i64,
    /// The deployment that made it.
    deployment: i64,
    /// The device's id.
    device: i64,
    /// The machine's name.
    hostname: String,
    /// The patch's id.
    patch: i64,
    /// `os` or `third_party`.
    patch_type: &'static str,
    /// The patch's title.
    title: String,
    /// The version that it brings.
    version: String,
    /// Where it stands.
    status: DeployStatusBody,
    /// Why.
    cause: String,
    /// What comes next.
    next_step: String,
    /// Who asked the device to call it off; absent when nobody did.
    cancel_asked_by: Option<String>,
    /// Which start of the installer it is at; 0 before the first.
    attempt: u32,
    /// The Reboot column.
    reboot: String,
    /// Who deployed it.
    deployed_by: String,
    /// The job that it does again.
    redeploy_of: Option<i64>,
    /// When it was made.
    posted_at: String,
    /// When it changed last.
    updated_at: String,
    /// When it ends as expired.
    deadline_at: String,
    /// When it ended; absent as long as it is open.
    finished_at: Option<String>,
}

impl From<ListedJob> for JobBody {
    fn from(it: ListedJob) -> Self {
        Self {
            id: it.job.id.0,
            deployment: it.job.deployment.0,
            device: it.job.device.0,
            hostname: it.hostname,
            patch: it.job.patch.0,
            patch_type: it.patch_type.key(),
            title: it.title,
            version: it.version,
            status: it.job.state.into(),
            cause: it.job.cause,
            next_step: it.job.next_step,
            cancel_asked_by: it.job.cancel_asked.map(|it| it.by),
            attempt: it.job.attempt,
            reboot: it.job.reboot_note,
            deployed_by: it.deployed_by,
            redeploy_of: it.job.redeploy_of.map(|it| it.0),
            posted_at: time(it.job.posted_at),
            updated_at: time(it.job.updated_at),
            deadline_at: time(it.job.deadline_at),
            finished_at: time_opt(it.job.finished_at),
        }
    }
}

/// A state that a job was in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransitionBody {
    /// The state.
    status: DeployStatusBody,
    /// Why.
    cause: String,
    /// Since when.
    at: String,
    /// Who took the edge to it: `user`, `server` or `agent`.
    by: &'static str,
}

impl From<JobTransition> for TransitionBody {
    fn from(it: JobTransition) -> Self {
        Self {
            status: it.state.into(),
            cause: it.cause,
            at: time(it.at),
            by: match it.by {
                Party::User => "user",
                Party::Server => "server",
                Party::Agent => "agent",
            },
        }
    }
}

/// A job with its history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobDetailBody {
    /// The job.
    job: JobBody,
    /// Every state that it was in, oldest first.
    transitions: Vec<TransitionBody>,
    /// The end of the installer's output.
    output: String,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParams {
    /// Number of the status, 1 to 13.
    #[param(value_type = Option<i64>)]
    status: Option<DeployStatus>,
    /// `cancelled`, `expired`, `download_failed` or `refused`.
    #[param(value_type = Option<String>)]
    ending: Option<Ending>,
    /// Part of the host name, case ignored.
    hostname: Option<String>,
    /// Part of the patch's title or name, case ignored.
    title: Option<String>,
    /// `os` or `third_party`.
    #[param(value_type = Option<String>)]
    patch_type: Option<PatchType>,
    /// Whether the job is open.
    open: Option<bool>,
    /// The archive instead of the current jobs.
    archived: Option<bool>,
    /// The device's id.
    #[param(value_type = Option<i64>)]
    device: Option<DeviceId>,
    /// The patch's id.
    #[param(value_type = Option<i64>)]
    patch: Option<PatchId>,
    /// The deployment's id.
    #[param(value_type = Option<i64>)]
    deployment: Option<DeploymentId>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Deploy jobs, newest first.
#[utoipa::path(get, path = "/api/v1/deploy-jobs", operation_id = "list_deploy_jobs",
    tag = "deployments", params(JobParams),
    responses((status = 200, body = PageBody<JobBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<JobParams>,
) -> Result<Json<PageBody<JobBody>>, ApiError> {
    let filter = JobFilter {
        status: it.status,
        ending: it.ending,
        hostname: it.hostname,
        title: it.title,
        patch_type: it.patch_type,
        progress: it.open.map(|open| {
            if open {
                JobProgress::Open
            } else {
                JobProgress::Finished
            }
        }),
        archived: it.archived.unwrap_or(false),
        device: it.device,
        patch: it.patch,
        deployment: it.deployment,
    };
    let page = page(it.after, it.limit);
    let listed = deploy_jobs::list(&app.db, &filter, &page)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// One job with every state that it was in.
#[utoipa::path(get, path = "/api/v1/deploy-jobs/{id}", operation_id = "get_deploy_job",
    tag = "deployments", params(("id" = i64, Path, description = "The job's id")),
    responses((status = 200, body = JobDetailBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<JobDetailBody>, ApiError> {
    let (listed, transitions) = deployments::one(&app, DeployJobId(id)).await?;
    Ok(Json(JobDetailBody {
        output: listed.job.output.clone(),
        job: listed.into(),
        transitions: transitions.into_iter().map(Into::into).collect(),
    }))
}

/// Which jobs are to be done again.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RedeployBody {
    /// Their ids.
    #[schema(value_type = Vec<i64>)]
    jobs: Vec<DeployJobId>,
}

/// Post jobs again that failed, were cancelled or expired.
#[utoipa::path(post, path = "/api/v1/deploy-jobs/redeploy", operation_id = "redeploy_jobs",
    tag = "deployments", request_body = RedeployBody,
    responses((status = 200, body = CountBody), Refused))]
pub(crate) async fn redeploy(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<RedeployBody>,
) -> Result<Json<CountBody>, ApiError> {
    let count = deployments::redeploy(&app, &it.jobs, &by.actor).await?;
    Ok(Json(CountBody { count }))
}

/// Call a job off that has not started.
///
/// Where its device may have it already, the device is asked: it confirms, or it has started and
/// goes on.
#[utoipa::path(post, path = "/api/v1/deploy-jobs/{id}/cancel", operation_id = "cancel_deploy_job",
    tag = "deployments", params(("id" = i64, Path, description = "The job's id")),
    responses((status = 204, description = "Cancelled, or asked for"), Refused))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    deployments::cancel(&app, DeployJobId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
