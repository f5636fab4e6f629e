//! The agent's state is lost: whatever the server handed out comes again, and ends truthfully.

use fleetmend_model::status::deploy::Ending;
use fleetmend_model::{DeployJobId, Millis};

use super::world::{Installer, Truth, World};
use crate::core::{Effect, Event, State};

use Installer::{Fails, Works};
use Truth::{Absent, Older};

/// A job that was taken `steps` steps far: checked in, fetched, detected and started, ran,
/// detected. All that was told is delivered.
fn at_step(steps: usize, truth: Truth, installers: &[Installer]) -> (World, DeployJobId) {
    let (mut world, job) = undelivered(steps, truth, installers);
    world.deliver(true);
    (world, job)
}

fn undelivered(steps: usize, truth: Truth, installers: &[Installer]) -> (World, DeployJobId) {
    let mut world = World::new();
    while world.answer_one(|it| matches!(it, Effect::Scan { .. })) {}
    let job = world.post(truth, installers, 600);
    for step in 0..steps {
        match step {
            0 => world.check_in(),
            _ => assert!(world.answer_one(|it| !matches!(it, Effect::Scan { .. }))),
        }
    }
    (world, job)
}

#[test]
fn a_job_whose_state_is_lost_at_any_point_is_completed_by_one_install() {
    for case in 0..6 * 8 {
        let (steps, flags) = (case / 8, case % 8);
        let [delivered, installer_ran, reboots] = [1, 2, 4].map(|bit| flags & bit > 0);
        let (mut world, job) = undelivered(steps, Older, &[Works, Works]);
        if delivered {
            world.deliver(true);
        }
        let is_running = world.pending.contains(&Effect::Run { job, attempt: 1 });
        world.lose_state(installer_ran, reboots);
        world.settle();
        let case = format!("{steps} {delivered} {installer_ran} {reboots}");
        assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9], "{case}");
        // What died before it had done anything is started once more.
        let starts = 1 + usize::from(is_running && !installer_ran);
        assert_eq!(world.starts_of(job), starts, "{case}");
    }
}

#[test]
fn what_a_lost_state_had_started_is_waited_for_and_looked_at_before_anything_else_starts() {
    let (mut world, job) = at_step(3, Older, &[Works]);
    assert!(world.pending.contains(&Effect::Run { job, attempt: 1 }));
    let other = world.post(Older, &[Works], 600);
    world.lose_state(true, false);
    world.check_in();
    assert!(world.pending.contains(&Effect::AwaitEarlier { job }));
    while world.answer_one(|it| !matches!(it, Effect::AwaitEarlier { .. })) {}
    assert_eq!(world.pending, [Effect::AwaitEarlier { job }]);
    assert_eq!(world.starts_of(other), 0);
    world.settle();
    let cause = "the agent lost its state after the installer was started; version 2.0 was found \
                 afterwards";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, cause));
    assert_eq!(world.starts_of(job), 1);
    assert_eq!(world.path(other).0, [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_start_that_the_server_did_not_hear_of_is_waited_for_and_not_made_again() {
    let (mut world, job) = at_step(2, Older, &[Works]);
    assert!(world.answer_one(|it| *it == Effect::Detect { job }));
    assert!(world.pending.contains(&Effect::Run { job, attempt: 1 }));
    world.lose_state(true, false);
    world.check_in();
    while world.answer_one(|it| !matches!(it, Effect::AwaitEarlier { .. })) {}
    assert_eq!(world.pending, [Effect::AwaitEarlier { job }]);
    world.settle();
    let cause = "version 2.0 was there when the order was handed out again";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, cause));
    assert_eq!(world.starts_of(job), 1);
}

#[test]
fn what_the_installer_of_a_lost_state_has_removed_is_brought_back() {
    let (mut world, job) = at_step(3, Older, &[Works, Works]);
    world.task(job).truth = Absent;
    world.lose_state(false, false);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.starts_of(job), 2);
}

#[test]
fn starts_of_a_lost_state_that_the_server_knows_of_count() {
    let (mut world, job) = at_step(5, Older, &[Fails; 8]);
    world.lose_state(false, false);
    world.settle();
    let (path, ending, cause) = world.path(job);
    assert_eq!((path, ending), (vec![3, 4, 5, 6, 8, 11], None));
    assert_eq!(cause, "exit code 1603");
    assert_eq!(world.starts_of(job), 4, "one before, three after");
}

#[test]
fn files_that_cannot_be_had_after_the_state_was_lost_end_the_job_as_what_it_is() {
    let fail_fetches = |world: &mut World, job| {
        for _ in 0..4 {
            assert!(world.fail_one(|it| *it == Effect::Fetch { job }, true));
            world.advance(15);
        }
    };
    // It waited on the device.
    let (mut world, job) = at_step(2, Older, &[Works]);
    world.lose_state(false, false);
    world.check_in();
    fail_fetches(&mut world, job);
    world.settle();
    let ended = (
        vec![3, 4, 5, 6],
        Some(Ending::DownloadFailed),
        "something broke",
    );
    assert_eq!(world.path(job), ended);

    // It had started, and did not get far.
    let (mut world, job) = at_step(3, Older, &[Works]);
    world.lose_state(false, false);
    world.check_in();
    while world.answer_one(|_| true) {}
    world.advance(super::orders::RETRY_SECONDS);
    fail_fetches(&mut world, job);
    world.settle();
    let cause = "no other start is possible: something broke";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 11], None, cause));
    assert_eq!(world.starts_of(job), 1);
}

#[test]
fn an_order_that_is_over_when_the_state_is_lost_is_looked_at_and_not_started_again() {
    let lost_late = |steps, installer_ran| {
        let (mut world, job) = at_step(steps, Older, &[Works, Works]);
        world.now = Millis(world.now.0 + 600 * 60_000);
        world.lose_state(installer_ran, false);
        world.settle();
        let starts = world.starts_of(job);
        let (path, ending, cause) = world.path(job);
        (path, ending, cause.to_owned(), starts)
    };
    let note = "the agent lost its state after the installer was started; version";
    let late = "the order expired before the machine had it".to_owned();
    assert_eq!(
        lost_late(1, false),
        (vec![3, 4], Some(Ending::Expired), late, 0)
    );
    let found = format!("{note} 2.0 was found afterwards");
    let completed = (vec![3, 4, 5, 6, 8, 9], None, found, 1);
    assert_eq!(lost_late(3, true), completed);
    let found = format!("the order expired before another start; {note} 1.0 was found afterwards");
    let failed = (vec![3, 4, 5, 6, 8, 11], None, found, 1);
    assert_eq!(lost_late(3, false), failed);
}

#[test]
fn an_order_that_was_started_and_no_longer_verifies_has_failed() {
    let (mut world, job) = at_step(3, Older, &[Works]);
    world.lose_state(true, false);
    world.task(job).signed.order.signatures.clear();
    world.settle();
    let (path, ending, cause) = world.path(job);
    assert_eq!((path, ending), (vec![3, 4, 5, 6, 8, 11], None));
    assert!(cause.starts_with("the order was refused"), "{cause}");
}

#[test]
fn a_cancel_is_confirmed_and_a_scan_made_by_an_agent_that_lost_its_state() {
    let (mut world, job) = at_step(2, Older, &[Works]);
    world.cancel(job);
    world.post_scan();
    world.check_in();
    world.lose_state(false, false);
    world.settle();
    assert_eq!(world.path(job).1, Some(Ending::Cancelled));
    assert!(world.open_scans.is_empty());
    assert_eq!(world.starts_of(job), 0);
}

#[test]
fn reports_of_a_state_that_was_set_back_are_not_taken_for_those_that_the_server_has() {
    let (mut world, job) = at_step(3, Older, &[Works]);
    let told = world.core.outbox().len();
    assert_eq!(told, 0, "all is acknowledged");
    let next = world.core.state().next_sequence;
    world.crash_with(|state| state.next_sequence = 2);
    while world.answer_one(|it| !matches!(it, Effect::Scan { .. })) {}
    let whats = |world: &World| -> Vec<_> {
        let outbox = world.core.outbox().iter();
        outbox.map(|it| (it.sequence, it.what.clone())).collect()
    };
    let before = whats(&world);
    assert_eq!(before[0].0, 2);
    let at = world.moment();
    world.core.handle(Event::Acknowledged(next + 4), at);
    let renumbered = (next + 5..).zip(before.into_iter().map(|it| it.1));
    assert_eq!(whats(&world), renumbered.collect::<Vec<_>>());
    assert!(
        world
            .core
            .state()
            .jobs
            .iter()
            .any(|it| it.signed.job == job)
    );
}

#[test]
fn a_state_of_an_earlier_agent_has_no_epoch_and_keeps_none() {
    let (world, _) = at_step(3, Older, &[Works]);
    let mut stored: serde_json::Value = serde_json::from_slice(&world.stored).expect("JSON");
    let fields = stored.as_object_mut().expect("an object");
    fields.remove("epoch").expect("an epoch");
    fields.remove("failed_scans").expect("a number");
    fields["jobs"][0]
        .as_object_mut()
        .expect("a job")
        .remove("resumed");
    let state: State = serde_json::from_value(stored).expect("a state");
    assert_eq!(state.epoch, "");
    assert_eq!(state.jobs[0].resumed, None);
}
