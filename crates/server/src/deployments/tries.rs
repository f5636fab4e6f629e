//! How often the files of a patch are tried to be had, and what that is called.

use std::time::Duration;

use fleetmend_model::Millis;

use crate::api::time;

/// Bytes that a try must bring to count as a step ahead.
const STEP_AHEAD: u64 = 1024 * 1024;
/// Each wait is so much longer than the one before.
const LONGER: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_hours(6);

/// Tries that failed in a row, with the one that just did. One that brought the download a good step
/// ahead begins a new row: a large file over a bad line comes in the end.
pub fn count(before: u32, gained: u64) -> u32 {
    if gained >= STEP_AHEAD {
        1
    } else {
        before.saturating_add(1)
    }
}

/// When the next try is, after so many that failed; nothing after the last.
pub fn next(now: Millis, tries: u32, most: u32, first_wait: Duration) -> Option<Millis> {
    let longer = LONGER.saturating_pow(tries.saturating_sub(1));
    let wait = first_wait.saturating_mul(longer).min(LONGEST);
    (tries < most).then(|| now + wait)
}

/// Why a job waits.
pub fn waiting(cause: &str, tries: u32, most: u32, next_at: Millis) -> String {
    format!(
        "{cause}; {} of {} tries, next at {}",
        ordinal(tries),
        cardinal(most),
        time(next_at)
    )
}

/// What happens while the next try is under way.
pub fn under_way(cause: &str, tries: u32, most: u32) -> String {
    format!(
        "{cause}; {} of {} tries is under way",
        ordinal(tries + 1),
        cardinal(most)
    )
}

/// Why nothing is tried any more by itself.
pub fn given_up(cause: &str, tries: u32, most: u32) -> String {
    if tries < most {
        return cause.to_owned();
    }
    format!(
        "{cause}; {} of {} tries: Reset Download Count has it tried again",
        ordinal(tries),
        cardinal(most)
    )
}

fn ordinal(number: u32) -> String {
    let word = match number {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        6 => "sixth",
        7 => "seventh",
        8 => "eighth",
        9 => "ninth",
        10 => "tenth",
        _ => return format!("number {number}"),
    };
    word.to_owned()
}

fn cardinal(number: u32) -> String {
    let words = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let word = words.get(number as usize);
    word.map_or_else(|| number.to_string(), |it| (*it).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    #[test]
    fn each_wait_is_longer_until_nothing_is_tried_any_more() {
        let minute = Duration::from_mins(1);
        let waits: Vec<_> = (1..8)
            .map(|tries| next(NOW, tries, 7, minute).map(|at| at.since(NOW).as_secs() / 60))
            .collect();
        let minutes = [1, 5, 25, 125, 360, 360].map(Some);
        assert_eq!(waits[..6], minutes);
        assert_eq!(waits[6], None);
        assert_eq!(next(NOW, 1, 1, minute), None);
        assert_eq!(next(NOW, u32::MAX, 5, Duration::MAX), None);
    }

    #[test]
    fn a_try_that_came_a_good_step_ahead_begins_a_new_row() {
        for (before, gained, expected) in [
            (0, 0, 1),
            (4, 0, 5),
            (4, STEP_AHEAD - 1, 5),
            (4, STEP_AHEAD, 1),
            (u32::MAX, 0, u32::MAX),
        ] {
            assert_eq!(count(before, gained), expected, "{before} {gained}");
        }
    }

    #[test]
    fn a_job_says_which_of_how_many_tries_and_when_the_next_is() {
        assert_eq!(
            waiting("cannot reach it", 3, 5, NOW),
            "cannot reach it; third of five tries, next at 2027-01-15T08:00:00Z"
        );
        assert_eq!(
            under_way("cannot reach it", 3, 12),
            "cannot reach it; fourth of 12 tries is under way"
        );
        assert_eq!(
            given_up("cannot reach it", 5, 5),
            "cannot reach it; fifth of five tries: Reset Download Count has it tried again"
        );
        assert_eq!(given_up("not found", 1, 5), "not found");
    }
}
