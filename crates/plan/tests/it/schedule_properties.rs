//! What holds for every schedule, in every zone, whatever clocks do.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use croner::Cron;
use fleetmend_model::Millis;
use fleetmend_plan::schedule::{Schedule, Zone};
use jiff::civil::DateTime;
use proptest::prelude::*;

use crate::zoned::{schedule, shown, zone};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// With clocks changed by an hour at 02:00, 01:00 and midnight, by half an hour, by a day, and never.
const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/St_Johns",
];

pub(crate) fn zones() -> impl Strategy<Value = Zone> {
    prop::sample::select(ZONES.to_vec()).prop_map(zone)
}

/// From 1987 to 2040; half of them near to a change of clocks.
pub(crate) fn instants() -> impl Strategy<Value = Millis> {
    let any = 536_457_600_000..2_208_988_800_000_i64;
    let changes = prop::sample::select(vec![
        "2026-03-29T01:00Z",
        "2026-10-25T01:00Z",
        "2026-03-08T07:00Z",
        "2026-11-01T06:00Z",
        "2026-03-08T05:00Z",
        "2026-11-01T05:00Z",
        "2026-04-23T22:00Z",
        "2026-10-29T21:00Z",
        "2026-10-03T15:30Z",
        "2026-04-04T15:00Z",
        "2011-12-30T10:00Z",
        "2006-10-29T02:31Z",
    ])
    .prop_map(|text| crate::zoned::instant(text).0);
    let near = (changes, -2 * DAY..2 * DAY).prop_map(|(change, beside)| change + beside);
    prop_oneof![any, near].prop_map(Millis)
}

fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        2 => (low..=high).prop_map(|value| value.to_string()),
        1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (1..=high).prop_map(|step| format!("*/{step}")),
        1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

fn patterns() -> impl Strategy<Value = String> {
    patterns_of(field(0, 59))
}

fn patterns_of(minutes: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let days = prop_oneof![
        4 => field(1, 31),
        1 => Just("L".to_owned()),
        1 => Just("LW".to_owned()),
        1 => Just("15W".to_owned()),
    ];
    let weekdays = prop_oneof![
        4 => field(0, 7),
        1 => Just("TUE#2".to_owned()),
        1 => Just("FRI#5".to_owned()),
        1 => Just("SUNL".to_owned()),
        1 => Just("+MON".to_owned()),
    ];
    let fields = (minutes, field(0, 23), days, field(1, 12), weekdays);
    fields.prop_map(|(minute, hour, day, month, weekday)| {
        format!("{minute} {hour} {day} {month} {weekday}")
    })
}

fn monthly() -> impl Strategy<Value = String> {
    let nths = ["first", "second", "third", "fourth", "fifth", "last"];
    let days = ["Monday", "Tuesday", "Wednesday", "Saturday", "Sunday"];
    let parts = (
        prop::sample::select(nths.to_vec()),
        prop::sample::select(days.to_vec()),
        0..=31_u8,
        0..24_u8,
        0..60_u8,
    );
    parts.prop_map(|(nth, day, plus, hour, minute)| {
        format!("{nth} {day} + {plus} days at {hour:02}:{minute:02}")
    })
}

/// Those that fit some day.
fn schedules() -> impl Strategy<Value = Schedule> {
    let text = prop_oneof![3 => patterns(), 1 => monthly()];
    text.prop_filter_map("fits no day", |text| text.parse().ok())
}

/// Those that come a few times an hour at most, so that each of their times can be looked at.
pub(crate) fn rare_schedules() -> impl Strategy<Value = Schedule> {
    let minutes = prop_oneof![
        3 => (0..60_u8).prop_map(|minute| minute.to_string()),
        1 => Just("*/25".to_owned()),
    ];
    let text = prop_oneof![3 => patterns_of(minutes), 1 => monthly()];
    text.prop_filter_map("fits no day", |text| text.parse().ok())
}

fn daily() -> impl Strategy<Value = Schedule> {
    (0..60_u8, 0..24_u8).prop_map(|(minute, hour)| schedule(&format!("{minute} {hour} * * *")))
}

proptest! {
    #[test]
    fn times_rise_strictly_and_lie_after_what_was_asked(
        schedule in schedules(), zone in zones(), after in instants(),
    ) {
        let mut last = after;
        for at in schedule.occurrences(&zone, after).take(40) {
            prop_assert!(at > last, "{schedule}: {} after {}", shown(&zone, at), shown(&zone, last));
            last = at;
        }
    }

    #[test]
    fn rounds_of_any_length_find_each_time_once(
        schedule in schedules(), zone in zones(), after in instants(),
        steps in prop::collection::vec(1..DAY, 1..8),
    ) {
        let end = Millis(after.0 + steps.iter().sum::<i64>());
        let mut found = Vec::new();
        let mut from = after;
        for step in steps {
            let to = Millis(from.0 + step);
            found.extend(schedule.between(&zone, from, to));
            from = to;
        }
        prop_assert_eq!(found, schedule.between(&zone, after, end).collect::<Vec<_>>());
    }

    #[test]
    fn the_latest_is_the_one_that_was_next_before_it(
        schedule in schedules(), zone in zones(), until in instants(),
    ) {
        let Some(latest) = schedule.latest(&zone, until) else {
            return Err(TestCaseError::fail("a schedule that fits a day has a latest time"));
        };
        prop_assert!(latest <= until);
        prop_assert_eq!(schedule.next(&zone, Millis(latest.0 - 1)), Some(latest));
        prop_assert!(schedule.next(&zone, latest).is_none_or(|next| next > until));
    }

    #[test]
    fn a_daily_time_is_due_once_on_each_day_that_clocks_show(
        schedule in daily(), zone in zones(), after in instants(),
    ) {
        let end = Millis(after.0 + 400 * DAY);
        let dates: Vec<_> = schedule
            .between(&zone, after, end)
            .map(|at| zone.civil(at).unwrap().date())
            .collect();
        let distinct: BTreeSet<_> = dates.iter().copied().collect();
        // A day that is left out is due when the next begins, which has a time of its own besides.
        let doubled = dates.len() - distinct.len();
        // On the day that is asked on, it may have been due before.
        let first = zone.civil(after).unwrap().date().tomorrow().unwrap();
        let last = dates[dates.len() - 1];
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        let skipped: Vec<_> = days.filter(|day| !distinct.contains(day)).collect();
        let is_left_out = |day: &jiff::civil::Date| {
            zone.name() == "Pacific/Apia" && day.to_string() == "2011-12-30"
        };
        prop_assert!(skipped.iter().all(is_left_out), "{skipped:?} skipped");
        prop_assert!(doubled <= skipped.len(), "{doubled} twice");
    }

    #[test]
    fn a_pattern_means_what_croner_says_where_clocks_are_never_changed(
        pattern in patterns(), after in instants(),
    ) {
        let Ok(schedule) = pattern.parse::<Schedule>() else {
            return Ok(());
        };
        let utc = Zone::utc();
        let cron = Cron::from_str(&pattern).unwrap();
        let mut civil: DateTime = utc.civil(after).unwrap();
        for at in schedule.occurrences(&utc, after).take(5) {
            civil = cron.find_next_occurrence(&civil, false).unwrap();
            prop_assert_eq!(utc.civil(at), Some(civil));
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same_and_has_words(schedule in schedules()) {
        prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule.clone()));
        prop_assert!(schedule.in_words().ends_with("device time"));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,40}", cron in "[-0-9*/,LW#+?A-Z@ ]{0,40}") {
        for text in [text, cron] {
            if let Err(error) = text.parse::<Schedule>() {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_later_civil_time_is_never_an_earlier_instant(
        zone in zones(), at in instants(), apart in 0..3 * DAY,
    ) {
        let civil = zone.civil(at).unwrap();
        let later = civil.checked_add(jiff::SignedDuration::from_millis(apart)).unwrap();
        let (first, second) = (zone.instant(civil).unwrap(), zone.instant(later).unwrap());
        prop_assert!(first <= second);
        prop_assert!(first <= at, "what clocks show now they have not shown before");
    }
}
