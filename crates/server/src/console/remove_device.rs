//! Taking a device out of management, after a question.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::DeviceId;
use fleetmend_store::deploy_jobs;
use fleetmend_store::devices::Device;

use super::device::find;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, PathId, Viewer, stored};
use crate::agents::remove;
use crate::app::App;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "remove_device.html")]
struct RemoveDevice {
    layout: Layout,
    device: Device,
    open_jobs: usize,
}

/// The question.
pub async fn question(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = DeviceId(id);
    let device = find(&app, id).await?;
    if device.removed_at.is_some() {
        let message = format!("device {id} was taken out of management before");
        return Err(ApiError::Missing(message).into());
    }
    let open = deploy_jobs::open_of_device(&app.db, id)
        .await
        .map_err(stored)?;
    let title = format!("Remove {}", device.host.hostname);
    view::page(&RemoveDevice {
        layout: viewer.layout(&app, title, "devices"),
        device,
        open_jobs: open.len(),
    })
}

/// Removes it.
pub async fn remove(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let count = remove::remove(&app, &[DeviceId(id)], change.actor()).await?;
    Ok(change.done("/devices", Done::DeviceRemoved, count))
}
