//! Time in which the server itself was down does not count.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::uptime::{Outage, Uptime};
use proptest::prelude::*;

/// Outages, each from when to when.
type Outages = &'static [(i64, i64)];

fn uptime(outages: &[(i64, i64)]) -> Uptime {
    let outages = outages.iter().map(|(from, to)| Outage {
        from: Millis(*from),
        to: Millis(*to),
    });
    Uptime::new(outages)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn only_the_time_in_which_a_server_was_up_counts() {
    // (outages, from, to, up)
    let cases: &[(Outages, i64, i64, u64)] = &[
        (&[], 0, 100, 100),
        (&[], 100, 0, 0),
        (&[(20, 50)], 0, 100, 70),
        (&[(20, 50)], 50, 100, 50),
        (&[(20, 50)], 0, 20, 20),
        (&[(20, 50)], 30, 40, 0),
        (&[(20, 50)], 30, 100, 50),
        (&[(20, 50)], 0, 30, 20),
        (&[(20, 50), (60, 90)], 0, 100, 40),
        (&[(60, 90), (20, 50)], 0, 100, 40),
        // What two servers noted of one outage is one outage.
        (&[(20, 50), (20, 50), (30, 60)], 0, 100, 60),
        (&[(20, 90), (30, 40)], 0, 100, 30),
        (&[(50, 20)], 0, 100, 100),
    ];
    for (outages, from, to, up) in cases {
        let found = uptime(outages).between(Millis(*from), Millis(*to));
        assert_eq!(found, millis(*up), "{outages:?} {from} to {to}");
    }
}

#[test]
fn a_time_ago_lies_before_the_outages_in_between() {
    // (outages, now, up, before)
    let cases: &[(Outages, i64, u64, i64)] = &[
        (&[], 100, 30, 70),
        (&[(20, 50)], 100, 0, 100),
        (&[(20, 50)], 100, 30, 70),
        (&[(20, 50)], 100, 50, 50),
        (&[(20, 50)], 100, 51, 19),
        (&[(20, 50)], 100, 60, 10),
        (&[(20, 50), (60, 90)], 100, 21, 19),
        (&[(20, 50), (60, 90)], 100, 15, 55),
        (&[(200, 300)], 100, 30, 70),
        (&[(50, 100)], 100, 10, 40),
        // The clock was set back into an outage.
        (&[(50, 200)], 100, 10, 40),
    ];
    for (outages, now, up, before) in cases {
        let found = uptime(outages).before(Millis(*now), millis(*up));
        assert_eq!(found, Millis(*before), "{outages:?} {up} before {now}");
    }
}

#[test]
fn the_end_of_the_last_outage_is_told() {
    let outages = uptime(&[(20, 50), (60, 90)]);
    for (now, since) in [
        (10, None),
        (20, None),
        (30, Some(30)),
        (55, Some(50)),
        (60, Some(50)),
        (100, Some(90)),
    ] {
        assert_eq!(outages.back_since(Millis(now)), since.map(Millis), "{now}");
    }
}

fn outages() -> impl Strategy<Value = Uptime> {
    prop::collection::vec((0..1000_i64, 0..1000_i64), 0..8).prop_map(|pairs| uptime(&pairs))
}

proptest! {
    #[test]
    fn up_and_down_are_all_of_the_time(up in outages(), from in 0..1000_i64, to in 0..1000_i64) {
        let (from, to) = (from.min(to), from.max(to));
        let moments = (from..to).map(|at| up.between(Millis(at), Millis(at + 1)));
        prop_assert!(moments.clone().all(|it| it == millis(0) || it == millis(1)));
        prop_assert_eq!(moments.sum::<Duration>(), up.between(Millis(from), Millis(to)));
    }

    /// What the database is asked (`happened <= before`) and what is meant (`so long ago`) agree.
    #[test]
    fn before_parts_what_is_old_enough_from_what_is_not(
        up in outages(), now in 0..1200_i64, wanted in 0..1200_u64, at in -1500..1200_i64,
    ) {
        let before = up.before(Millis(now), millis(wanted));
        prop_assert_eq!(up.between(before, Millis(now)), millis(wanted));
        let (at, now) = (Millis(at.min(now)), Millis(now));
        prop_assert_eq!(at <= before, up.between(at, now) >= millis(wanted));
    }

    #[test]
    fn an_outage_makes_nothing_older(
        up in outages(), now in 0..1200_i64, wanted in 0..1200_u64,
    ) {
        let (now, wanted) = (Millis(now), millis(wanted));
        prop_assert!(up.before(now, wanted) <= Uptime::default().before(now, wanted));
    }
}
