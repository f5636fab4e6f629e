//! When an update is not offered again: it was installed, and the version on the device did not change.

use fleetmend_model::detection::Detected;
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

/// What a scan reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// All there is.
    Whole,
    /// What was found, and not all else: what it does not have proves nothing.
    Partial,
    /// Not what was installed: that stands as it was seen before, and proves nothing.
    Unread,
}

/// What is known of a device for which a patch is held or unconfirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Whether it is held: the version is known not to have changed.
    pub is_confirmed: bool,
    /// Whether the device lacks the patch.
    pub is_missing: bool,
    /// What came of the device's software since the job ended.
    pub inventory: Inventory,
    /// What its scan reached.
    pub scan: Scan,
    /// What the release's own rule finds among what was read; `None` where there is none.
    pub found: Option<&'a Detected>,
    /// The version that it found when the hold began, as far as known.
    pub held_at: Option<&'a str>,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It stays as it is; this inventory says no more.
    Wait,
    /// It stays as it is; what this inventory says counts once it is settled.
    Later,
    /// The version did not change: it is held.
    Hold,
    /// It is over.
    End(Over),
}

/// Why a hold is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The device has the version.
    HasIt,
    /// The software is gone.
    IsGone,
    /// Another version is installed, neither the one that was held nor the one that it was held for.
    IsAnother,
}

/// What comes of a hold. A patch that is not missing because it is not on offer ends none: it may be
/// offered again.
pub fn look(seen: Seen<'_>) -> Step {
    if let Some(over) = other_software(seen) {
        return match seen.inventory {
            Inventory::Awaited => Step::Wait,
            Inventory::MaybeOlder => Step::Later,
            Inventory::Settled => Step::End(over),
        };
    }
    let is_detected = seen
        .found
        .map(|it| matches!(it, Detected::Installed { .. }));
    match (seen.is_confirmed, seen.is_missing) {
        (false, true) if seen.inventory != Inventory::Settled => Step::Later,
        (false, true) if seen.scan != Scan::Unread => Step::Hold,
        (_, false) if is_detected == Some(false) => Step::Wait,
        (false, false) if seen.inventory == Inventory::Awaited => Step::Wait,
        (_, false) => Step::End(Over::HasIt),
        _ => Step::Wait,
    }
}

/// Whether a hold is of software that the device has no more: nothing is known of what it has instead.
fn other_software(seen: Seen<'_>) -> Option<Over> {
    match seen.found.filter(|_| seen.scan == Scan::Whole)? {
        Detected::Absent if !seen.is_missing => Some(Over::IsGone),
        Detected::Older { version } if seen.is_confirmed => {
            let is_another = seen.held_at.is_some_and(|it| it != version);
            is_another.then_some(Over::IsAnother)
        }
        _ => None,
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
    fn a_hold_ends_when_the_version_is_found_or_the_software_is_another_and_begins_when_a_later_inventory_lacks_it()
     {
        use Inventory::{Awaited, MaybeOlder, Settled};
        use Over::{HasIt, IsAnother, IsGone};
        use Step::{End, Hold, Later, Wait};
        let version = |it: &str| it.to_owned();
        let new = Detected::Installed {
            version: version("2"),
        };
        let old = Detected::Older {
            version: version("1"),
        };
        let other = Detected::Older {
            version: version("1.5"),
        };
        let (new, old, other) = (Some(&new), Some(&old), Some(&other));
        let gone = Some(&Detected::Absent);
        for (is_confirmed, is_missing, inventory, found, expected) in [
            (false, true, Awaited, None, Later),
            (false, true, MaybeOlder, None, Later),
            (false, true, Settled, None, Hold),
            (false, true, Settled, new, Hold),
            (false, true, Settled, other, Hold),
            (false, false, Awaited, None, Wait),
            (false, false, MaybeOlder, None, End(HasIt)),
            (false, false, Settled, None, End(HasIt)),
            (false, false, Settled, new, End(HasIt)),
            (false, false, Settled, old, Wait),
            (false, false, Settled, gone, End(IsGone)),
            (true, true, Settled, new, Wait),
            (true, true, Settled, old, Wait),
            (true, true, Settled, None, Wait),
            (true, false, Settled, new, End(HasIt)),
            (true, false, Settled, old, Wait),
            (true, false, Settled, None, End(HasIt)),
            (true, true, Settled, other, End(IsAnother)),
            (true, false, Settled, other, End(IsAnother)),
            (true, false, MaybeOlder, other, Later),
            (true, true, Awaited, other, Wait),
            (true, false, Settled, gone, End(IsGone)),
            (true, false, MaybeOlder, gone, Later),
            (true, false, Awaited, gone, Wait),
            // The rule does not know it by its name.
            (true, true, Settled, gone, Wait),
        ] {
            let seen = Seen {
                is_confirmed,
                is_missing,
                inventory,
                scan: Scan::Whole,
                found,
                held_at: Some("1"),
            };
            assert_eq!(look(seen), expected, "{seen:?}");
            let unread = look(Seen {
                scan: Scan::Unread,
                ..seen
            });
            let says = matches!(unread, Hold | End(IsGone | IsAnother));
            assert!(!says, "{seen:?}: {unread:?}");
            let is_by_other_software = matches!(expected, End(IsGone | IsAnother));
            for seen in [
                Seen {
                    scan: Scan::Partial,
                    ..seen
                },
                Seen {
                    held_at: None,
                    ..seen
                },
            ] {
                let ends = matches!(look(seen), End(IsGone | IsAnother));
                let is_told = seen.scan == Scan::Whole && expected == End(IsGone);
                assert_eq!(ends, is_by_other_software && is_told, "{seen:?}");
            }
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
