//! Getting a release's files: what is wrong, and a server that is away.

use fleetmend_model::status::deploy::Ending;

use super::world::{Installer, Truth, World};
use crate::core::Effect;

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
    assert_eq!(world.path(job), (vec![3, 4], Some(Ending::Refused), cause));
    assert_eq!(world.now.0 - 1_700_000_000_000, 600 * 60_000);
}
