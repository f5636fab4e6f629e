//! Why a patch does not run on a device.

use std::fmt;

use fleetmend_model::DeployJobId;
use fleetmend_model::device::SystemType;
use serde::{Deserialize, Serialize};

use crate::input::{Hold, Readiness};

/// Why not. `Display` is a sentence for the console.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// The device's agent was removed.
    AgentRemoved,
    /// The device does not lack the patch.
    NotMissing,
    /// A job for the same patch is open on the device.
    JobOpen {
        /// Which.
        job: DeployJobId,
    },
    /// It was just installed; whether the version changed is not known yet.
    Unconfirmed {
        /// The job that installed it.
        job: DeployJobId,
    },
    /// It was installed on the device, and the version did not change.
    Held {
        /// In words.
        cause: String,
    },
    /// It was installed on several devices, and the version did not change.
    HeldEverywhere {
        /// In words.
        cause: String,
    },
    /// Nobody approved it for the device's system type.
    NotApproved {
        /// For which.
        system_type: SystemType,
    },
    /// It must not be deployed to the device's system type.
    Disapproved {
        /// To which.
        system_type: SystemType,
    },
    /// A person must look at the install script first.
    NeedsReview {
        /// What the analysis could not explain.
        findings: String,
    },
    /// Nobody could tell afterwards whether it is installed.
    CannotVerify {
        /// Why not.
        cause: String,
    },
    /// Only Chocolatey itself can run the script.
    NeedsChocolatey,
    /// The package installs nothing.
    NoInstaller,
    /// The files were not what the package says.
    Quarantined {
        /// What was wrong.
        cause: String,
    },
    /// The package cannot be fetched.
    CannotFetch {
        /// What was wrong.
        cause: String,
    },
    /// The package was not looked at yet.
    NotAnalysed,
    /// The installers could not be downloaded, and are not tried again by themselves.
    DownloadFailed {
        /// What was wrong.
        cause: String,
    },
    /// The device lacks what a deployment needs.
    CannotDeploy {
        /// What.
        cause: String,
    },
}

impl Reason {
    /// What keeps a patch that was installed from being offered again.
    pub fn of_hold(hold: &Hold) -> Self {
        match hold {
            Hold::Unconfirmed { job } => Self::Unconfirmed { job: *job },
            Hold::Device { cause } => Self::Held {
                cause: cause.clone(),
            },
            Hold::Everywhere { cause } => Self::HeldEverywhere {
                cause: cause.clone(),
            },
        }
    }

    /// What keeps a patch from going anywhere; nothing where it is ready.
    pub fn of_readiness(readiness: &Readiness) -> Option<Self> {
        Some(match readiness {
            Readiness::Ready => return None,
            Readiness::NeedsReview { findings } => Self::NeedsReview {
                findings: findings.clone(),
            },
            Readiness::CannotVerify { cause } => Self::CannotVerify {
                cause: cause.clone(),
            },
            Readiness::NeedsChocolatey => Self::NeedsChocolatey,
            Readiness::NoInstaller => Self::NoInstaller,
            Readiness::Quarantined { cause } => Self::Quarantined {
                cause: cause.clone(),
            },
            Readiness::CannotFetch { cause } => Self::CannotFetch {
                cause: cause.clone(),
            },
            Readiness::NotAnalysed => Self::NotAnalysed,
            Readiness::DownloadFailed { cause } => Self::DownloadFailed {
                cause: cause.clone(),
            },
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentRemoved => {
                f.write_str("its agent was removed: enrol the machine again to patch it")
            }
            Self::NotMissing => f.write_str("the machine does not lack this patch"),
            Self::JobOpen { job } => write!(f, "deploy job {job} for this patch is not over"),
            Self::Unconfirmed { job } => write!(
                f,
                "deploy job {job} installed it: the machine's next inventory tells whether the \
                 version changed"
            ),
            Self::Held { cause } => write!(
                f,
                "held on this machine: {cause}. Release, on the page Held Updates, has it offered \
                 again"
            ),
            Self::HeldEverywhere { cause } => write!(
                f,
                "this version is held everywhere: {cause}. Release, on the page Held Updates, has it \
                 offered again"
            ),
            Self::NotApproved { system_type } => {
                write!(
                    f,
                    "not approved for {}: approve the patch first",
                    system_type.label()
                )
            }
            Self::Disapproved { system_type } => {
                write!(f, "disapproved for {}", system_type.label())
            }
            Self::NeedsReview { findings } => {
                write!(f, "its install script needs a review: {findings}")
            }
            Self::CannotVerify { cause } => {
                write!(f, "{cause}, so an install could not be verified")
            }
            Self::NeedsChocolatey => f.write_str(
                "its install script can only be run by Chocolatey, and that is not supported yet",
            ),
            Self::NoInstaller => {
                f.write_str("the package has no installer that could be run on the machine")
            }
            Self::Quarantined { cause } => {
                write!(f, "this version is in quarantine: {cause}")
            }
            Self::CannotFetch { cause } => {
                write!(f, "its package cannot be fetched: {cause}")
            }
            Self::NotAnalysed => f.write_str(
                "its package was not fetched and analysed yet: that happens by itself, try later",
            ),
            Self::DownloadFailed { cause } => write!(
                f,
                "its files could not be downloaded: {cause}. Reset Download Count, on the page \
                 Downloads, has it tried again"
            ),
            Self::CannotDeploy { cause } => {
                write!(f, "the machine's agent cannot deploy: {cause}")
            }
        }
    }
}
