//! The check-in: a few bytes every few minutes, and at once when the server has something.

use fleetmend_model::device::Network;
use fleetmend_model::inventory::Boot;
use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_trust::{Envelope, SignedOrder};
use serde::{Deserialize, Serialize};

use crate::site::{MasterState, Serve, Site, WantedFile};

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckIn {
    /// [`crate::CURRENT`] of the agent.
    pub protocol: u32,
    /// The agent's own version.
    pub agent_version: String,
    /// Which boot the machine is in.
    pub boot: Boot,
    /// Digest of the inventory that the agent found last; absent before the first.
    #[serde(default)]
    pub inventory_digest: Option<String>,
    /// When the scan ended that found that inventory last, also where it found nothing new: by the
    /// server's clock, as well as the agent knows it.
    #[serde(default)]
    pub scanned_at: Option<Millis>,
    /// That the last scan failed.
    #[serde(default)]
    pub scan_failure: Option<ScanFailure>,
    /// Orders that the agent has and that are not over, so that the server does not send them again.
    #[serde(default)]
    pub holds: Vec<DeployJobId>,
    /// Scan jobs that the agent has and that are not over.
    #[serde(default)]
    pub scans: Vec<ScanJobId>,
    /// Names the agent's state: letters and digits, made at random with the state and kept in it.
    /// Another one than before says that the agent lost its state and knows nothing of what it was
    /// given. Empty for a state that was made by an agent of protocol 1.
    #[serde(default)]
    pub epoch: String,
    /// The orders of `holds` with the counters under which they were accepted.
    #[serde(default)]
    pub held: Vec<Held>,
    /// The machine's time zone by its IANA name, e.g. `Europe/Berlin`; empty where it is not known.
    #[serde(default)]
    pub time_zone: String,
    /// Where the machine is in the network.
    #[serde(default)]
    pub network: Network,
    /// What the agent can do there: words of [`Ability`](fleetmend_model::abilities::Ability), and
    /// those of a newer one.
    #[serde(default)]
    pub abilities: Vec<String>,
    /// The [generation](Site::generation) of the site that the agent knows; 0 before the first.
    #[serde(default)]
    pub site: i64,
    /// How it stands as a master, if it is one.
    #[serde(default)]
    pub master: Option<MasterState>,
}

/// A scan that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFailure {
    /// When, by the server's clock, as well as the agent knows it.
    pub at: Millis,
    /// Why.
    pub cause: String,
}

/// An order that an agent has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which job.
    pub job: DeployJobId,
    /// The order's counter: a lower one than the server's is an order that was changed since.
    pub counter: i64,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckInReply {
    /// [`crate::CURRENT`] of the server: what an older one cannot read is not told to it. 0 before
    /// protocol 3.
    #[serde(default)]
    pub protocol: u32,
    /// The server's time.
    pub now: Millis,
    /// When to check in again, in seconds.
    pub checkin_seconds: u64,
    /// Whether the server lacks the inventory with the digest that was named.
    #[serde(default)]
    pub want_inventory: bool,
    /// Scans to make now.
    #[serde(default)]
    pub scans: Vec<ScanJobId>,
    /// Orders to carry out, in this order.
    #[serde(default)]
    pub orders: Vec<SignedOrder>,
    /// Orders that a person wants called off, or that are over for the server. The agent drops
    /// those that have not started and reports them as cancelled, even if it never had them;
    /// those that have started go on.
    #[serde(default)]
    pub cancelled: Vec<DeployJobId>,
    /// How far those of `orders` had come that were handed out before. An agent that knows nothing
    /// of them lost its state, or the answer: it goes on from there, and looks what is installed
    /// before it starts anything.
    #[serde(default)]
    pub resumed: Vec<Resumed>,
    /// Where to fetch files; absent where that is what the agent knows.
    #[serde(default)]
    pub site: Option<Site>,
    /// What to serve as a master; absent where that is what the agent does.
    #[serde(default)]
    pub serve: Option<Serve>,
    /// Files that a master is to have.
    #[serde(default)]
    pub prefetch: Vec<WantedFile>,
    /// Signed rules that hold without an order; absent where they are as before.
    #[serde(default)]
    pub rules: Option<Envelope>,
}

/// What the server knows of an order that it hands out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Which job.
    pub job: DeployJobId,
    /// Its status, from 3 to 8.
    pub status: DeployStatus,
    /// Which start of the installer it was at; 0 before the first.
    pub attempt: u32,
}

/// The answer to a wait: check in if `wake`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReply {
    /// Whether there is something.
    pub wake: bool,
}

/// The answer to an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryReply {
    /// The digest under which it is stored.
    pub digest: String,
}
