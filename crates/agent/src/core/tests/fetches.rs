//! Getting a release's files: what is wrong, and a server that is away.

use fleetmend_model::status::deploy::{DeployStatus, Ending};

use super::world::{Installer, Truth, World};
use crate::core::{Effect, Phase};
use fleetmend_model::DeployJobId;

use Installer::Works;
use Truth::Older;

#[test]
fn files_that_are_wrong_four_times_end_the_job() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    for left in (0..4).rev() {
        assert!(world.fail_one(|it| *it == Effect::Fetch { job }, true));
        world.advance(15);
        assert_eq!(world.pending.contains(&Effect::Fetch { job }), left > 0);
    }
    world.settle();
    let ended = (vec![3, 4], Some(Ending::DownloadFailed), "something broke");
    assert_eq!(world.path(job), ended);
    assert_eq!(world.starts_of(job), 0);
}

fn fetches(world: &World) -> Vec<DeployJobId> {
    let job = |it: &Effect| match it {
        Effect::Fetch { job } => Some(*job),
        _ => None,
    };
    world.pending.iter().filter_map(job).collect()
}

#[test]
fn three_jobs_fetch_at_once_and_the_others_follow_in_their_order() {
    let mut world = World::new();
    let jobs: Vec<_> = (0..6).map(|_| world.post(Older, &[Works], 600)).collect();
    world.check_in();
    assert_eq!(fetches(&world), jobs[..3]);
    world.deliver(true);
    // What only waits for its turn is not said to be downloading.
    assert_eq!(world.path(jobs[2]).0, [3, 4]);
    assert_eq!(world.path(jobs[3]).0, [3]);
    // One that fails gives its place up, and one that ends, and one that is called off.
    assert!(world.fail_one(|it| *it == Effect::Fetch { job: jobs[0] }, false));
    assert_eq!(fetches(&world), jobs[1..4]);
    assert!(world.answer_one(|it| *it == Effect::Fetch { job: jobs[1] }));
    assert_eq!(fetches(&world), jobs[2..5]);
    world.cancel(jobs[2]);
    world.check_in();
    assert_eq!(world.pending.last(), Some(&Effect::Fetch { job: jobs[5] }));
    world.settle();
    for job in &jobs {
        let is_called_off = *job == jobs[2];
        assert_eq!(
            world.path(*job).0.last(),
            Some(if is_called_off { &4 } else { &9 })
        );
    }
}

#[test]
fn after_a_crash_no_more_fetch_at_once_either() {
    let mut world = World::new();
    let jobs: Vec<_> = (0..5).map(|_| world.post(Older, &[Works], 600)).collect();
    world.check_in();
    world.crash(false, false);
    assert_eq!(fetches(&world), jobs[..3]);
    world.settle();
}

#[test]
fn a_state_of_an_older_agent_that_fetched_all_at_once_is_taken_up() {
    let mut world = World::new();
    let jobs: Vec<_> = (0..5).map(|_| world.post(Older, &[Works], 600)).collect();
    world.check_in();
    world.deliver(true);
    let text = String::from_utf8(world.stored.clone()).expect("JSON");
    let older = text
        .replace(r#","told_downloading":true"#, "")
        .replace(r#","told_downloading":false"#, "");
    assert_ne!(older, text);
    world.stored = older.into_bytes();
    world.crash_with(|state| {
        for job in &mut state.jobs {
            job.phase = Phase::Fetching {
                failed: 0,
                unanswered: 0,
            };
        }
    });
    assert_eq!(fetches(&world), jobs[..3]);
    for job in &jobs[3..] {
        // As the older agent had told it.
        world.task(*job).state.status = DeployStatus::AgentDownloading;
    }
    world.settle();
    for job in &jobs {
        assert_eq!(world.path(*job).0.last(), Some(&9));
    }
}

#[test]
fn a_server_that_is_away_is_tried_until_the_order_is_over() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    let is_fetch = |it: &Effect| *it == Effect::Fetch { job };
    // In seconds: the pauses grow.
    for pause in [15, 30, 60, 120, 240, 300, 300, 300] {
        assert!(world.fail_one(is_fetch, false));
        world.advance(pause - 1);
        assert!(!world.pending.iter().any(is_fetch), "{pause}");
        world.advance(1);
    }
    let causes = world.causes().remove(&job).expect("causes");
    assert_eq!(causes, ["", "something broke; tries again"], "told once");
    // An answer that is no good is another matter, and the pauses begin anew.
    assert!(world.fail_one(is_fetch, true));
    world.advance(15);
    assert!(world.fail_one(is_fetch, false));
    world.advance(15);
    world.settle();
    assert_eq!(world.path(job).0, [3, 4, 5, 6, 8, 9]);
}

#[test]
fn a_server_that_stays_away_ends_nothing_before_the_order_is_over() {
    let mut world = World::new();
    let job = world.post(Older, &[Works], 600);
    world.check_in();
    while world.core.holds() == [job] {
        world.fail_one(|it| *it == Effect::Fetch { job }, false);
        world.advance(60);
    }
    world.settle();
    let cause = "the order expired before it could start";
    assert_eq!(world.path(job), (vec![3, 4], Some(Ending::Expired), cause));
    assert_eq!(world.now.0 - 1_700_000_000_000, 600 * 60_000);
}
