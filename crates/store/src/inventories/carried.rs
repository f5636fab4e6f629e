//! What is kept of a device beside its last scan: whose the rows of users are, and what that scan did not
//! read and is there as it was seen before.

use fleetmend_model::Millis;
use fleetmend_model::inventory::Unread;
use serde::{Deserialize, Serialize};

/// The rows of one user's hive, as the last scan read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiveRows {
    /// The user's security identifier.
    pub user: String,
    /// Ids of [`crate::software`].
    pub software: Vec<u32>,
}

/// What the last scan did not read, and what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// What was not read. Of all users' hives, with the user whose rows these are, as far as known.
    pub unread: Unread,
    /// When it was read last; `None` where nothing is kept of it.
    pub seen_at: Option<Millis>,
    /// Ids of [`crate::software`] that it had then. Another user may have one of them now.
    pub software: Vec<u32>,
    /// Ids of the packages whose Chocolatey records it had then.
    pub chocolatey: Vec<String>,
}
