//! What holds for all windows, held against a search over their single times.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_plan::schedule::Zone;
use fleetmend_plan::window::{At, Blackout, LONGEST_DEADLINE, Open, Window, Windows, deadline};
use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use proptest::prelude::*;

use crate::schedule_properties::{instants, rare_schedules, zones};
use crate::zoned::shown;

const MINUTE: i64 = 60 * 1000;
const DAY: i64 = 24 * 60 * MINUTE;

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let minutes = prop_oneof![
        4 => 10..200_u32,
        1 => 200..3000_u32,
        1 => Just(7 * 24 * 60_u32),
    ];
    let one = (rare_schedules(), minutes)
        .prop_map(|(opens, minutes)| Window::new(opens, minutes).unwrap());
    prop::collection::vec(one, 0..3)
}

/// Some of them around the time that is asked about.
fn blackouts(near: Date) -> impl Strategy<Value = Vec<Blackout>> {
    let one = (-20..20_i64, 0..15_i64).prop_map(move |(first, days)| {
        let from = near
            .checked_add(SignedDuration::from_hours(24 * first))
            .unwrap();
        let to = from
            .checked_add(SignedDuration::from_hours(24 * days))
            .unwrap();
        Blackout::new(from, to, "").unwrap()
    });
    prop::collection::vec(one, 0..3)
}

#[derive(Debug)]
struct Case {
    windows: Vec<Window>,
    blackouts: Vec<Blackout>,
    zone: Zone,
    now: Millis,
}

impl Case {
    fn windows(&self) -> Windows<'_> {
        Windows {
            windows: &self.windows,
            blackouts: &self.blackouts,
        }
    }

    /// The times that `window` is open, of all those that open from `from` up to and with `to`.
    fn spans(&self, window: &Window, from: Millis, to: Millis) -> Vec<(Millis, Millis)> {
        let mut spans = Vec::new();
        let mut civil = self.zone.civil(from).unwrap();
        let end = self.zone.civil(to).unwrap();
        let utc = Zone::utc();
        // Civil times as if clocks were never changed, and the zone's instants of them.
        while let Some(at) = window.opens().next(&utc, utc.instant(civil).unwrap()) {
            civil = utc.civil(at).unwrap();
            if civil > end {
                break;
            }
            let length = SignedDuration::from_mins(window.minutes().into());
            let closes = civil.checked_add(length).unwrap();
            spans.push((
                self.zone.instant(civil).unwrap(),
                self.zone.instant(closes).unwrap(),
            ));
        }
        spans
    }

    fn is_open(&self, at: Millis) -> bool {
        let midnight = |day: Date| {
            self.zone
                .instant(day.to_datetime(Time::midnight()))
                .unwrap()
        };
        let is_out = self.blackouts.iter().any(|days| {
            (midnight(days.from())..midnight(days.to().tomorrow().unwrap())).contains(&at)
        });
        let is_in = self.windows.is_empty()
            || self.windows.iter().any(|window| {
                // A day that clocks may be changed by, and one to spare.
                let from = Millis(at.0 - i64::from(window.minutes()) * MINUTE - 2 * DAY);
                let to = Millis(at.0 + 2 * DAY);
                let spans = self.spans(window, from, to);
                spans
                    .iter()
                    .any(|(opens, closes)| (*opens..*closes).contains(&at))
            });
        is_in && !is_out
    }
}

fn cases() -> impl Strategy<Value = Case> {
    (windows(), zones(), instants()).prop_flat_map(|(windows, zone, now)| {
        let near = zone.civil(now).unwrap().date();
        (Just(windows), blackouts(near), Just(zone), Just(now)).prop_map(
            |(windows, blackouts, zone, now)| Case {
                windows,
                blackouts,
                zone,
                now,
            },
        )
    })
}

/// Points in and around a stretch, to look whether it is what it is said to be.
fn within(opens: Millis, closes: Millis) -> Vec<Millis> {
    let length = closes.0 - opens.0;
    [0, length / 7, length / 3, length / 2, length - 1]
        .map(|passed| Millis(opens.0 + passed))
        .to_vec()
}

proptest! {
    #[test]
    fn it_is_open_when_some_window_is_and_no_day_without_changes(case in cases()) {
        let is_open = matches!(case.windows().at(&case.zone, case.now), At::Open(_));
        prop_assert_eq!(is_open, case.is_open(case.now), "{}", shown(&case.zone, case.now));
    }

    #[test]
    fn what_is_open_stays_open_until_it_is_said_to_close(case in cases()) {
        if let At::Open(Open { opens, closes }) = case.windows().at(&case.zone, case.now) {
            prop_assert_eq!(opens, case.now);
            let end = closes.unwrap_or(Millis(opens.0 + 8 * DAY));
            for at in within(opens, end) {
                prop_assert!(case.is_open(at), "closed {}", shown(&case.zone, at));
            }
            if let Some(closes) = closes {
                prop_assert!(!case.is_open(closes), "open {}", shown(&case.zone, closes));
            }
        }
    }

    #[test]
    fn what_is_closed_stays_closed_until_it_is_said_to_open(case in cases()) {
        if let At::Closed { next, .. } = case.windows().at(&case.zone, case.now) {
            let end = next.map_or(Millis(case.now.0 + 60 * DAY), |next| next.opens);
            for at in within(case.now, end) {
                prop_assert!(!case.is_open(at), "open {}", shown(&case.zone, at));
            }
            if let Some(next) = next {
                prop_assert!(case.is_open(next.opens));
            }
        }
    }

    #[test]
    fn a_first_start_is_open_has_room_and_comes_no_earlier_than_asked(case in cases()) {
        let windows = case.windows();
        if let Some(start) = windows.first_start(&case.zone, case.now) {
            prop_assert!(start.opens >= case.now);
            prop_assert!(windows.at(&case.zone, start.opens).may_start());
            let At::Open(open) = windows.at(&case.zone, start.opens) else {
                return Err(TestCaseError::fail("it is open then"));
            };
            prop_assert_eq!(open.closes, start.closes);
        }
        if windows.at(&case.zone, case.now).may_start() {
            let start = windows.first_start(&case.zone, case.now);
            prop_assert_eq!(start.map(|start| start.opens), Some(case.now));
        }
    }

    #[test]
    fn a_deadline_is_not_before_its_wait_nor_after_the_longest(case in cases(), days in 0..30_u32) {
        let wait = Duration::from_hours(24) * days;
        let until = deadline(case.now, wait, &case.windows(), &case.zone);
        prop_assert!(until >= case.now + wait);
        prop_assert!(until <= case.now + LONGEST_DEADLINE);
    }

    #[test]
    fn words_are_found_for_all_of_it(case in cases()) {
        let at = case.windows().at(&case.zone, case.now);
        prop_assert!(!at.in_words(&case.zone, case.now).is_empty());
    }
}
