//! What decides about a patch beside people and time.

use fleetmend_model::DeployJobId;

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
