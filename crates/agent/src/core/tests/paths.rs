//! Each way a job can go, from the order to its last status.

use fleetmend_model::status::deploy::Ending;

use super::orders::RETRY_SECONDS;
use super::world::{Installer, Truth, World};
use crate::core::Effect;

use Installer::{AsksForRestart, DoesNothing, Fails, OnlyAsksForRestart, Works};
use Truth::{Absent, Installed, Older};

#[test]
fn one_job_ends_by_what_is_found_on_the_device() {
    type Case<'a> = (&'a str, Truth, &'a [Installer], &'a [i64], usize, &'a str);
    let cases: &[Case] = &[
        (
            "installed, re-detected",
            Older,
            &[Works],
            &[3, 4, 5, 6, 8, 9],
            1,
            "",
        ),
        (
            "a restart is due",
            Older,
            &[AsksForRestart],
            &[3, 4, 5, 6, 8, 10],
            1,
            "",
        ),
        (
            "works at the third start",
            Older,
            &[Fails, Fails, Works],
            &[3, 4, 5, 6, 8, 9],
            3,
            "",
        ),
        (
            "fails at every start",
            Older,
            &[Fails, Fails, Fails, Fails],
            &[3, 4, 5, 6, 8, 11],
            4,
            "exit code 1603",
        ),
        (
            "says success and does nothing",
            Older,
            &[DoesNothing],
            &[3, 4, 5, 6, 8, 12],
            1,
            "the installer reported success; version 1.0 is still there",
        ),
        (
            "asks for a restart and does nothing",
            Older,
            &[OnlyAsksForRestart],
            &[3, 4, 5, 6, 8, 12],
            1,
            "the installer asks for a restart; version 1.0 is still there",
        ),
        (
            "removed in between",
            Absent,
            &[],
            &[3, 4, 5, 6, 13],
            0,
            "the software is not on the machine any more",
        ),
        (
            "there already",
            Installed,
            &[],
            &[3, 4, 5, 6, 8, 9],
            0,
            "version 2.0 was there already; nothing was run",
        ),
    ];
    for (rule, truth, installers, path, starts, cause) in cases {
        let mut world = World::new();
        let job = world.post(*truth, installers, 600);
        world.settle();
        assert_eq!(world.path(job), (path.to_vec(), None, *cause), "{rule}");
        assert_eq!(world.starts_of(job), *starts, "{rule}");
    }
}

/// Lets a job run up to its installer.
fn start(world: &mut World) {
    world.check_in();
    assert!(world.answer_one(|it| matches!(it, Effect::Fetch { .. })));
    assert!(world.answer_one(|it| matches!(it, Effect::Detect { .. })));
}

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::Run { .. })
}

#[test]
fn software_that_was_there_before_an_installer_and_is_not_after_it_is_an_unknown_error() {
    let mut world = World::new();
    let job = world.post(Older, &[DoesNothing], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.task(job).truth = Absent;
    world.settle();
    let cause = "the installer reported success; the old version was removed and the new one is \
                 not there";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 12], None, cause));

    // Also where a start that failed had taken it away.
    let mut world = World::new();
    let job = world.post(Older, &[Fails, DoesNothing], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.task(job).truth = Absent;
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 12], None, cause));
}

#[test]
fn what_a_failed_start_has_removed_is_brought_back_by_the_next() {
    let mut world = World::new();
    let job = world.post(Older, &[Fails, Works], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.task(job).truth = Absent;
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, ""));
    assert_eq!(world.starts_of(job), 2);
}

#[test]
fn software_removed_after_detection_failed_is_not_installed_anew() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    world.answer_one(|it| matches!(it, Effect::Fetch { .. }));
    world.fail_one(|it| *it == Effect::Detect { job }, true);
    world.task(job).truth = Absent;
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 13]);
    assert_eq!(world.starts_of(job), 0);
}

#[test]
fn a_failing_installer_that_installed_it_all_the_same_is_completed_and_says_so() {
    let mut world = World::new();
    let job = world.post(Older, &[Fails], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.tasks.get_mut(&job).expect("the job").truth = Installed;
    world.settle();
    let cause = "exit code 1603; yet version 2.0 is installed";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 9], None, cause));
}

#[test]
fn retries_wait_for_their_time() {
    let mut world = World::new();
    let job = world.post(Older, &[Fails], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.answer_one(|it| matches!(it, Effect::Detect { .. }));
    assert_eq!(
        world.causes()[&job].last().map(String::as_str),
        Some("start 1 of 4 failed: exit code 1603; starts again in 180 s")
    );
    world.advance(RETRY_SECONDS - 1);
    assert!(!world.pending.contains(&Effect::Detect { job }));
    world.advance(1);
    assert!(world.pending.contains(&Effect::Detect { job }));
}

#[test]
fn a_second_deploy_waits_and_says_for_what() {
    let mut world = World::new();
    let first = world.post(Older, &[Works], 600);
    let second = world.post(Older, &[Works], 600);
    world.check_in();
    while world.answer_one(|it| matches!(it, Effect::Fetch { .. })) {}
    let causes = world.causes();
    assert_eq!(
        causes[&second].last().map(String::as_str),
        Some("waits for Package 2 2.0")
    );
    world.settle();
    assert_eq!(world.path(first).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.path(second).0, [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_deploy_that_waits_for_its_retry_does_not_hold_the_next() {
    let mut world = World::new();
    let failing = world.post(Older, &[Fails], 600);
    let other = world.post(Older, &[Works], 600);
    start(&mut world);
    world.answer_one(is_run);
    world.answer_one(|it| *it == Effect::Detect { job: failing });
    while world.answer_one(|_| true) {}
    world.deliver(true);
    assert_eq!(
        world.path(other).0.last(),
        Some(&9),
        "the other is done in the meantime"
    );
    world.settle();
    assert_eq!(world.path(failing).0, [3, 4, 5, 6, 8, 9]);
}

#[test]
fn a_refused_order_never_runs_and_says_why() {
    let mut world = World::new();
    let job = world.post_foreign();
    world.settle();
    let cause = "the order was refused: it is for another device or job";
    assert_eq!(world.path(job), (vec![3], Some(Ending::Refused), cause));
    assert_eq!(world.starts_of(job), 0);
}

#[test]
fn a_job_that_was_called_off_before_its_start_does_not_start_and_the_agent_confirms_it() {
    let is_fetch = |it: &Effect| matches!(it, Effect::Fetch { .. });
    // Never handed out.
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.cancel(job);
    world.settle();
    assert_eq!(world.path(job), (vec![3], Some(Ending::Cancelled), ""));
    assert_eq!(world.starts_of(job), 0);

    // Its files are being fetched.
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    world.cancel(job);
    world.settle();
    assert_eq!(world.path(job), (vec![3, 4], Some(Ending::Cancelled), ""));
    assert_eq!(world.starts_of(job), 0);

    // It waits for another; the other goes on.
    let mut world = World::new();
    let first = world.post(Older, &[Works], 600);
    let second = world.post(Older, &[Works], 600);
    world.check_in();
    while world.answer_one(is_fetch) {}
    world.deliver(true);
    world.cancel(second);
    world.settle();
    assert_eq!(world.path(first).0, [3, 4, 5, 6, 8, 9]);
    let ended = (vec![3, 4, 5, 6, 7], Some(Ending::Cancelled), "");
    assert_eq!(world.path(second), ended);

    // Detection looks, and nothing was started yet.
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    assert!(world.answer_one(is_fetch));
    assert!(world.pending.contains(&Effect::Detect { job }));
    world.deliver(true);
    world.cancel(job);
    world.settle();
    let ended = (vec![3, 4, 5, 6], Some(Ending::Cancelled), "");
    assert_eq!(world.path(job), ended);
    assert_eq!(world.starts_of(job), 0);
}

#[test]
fn a_cancel_that_comes_after_the_start_is_too_late_and_the_job_shows_its_end() {
    let mut world = World::new();
    let job = world.post(Older, &[Fails, Works], 600);
    start(&mut world);
    // The server does not know yet that it started.
    world.cancel(job);
    world.check_in();
    assert_eq!(world.core.holds(), [job]);
    // Nor is one dropped that waits for its retry.
    assert!(world.answer_one(is_run));
    assert!(world.answer_one(|it| *it == Effect::Detect { job }));
    world.check_in();
    assert_eq!(world.core.holds(), [job]);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
    assert_eq!(world.path(job).1, None);
    assert_eq!(world.starts_of(job), 2);
}

#[test]
fn an_order_that_comes_after_its_cancel_is_not_taken() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    let late = world.order(job);
    world.cancel(job);
    world.check_in();
    assert_eq!(world.core.outbox().len(), 1);
    world.receive(vec![late]);
    assert!(world.core.holds().is_empty());
    // Asked again before the confirmation has arrived, it is confirmed once.
    world.check_in();
    assert_eq!(world.core.outbox().len(), 1);
    world.settle();
    assert_eq!(world.path(job), (vec![3], Some(Ending::Cancelled), ""));
}

#[test]
fn an_order_that_comes_again_is_not_run_again() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    start(&mut world);
    while world.answer_one(|_| true) {}
    // The server did not get the reports yet and hands the order out again.
    for _ in 0..3 {
        world.check_in();
        while world.answer_one(|_| true) {}
    }
    world.settle();
    assert_eq!(world.starts_of(job), 1);
}

#[test]
fn what_software_is_installed_cannot_be_read_counts_as_a_failed_start() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    world.answer_one(|it| matches!(it, Effect::Fetch { .. }));
    for _ in 0..4 {
        assert!(world.fail_one(|it| *it == Effect::Detect { job }, true));
        world.advance(RETRY_SECONDS);
    }
    world.settle();
    assert_eq!(
        world.path(job),
        (vec![3, 4, 5, 6, 8, 11], None, "something broke")
    );
    assert_eq!(world.starts_of(job), 0);
}
