//! The check-in: a few bytes every few minutes, and at once when the server has something.

use fleetmend_model::inventory::Boot;
use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_trust::SignedOrder;
use serde::{Deserialize, Serialize};

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInReply {
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
