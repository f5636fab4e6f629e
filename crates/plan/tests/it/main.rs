//! Plans as text, and what holds for every plan.

mod auto;
mod deadline;
mod fleet;
mod fleets;
mod gate;
mod gate_properties;
mod jitter;
mod night;
mod night_properties;
mod night_rings;
mod night_versions;
mod offered_twice;
mod pin;
mod policy;
mod properties;
mod ring;
mod schedule;
mod schedule_properties;
mod select;
mod texts;
mod window;
mod window_properties;
mod zoned;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::{Device, Input, Patch, Readiness};

pub(crate) fn input(readiness: Readiness, devices: Vec<Device>) -> Input {
    let patch = Patch {
        id: PatchId(1),
        title: "7-Zip".to_owned(),
        version: "24.9.0".to_owned(),
    };
    Input {
        now: Millis(1_700_000_000_000),
        patch,
        readiness,
        devices,
    }
}

/// Approved, missing, with nothing in the way.
pub(crate) fn device(id: i64, hostname: &str) -> Device {
    Device {
        id: DeviceId(id),
        hostname: hostname.to_owned(),
        system_type: SystemType::Normal,
        approval: Approval::Approved,
        is_missing: true,
        open_job: None,
        hold: None,
        cannot_deploy: None,
        is_removed: false,
    }
}
