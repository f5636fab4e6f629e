//! What survives a crash of the agent.

use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_protocol::checkin::ScanFailure;
use fleetmend_protocol::reports::Report;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::restarted::AwaitingRestart;

/// Everything that the agent must still know after a crash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Names this state to the server, for which reports and orders of another one are another's:
    /// so it sees when a state was lost. Empty in one that an agent of protocol 1 made.
    #[serde(default)]
    pub epoch: String,
    /// The highest order counter accepted.
    pub last_counter: i64,
    /// The number of the next report.
    pub next_sequence: i64,
    /// Reports that the server has not acknowledged.
    pub outbox: Vec<Report>,
    /// Open jobs, in the order in which they are carried out.
    pub jobs: Vec<Job>,
    /// Jobs that are over, the latest last.
    pub ended: Vec<DeployJobId>,
    /// Scan jobs taken and not reported as ended.
    pub scan_jobs: Vec<ScanJobId>,
    /// The digest of the last inventory that the server has.
    pub inventory_digest: Option<String>,
    /// The boot of the last scan.
    pub scanned_boot: Option<String>,
    /// When the last scan ended.
    pub last_scan: Option<Millis>,
    /// When the last scan ended whose inventory the server has, by the server's clock.
    #[serde(default)]
    pub scanned_at: Option<Millis>,
    /// That the last scan failed.
    #[serde(default)]
    pub scan_failure: Option<ScanFailure>,
    /// How many scans in a row failed.
    #[serde(default)]
    pub failed_scans: u32,
    /// A deployment ended and no scan that began after it was made yet.
    #[serde(default)]
    pub scan_due: bool,
    /// The boot in which the agent ran last; empty before its first start.
    #[serde(default)]
    pub boot: String,
    /// [`CURRENT`](fleetmend_protocol::CURRENT) of the server, as it said last; 0 for one before
    /// protocol 3.
    #[serde(default)]
    pub server_protocol: u32,
    /// By how many milliseconds the server's clock is ahead of the device's.
    #[serde(default)]
    pub server_ahead: i64,
    /// Jobs that ended with a restart due.
    #[serde(default)]
    pub awaiting_restart: Vec<AwaitingRestart>,
}

impl State {
    /// The state of an agent that was given nothing yet. `epoch` is letters and digits that no
    /// other state of this device has had.
    pub fn new(epoch: String) -> Self {
        Self {
            epoch,
            last_counter: 0,
            next_sequence: 1,
            outbox: Vec::new(),
            jobs: Vec::new(),
            ended: Vec::new(),
            scan_jobs: Vec::new(),
            inventory_digest: None,
            scanned_boot: None,
            last_scan: None,
            scanned_at: None,
            scan_failure: None,
            failed_scans: 0,
            scan_due: false,
            boot: String::new(),
            server_protocol: 0,
            server_ahead: 0,
            awaiting_restart: Vec::new(),
        }
    }
}
