//! Devices spread over time.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetmend_model::{DeviceId, Millis};
use fleetmend_plan::jitter::{
    ASKED_SPREAD, AT_ONCE, LONGEST_SPREAD, about, asked_spread, jitter, scheduled_spread,
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);

/// How many devices come in each of so many equal parts of `spread`.
fn counts(ids: impl Iterator<Item = i64>, spread: Duration, parts: u128) -> BTreeMap<u128, usize> {
    let mut counts = BTreeMap::new();
    for id in ids {
        let at = jitter(DeviceId(id), Millis(0), spread).since(Millis(0));
        *counts
            .entry(at.as_millis() * parts / spread.as_millis())
            .or_default() += 1;
    }
    counts
}

#[test]
fn ten_thousand_devices_come_evenly_whatever_their_ids() {
    for step in [1, 2, 7, 60, 1024, 1_000_003] {
        let ids = (0..10_000).map(|index| 5 + index * step);
        let counts = counts(ids, 30 * MINUTE, 30);
        assert_eq!(counts.len(), 30);
        let most = *counts.values().max().unwrap();
        assert!(
            most * 30 * 2 <= 10_000 * 3,
            "{most} in a minute by steps of {step}"
        );
    }
}

#[test]
fn a_person_who_asks_for_few_devices_does_not_wait_for_a_turn() {
    assert_eq!(asked_spread(0), Duration::ZERO);
    assert_eq!(asked_spread(AT_ONCE), Duration::ZERO);
    assert_eq!(asked_spread(AT_ONCE + 1), ASKED_SPREAD);
    let due = Millis(1_000);
    assert_eq!(jitter(DeviceId(7), due, Duration::ZERO), due);
}

#[test]
fn scans_are_spread_over_an_eighth_of_their_period_and_half_an_hour_at_most() {
    let due = Millis(0);
    for (minutes, expected) in [
        (Some(1), MINUTE / 8),
        (Some(60), 15 * MINUTE / 2),
        (Some(240), 30 * MINUTE),
        (Some(24 * 60), LONGEST_SPREAD),
        (None, LONGEST_SPREAD),
        (Some(0), Duration::ZERO),
    ] {
        let again = minutes.map(|minutes: u32| due + MINUTE * minutes);
        assert_eq!(scheduled_spread(due, again), expected, "{minutes:?}");
    }
}

proptest! {
    #[test]
    fn a_device_keeps_its_place_and_never_comes_before_or_after_its_time(
        id in any::<i64>(), due in 0..4_000_000_000_000_i64, spread in 0..100_000_000_u64,
    ) {
        let (device, due, spread) = (DeviceId(id), Millis(due), Duration::from_millis(spread));
        let turn = jitter(device, due, spread);
        prop_assert!(turn >= due && turn <= due + spread);
        let next_day = due + Duration::from_hours(24);
        prop_assert_eq!(jitter(device, next_day, spread), turn + Duration::from_hours(24));
    }

    #[test]
    fn an_interval_stays_within_its_slack(
        id in any::<i64>(), interval in 0..100_000_000_u64, slack in 0..100_000_000_u64,
    ) {
        let (interval, slack) = (Duration::from_millis(interval), Duration::from_millis(slack));
        let own = about(DeviceId(id), interval, slack);
        prop_assert!(own >= interval.saturating_sub(slack) && own <= interval + slack);
    }

    #[test]
    fn no_spread_is_too_long_to_count_with(id in any::<i64>()) {
        let turn = jitter(DeviceId(id), Millis(0), Duration::MAX);
        prop_assert!(turn >= Millis(0));
    }
}
