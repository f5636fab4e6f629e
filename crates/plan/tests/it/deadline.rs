//! Until when jobs may wait for their windows.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_plan::schedule::Zone;
use fleetmend_plan::window::{LONGEST_DEADLINE, Windows, deadline};

use crate::window::{blackout, never_closing, of, window};
use crate::zoned::{instant, shown, zone};

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_job_that_may_begin_at_any_time_waits_no_longer_than_it_was_given() {
    let utc = Zone::utc();
    let posted = instant("2026-11-26T00:00Z");
    for windows in never_closing() {
        assert_eq!(deadline(posted, DAY, &of(&windows), &utc), posted + DAY);
    }
}

#[test]
fn a_job_is_not_given_up_before_two_windows_have_gone() {
    let berlin = zone("Europe/Berlin");
    let posted = instant("2026-11-27T16:00+01:00");
    let until = |opens: &str, minutes: u32, days: u32| {
        let windows = [window(opens, minutes)];
        shown(
            &berlin,
            deadline(posted, DAY * days, &of(&windows), &berlin),
        )
    };
    // Posted on Friday for Saturdays.
    assert_eq!(until("0 2 * * SAT", 180, 3), "Sat 2026-12-05 05:00 +01:00");
    assert_eq!(until("0 2 * * SAT", 180, 30), "Sun 2026-12-27 16:00 +01:00");
    assert_eq!(
        until("second Tuesday + 3 days at 02:00", 180, 7),
        "Fri 2027-01-15 05:00 +01:00"
    );
    // Posted while a window is open, and shortly before it closes.
    assert_eq!(until("0 15 * * FRI", 120, 1), "Fri 2026-12-04 17:00 +01:00");
    assert_eq!(until("0 15 * * FRI", 64, 1), "Fri 2026-12-11 16:04 +01:00");
}

#[test]
fn a_job_that_is_posted_in_days_without_changes_has_its_time_once_they_are_over() {
    let utc = Zone::utc();
    let posted = instant("2026-12-24T01:00Z");
    let blackouts = [blackout("2026-12-24", "2027-01-01")];
    let any_time = Windows {
        windows: &[],
        blackouts: &blackouts,
    };
    let until = deadline(posted, DAY * 3, &any_time, &utc);
    assert_eq!(until, instant("2027-01-05T00:00Z"));
}

#[test]
fn every_job_is_given_up_some_day_however_rare_its_windows_are() {
    let utc = Zone::utc();
    let posted = instant("2026-11-27T16:00Z");
    let rare = [window("0 2 29 2 *", 60)];
    assert_eq!(
        deadline(posted, DAY, &of(&rare), &utc),
        posted + LONGEST_DEADLINE
    );
    let yearly = [window("0 2 1 12 *", 60)];
    assert_eq!(
        shown(&utc, deadline(posted, DAY, &of(&yearly), &utc)),
        "Wed 2027-12-01 03:00 +00:00"
    );
    // One who waits on purpose waits longer.
    let long = LONGEST_DEADLINE + DAY;
    assert_eq!(deadline(posted, long, &of(&rare), &utc), posted + long);
}

#[test]
fn times_that_no_calendar_has_open_nothing_and_have_deadlines() {
    let windows = [window("@daily", 60)];
    let blackouts = [blackout("2026-12-24", "2026-12-24")];
    let both = Windows {
        windows: &windows,
        blackouts: &blackouts,
    };
    for posted in [Millis(i64::MIN), Millis(i64::MAX)] {
        assert!(!both.at(&Zone::utc(), posted).may_start());
        let until = deadline(posted, DAY, &both, &Zone::utc());
        assert!(until >= posted + DAY && until <= posted + LONGEST_DEADLINE);
    }
}
