//! Why a patch does not run on a device.

mod words;

use fleetmend_model::DeployJobId;
use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use serde::{Deserialize, Serialize};

use crate::cool_down::Counted;
use crate::input::{Hold, Readiness};
use crate::moment::Moment;
use crate::pin::{Keeps, Pin};

pub(crate) use words::counted_days;

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
    /// A newer version of the package is deployed to the device.
    Superseded {
        /// Which.
        by: String,
    },
    /// The package is excluded on the device.
    Excluded {
        /// For which devices.
        on: String,
        /// Why, in an administrator's words.
        cause: String,
        /// When that ends.
        until: Option<Moment>,
    },
    /// The package is pinned at an older version on the device.
    Pinned {
        /// At which.
        version: String,
        /// For which devices.
        on: String,
        /// Why, in an administrator's words.
        cause: String,
        /// When that ends.
        until: Option<Moment>,
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
    /// A rule approved it, and the device's policy takes no approvals by rules.
    RuleDoesNotCount {
        /// Which rule.
        rule: String,
        /// Which policy.
        policy: String,
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
    /// Its source took the version away.
    Withdrawn,
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
    /// The device's agent cannot do what the release asks of it, or does not say that it can.
    AgentCannot {
        /// What.
        ability: Ability,
    },
    /// The device's policy deploys nothing by itself.
    NoDeploySchedule {
        /// Which policy.
        policy: String,
    },
    /// The rollout of the version is halted.
    RolloutHalted {
        /// Why.
        cause: String,
    },
    /// A rule approves it later.
    RuleWaits {
        /// Which rule.
        rule: String,
        /// When.
        until: Moment,
    },
    /// It is left to others first.
    CoolingDown {
        /// For how many days.
        days: u32,
        /// Until when, as far as its age is known.
        until: Option<Moment>,
        /// From when on they are counted.
        counted: Counted,
    },
    /// Devices before it have their turn.
    RingWaits {
        /// The device's ring.
        ring: String,
        /// The ring whose turn it is.
        at: String,
        /// What must be so before the next ring has its turn.
        what: String,
    },
    /// The policy's next run is later.
    NotDue {
        /// Which policy.
        policy: String,
        /// The next run, if one comes.
        next: Option<Moment>,
    },
    /// The days are ones on which nothing is changed.
    Blackout {
        /// Which, and what comes after them, in words.
        days: String,
        /// The first moment at which it could begin.
        next: Option<Moment>,
    },
    /// The next window opens later.
    WindowOpens {
        /// The window, in words.
        window: String,
        /// When it opens.
        next: Moment,
    },
    /// No window comes in which it could begin.
    NoWindow {
        /// Whose windows.
        policy: String,
    },
    /// As many devices as may install at one time do.
    CapReached {
        /// How many.
        places: u32,
        /// Its place in the line, counted from 1.
        position: usize,
        /// Whether it is those behind one master.
        of_site: bool,
    },
}

/// What is to be done about a reason, where a job stands already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It was decided, or there is nothing to do: the job is not to run.
    Decided,
    /// Time, or somebody's doing, takes it away: the job waits until its deadline.
    Passing,
}

impl Reason {
    /// What it means for a job that stands already.
    pub fn weight(&self) -> Weight {
        match self {
            Self::AgentRemoved
            | Self::NotMissing
            | Self::Superseded { .. }
            | Self::Excluded { .. }
            | Self::Pinned { .. }
            | Self::Held { .. }
            | Self::HeldEverywhere { .. }
            | Self::NotApproved { .. }
            | Self::RuleDoesNotCount { .. }
            | Self::Disapproved { .. }
            | Self::NoInstaller
            | Self::Withdrawn
            | Self::Quarantined { .. } => Weight::Decided,
            Self::JobOpen { .. }
            | Self::Unconfirmed { .. }
            | Self::NeedsReview { .. }
            | Self::CannotVerify { .. }
            | Self::NeedsChocolatey
            | Self::CannotFetch { .. }
            | Self::NotAnalysed
            | Self::DownloadFailed { .. }
            | Self::CannotDeploy { .. }
            | Self::AgentCannot { .. }
            | Self::NoDeploySchedule { .. }
            | Self::RolloutHalted { .. }
            | Self::RuleWaits { .. }
            | Self::CoolingDown { .. }
            | Self::RingWaits { .. }
            | Self::NotDue { .. }
            | Self::Blackout { .. }
            | Self::WindowOpens { .. }
            | Self::NoWindow { .. }
            | Self::CapReached { .. } => Weight::Passing,
        }
    }

    /// When it goes away by itself, as far as that is known.
    pub fn ends(&self) -> Option<&Moment> {
        match self {
            Self::Excluded { until, .. } | Self::Pinned { until, .. } => until.as_ref(),
            Self::CoolingDown { until, .. } => until.as_ref(),
            Self::RuleWaits { until, .. } => Some(until),
            Self::NotDue { next, .. } | Self::Blackout { next, .. } => next.as_ref(),
            Self::WindowOpens { next, .. } => Some(next),
            _ => None,
        }
    }

    /// What a job waits for, in words; for what passes.
    pub fn waits_for(&self) -> String {
        match (self, self.ends()) {
            (Self::WindowOpens { window, .. }, _) => format!("waits for the window on {window}"),
            (_, Some(until)) => format!("waits until {until}"),
            (Self::CapReached { .. }, _) => "waits for a free place".to_owned(),
            _ => "waits until nothing is in its way any more".to_owned(),
        }
    }

    /// What an administrator's pin says; `until` is when it ends.
    pub fn of_pin(pin: &Pin, until: Option<Moment>) -> Self {
        let (on, cause) = (pin.on.to_string(), pin.reason.clone());
        match &pin.keeps {
            Keeps::Out => Self::Excluded { on, cause, until },
            Keeps::At(version) => Self::Pinned {
                version: version.clone(),
                on,
                cause,
                until,
            },
        }
    }

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
            Readiness::Withdrawn => Self::Withdrawn,
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
