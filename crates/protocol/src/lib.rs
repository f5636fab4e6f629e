//! The messages between agent and server, and their history.
//!
//! JSON over HTTPS; the agent always asks. Unknown fields are accepted and dropped, so that an
//! old side understands a newer one; a field of the wrong type is an error that names it.
//!
//! A number says what a side can read, not what it does with it: what an agent can do is in its
//! [abilities](fleetmend_model::abilities).
//!
//! To change a message: add a field with a default, add a line to [`HISTORY`], raise [`CURRENT`].
//! Never change what a field means, never make an optional one required.

pub mod checkin;
pub mod enrol;
pub mod reports;
pub mod site;

/// The protocol that this code speaks.
pub const CURRENT: u32 = 3;
/// The oldest protocol that the server still answers. Below it, scans end with
/// `Unable to retrieve Agent Information`.
pub const OLDEST: u32 = 1;

/// What each protocol number brought. Append only.
pub const HISTORY: &[(u32, &str)] = &[
    (
        1,
        "2026-11-23: enrolment, check-in, wait, inventory, orders, reports, files by digest",
    ),
    (
        2,
        "2026-11-25: the epoch of the agent's state in check-ins and reports; what the server \
         knows of orders that it hands out again",
    ),
    (
        3,
        "2026-11-26: the server's protocol in its replies; counters of held orders; time zone, \
         network and abilities of a device; rules in orders; what is found after a restart; \
         restarts; sites and their masters; what Chocolatey has pinned; when a device was scanned \
         last, and that its last scan failed; what a scan did not read",
    ),
];

/// The header of an inventory that says which boot of the machine it was made in. Not in the inventory
/// itself, whose digest would be another one after each restart.
pub const BOOT_HEADER: &str = "x-fleetmend-boot";

/// Paths of the agent API.
pub mod paths {
    /// `GET`, no client certificate: the server's CA certificate (DER). Trusted only after its
    /// digest was compared with the token's.
    pub const CA: &str = "/agent/v1/ca";
    /// `POST` [`EnrolRequest`](crate::enrol::EnrolRequest), no client certificate.
    pub const ENROL: &str = "/agent/v1/enrol";
    /// `POST` [`CheckIn`](crate::checkin::CheckIn).
    pub const CHECKIN: &str = "/agent/v1/checkin";
    /// `GET`, answered when there is something to check in for, or after a while.
    pub const WAIT: &str = "/agent/v1/wait";
    /// `POST` [`Inventory`](fleetmend_model::inventory::Inventory).
    pub const INVENTORY: &str = "/agent/v1/inventory";
    /// `POST` [`Reports`](crate::reports::Reports).
    pub const REPORTS: &str = "/agent/v1/reports";
    /// `GET FILES/{sha256}`, with `Range`.
    pub const FILES: &str = "/agent/v1/files";
}

/// The error that every refused request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorBody {
    /// What was wrong.
    pub error: ErrorDetail,
}

/// Inside [`ErrorBody`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorDetail {
    /// A word for programs, e.g. `token_used`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
