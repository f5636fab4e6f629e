//! One deploy job: where it stands, every state that it was in, and what the installer printed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::DeployJobId;
use fleetmend_model::status::Party;
use fleetmend_store::deploy_jobs::{JobTransition, ListedJob};

use super::deployments::can_cancel;
use super::view::{self, Layout, PageError, PathId, Viewer};
use crate::app::App;
use crate::deployments;

#[derive(Template)]
#[template(path = "job.html")]
struct One {
    layout: Layout,
    it: ListedJob,
    transitions: Vec<JobTransition>,
    can_cancel: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
fn party_label(party: &Party) -> &'static str {
    match party {
        Party::User => "a person",
        Party::Server => "the server",
        Party::Agent => "the agent",
    }
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = DeployJobId(id);
    let (it, transitions) = deployments::one(&app, id).await?;
    view::page(&One {
        layout: viewer.layout(&app, format!("Deploy job {id}"), "deployments"),
        can_cancel: can_cancel(&it.job),
        it,
        transitions,
    })
}
