//! Windows and days without changes, over the clocks of the world.

use std::fmt::Write as _;
use std::time::Duration;

use fleetmend_plan::schedule::{Schedule, Zone};
use fleetmend_plan::window::{At, Blackout, START_MARGIN, Window, Windows};
use insta::assert_snapshot;

use crate::zoned::{instant, schedule, shown, zone};

pub(crate) fn window(opens: &str, minutes: u32) -> Window {
    Window::new(schedule(opens), minutes).unwrap()
}

pub(crate) fn blackout(from: &str, to: &str) -> Blackout {
    Blackout::parse(from, to, "Year's end").unwrap()
}

/// When the device may begin something from `after` on, a line each.
fn openings(windows: &Windows, zone: &Zone, after: &str, count: usize) -> String {
    let mut after = instant(after);
    let mut text = String::new();
    for _ in 0..count {
        let Some(open) = windows.next(zone, after) else {
            return text + "none\n";
        };
        text += &shown(zone, open.opens);
        let Some(closes) = open.closes else {
            return text + " and stays open\n";
        };
        let _ = writeln!(text, " to {}", shown(zone, closes));
        assert!(matches!(windows.at(zone, open.opens), At::Open(now) if now == open));
        assert!(matches!(windows.at(zone, closes), At::Closed { .. }));
        after = closes;
    }
    text
}

pub(crate) fn of(windows: &[Window]) -> Windows<'_> {
    Windows {
        windows,
        blackouts: &[],
    }
}

/// Windows, each of which follows on the one before it, or none at all.
pub(crate) fn never_closing() -> [Vec<Window>; 3] {
    [
        vec![],
        vec![window("* * * * *", 10)],
        vec![window("@daily", 24 * 60)],
    ]
}

#[test]
fn a_window_is_as_long_as_clocks_show_it() {
    let windows = [window("0 1 * * *", 180)];
    let berlin = zone("Europe/Berlin");
    // Two hours in the night of the 29th.
    assert_snapshot!(openings(&of(&windows), &berlin, "2026-03-28T12:00Z", 2), @"
    Sun 2026-03-29 01:00 +01:00 to Sun 2026-03-29 04:00 +02:00
    Mon 2026-03-30 01:00 +02:00 to Mon 2026-03-30 04:00 +02:00
    ");
    // Four.
    assert_snapshot!(openings(&of(&windows), &berlin, "2026-10-24T12:00Z", 1), @"
    Sun 2026-10-25 01:00 +02:00 to Sun 2026-10-25 04:00 +01:00
    ");
}

#[test]
fn a_window_opens_and_closes_where_clocks_skip_its_ends_and_not_at_all_in_skipped_time() {
    let berlin = zone("Europe/Berlin");
    assert_snapshot!(openings(&of(&[window("30 2 * * *", 60)]), &berlin, "2026-03-28T12:00Z", 1), @"
    Sun 2026-03-29 03:00 +02:00 to Sun 2026-03-29 03:30 +02:00
    ");
    assert_snapshot!(openings(&of(&[window("0 1 * * *", 90)]), &berlin, "2026-03-28T12:00Z", 1), @"
    Sun 2026-03-29 01:00 +01:00 to Sun 2026-03-29 03:00 +02:00
    ");
    assert_snapshot!(openings(&of(&[window("0 2 * * *", 45)]), &berlin, "2026-03-28T12:00Z", 1), @"
    Mon 2026-03-30 02:00 +02:00 to Mon 2026-03-30 02:45 +02:00
    ");
}

#[test]
fn a_window_in_hours_that_clocks_show_twice_is_open_in_the_first_of_them() {
    let berlin = zone("Europe/Berlin");
    assert_snapshot!(openings(&of(&[window("0 2 * * *", 30)]), &berlin, "2026-10-24T12:00Z", 2), @"
    Sun 2026-10-25 02:00 +02:00 to Sun 2026-10-25 02:30 +02:00
    Mon 2026-10-26 02:00 +01:00 to Mon 2026-10-26 02:30 +01:00
    ");
}

#[test]
fn a_window_goes_on_over_midnight() {
    let windows = [window("0 22 * * FRI", 8 * 60)];
    let kathmandu = zone("Asia/Kathmandu");
    assert_snapshot!(openings(&of(&windows), &kathmandu, "2026-11-26T00:00Z", 1), @"
    Fri 2026-11-27 22:00 +05:45 to Sat 2026-11-28 06:00 +05:45
    ");
    let after_midnight = of(&windows).at(&kathmandu, instant("2026-11-28T03:00+05:45"));
    assert!(after_midnight.may_start());
}

#[test]
fn windows_that_overlap_or_follow_on_each_other_are_one() {
    let windows = [
        window("0 1 * * SAT", 120),
        window("0 2 * * SAT", 60),
        window("30 2 * * SAT", 90),
        window("0 4 * * SAT", 30),
        window("31 4 * * SAT", 29),
    ];
    assert_snapshot!(openings(&of(&windows), &Zone::utc(), "2026-11-26T00:00Z", 3), @"
    Sat 2026-11-28 01:00 +00:00 to Sat 2026-11-28 04:30 +00:00
    Sat 2026-11-28 04:31 +00:00 to Sat 2026-11-28 05:00 +00:00
    Sat 2026-12-05 01:00 +00:00 to Sat 2026-12-05 04:30 +00:00
    ");
}

#[test]
fn what_is_open_for_longer_than_eight_days_has_no_end_that_is_told() {
    let utc = Zone::utc();
    let now = instant("2026-11-26T00:00Z");
    for windows in never_closing() {
        let at = of(&windows).at(&utc, now);
        assert!(at.may_start());
        assert_eq!(at.in_words(&utc, now), "open");
    }
    // It closes on 7 May; days without changes that begin later do not end it.
    let rounds = [window("0 * 9-30 4 *", 7 * 24 * 60)];
    let blackouts = [blackout("2026-05-08", "2026-05-08")];
    let both = Windows {
        windows: &rounds,
        blackouts: &blackouts,
    };
    let at = both.at(&utc, instant("2026-04-22T12:00Z"));
    assert!(matches!(at, At::Open(open) if open.closes.is_none()));
    // A week's window has an end.
    let week = [window("0 0 * * MON", 6 * 24 * 60)];
    assert_snapshot!(openings(&of(&week), &utc, "2026-11-26T00:00Z", 1), @"
    Mon 2026-11-30 00:00 +00:00 to Sun 2026-12-06 00:00 +00:00
    ");
}

#[test]
fn nothing_begins_on_days_without_changes_and_what_they_cut_off_of_a_window_is_lost() {
    let berlin = zone("Europe/Berlin");
    let windows = [window("0 22 * * *", 4 * 60)];
    let blackouts = [
        blackout("2026-12-24", "2026-12-26"),
        blackout("2026-12-26", "2027-01-01"),
    ];
    let both = Windows {
        windows: &windows,
        blackouts: &blackouts,
    };
    // The last two hours of the window of the 23rd, and the first two of that of 1 January.
    assert_snapshot!(openings(&both, &berlin, "2026-12-22T12:00Z", 4), @"
    Tue 2026-12-22 22:00 +01:00 to Wed 2026-12-23 02:00 +01:00
    Wed 2026-12-23 22:00 +01:00 to Thu 2026-12-24 00:00 +01:00
    Sat 2027-01-02 00:00 +01:00 to Sat 2027-01-02 02:00 +01:00
    Sat 2027-01-02 22:00 +01:00 to Sun 2027-01-03 02:00 +01:00
    ");
    let any_time = Windows {
        windows: &[],
        blackouts: &blackouts,
    };
    assert_snapshot!(openings(&any_time, &berlin, "2026-12-22T12:00Z", 2), @"
    Sat 2027-01-02 00:00 +01:00 and stays open
    ");
}

#[test]
fn days_without_changes_are_each_devices_own() {
    let blackouts = [blackout("2026-12-24", "2026-12-24")];
    let windows = Windows {
        windows: &[],
        blackouts: &blackouts,
    };
    let now = instant("2026-12-24T05:30Z");
    for (name, is_open) in [
        ("UTC", false),
        ("America/New_York", false),
        // Still the 23rd.
        ("America/Los_Angeles", true),
        // Within the 24th.
        ("Pacific/Kiritimati", false),
    ] {
        let at = windows.at(&zone(name), now);
        assert_eq!(matches!(at, At::Open(_)), is_open, "{name}");
    }
}

#[test]
fn nothing_begins_when_a_window_is_about_to_close() {
    let utc = Zone::utc();
    let windows = [window("0 2 * * SAT", 180)];
    let closes = instant("2026-11-28T05:00Z");
    let open = of(&windows);
    assert!(!open.at(&utc, closes).may_start());
    assert!(!open.at(&utc, closes - START_MARGIN).may_start());
    assert!(matches!(open.at(&utc, closes - START_MARGIN), At::Open(_)));
    assert!(
        open.at(&utc, closes - START_MARGIN - Duration::from_millis(1))
            .may_start()
    );
}

#[test]
fn the_first_start_is_now_in_an_open_window_and_else_in_the_next_that_has_room() {
    let utc = Zone::utc();
    let windows = [window("0 2 * * SAT", 180)];
    let open = of(&windows);
    let start = |text: &str| {
        let start = open.first_start(&utc, instant(text)).unwrap();
        format!(
            "{} to {}",
            shown(&utc, start.opens),
            shown(&utc, start.closes.unwrap())
        )
    };
    let friday = start("2026-11-27T16:00Z");
    assert_eq!(
        friday,
        "Sat 2026-11-28 02:00 +00:00 to Sat 2026-11-28 05:00 +00:00"
    );
    let within = start("2026-11-28T03:10Z");
    assert_eq!(
        within,
        "Sat 2026-11-28 03:10 +00:00 to Sat 2026-11-28 05:00 +00:00"
    );
    let too_late = start("2026-11-28T04:58Z");
    assert_eq!(
        too_late,
        "Sat 2026-12-05 02:00 +00:00 to Sat 2026-12-05 05:00 +00:00"
    );

    // Days without changes leave three minutes of the window of the 23rd.
    let nightly = [window("57 23 * * *", 60)];
    let blackouts = [blackout("2026-12-24", "2026-12-26")];
    let both = Windows {
        windows: &nightly,
        blackouts: &blackouts,
    };
    let start = both
        .first_start(&utc, instant("2026-12-23T12:00Z"))
        .unwrap();
    assert_eq!(shown(&utc, start.opens), "Sun 2026-12-27 00:00 +00:00");
}

#[test]
fn what_is_open_or_opens_next_is_told_in_words() {
    let berlin = zone("Europe/Berlin");
    let windows = [window("0 2 * * SAT", 180)];
    let nightly = [window("0 22 * * *", 480)];
    let rare = [window("0 2 29 2 *", 60)];
    let blackouts = [blackout("2026-12-24", "2027-01-01")];
    let unnamed = [Blackout::parse("2026-12-24", "2026-12-24", " ").unwrap()];
    let rows: [(&[Window], &[Blackout], &str); 8] = [
        (&windows, &[], "2026-11-26T12:00+01:00"),
        (&windows, &[], "2026-11-28T02:00+01:00"),
        (&nightly, &[], "2026-11-26T12:00+01:00"),
        (&nightly, &[], "2026-11-26T23:00+01:00"),
        (&rare, &[], "2026-11-26T12:00+01:00"),
        (&windows, &blackouts, "2026-12-24T12:00+01:00"),
        (&[], &unnamed, "2026-12-24T12:00+01:00"),
        (&[], &[], "2026-12-24T12:00+01:00"),
    ];
    let text: String = rows
        .into_iter()
        .map(|(windows, blackouts, now)| {
            let now = instant(now);
            let at = Windows { windows, blackouts }.at(&berlin, now);
            at.in_words(&berlin, now) + "\n"
        })
        .collect();
    assert_snapshot!(text, @"
    the next window is Sat 28 Nov 02:00–05:00 (Europe/Berlin)
    open until Sat 28 Nov 05:00 (Europe/Berlin)
    the next window is Thu 26 Nov 22:00 – Fri 27 Nov 06:00 (Europe/Berlin)
    open until Fri 27 Nov 06:00 (Europe/Berlin)
    the next window is Tue 29 Feb 2028 02:00–03:00 (Europe/Berlin)
    no changes from 2026-12-24 to 2027-01-01 (Year's end); the next window is Sat 2 Jan 02:00–05:00 (Europe/Berlin)
    no changes on 2026-12-24; goes on Fri 25 Dec 00:00 (Europe/Berlin)
    open
    ");
    let words = [
        window("second Tuesday + 3 days at 02:00", 180),
        window("0 22 * * SAT,SUN", 90),
        window("@daily", 45),
    ]
    .map(|window| window.in_words())
    .join("\n");
    assert_snapshot!(words, @"
    second Tuesday + 3 days, 02:00 device time, for 3 h
    Sunday and Saturday, 22:00 device time, for 1 h 30 min
    every day, 00:00 device time, for 45 min
    ");
}

#[test]
fn what_is_no_window_and_no_days_is_refused_with_what_is_wrong() {
    let mut errors = vec![
        Window::new(Schedule::Off, 60).unwrap_err().to_string(),
        Window::new(schedule("@daily"), 9).unwrap_err().to_string(),
        Window::new(schedule("@daily"), 10_081)
            .unwrap_err()
            .to_string(),
    ];
    for (from, to) in [
        ("2026-12-24", "2026-12-23"),
        ("2026-12-24", "2027-12-25"),
        ("2026-02-29", "2026-03-01"),
        ("24.12.2026", "2026-12-24"),
        ("2026-12-24", "2026-12-24T10:00"),
        ("2026-12-24", "20261224\u{1b}["),
    ] {
        errors.push(Blackout::parse(from, to, "").unwrap_err().to_string());
    }
    assert_snapshot!(errors.join("\n"), @r#"
    a window needs a schedule: with 'off' it would never open
    a window of 9 minutes: it may last from 10 to 10080 minutes
    a window of 10081 minutes: it may last from 10 to 10080 minutes
    the days without changes end on 2026-12-23, before they begin on 2026-12-24
    367 days without changes: 366 at most; switch the policy off instead
    '2026-02-29' is no date: write it as 2026-12-24
    '24.12.2026' is no date: write it as 2026-12-24
    '2026-12-24T10:00' is no date: write it as 2026-12-24
    '20261224\u{1b}[' is no date: write it as 2026-12-24
    "#);
    Blackout::parse("2026-12-24", "2027-12-24", "").unwrap();
}

#[test]
fn windows_and_days_are_stored_as_they_are_read() {
    let json = r#"{"opens":"second Tuesday + 3 days at 02:00","minutes":180}"#;
    let read: Window = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    for wrong in [
        r#"{"opens":"off","minutes":60}"#,
        r#"{"opens":"@daily","minutes":0}"#,
    ] {
        assert!(serde_json::from_str::<Window>(wrong).is_err());
    }
    let json = r#"{"from":"2026-12-24","to":"2027-01-01","name":"Year's end"}"#;
    let read: Blackout = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert!(serde_json::from_str::<Blackout>(r#"{"from":"x","to":"y"}"#).is_err());
}
