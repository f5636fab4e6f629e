//! The agent dies at the worst moment: one install, the right status, nothing lost.

use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::Ending;

use super::orders::RETRY_SECONDS;
use super::world::{Installer, Truth, World};
use crate::core::{Effect, Event};

use Installer::{AsksForRestart, Fails, Works};
use Truth::Older;

/// Up to the moment at which the installer runs.
fn running(installers: &[Installer]) -> (World, DeployJobId) {
    let mut world = World::new();
    let job = start(&mut world, installers);
    (world, job)
}

fn start(world: &mut World, installers: &[Installer]) -> DeployJobId {
    let job = world.post(Older, installers, 600);
    world.check_in();
    world.answer_one(|it| matches!(it, Effect::Fetch { .. }));
    world.answer_one(|it| matches!(it, Effect::Detect { .. }));
    assert!(world.pending.contains(&Effect::Run { job, attempt: 1 }));
    job
}

#[test]
fn killed_between_intent_and_result_after_the_installer_worked_is_one_install() {
    let (mut world, job) = running(&[Works]);
    world.crash(true, false);
    world.settle();
    let cause = "the agent was interrupted while the installer ran; version 2.0 was found \
                 afterwards";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, cause));
    assert_eq!(world.starts_of(job), 1);
}

#[test]
fn a_restart_that_an_interrupted_installer_made_due_is_asked_for() {
    let note =
        "the agent was interrupted while the installer ran; version 2.0 was found afterwards";
    let (mut world, job) = running(&[AsksForRestart]);
    world.crash(true, false);
    world.settle();
    let cause = format!("{note}, and a restart is due since");
    assert_eq!(
        world.path(job),
        (vec![3, 4, 5, 6, 8, 10], None, cause.as_str())
    );

    // The machine has restarted since.
    let (mut world, job) = running(&[AsksForRestart]);
    world.crash(true, true);
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, note));
    let (mut world, job) = running(&[AsksForRestart]);
    world.crash(true, true);
    world.restart_pending = true;
    world.crash(true, false);
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, note));

    // One was due before: nobody can tell whether this is another.
    let mut world = World::new();
    world.restart_pending = true;
    let job = start(&mut world, &[AsksForRestart]);
    world.crash(true, false);
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, note));
}

#[test]
fn killed_between_intent_and_start_is_another_attempt() {
    let (mut world, job) = running(&[Works, Works]);
    world.crash(false, false);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.starts_of(job), 2);
}

#[test]
fn what_an_interrupted_installer_has_removed_is_brought_back() {
    let (mut world, job) = running(&[Works, Works]);
    world.task(job).truth = Truth::Absent;
    world.crash(false, true);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.starts_of(job), 2);
}

#[test]
fn killed_at_every_start_the_job_still_ends() {
    let (mut world, job) = running(&[]);
    for _ in 0..4 {
        world.crash(false, false);
        world.check_in();
        while world.answer_one(|it| !matches!(it, Effect::Run { .. })) {}
        world.advance(180);
        while world.answer_one(|it| !matches!(it, Effect::Run { .. })) {}
    }
    world.settle();
    assert_eq!(world.path(job).0.last(), Some(&11));
    assert_eq!(world.starts_of(job), 4);
}

#[test]
fn what_an_earlier_life_started_is_waited_for_before_anything_else_starts() {
    let (mut world, job) = running(&[Works]);
    let other = world.post(Older, &[Works], 600);
    world.crash(true, false);
    world.check_in();
    while world.answer_one(|it| !matches!(it, Effect::AwaitEarlier { .. })) {}
    assert_eq!(world.pending, [Effect::AwaitEarlier { job }]);
    world.settle();
    assert_eq!(world.path(other).0, [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_restart_that_already_happened_is_not_asked_for() {
    let (mut world, job) = running(&[AsksForRestart]);
    world.answer_one(|it| matches!(it, Effect::Run { .. }));
    // The result is stored; the installer restarts the machine before detection has looked.
    world.crash(false, true);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);

    // Only the agent restarts: the machine's restart is still due.
    let (mut world, job) = running(&[AsksForRestart]);
    world.answer_one(|it| matches!(it, Effect::Run { .. }));
    world.crash(false, false);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 10]);
}

#[test]
fn a_job_that_started_is_never_told_to_wait_for_another() {
    let mut world = World::new();
    let fetch = |world: &mut World| {
        world.check_in();
        assert!(world.answer_one(|it| matches!(it, Effect::Fetch { .. })));
    };
    let fail = |world: &mut World, job| {
        assert!(world.answer_one(|it| *it == Effect::Detect { job }));
        assert!(world.answer_one(|it| matches!(it, Effect::Run { .. })));
        assert!(world.answer_one(|it| *it == Effect::Detect { job }));
    };
    let first = world.post(Older, &[Fails, Fails], 600);
    fetch(&mut world);
    fail(&mut world, first);
    // While the first waits for its retry, the second starts without having waited.
    let second = world.post(Older, &[Fails], 600);
    fetch(&mut world);
    fail(&mut world, second);
    world.advance(RETRY_SECONDS);
    fail(&mut world, first);
    // The second is being looked at for its retry, the first is due, and the agent dies.
    assert!(world.pending.contains(&Effect::Detect { job: second }));
    world.advance(RETRY_SECONDS);
    world.crash(false, false);
    world.check_in();
    assert!(world.pending.contains(&Effect::Detect { job: first }));
    world.settle();
    assert_eq!(world.path(first).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.path(second).0, [3, 4, 5, 6, 8, 9]);
}

#[test]
fn only_what_was_acknowledged_is_forgotten() {
    let (mut world, _) = running(&[Works]);
    while world.answer_one(|_| true) {}
    let told = world.core.outbox().to_vec();
    world.deliver(false);
    world.tell(Event::Acknowledged(told[0].sequence));
    assert_eq!(world.core.outbox(), &told[1..]);
    world.tell(Event::Acknowledged(told[0].sequence - 1));
    assert_eq!(world.core.outbox(), &told[1..]);
    world.settle();
}

#[test]
fn results_survive_until_they_are_acknowledged() {
    let (mut world, job) = running(&[Works]);
    while world.answer_one(|_| true) {}
    let told = world.core.outbox().len();
    assert!(told > 0);
    world.crash(false, false);
    assert!(world.core.outbox().len() >= told);
    // The server stored them, its answer was lost, and they come again.
    world.deliver(false);
    assert!(world.core.outbox().len() >= told);
    world.crash(false, true);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
}

#[test]
fn a_stored_order_that_no_longer_verifies_is_dropped_with_a_report() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    world.crash_with(|state| state.jobs[0].signed.order.signatures.clear());
    world.settle();
    let (path, ending, cause) = world.path(job);
    assert_eq!((path, ending), (vec![3, 4], Some(Ending::Refused)));
    assert!(cause.starts_with("the order was refused"), "{cause}");

    // One that had started ends as what it is: failed.
    let (mut world, job) = running(&[Works]);
    world.crash_with(|state| state.jobs[0].signed.order.signatures.clear());
    world.settle();
    let (path, ending, cause) = world.path(job);
    assert_eq!((path, ending), (vec![3, 4, 5, 6, 8, 11], None));
    assert!(cause.starts_with("the order was refused"), "{cause}");
}
