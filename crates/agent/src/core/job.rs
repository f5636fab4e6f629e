//! One deploy job on the device: what is kept of it, and where it stands.

use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::checkin::Resumed;
use fleetmend_trust::SignedOrder;
use serde::{Deserialize, Serialize};

/// An open job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what was told and what was done are facts of their own"
)]
pub struct Job {
    /// The order as it came, so that it can be verified again after a crash.
    pub signed: SignedOrder,
    /// Where it stands.
    pub phase: Phase,
    /// Starts of the installer so far.
    pub attempts: u32,
    /// Whether the server was told that its files are being fetched.
    #[serde(default)]
    pub told_downloading: bool,
    /// Whether the server was told that it waits for another.
    pub told_waiting: bool,
    /// Whether the server was told that it started.
    pub told_started: bool,
    /// Whether the installer was started: what is not there since then, it may have taken away.
    #[serde(default)]
    pub ran: bool,
    /// The status at which an earlier state of this agent, which was lost, had left it. What is
    /// told up to there is not told again, and what may still run of it is waited for.
    #[serde(default)]
    pub resumed: Option<DeployStatus>,
    /// Why the last start failed.
    pub last_cause: String,
    /// The end of the last start's output.
    pub last_output: String,
}

/// Where a job stands on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Waits until its files can be fetched.
    Queued {
        /// Tries that failed and count.
        failed: u32,
        /// Tries in a row that the server could not answer.
        unanswered: u32,
    },
    /// Its files are being fetched.
    Fetching {
        /// Tries that failed and count.
        failed: u32,
        /// Tries in a row that the server could not answer.
        #[serde(default)]
        unanswered: u32,
    },
    /// Files could not be had; tries again.
    FetchAgain {
        /// Tries that failed and count.
        failed: u32,
        /// Tries in a row that the server could not answer.
        #[serde(default)]
        unanswered: u32,
        /// When.
        at: Millis,
    },
    /// An earlier state of this agent, which was lost, had started it; waits for its turn to be
    /// looked at, before anything else is.
    Resumed {
        /// Which start.
        attempt: u32,
    },
    /// Waits for its turn.
    Ready,
    /// Detection looks before a start.
    Checking,
    /// The intent to start is stored; the installer runs, or ran when the agent died.
    Running {
        /// Which start.
        attempt: u32,
        /// Whether no restart was due before it: one that is due afterwards is its own.
        #[serde(default)]
        was_clear: bool,
    },
    /// The agent died, or lost its state, while it ran; what it left is waited for, then detected.
    Interrupted {
        /// Which start.
        attempt: u32,
        /// Whether no restart was due before it, and none was made since.
        #[serde(default)]
        was_clear: bool,
    },
    /// The installer ended; detection looks.
    Verifying {
        /// Which start.
        attempt: u32,
        /// Whether it said success.
        success: bool,
        /// Whether a restart is due because of it.
        restart_due: bool,
    },
    /// The installer failed; starts again.
    Retrying {
        /// When.
        at: Millis,
    },
}

impl Phase {
    /// Nothing was tried yet.
    pub(super) const QUEUED: Self = Self::Queued {
        failed: 0,
        unanswered: 0,
    };
}

impl Job {
    /// A job whose order was just accepted.
    pub(super) fn new(signed: SignedOrder, resumed: Option<Resumed>) -> Self {
        let status = resumed.map(|it| it.status);
        let has_come_to = |it: DeployStatus| status.is_some_and(|status| status >= it);
        let told_started = has_come_to(DeployStatus::Started);
        let told = resumed.map_or(0, |it| it.attempt);
        let attempts = told.max(u32::from(told_started));
        Self {
            signed,
            phase: if told_started {
                Phase::Resumed { attempt: attempts }
            } else {
                Phase::QUEUED
            },
            attempts,
            told_downloading: has_come_to(DeployStatus::AgentDownloading),
            told_waiting: has_come_to(DeployStatus::WaitingForAnother),
            told_started,
            ran: told_started,
            resumed: status,
            last_cause: String::new(),
            last_output: String::new(),
        }
    }

    /// Whether the server was told that its files are here.
    pub(super) fn has_told_downloaded(&self) -> bool {
        let was_told = |it| it >= DeployStatus::AgentDownloaded;
        self.told_started || self.resumed.is_some_and(was_told)
    }

    pub(super) fn id(&self) -> DeployJobId {
        self.signed.job
    }

    /// When time alone moves it on. While none may start (another deploy is active, the server's time
    /// is not known), time does not let it start; while as many are being fetched as may be, it does
    /// not let it fetch.
    pub(super) fn due(&self, may_start: bool, may_fetch: bool) -> Option<Millis> {
        match self.phase {
            Phase::FetchAgain { at, .. } if may_fetch => Some(at),
            Phase::Retrying { at } if may_start => Some(at),
            _ => None,
        }
    }

    pub(super) fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Checking
                | Phase::Running { .. }
                | Phase::Interrupted { .. }
                | Phase::Verifying { .. }
        )
    }
}
