//! What a person deploys, as tests write it: one patch, and all that bears on it on each device.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeployJobId, DeviceId, PatchId};
use fleetmend_plan::night::{Held, Occasion, World};
use fleetmend_plan::{Hold, Plan, Readiness};
use serde_json::json;

use crate::fleet::{self, Fleet};

const PATCH: PatchId = PatchId(1);

/// A device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) hostname: String,
    pub(crate) system_type: SystemType,
    pub(crate) approval: Approval,
    pub(crate) is_missing: bool,
    pub(crate) open_job: Option<DeployJobId>,
    pub(crate) hold: Option<Hold>,
    pub(crate) cannot_deploy: Option<String>,
    pub(crate) is_removed: bool,
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

/// Each device by itself: decisions are made for system types, and here each device has its own.
pub(crate) fn plan(readiness: Readiness, devices: &[Device]) -> Plan {
    let mut whole: Option<Plan> = None;
    for device in devices {
        let fleet = world(&readiness, device);
        let one = plan_in(&fleet.world(), &[device.id]);
        match &mut whole {
            None => whole = Some(one),
            Some(whole) => whole.entries.extend(one.entries),
        }
    }
    let mut whole =
        whole.unwrap_or_else(|| plan_in(&world(&readiness, &device(1, "")).world(), &[]));
    let by = |it: &fleetmend_plan::Entry| (it.hostname.clone(), it.device);
    whole.entries.sort_by_key(by);
    whole
}

fn plan_in(world: &World<'_>, devices: &[DeviceId]) -> Plan {
    fleetmend_plan::plan(world, PATCH, devices).unwrap()
}

fn world(readiness: &Readiness, it: &Device) -> Fleet {
    let mut fleet = Fleet::new(
        "2026-11-26T20:00+01:00",
        "2027-11-26T20:00+01:00",
        &[("", json!({}))],
    );
    fleet.occasion = Occasion::Asked;
    let patch = fleet.patch("7-Zip", "24.9.0");
    fleet.last_patch().readiness = readiness.clone();
    let mut device = fleet::device(it.id, &it.hostname, "Europe/Berlin");
    device.system_type = Some(it.system_type);
    device.cannot_deploy.clone_from(&it.cannot_deploy);
    device.is_removed = it.is_removed;
    fleet.devices.push(device);
    fleet.decide(patch, it.system_type, it.approval, None);
    if it.is_missing {
        fleet.lacks(it.id, patch);
    }
    if let Some(job) = it.open_job {
        fleet.job(job.0, it.id, patch, true);
    }
    fleet.holds.extend(it.hold.clone().map(|hold| Held {
        device: Some(it.id),
        patch,
        hold,
    }));
    fleet
}
