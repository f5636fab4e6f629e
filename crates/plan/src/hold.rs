//! When an update is not offered again: it was installed, and the version on the device did not change.

use fleetmend_model::status::deploy::{DeployState, DeployStatus, Ending};

/// Devices on which a version must have been in vain before it is held everywhere. One device, or two
/// that were set up alike, say nothing of the others.
pub const DEVICES_IN_VAIN: u64 = 3;

/// What the end of a deploy job says of its patch on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was installed, or what is to be known is known: the patch may be offered again.
    Open,
    /// It was installed, and the device's list of software still lacks it: its next inventory tells.
    Unconfirmed,
    /// It was installed, and the version did not change.
    InVain,
}

/// What a job that came to `state` says. `is_missing`: the device lacks the patch, as far as the server
/// knows; `has_restarted`: it was looked for in an inventory made after the restart that the job waited
/// for, and where it was not found, an older version was.
pub fn after_job(state: DeployState, is_missing: bool, has_restarted: bool) -> Outcome {
    match (state.status, state.ending) {
        // The agent looked for it after the installer, and its word counts.
        (DeployStatus::UnknownError, None) => Outcome::InVain,
        (DeployStatus::NeedsRestart, Some(Ending::Expired)) if has_restarted => Outcome::InVain,
        (DeployStatus::Completed, None) if is_missing && has_restarted => Outcome::InVain,
        (DeployStatus::Completed, None) if is_missing => Outcome::Unconfirmed,
        _ => Outcome::Open,
    }
}

/// What is known of a device's software since a job ended on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inventory {
    /// Nothing came.
    Awaited,
    /// One came; its scan may have begun before the job ended.
    MaybeOlder,
    /// One came, and by now any whose scan had begun before was followed by another.
    Settled,
}

/// What is known of a device for which a patch is held or unconfirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Whether it is held: the version is known not to have changed.
    pub is_confirmed: bool,
    /// Whether the device lacks the patch.
    pub is_missing: bool,
    /// What came of the device's software since the job ended.
    pub inventory: Inventory,
    /// Whether the release is found among the device's software, by its own rule; `None` where it has
    /// none.
    pub is_detected: Option<bool>,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It stays as it is.
    Wait,
    /// The version did not change: it is held.
    Hold,
    /// The device has the version.
    Lift,
}

/// What comes of a hold. A patch that is not missing because it is not on offer lifts none: it may be
/// offered again.
pub fn look(seen: Seen) -> Step {
    match (seen.is_confirmed, seen.is_missing) {
        (false, true) if seen.inventory == Inventory::Settled => Step::Hold,
        (_, false) if seen.is_detected == Some(false) => Step::Wait,
        (false, false) if seen.inventory == Inventory::Awaited => Step::Wait,
        (_, false) => Step::Lift,
        _ => Step::Wait,
    }
}

/// Whether a version is held everywhere: it was in vain on several devices, and on more than it was
/// not. No single device brings that about, whatever it reports.
pub fn is_held_everywhere(in_vain: u64, well: u64) -> bool {
    in_vain >= DEVICES_IN_VAIN && in_vain > well
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_and_did_not_change_is_in_vain_and_nothing_else() {
        use DeployStatus::{Completed, Failed, NeedsRestart, NotApplicable, Started, UnknownError};
        use Outcome::{InVain, Open, Unconfirmed};
        let expired = Some(Ending::Expired);
        for (status, ending, is_missing, has_restarted, expected) in [
            (UnknownError, None, true, false, InVain),
            // Its row may be away for a moment, as a version in quarantine is.
            (UnknownError, None, false, false, InVain),
            (Completed, None, true, false, Unconfirmed),
            (Completed, None, false, false, Open),
            (Completed, None, true, true, InVain),
            (Completed, None, false, true, Open),
            (NeedsRestart, None, true, false, Open),
            (NeedsRestart, expired, true, true, InVain),
            (NeedsRestart, expired, false, true, InVain),
            // Closed without a restart: nothing is known.
            (NeedsRestart, expired, true, false, Open),
            (Started, expired, true, false, Open),
            (Failed, None, true, false, Open),
            (NotApplicable, None, true, false, Open),
            (Completed, Some(Ending::Cancelled), true, true, Open),
        ] {
            let state = DeployState { status, ending };
            let found = after_job(state, is_missing, has_restarted);
            assert_eq!(found, expected, "{state:?} {is_missing} {has_restarted}");
        }
    }

    #[test]
    fn a_hold_ends_when_the_version_is_found_and_begins_when_a_later_inventory_lacks_it() {
        use Inventory::{Awaited, MaybeOlder, Settled};
        use Step::{Hold, Lift, Wait};
        for (is_confirmed, is_missing, inventory, is_detected, expected) in [
            (false, true, Awaited, None, Wait),
            (false, true, MaybeOlder, None, Wait),
            (false, true, Settled, None, Hold),
            (false, true, Settled, Some(true), Hold),
            (false, false, Awaited, None, Wait),
            (false, false, MaybeOlder, None, Lift),
            (false, false, Settled, None, Lift),
            (false, false, Settled, Some(true), Lift),
            (false, false, Settled, Some(false), Wait),
            (true, true, Settled, Some(true), Wait),
            (true, true, Settled, None, Wait),
            (true, false, Settled, Some(true), Lift),
            (true, false, Settled, Some(false), Wait),
            (true, false, Settled, None, Lift),
        ] {
            let seen = Seen {
                is_confirmed,
                is_missing,
                inventory,
                is_detected,
            };
            assert_eq!(look(seen), expected, "{seen:?}");
        }
    }

    #[test]
    fn a_version_is_held_everywhere_when_it_was_in_vain_on_several_and_on_most() {
        for (in_vain, well, expected) in [
            (0, 0, false),
            (1, 0, false),
            (2, 0, false),
            (3, 0, true),
            (3, 2, true),
            (3, 3, false),
            (4, 3, true),
            (100, 5_000, false),
            (5_001, 5_000, true),
        ] {
            assert_eq!(
                is_held_everywhere(in_vain, well),
                expected,
                "{in_vain} {well}"
            );
        }
    }
}
