//! The check-in: a few bytes every few minutes, and at once when the server has something.

use fleetmend_model::inventory::Boot;
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
