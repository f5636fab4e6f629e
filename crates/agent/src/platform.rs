//! What the agent needs from the operating system. One implementation each in `linux` and
//! `windows`; the rest of the agent is the same on both.

use std::path::Path;
use std::time::Duration;

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::{Host, Network};
use fleetmend_model::inventory::{Boot, Inventory, Software, Unread};
use fleetmend_trust::{Order, Verified};

/// The operating system.
pub trait Platform: Send + Sync + 'static {
    /// The machine's name and system.
    fn host(&self) -> Host;

    /// Which boot the machine is in.
    fn boot(&self) -> Boot;

    /// The machine's time zone by its IANA name; empty where it is not known.
    fn time_zone(&self) -> String;

    /// Where the machine is in the network.
    fn network(&self) -> Network;

    /// What this agent can do on this machine.
    fn abilities(&self) -> Vec<Ability>;

    /// What is installed now: fast, no network, no lock. This is what detection looks at.
    fn software(&self) -> Result<Installed, PlatformError>;

    /// Why a restart is due, in words; `None` when none is. As fast as [`Platform::software`].
    fn restart_pending(&self) -> Option<String>;

    /// The whole scan, with what the package manager offers. May take minutes; tells `progress`
    /// what it does, in words for a person.
    fn scan(&self, progress: &dyn Fn(&str)) -> Result<Inventory, PlatformError>;

    /// Fetches what a release needs from places that the platform itself verifies (APT archives).
    /// Nothing to do for a release whose files come from the server. Tells `progress` what it
    /// waits for, in words for a person.
    fn prepare(
        &self,
        order: &Verified<Order>,
        progress: &dyn Fn(&str),
    ) -> Result<(), PlatformError>;

    /// Runs the release. `file` is the verified installer, for releases that have one. Returns
    /// when it ended or `limit` is over; never waits for a person.
    fn run(
        &self,
        order: &Verified<Order>,
        file: Option<&Path>,
        limit: Duration,
        progress: &dyn Fn(&str),
    ) -> RunResult;

    /// Whether something that [`Platform::run`] started for this order in an earlier life of the
    /// agent still runs. (Linux: `run` marks what it starts by the environment variable
    /// `FLEETMEND_JOB`, which `/proc/*/environ` shows. Windows: a process whose image is `file`,
    /// or, for an MSI, the mutex `Global\\_MSIExecute` being held.)
    fn is_still_running(&self, order: &Verified<Order>, file: Option<&Path>) -> bool;
}

/// What is installed, and what of it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed {
    /// What was found.
    pub software: Vec<Software>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// How a run ended. Whether the release is installed now is detection's to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunResult {
    /// Absent when it did not start or was stopped.
    pub exit_code: Option<i64>,
    /// Whether the exit code is one of those that mean success.
    pub success: bool,
    /// Whether the installer or the system says that a restart is due because of it.
    pub restart_due: bool,
    /// Why it failed, in words; empty after a success.
    pub cause: String,
    /// The end of its output, as text, at most [`MAX_OUTPUT`] bytes.
    pub output: String,
}

/// How much of an installer's output is kept, in bytes.
pub const MAX_OUTPUT: usize = 16 * 1024;

/// What the operating system would not give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// The machine has no package manager that Fleetmend knows.
    #[error(
        "no known package manager on this machine (looked for {looked_for}): \
         its software cannot be scanned"
    )]
    NoPackageManager {
        /// What was looked for.
        looked_for: String,
    },
    /// Reading or running something failed.
    #[error("{what}: {why}")]
    Failed {
        /// What was done.
        what: String,
        /// What came of it.
        why: String,
    },
    /// It failed by what may be otherwise later: a place that does not answer, a lock that another
    /// program holds, a disk without room.
    #[error("{what}: {why}")]
    NotNow {
        /// What was done.
        what: String,
        /// What came of it.
        why: String,
    },
}
