//! Jobs that wait for the machine's restart are looked at by the first start of the agent after it.

use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::Ending;
use fleetmend_protocol::reports::What;

use super::world::{Installer, Truth, World};
use crate::core::Effect;

/// A job that came to 10.
fn waiting(world: &mut World) -> DeployJobId {
    let job = world.post(Truth::Older, &[Installer::AsksForRestart], 600);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 10]);
    job
}

fn is_told(world: &World, id: DeployJobId) -> bool {
    let is_it = |what: &What| matches!(what, What::AfterRestart { job, .. } if *job == id);
    world.core.outbox().iter().any(|it| is_it(&it.what))
}

#[test]
fn what_is_there_after_the_restart_is_told_without_a_scan() {
    let mut world = World::new();
    let job = waiting(&mut world);
    // The agent's own start is no restart of the machine.
    world.crash(false, false);
    assert!(!world.pending.contains(&Effect::Detect { job }));
    world.crash(false, true);
    assert!(world.answer_one(|it| *it == Effect::Detect { job }));
    world.deliver(true);
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 10, 9]);
    // Once: nothing is left to look at.
    world.crash(false, true);
    assert!(!world.pending.contains(&Effect::Detect { job }));
    world.settle();
}

#[test]
fn a_restart_that_did_not_bring_the_version_ends_the_job_too() {
    for found in [Truth::Older, Truth::Absent] {
        let mut world = World::new();
        let job = waiting(&mut world);
        world.task(job).truth = found;
        world.crash(false, true);
        world.settle();
        let (path, ending, _) = world.path(job);
        assert_eq!(
            (path.last(), ending),
            (Some(&10), Some(Ending::Expired)),
            "{found:?}"
        );
    }
}

#[test]
fn each_of_several_jobs_is_looked_at_and_the_word_survives_a_crash() {
    let mut world = World::new();
    let jobs: Vec<_> = (0..3).map(|_| waiting(&mut world)).collect();
    world.crash(false, true);
    assert!(world.answer_one(|it| *it == Effect::Detect { job: jobs[0] }));
    world.crash(false, true);
    assert!(is_told(&world, jobs[0]));
    world.settle();
    for job in jobs {
        assert_eq!(world.path(job).0.last(), Some(&9));
    }
}

#[test]
fn software_that_cannot_be_read_after_a_restart_is_said_and_looked_at_with_the_next_start() {
    let mut world = World::new();
    let job = waiting(&mut world);
    world.crash(false, true);
    assert!(world.fail_one(|it| *it == Effect::Detect { job }, true));
    let cause = "restarted; what is installed cannot be read: something broke";
    assert_eq!(world.causes()[&job], [cause]);
    world.settle();
    assert_eq!(world.path(job).0.last(), Some(&10));
    world.crash(false, false);
    world.settle();
    assert_eq!(world.path(job).0.last(), Some(&9));
}

#[test]
fn a_server_that_cannot_read_the_word_is_told_once_it_can() {
    let mut world = World::new();
    world.server_protocol = 0;
    let job = waiting(&mut world);
    world.crash(false, true);
    world.settle();
    assert_eq!(world.path(job).0.last(), Some(&10));
    world.server_protocol = 3;
    world.settle();
    assert_eq!(world.path(job).0.last(), Some(&9));
}

#[test]
fn an_order_that_no_longer_verifies_is_not_looked_for() {
    let mut world = World::new();
    let job = waiting(&mut world);
    world.crash_with(|state| state.awaiting_restart[0].signed.order.signatures.clear());
    world.crash(false, true);
    assert!(!world.pending.contains(&Effect::Detect { job }));
    world.settle();
}
