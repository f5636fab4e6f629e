//! What a person wants deployed, and what the plan says to it.

use std::collections::HashSet;

use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::Plan;
use fleetmend_plan::night::Occasion;
use fleetmend_plan::window::LONGEST_DEADLINE;
use fleetmend_store::{Tx, missing};

use super::failed;
use crate::app::App;
use crate::error::ApiError;
use crate::plan::{self, Devices};

/// What a person wants deployed.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What.
    pub patch: PatchId,
    /// Where; to all devices that lack it, where none are named.
    pub devices: Option<&'a [DeviceId]>,
    /// Whether windows and days without changes do not count.
    pub at_any_time: bool,
}

impl Asked<'_> {
    /// What the plan calls it.
    pub fn occasion(&self) -> Occasion {
        if self.at_any_time {
            Occasion::AnyTime
        } else {
            Occasion::Asked
        }
    }
}

/// What comes of it.
pub async fn plan(
    app: &App,
    tx: &mut Tx,
    asked: &Asked<'_>,
    now: Millis,
) -> Result<Plan, ApiError> {
    let patch = asked.patch;
    let lacking;
    let devices = if let Some(devices) = asked.devices {
        devices
    } else {
        lacking = missing::devices_of(&mut *tx, patch, None)
            .await
            .map_err(failed)?;
        &lacking
    };
    let loaded = plan::load(app, tx, Devices::These(devices), Some(&[patch]), now).await?;
    let known: HashSet<_> = loaded.devices.iter().map(|it| it.facts.id).collect();
    if let Some(id) = devices.iter().find(|id| !known.contains(id)) {
        return Err(ApiError::Missing(format!("there is no device {id}")));
    }
    let world = loaded.world(now + LONGEST_DEADLINE, asked.occasion());
    let plan = fleetmend_plan::plan(&world, patch, devices);
    plan.ok_or_else(|| ApiError::Missing(format!("there is no patch {patch}")))
}
