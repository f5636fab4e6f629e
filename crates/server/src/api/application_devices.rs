//! The devices that have an application.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::inventory::Software;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Id, Params};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time, time_opt};
use crate::app::App;
use crate::error::ApiError;
use crate::missing::application_devices::{self, HavingDevice};
use crate::people::SignedIn;

/// A device that has an application.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationDeviceBody {
    /// The device's id.
    device: i64,
    /// Its name.
    hostname: String,
    /// `normal` or `critical`.
    system_type: &'static str,
    /// When it was heard from last, as far as written down.
    last_seen: String,
    /// When the device's inventory changed last.
    inventory_at: Option<String>,
    /// When a scan found that last, as far as written down.
    scanned_at: Option<String>,
    /// What it has of the application: several versions may stand side by side.
    installed: Vec<InstalledBody>,
}

/// An application in the version that a device has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstalledBody {
    /// `DisplayName`.
    name: String,
    /// `DisplayVersion`.
    version: String,
    /// `Publisher`.
    publisher: String,
}

impl From<Software> for InstalledBody {
    fn from(it: Software) -> Self {
        Self {
            name: it.name,
            version: it.version,
            publisher: it.publisher,
        }
    }
}

impl From<HavingDevice> for ApplicationDeviceBody {
    fn from(it: HavingDevice) -> Self {
        Self {
            device: it.device.id.0,
            hostname: it.device.host.hostname,
            system_type: it.device.system_type.key(),
            last_seen: time(it.device.last_seen),
            inventory_at: time_opt(it.device.inventory_at),
            scanned_at: time_opt(it.device.scanned_at),
            installed: it.installed.into_iter().map(Into::into).collect(),
        }
    }
}

/// Which part.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApplicationDeviceParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// The devices that have an application, by their ids: in any version with the same answer, as the list of
/// applications counts them.
#[utoipa::path(get, path = "/api/v1/applications/{id}/devices",
    operation_id = "list_application_devices", tag = "applications",
    params(("id" = i64, Path, description = "The application's id"), ApplicationDeviceParams),
    responses((status = 200, body = PageBody<ApplicationDeviceBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
    Params(it): Params<ApplicationDeviceParams>,
) -> Result<Json<PageBody<ApplicationDeviceBody>>, ApiError> {
    let id = application(id)?;
    let page = page(it.after, it.limit);
    let found = application_devices::of(&app, id, &page).await?;
    Ok(Json(PageBody::of(found.page, Into::into)))
}

/// An application's id as it is kept.
pub(crate) fn application(id: i64) -> Result<u32, ApiError> {
    u32::try_from(id).map_err(|_| ApiError::Missing(format!("there is no application {id}")))
}
