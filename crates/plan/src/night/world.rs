//! Everything that a night depends on.

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};

use crate::auto::ApprovalRule;
use crate::cool_down::Dates;
use crate::input::{Hold, Readiness};
use crate::pin::Pin;
use crate::policy::Policies;
use crate::ring::Rollout;
use crate::schedule::Zone;
use crate::select::DeviceFacts;
use crate::version::Scheme;

/// All that is known when a night is planned. The lists are in any order; each thing is in them once.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// Raised whenever a person's decisions change: which ones the night goes by.
    pub generation: i64,
    /// The time that it is planned at.
    pub now: Millis,
    /// The first moment that is not planned.
    pub until: Millis,
    /// What it is planned for.
    pub occasion: Occasion,
    /// The server's time zone, for devices whose own is not known, and for what is about several.
    pub zone: Zone,
    /// The policies.
    pub policies: &'a Policies,
    /// The devices that are planned for, and those with jobs that take up places.
    pub devices: &'a [Device],
    /// The patches that they lack, and those of open jobs.
    pub patches: &'a [Patch],
    /// What they lack.
    pub missing: &'a [Missing],
    /// What all devices have that lack one of the patches, also those that are not planned for: the patch,
    /// and the version in the devices' own words. Rules approve for all of them.
    pub installed: &'a [(PatchId, String)],
    /// What was decided on the patches.
    pub approvals: &'a [Decided],
    /// The rules that approve, in their order.
    pub rules: &'a [ApprovalRule],
    /// What is not to be offered again.
    pub holds: &'a [Held],
    /// What administrators keep back.
    pub pins: &'a [Pin],
    /// How far versions are in policies' rings. A version without one is at the first ring.
    pub rollouts: &'a [Rollout],
    /// The jobs that are not over.
    pub open_jobs: &'a [OpenJob],
}

/// What is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The runs to come, by the policies' deploy schedules.
    Foreseen,
    /// A run that is due now for all of the devices. What could not start before the next run is left to
    /// that one: it is `until`.
    Due,
    /// A person deploys now: schedules, cool-down and rings are passed over, for that is what a person
    /// who names the patch and the devices means. Pins, holds, approvals, halted rollouts and windows count.
    Asked,
    /// The same, and the person chose that windows and days without changes do not count.
    AnyTime,
}

impl Occasion {
    const ALL: [Self; 4] = [Self::Foreseen, Self::Due, Self::Asked, Self::AnyTime];

    /// Whether a person asks for it.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::Asked | Self::AnyTime)
    }

    /// The word in the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Foreseen => "foreseen",
            Self::Due => "due",
            Self::Asked => "asked",
            Self::AnyTime => "any_time",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What conditions ask for.
    pub facts: DeviceFacts,
    /// Which approvals count by a person's word; without one its policy says.
    pub system_type: Option<SystemType>,
    /// What a deployment needs that the device does not have, in the agent's words.
    pub cannot_deploy: Option<String>,
    /// What its agent can do.
    pub abilities: Vec<Ability>,
    /// Whether its agent was removed from the console.
    pub is_removed: bool,
    /// Since when it is not heard from, if it is down.
    pub down_since: Option<Millis>,
}

/// A newer version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Its id.
    pub id: PatchId,
    /// What a person calls it.
    pub title: String,
    /// The package's id.
    pub package: String,
    /// The version to install.
    pub version: String,
    /// How the package's versions are ordered.
    pub scheme: Scheme,
    /// Where it comes from.
    pub patch_type: PatchType,
    /// The package's tags.
    pub tags: Vec<String>,
    /// Whether it fixes what is a matter of security.
    pub is_security: bool,
    /// The vulnerabilities that it fixes and that are known to be exploited, without those that a person
    /// dismissed.
    pub exploited: Vec<String>,
    /// Its age.
    pub dates: Dates,
    /// Whether there is something to install.
    pub readiness: Readiness,
    /// What an agent must be able to do.
    pub needs: Vec<Ability>,
}

/// A patch that a device lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The device.
    pub device: DeviceId,
    /// The patch.
    pub patch: PatchId,
    /// Since when it is known.
    pub since: Millis,
    /// The version that the device has, in its own words.
    pub installed: Option<String>,
    /// Why an installer would find nothing that it replaces, where the last scan did not read it.
    pub unread: Option<String>,
}

/// What was decided on a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// On which patch.
    pub patch: PatchId,
    /// For which devices.
    pub system_type: SystemType,
    /// The decision.
    pub approval: Approval,
    /// The rule that made it; a person did where there is none.
    pub rule: Option<String>,
}

/// A patch that is not to be offered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// To which device; to none, where there is none.
    pub device: Option<DeviceId>,
    /// Which patch.
    pub patch: PatchId,
    /// Why.
    pub hold: Hold,
}

/// A job that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenJob {
    /// Which.
    pub job: DeployJobId,
    /// Where.
    pub device: DeviceId,
    /// What it installs.
    pub patch: PatchId,
    /// Whether the device has its order, and so takes up a place.
    pub is_out: bool,
}
