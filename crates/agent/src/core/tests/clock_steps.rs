//! A device's clock that is set, and a device that is suspended: the server's time is not known then.

use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::Ending;
use fleetmend_protocol::checkin::CheckInReply;

use super::orders::RETRY_SECONDS;
use super::world::{Installer, Truth, World};
use crate::core::{Effect, Event};

use Installer::{Fails, Works};
use Truth::Older;

const HOUR: u64 = 3600;
const DAYS: i64 = 24 * 3600 * 1000;

/// A job that runs, and one that waits for it, for whose orders so many minutes are left.
fn one_runs_and_one_waits(ahead: i64, minutes: i64) -> (World, DeployJobId, DeployJobId) {
    let mut world = World::new();
    world.server_ahead = ahead;
    let runs = world.post(Older, &[Fails], 600);
    let waits = world.post(Older, &[Works], minutes);
    world.check_in();
    while world.answer_one(|it| !matches!(it, Effect::Run { .. })) {}
    (world, runs, waits)
}

/// Nothing of the two ends or starts, however long it is left alone; the first is to start again.
fn assert_neither_moves(world: &mut World, jobs: [DeployJobId; 2]) {
    for _ in 0..4 {
        while world.answer_one(|_| true) {}
        world.advance(RETRY_SECONDS);
        assert_eq!(world.core.holds(), jobs, "none ended");
        assert_eq!(jobs.map(|job| world.starts_of(job)), [1, 0]);
    }
}

#[test]
fn a_clock_that_is_set_ends_no_order_and_starts_none_before_the_server_told_its_time() {
    for (ahead, set) in [
        (3 * DAYS, 3 * DAYS),
        (0, 3 * DAYS),
        (0, -3 * DAYS),
        (-3 * DAYS, -3 * DAYS),
    ] {
        for crashes in [false, true] {
            let (mut world, runs, waits) = one_runs_and_one_waits(ahead, 600);
            world.set_clock(set);
            assert_neither_moves(&mut world, [runs, waits]);
            if crashes {
                world.crash(false, false);
                assert_neither_moves(&mut world, [runs, waits]);
            }
            world.settle();
            assert_eq!(world.path(waits).0.last(), Some(&9), "{ahead} {set}");
            // A retry by a clock that was set back is due days later, when its order is over.
            if set > 0 {
                assert_eq!(world.path(runs).0.last(), Some(&9), "{ahead} {set}");
            }
        }
    }
}

#[test]
fn a_clock_that_was_set_while_the_agent_did_not_run_ends_no_order() {
    for set in [3 * DAYS, -3 * DAYS] {
        let (mut world, runs, waits) = one_runs_and_one_waits(3 * DAYS, 600);
        world.set_clock(set);
        world.crash(false, true);
        assert_neither_moves(&mut world, [runs, waits]);
    }
}

#[test]
fn after_a_suspend_nothing_ends_and_nothing_starts_before_the_server_told_its_time() {
    let (mut world, runs, waits) = one_runs_and_one_waits(0, 600);
    world.suspend(2 * HOUR);
    assert_neither_moves(&mut world, [runs, waits]);
    world.settle();
    assert_eq!(
        [runs, waits].map(|job| world.path(job).0.last().copied()),
        [Some(9); 2]
    );

    let (mut world, runs, late) = one_runs_and_one_waits(0, 60);
    world.suspend(2 * HOUR);
    assert_neither_moves(&mut world, [runs, late]);
    world.check_in();
    assert_eq!(world.core.holds(), [runs]);
    world.settle();
    assert_eq!(world.path(late).1, Some(Ending::Expired));
}

#[test]
fn an_order_ends_by_time_without_an_answer_while_the_clock_goes_evenly() {
    let (mut world, runs, waits) = one_runs_and_one_waits(3 * DAYS, 60);
    world.advance(HOUR - 60);
    assert_eq!(world.core.holds(), [runs, waits]);
    world.advance(60);
    assert_eq!(world.core.holds(), [runs]);
}

#[test]
fn small_steps_count_together() {
    let (mut world, runs, waits) = one_runs_and_one_waits(0, 60);
    for _ in 0..3 {
        world.set_clock(20_000);
        world.advance(1);
    }
    assert_neither_moves(&mut world, [runs, waits]);
    world.advance(2 * HOUR);
    assert_eq!(world.core.holds(), [runs, waits]);
}

#[test]
fn a_small_step_is_borne() {
    let (mut world, runs, waits) = one_runs_and_one_waits(0, 60);
    world.set_clock(20_000);
    world.advance(HOUR);
    assert_eq!(world.core.holds(), [runs]);
    assert_eq!(world.starts_of(waits), 0);
}

#[test]
fn what_was_looked_at_before_a_suspend_does_not_start_after_it_when_its_order_is_over() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 60);
    world.check_in();
    let is_look = |it: &Effect| matches!(it, Effect::Detect { .. });
    while world.answer_one(|it| !is_look(it)) {}
    world.suspend(2 * HOUR);
    assert!(world.answer_one(is_look));
    assert_eq!(world.core.holds(), [job]);
    world.settle();
    assert_eq!(world.path(job).1, Some(Ending::Expired));
    assert_eq!(world.starts_of(job), 0);
}

#[test]
fn an_answer_that_was_on_its_way_while_the_device_was_suspended_does_not_tell_the_time() {
    let (mut world, runs, waits) = one_runs_and_one_waits(0, 60);
    let late = world.post(Older, &[Works], 60);
    let asked = world.moment();
    let reply = CheckInReply {
        now: world.server_now(),
        orders: vec![world.order(late)],
        ..CheckInReply::default()
    };
    world.suspend(2 * HOUR);
    let reply = Box::new(reply);
    world.tell(Event::Reply { asked, reply });
    while world.answer_one(|_| true) {}
    assert_eq!(world.core.holds(), [runs, waits, late]);
    world.settle();
    for job in [waits, late] {
        assert_eq!(world.path(job).1, Some(Ending::Expired));
        assert_eq!(world.starts_of(job), 0);
    }
}
