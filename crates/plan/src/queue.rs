//! In which order one device gets what waits for it: what is exploited, then what is a matter of security,
//! then the rest.
//!
//! One thing is deployed at a time on a device, and each is told its position and what it waits for.

use std::cmp::Reverse;

use fleetmend_model::Millis;
use fleetmend_model::run_rules::RunRules;

/// What fixes something that is known to be exploited.
pub const EXPLOITED: u8 = 0;
/// What fixes something that is a matter of security.
pub const SECURITY: u8 = 1;

/// How urgent something is; lower numbers go first.
pub fn priority(is_exploited: bool, is_security: bool) -> u8 {
    match (is_exploited, is_security) {
        (true, _) => EXPLOITED,
        (false, true) => SECURITY,
        (false, false) => RunRules::ORDINARY,
    }
}

/// Something that waits for its turn on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting<T> {
    /// What it is known by.
    pub id: T,
    /// How urgent it is: see [`priority`].
    pub priority: u8,
    /// Since when it waits.
    pub since: Millis,
    /// Whether it is under way: nothing comes before that.
    pub is_started: bool,
}

/// Whose turn it is when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<T> {
    /// What it is known by.
    pub id: T,
    /// Counted from 1.
    pub position: usize,
    /// What comes right before it.
    pub after: Option<T>,
}

/// The turns of what waits on one device, the next one first: what waits longest of what is equally
/// urgent.
pub fn order<T: Copy + Ord>(mut waiting: Vec<Waiting<T>>) -> Vec<Turn<T>> {
    waiting.sort_by_key(|it| (Reverse(it.is_started), it.priority, it.since, it.id));
    let mut before = None;
    let turns = waiting.iter().enumerate().map(|(place, it)| Turn {
        id: it.id,
        position: place + 1,
        after: before.replace(it.id),
    });
    turns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_goes_on_then_the_most_urgent_then_what_waits_longest() {
        let one = |id, priority, since, is_started| Waiting {
            id,
            priority,
            since: Millis(since),
            is_started,
        };
        let turns = order(vec![
            one(1, RunRules::ORDINARY, 10, false),
            one(2, RunRules::ORDINARY, 5, true),
            one(3, SECURITY, 30, false),
            one(4, priority(true, false), 40, false),
            one(5, SECURITY, 20, false),
            one(6, RunRules::ORDINARY, 10, false),
        ]);
        let said: Vec<_> = turns
            .iter()
            .map(|it| (it.id, it.position, it.after))
            .collect();
        assert_eq!(
            said,
            [
                (2, 1, None),
                (4, 2, Some(2)),
                (5, 3, Some(4)),
                (3, 4, Some(5)),
                (1, 5, Some(3)),
                (6, 6, Some(1)),
            ]
        );
        assert_eq!(priority(true, true), EXPLOITED);
    }
}
