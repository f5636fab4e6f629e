//! What an agent did, in its own order, kept by the agent until the server has stored it.

use fleetmend_model::detection::Detected;
use fleetmend_model::restart::RestartState;
use fleetmend_model::status::deploy::Change;
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use serde::{Deserialize, Serialize};

use crate::site::{FetchedFrom, SiteFileState};

/// A batch of reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// The [epoch](crate::checkin::CheckIn::epoch) of the state that numbered them.
    #[serde(default)]
    pub epoch: String,
    /// In the order of their sequence numbers.
    pub reports: Vec<Report>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// From 1, rises by one with each report of this epoch. The server stores each number of an
    /// epoch once.
    pub sequence: i64,
    /// When it happened, by the device's clock.
    pub at: Millis,
    /// What happened.
    pub what: What,
}

/// What happened. On the wire the kind is the key (`{"progress": {…}}`): so an error inside can
/// name its field, which a kind beside the fields would hide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A scan began.
    ScanStarted {
        /// Which.
        job: ScanJobId,
    },
    /// A scan ended, and its inventory was sent before this.
    ScanCompleted {
        /// Which.
        job: ScanJobId,
        /// The inventory's digest.
        digest: String,
    },
    /// A scan could not be made.
    ScanFailed {
        /// Which.
        job: ScanJobId,
        /// Why.
        cause: String,
    },
    /// A deploy job moved on.
    Deploy {
        /// Which.
        job: DeployJobId,
        /// Which start of the installer it is about, from 1; 0 before the first.
        attempt: u32,
        /// Where to.
        change: Change,
        /// Why, in plain words; empty where the label says it all.
        #[serde(default)]
        cause: String,
        /// The end of the installer's output, as text.
        #[serde(default)]
        output: String,
        /// The boot in which a restart became due.
        #[serde(default)]
        boot: Option<String>,
    },
    /// A deploy job stays where it is, and why.
    Progress {
        /// Which.
        job: DeployJobId,
        /// What it does or waits for.
        cause: String,
    },
    /// The machine is in another boot than the one in which a restart became due for a deploy job.
    AfterRestart {
        /// Which.
        job: DeployJobId,
        /// The boot that it is in.
        boot: String,
        /// What detection finds now.
        found: Detected,
    },
    /// A restart of the machine moved on.
    Restart {
        /// Where to.
        state: RestartState,
        /// The boot that the machine is in.
        boot: String,
        /// Why, in plain words.
        #[serde(default)]
        cause: String,
        /// How often it was put off.
        #[serde(default)]
        snoozes: u32,
        /// When it goes on: the next question, or the restart.
        #[serde(default)]
        at: Option<Millis>,
    },
    /// A master moved on with a file.
    SiteFile {
        /// Which, by its SHA-256.
        sha256: String,
        /// Where to.
        state: SiteFileState,
        /// Why, in plain words.
        #[serde(default)]
        cause: String,
    },
    /// A deploy job's files are on the device.
    Fetched {
        /// Which.
        job: DeployJobId,
        /// Who gave them, or the last of them.
        from: FetchedFrom,
        /// How many bytes came over the network.
        bytes: u64,
        /// Parts that a master gave and that were wrong.
        #[serde(default)]
        bad_chunks: u32,
    },
}

/// The server's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsReply {
    /// Everything up to this sequence number is stored, and need not be kept.
    pub acknowledged: i64,
}
