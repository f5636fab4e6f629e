//! What is kept of a device beside its last scan: whose the rows of users are, and what that scan did not
//! read and is there as it was seen before.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::inventory::{Part, Unread};
use serde::{Deserialize, Serialize};

/// How long what a user had counts after the hive was read last. Many users log on once in a while; one who
/// does not for longer may never do so again, and nobody can install anything for them before that.
pub const UNSEEN_AFTER: Duration = Duration::from_hours(24 * 30);

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

impl Carried {
    /// When its applications do not count any more, where they are a user's.
    pub(super) fn unseen_at(&self) -> Option<Millis> {
        let is_of_user = self.unread.part == Part::User && !self.software.is_empty();
        self.seen_at
            .filter(|_| is_of_user)
            .map(|at| at + UNSEEN_AFTER)
    }
}
