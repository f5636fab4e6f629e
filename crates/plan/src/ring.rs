//! Rings: who gets a version before whom, and what must be so before the next ones get it.
//!
//! A rollout is a version on its way through the rings of a policy. It is at one ring: that ring's devices
//! and those of the rings before may have the version. Only [`judge`] moves it on, or a person.

use std::time::Duration;

use fleetmend_model::{Millis, PatchId, PolicyId};

use crate::moment::Moment;
use crate::policy::Ring;
use crate::schedule::Zone;
use crate::select::DeviceFacts;

/// A version on its way through a policy's rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The version.
    pub patch: PatchId,
    /// Whose rings.
    pub policy: PolicyId,
    /// The ring that it is at, counted from 0.
    pub ring: usize,
    /// Since when.
    pub since: Millis,
    /// How it stands.
    pub state: State,
    /// What came of it in that ring.
    pub counts: Counts,
}

/// How a rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// Nobody gets the version, be it that too much failed or that a person said so.
    Halted {
        /// Why, in words.
        cause: String,
    },
    /// All rings may have it.
    Done,
}

/// What came of a version in one ring, each device counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Devices in it that lacked the version when the ring began, or do now.
    pub devices: u64,
    /// On which it was installed and found.
    pub done: u64,
    /// On which it failed: the installer did, it was not found afterwards, or it could not be fetched. Not
    /// what was cancelled or is not applicable.
    pub failed: u64,
    /// Devices without an end yet that are down. They fail nothing, and share in nothing.
    pub down: u64,
}

/// What comes of a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It stays at its ring.
    Wait {
        /// For what, in words.
        what: String,
    },
    /// The next ring may have the version; after the last one the rollout is done.
    Promote,
    /// Nobody else gets it, until a person says so.
    Halt {
        /// Why, in words.
        why: String,
    },
}

/// The ring that a device is in: the first that takes it, or the last one. 0 where there are none.
pub fn of(rings: &[Ring], device: &DeviceFacts) -> usize {
    let taking = rings.iter().position(|ring| ring.scope.takes(device));
    taking.unwrap_or(rings.len().saturating_sub(1))
}

/// What comes of a rollout at a ring that began at `since`. `zone` is the one that it is told in.
///
/// A ring in which no device lacks the version has nothing to show, and is passed over. One of fewer
/// devices than must be complete needs all of them. Failures are looked at first: what failed too often
/// is not promoted, however much else went well.
pub fn judge(ring: &Ring, counts: Counts, since: Millis, now: Millis, zone: &Zone) -> Step {
    let Counts {
        devices,
        done,
        failed,
        down,
    } = counts;
    let name = &ring.name;
    if failed > u64::from(ring.max_failures) {
        let ended = done + failed;
        let may = ring.max_failures;
        return Step::Halt {
            why: format!(
                "it failed on {failed} of {ended} machines in ring {name}, and may on {may}"
            ),
        };
    }
    if devices == 0 {
        return Step::Promote;
    }
    let mut waits = Vec::new();
    let wanted = u64::from(ring.min_done).min(devices);
    if done < wanted {
        let down = match down {
            0 => String::new(),
            down => format!(" ({down} more are down)"),
        };
        waits.push(format!("done on {done} of {wanted} machines{down}"));
    }
    let share = u64::from(ring.min_share_percent);
    if done * 100 < share * (done + failed) {
        let ended = done + failed;
        waits.push(format!(
            "{done} of {ended} went well, and {share} % is asked for"
        ));
    }
    let soaked = since + Duration::from_hours(ring.soak_hours.into());
    if now < soaked {
        waits.push(format!("soaks until {}", Moment::new(soaked, zone, now)));
    }
    if waits.is_empty() {
        return Step::Promote;
    }
    Step::Wait {
        what: waits.join("; "),
    }
}
