//! When the agent scans.

use super::world::{Installer, Truth, World};
use crate::core::{Effect, Event, ScanError};

const DAY: u64 = 24 * 3600;

fn is_scan(effect: &Effect) -> bool {
    matches!(effect, Effect::Scan { .. })
}

fn scans(world: &World) -> usize {
    world.pending.iter().filter(|it| is_scan(it)).count()
}

/// A world whose first scan is over.
fn scanned() -> World {
    let mut world = World::new();
    assert!(world.answer_one(is_scan));
    assert_eq!(scans(&world), 0);
    world
}

#[test]
fn a_new_agent_and_a_restarted_machine_are_scanned_and_a_restarted_agent_is_not() {
    let mut world = World::new();
    assert_eq!(world.pending, [Effect::Scan { send_always: true }]);
    world.answer_one(is_scan);
    world.crash(false, false);
    assert_eq!(scans(&world), 0);
    world.crash(false, true);
    assert_eq!(world.pending, [Effect::Scan { send_always: true }]);
}

#[test]
fn a_scan_is_made_on_demand_once_at_a_time_and_ends_with_every_job_that_asked() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    world.post_scan();
    world.check_in();
    world.check_in();
    assert_eq!(scans(&world), 1);
    world.settle();
    assert!(world.open_scans.is_empty());
}

#[test]
fn a_scan_that_fails_ends_its_job_and_keeps_what_was_known() {
    let mut world = scanned();
    let before = world.core.state().inventory_digest.clone();
    assert!(before.is_some());
    world.post_scan();
    world.check_in();
    assert!(world.fail_one(is_scan, true));
    world.deliver(true);
    assert!(world.open_scans.is_empty());
    assert_eq!(world.core.state().inventory_digest, before);
}

#[test]
fn when_the_last_scan_was_made_and_that_it_failed_is_told_by_the_servers_clock() {
    let mut world = World::new();
    world.server_ahead = 7_200_000;
    world.check_in();
    assert_eq!(world.core.state().scanned_at, None);
    world.settle();
    let first = world.core.state().scanned_at;
    assert_eq!(first, Some(world.server_now()));

    // It finds nothing new.
    world.advance(DAY);
    world.settle();
    let second = world.core.state().scanned_at;
    assert!(second > first);
    assert_eq!(world.core.state().scan_failure, None);

    world.advance(DAY);
    assert!(world.fail_one(is_scan, true));
    assert_eq!(world.core.state().scanned_at, second);
    let failure = world.core.state().scan_failure.clone().unwrap();
    assert_eq!(failure.at, world.server_now());
    assert!(!failure.cause.is_empty());
    world.advance(DAY);
    world.settle();
    assert_eq!(world.core.state().scan_failure, None);
}

#[test]
fn a_scan_that_was_asked_for_is_made_after_a_crash() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    world.crash(false, false);
    assert_eq!(scans(&world), 1);
    world.settle();
}

#[test]
fn a_scan_is_made_daily() {
    let mut world = scanned();
    world.advance(DAY - 1);
    assert_eq!(scans(&world), 0);
    world.advance(1);
    assert_eq!(scans(&world), 1);
    // It is under way: no tick is due at once, and none other begins.
    world.advance(DAY);
    assert_eq!(scans(&world), 1);
}

#[test]
fn a_scan_that_failed_is_made_again_after_a_pause_that_grows() {
    const MINUTES: u64 = 60;
    let fail_and_wait = |world: &mut World| {
        for pause in [5, 10, 20, 40, 80, 160, 240, 240] {
            assert!(world.fail_one(is_scan, true));
            world.advance(pause * MINUTES - 1);
            assert_eq!(scans(world), 0, "{pause} minutes");
            world.advance(1);
            assert_eq!(scans(world), 1, "{pause} minutes");
        }
        assert!(world.answer_one(is_scan));
        world.advance(DAY - 1);
        assert_eq!(
            scans(world),
            0,
            "one that worked is followed by the daily one"
        );
    };
    // The first of all.
    fail_and_wait(&mut World::new());
    // The daily one.
    let mut world = scanned();
    world.advance(DAY);
    fail_and_wait(&mut world);
    // The one after a deployment.
    let mut world = scanned();
    deploy(&mut world);
    fail_and_wait(&mut world);
}

#[test]
fn an_inventory_that_is_wanted_while_a_scan_is_under_way_is_sent_after_it() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    assert_eq!(world.pending, [Effect::Scan { send_always: false }]);
    world.want_inventory();
    assert_eq!(scans(&world), 1, "one at a time");
    world.answer_one(is_scan);
    assert_eq!(world.pending, [Effect::Scan { send_always: true }]);
    // One that sends in any case is enough.
    world.want_inventory();
    world.answer_one(is_scan);
    assert_eq!(scans(&world), 0);
}

#[test]
fn a_scan_that_the_server_is_not_there_to_take_is_made_again_once_it_answers() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    assert!(world.fail_one(is_scan, false));
    world.deliver(true);
    // The job is not over: that the server was away is no fault of the machine.
    assert_eq!(world.open_scans.len(), 1);
    world.advance(60);
    assert_eq!(scans(&world), 0);
    world.check_in();
    assert_eq!(world.pending, [Effect::Scan { send_always: false }]);
    world.settle();
    assert!(world.open_scans.is_empty());

    // As is one that the server had asked for.
    let mut world = scanned();
    world.want_inventory();
    assert!(world.fail_one(is_scan, false));
    world.check_in();
    assert_eq!(world.pending, [Effect::Scan { send_always: true }]);
}

#[test]
fn a_scan_that_the_server_cannot_take_now_is_made_again_after_a_pause() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    world.pending.clear();
    let result = Err(ScanError::NotTaken);
    world.tell(Event::Scanned { result });
    world.check_in();
    assert_eq!(scans(&world), 0);
    world.advance(5 * 60);
    assert_eq!(scans(&world), 1);
    world.settle();
    assert!(world.open_scans.is_empty());
}

#[test]
fn a_clock_that_was_wrong_does_not_put_scans_off_for_ever() {
    let mut world = World::new();
    let right = world.now;
    world.advance(400 * DAY);
    world.answer_one(is_scan);
    world.now = right;
    world.advance(DAY);
    assert_eq!(scans(&world), 1);
}

/// Up to the end of a deployment that the given scan was under way for.
fn deploy(world: &mut World) {
    world.post(Truth::Older, &[Installer::Works], 600);
    world.check_in();
    while world.answer_one(|it| !is_scan(it)) {}
}

#[test]
fn a_scan_follows_a_deployment() {
    let mut world = scanned();
    deploy(&mut world);
    assert_eq!(scans(&world), 1);
}

#[test]
fn a_scan_that_began_before_the_deployment_ended_does_not_count_as_the_one_after_it() {
    let mut world = scanned();
    world.post_scan();
    world.check_in();
    deploy(&mut world);
    assert_eq!(scans(&world), 1, "one at a time");
    world.answer_one(is_scan);
    assert_eq!(scans(&world), 1, "another follows");
    world.answer_one(is_scan);
    assert_eq!(scans(&world), 0);
}

#[test]
fn the_scan_after_a_deployment_is_made_after_a_crash_too() {
    let mut world = scanned();
    deploy(&mut world);
    world.crash(false, false);
    assert_eq!(scans(&world), 1);
    world.answer_one(is_scan);
    world.crash(false, false);
    assert_eq!(scans(&world), 0);
}
