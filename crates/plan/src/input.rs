//! Everything that a plan depends on.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};

/// One patch on a number of devices, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The time that the plan is for.
    pub now: Millis,
    /// What is to be installed.
    pub patch: Patch,
    /// Whether there is something to install.
    pub readiness: Readiness,
    /// The devices asked for, each once, in any order.
    pub devices: Vec<Device>,
}

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Its id.
    pub id: PatchId,
    /// What a person calls it.
    pub title: String,
    /// The version to install.
    pub version: String,
}

/// Whether a release of the patch may go to devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// A release is there or can be made by itself.
    Ready,
    /// A person must look at the install script first.
    NeedsReview {
        /// What the analysis could not explain, in words.
        findings: String,
    },
    /// Nobody could tell afterwards whether it is installed.
    CannotVerify {
        /// Why not, in words.
        cause: String,
    },
    /// Only Chocolatey itself can run the script.
    NeedsChocolatey,
    /// The package installs nothing.
    NoInstaller,
    /// Its files were not what the package says.
    Quarantined {
        /// What was wrong.
        cause: String,
    },
    /// Its source took it away.
    Withdrawn,
    /// Its package cannot be fetched.
    CannotFetch {
        /// What was wrong.
        cause: String,
    },
    /// Its package was not looked at yet.
    NotAnalysed,
    /// Its installers could not be downloaded, and are not tried again by themselves.
    DownloadFailed {
        /// What was wrong.
        cause: String,
    },
}

/// A device as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub hostname: String,
    /// Which approval counts.
    pub system_type: SystemType,
    /// The decision on the patch for this system type.
    pub approval: Approval,
    /// Whether the device lacks the patch.
    pub is_missing: bool,
    /// The job that is open for this patch on this device.
    pub open_job: Option<DeployJobId>,
    /// What keeps the patch from being offered again to this device.
    pub hold: Option<Hold>,
    /// What a deployment needs that the device does not have, in the agent's words.
    pub cannot_deploy: Option<String>,
    /// Whether its agent was removed from the console.
    pub is_removed: bool,
}

/// Why a patch that was installed is not offered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Whether the version changed is not known yet.
    Unconfirmed {
        /// The job that installed it.
        job: DeployJobId,
    },
    /// The version did not change on this device.
    Device {
        /// In words.
        cause: String,
    },
    /// It did not change on several devices.
    Everywhere {
        /// In words.
        cause: String,
    },
}
