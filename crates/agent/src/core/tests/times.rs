//! Orders end by time: the server's, whatever the device's clock shows.

use fleetmend_model::status::deploy::Ending;

use super::world::{Installer, Truth, World};

use Installer::{Fails, Works};
use Truth::Older;

#[test]
fn an_order_whose_time_is_over_does_not_start() {
    let mut world = World::new();
    let late = world.post(Older, &[Works], 1);
    world.advance(60);
    world.settle();
    assert_eq!(
        world.path(late),
        (
            vec![3],
            Some(Ending::Expired),
            "the order expired before the machine had it"
        )
    );

    let waiting = world.post(Older, &[Works], 1);
    world.check_in();
    world.advance(60);
    world.settle();
    let cause = "the order expired before it could start";
    assert_eq!(
        world.path(waiting),
        (vec![3, 4], Some(Ending::Expired), cause)
    );
    assert_eq!(world.starts_of(late) + world.starts_of(waiting), 0);
}

#[test]
fn a_server_that_cannot_read_that_an_order_expired_on_the_device_is_told_that_it_was_refused() {
    let mut world = World::new();
    world.server_protocol = 0;
    let late = world.post(Older, &[Works], 1);
    world.advance(60);
    let waiting = world.post(Older, &[Works], 1);
    world.check_in();
    world.advance(60);
    world.settle();
    for job in [late, waiting] {
        assert_eq!(world.path(job).1, Some(Ending::Refused));
    }
}

#[test]
fn orders_hold_by_the_servers_clock_and_a_device_whose_clock_is_wrong_says_so() {
    const DAYS: i64 = 24 * 3600 * 1000;
    for (ahead, clock) in [
        (0, ""),
        (4 * 60 * 1000, ""),
        (
            5 * 60 * 1000,
            "; the machine's clock is 5 minutes behind the server's",
        ),
        (
            -3 * 3600 * 1000,
            "; the machine's clock is 3 hours ahead of the server's",
        ),
        (
            3 * DAYS,
            "; the machine's clock is 3 days behind the server's",
        ),
        (
            -400 * DAYS,
            "; the machine's clock is 400 days ahead of the server's",
        ),
    ] {
        let mut world = World::new();
        world.server_ahead = ahead;
        let job = world.post(Older, &[Works], 10);
        world.settle();
        assert_eq!(
            world.path(job),
            (vec![3, 4, 5, 6, 8, 9], None, ""),
            "{ahead}"
        );

        let late = world.post(Older, &[Works], 1);
        let waiting = world.post(Older, &[Works], 2);
        world.advance(60);
        world.check_in();
        world.crash(false, false);
        world.advance(60);
        world.settle();
        let cause = format!("the order expired before the machine had it{clock}");
        assert_eq!(
            world.path(late),
            (vec![3], Some(Ending::Expired), cause.as_str())
        );
        let cause = format!("the order expired before it could start{clock}");
        let ended = (vec![3, 4], Some(Ending::Expired), cause.as_str());
        assert_eq!(world.path(waiting), ended);
    }
}

#[test]
fn a_difference_of_clocks_that_stays_the_same_is_stored_once() {
    let mut world = World::new();
    world.server_ahead = 3_600_000;
    world.check_in();
    let stored = world.stored.clone();
    for jitter in [-20_000, 20_000, 29_000] {
        world.server_ahead = 3_600_000 + jitter;
        world.check_in();
        assert_eq!(world.stored, stored, "{jitter}");
    }
    world.server_ahead = 0;
    world.check_in();
    assert_ne!(world.stored, stored);
}

#[test]
fn a_retry_whose_time_is_over_does_not_start() {
    let mut world = World::new();
    let job = world.post(Older, &[Fails], 2);
    world.settle();
    let cause = "the order expired before another start; exit code 1603";
    assert_eq!(world.path(job), (vec![3, 4, 5, 6, 8, 11], None, cause));
    assert_eq!(world.starts_of(job), 1);
}
