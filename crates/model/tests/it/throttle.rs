//! Rates by the time of day.

use fleetmend_model::throttle::{Rate, Throttle, at, changes_in};
use insta::assert_snapshot;
use proptest::prelude::*;

fn rule(from: u16, to: u16, bytes_s: u64) -> Throttle {
    Throttle::new(from, to, bytes_s).unwrap()
}

/// Where the rate changes in a day, a line each.
fn day(rules: &[Throttle]) -> String {
    let mut last = None;
    (0..24 * 60)
        .filter_map(|minute| {
            let rate = at(rules, minute);
            let is_new = last.replace(rate) != Some(rate);
            is_new.then(|| format!("{:02}:{:02} {rate}\n", minute / 60, minute % 60))
        })
        .collect()
}

#[test]
fn a_rule_holds_from_its_first_minute_up_to_its_last_and_over_midnight() {
    assert_snapshot!(day(&[rule(8 * 60, 18 * 60, 1_500_000)]), @"
    00:00 as fast as it goes
    08:00 1.5 MB/s
    18:00 as fast as it goes
    ");
    assert_snapshot!(day(&[rule(22 * 60, 6 * 60 + 30, 0)]), @"
    00:00 nothing
    06:30 as fast as it goes
    22:00 nothing
    ");
}

#[test]
fn of_several_rules_the_first_that_covers_the_minute_counts() {
    let rules = [
        rule(12 * 60, 13 * 60, 20_000_000),
        rule(8 * 60, 18 * 60, 1_000_000),
        rule(0, 0, 5_000),
    ];
    assert_snapshot!(day(&rules), @"
    00:00 5 kB/s
    08:00 1 MB/s
    12:00 20 MB/s
    13:00 1 MB/s
    18:00 5 kB/s
    ");
    let words: String = rules.iter().map(|rule| format!("{rule}\n")).collect();
    assert_snapshot!(words, @"
    12:00–13:00: 20 MB/s
    08:00–18:00: 1 MB/s
    all day: 5 kB/s
    ");
}

#[test]
fn when_the_rate_changes_next_is_told_over_midnight_too() {
    let rules = [rule(22 * 60, 6 * 60, 1_000)];
    assert_eq!(changes_in(&rules, 21 * 60 + 59), Some(1));
    assert_eq!(changes_in(&rules, 22 * 60), Some(8 * 60));
    assert_eq!(changes_in(&rules, 6 * 60), Some(16 * 60));
    assert_eq!(changes_in(&[], 0), None);
    assert_eq!(changes_in(&[rule(0, 0, 7)], 300), None);
}

#[test]
fn a_minute_that_no_day_has_is_refused() {
    let error = Throttle::new(0, 24 * 60, 1).unwrap_err().to_string();
    assert_eq!(
        error,
        "minute 1440 of the day: a day has the minutes 0 to 1439"
    );
    let json = r#"{"from_minute":2000,"to_minute":3,"bytes_s":1}"#;
    assert!(serde_json::from_str::<Throttle>(json).is_err());
    let json = r#"{"from_minute":480,"to_minute":1080,"bytes_s":1500000}"#;
    let read: Throttle = serde_json::from_str(json).unwrap();
    assert_eq!(read, rule(480, 1080, 1_500_000));
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

proptest! {
    #[test]
    fn the_rate_stays_the_same_until_it_is_said_to_change(
        rules in prop::collection::vec((0..1440_u16, 0..1440_u16, 0..3_u64), 0..5),
        minute in 0..1440_u16,
    ) {
        let rules: Vec<_> = rules.into_iter().map(|(from, to, rate)| rule(from, to, rate)).collect();
        let now = at(&rules, minute);
        let same_for = changes_in(&rules, minute);
        for passed in 0..same_for.unwrap_or(1440) {
            prop_assert_eq!(at(&rules, minute + passed), now);
        }
        if let Some(passed) = same_for {
            prop_assert_ne!(at(&rules, minute + passed), now);
        }
        if rules.is_empty() {
            prop_assert_eq!(now, Rate::Unlimited);
        }
    }
}
