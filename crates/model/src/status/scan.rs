//! The states of a scan job.

use serde::{Deserialize, Serialize};

use super::{IllegalEdge, Party};

/// The state of a scan job. The number is what the wire, the API and the database carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
#[repr(u8)]
pub enum ScanStatus {
    /// Waits for the device to ask.
    Posted = 1,
    /// The agent took it.
    Started = 2,
    /// Its result is stored.
    Completed = 3,
    /// Nothing came within the purge interval.
    Aborted = 4,
    /// The device is down.
    PingFailed = 5,
    /// The device is heard from and does not answer for its inventory.
    AgentUnreadable = 6,
}

use ScanStatus::{Aborted, AgentUnreadable, Completed, PingFailed, Posted, Started};

impl ScanStatus {
    /// All, by number.
    pub const ALL: [Self; 6] = [
        Posted,
        Started,
        Completed,
        Aborted,
        PingFailed,
        AgentUnreadable,
    ];

    /// The label that administrators see.
    pub fn label(self) -> &'static str {
        match self {
            Posted => "New patch scan job is posted",
            Started => "Patch scan started",
            Completed => "Job completed successfully",
            Aborted => "Job processing aborted as the machine did not respond in stipulated days",
            PingFailed => "Ping Failed",
            AgentUnreadable => "Unable to retrieve Agent Information",
        }
    }

    /// 1 to 6.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// Whether the job is over.
    pub fn is_final(self) -> bool {
        matches!(self, Completed | Aborted | AgentUnreadable)
    }
}

impl From<ScanStatus> for i64 {
    fn from(status: ScanStatus) -> Self {
        status.number()
    }
}

impl TryFrom<i64> for ScanStatus {
    type Error = String;
    fn try_from(number: i64) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
            .ok_or_else(|| format!("{number} is not the number of a scan status (1 to 6)"))
    }
}

/// Every legal edge; `None` is before the job exists.
pub const EDGES: &[(Option<ScanStatus>, ScanStatus, Party)] = &[
    (None, Posted, Party::User),
    // A schedule.
    (None, Posted, Party::Server),
    (Some(Posted), Started, Party::Agent),
    (Some(Started), Completed, Party::Agent),
    (Some(Posted), PingFailed, Party::Server),
    (Some(PingFailed), Posted, Party::Server),
    (Some(Posted), Aborted, Party::Server),
    (Some(Started), Aborted, Party::Server),
    (Some(PingFailed), Aborted, Party::Server),
    (Some(Posted), AgentUnreadable, Party::Server),
    (Some(Started), AgentUnreadable, Party::Server),
    (Some(Started), Posted, Party::Server),
];

/// The state after the edge, or why there is no such edge.
pub fn step(
    from: Option<ScanStatus>,
    to: ScanStatus,
    by: Party,
) -> Result<ScanStatus, IllegalEdge> {
    if EDGES.contains(&(from, to, by)) {
        return Ok(to);
    }
    Err(IllegalEdge {
        from: from.map_or("no job", ScanStatus::label).to_owned(),
        to: to.label().to_owned(),
        by,
    })
}

/// The edges that an agent's word takes a job through: to the status that it names, with those put
/// in that lead there. It may speak of a scan that it took before the server gave up waiting and
/// posted it again, or found the device down. Empty when the job is there already.
pub fn follow_agent(
    from: ScanStatus,
    to: ScanStatus,
) -> Result<Vec<(ScanStatus, Party)>, IllegalEdge> {
    let mut edges = Vec::new();
    let mut at = from;
    while at != to {
        let (next, by) = match (at, to) {
            (PingFailed, Started | Completed) => (Posted, Party::Server),
            (Posted, Completed) => (Started, Party::Agent),
            _ => (to, Party::Agent),
        };
        at = step(Some(at), next, by)?;
        edges.push((at, by));
    }
    Ok(edges)
}
