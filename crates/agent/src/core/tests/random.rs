//! Anything in any order: the invariants that `World` checks hold, and everything ends.

use fleetmend_model::DeployJobId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::world::{Installer, Truth, World};

#[derive(Debug, Clone)]
enum Step {
    Post {
        truth: Truth,
        installers: Vec<Installer>,
        minutes: i64,
    },
    PostForeign,
    PostScan,
    CheckIn,
    Answer(Index),
    Fail(Index, bool),
    Deliver {
        acknowledge: bool,
    },
    Crash {
        installer_ran: bool,
        reboots: bool,
    },
    LoseState {
        installer_ran: bool,
        reboots: bool,
    },
    Cancel(Index),
    /// Somebody else installs or removes the software.
    Change(Index, Truth),
    Advance(u64),
    Suspend(u64),
    /// By so many seconds.
    SetClock(i64),
}

fn truth() -> impl Strategy<Value = Truth> {
    select(vec![
        Truth::Older,
        Truth::Older,
        Truth::Older,
        Truth::Absent,
        Truth::Installed,
    ])
}

fn installer() -> impl Strategy<Value = Installer> {
    select(vec![
        Installer::Works,
        Installer::AsksForRestart,
        Installer::Fails,
        Installer::Fails,
        Installer::DoesNothing,
        Installer::OnlyAsksForRestart,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (truth(), vec(installer(), 0..5), select(vec![2, 30, 600]))
            .prop_map(|(truth, installers, minutes)| Step::Post { truth, installers, minutes }),
        1 => Just(Step::PostForeign),
        1 => Just(Step::PostScan),
        4 => Just(Step::CheckIn),
        16 => any::<Index>().prop_map(Step::Answer),
        3 => (any::<Index>(), any::<bool>()).prop_map(|(at, counts)| Step::Fail(at, counts)),
        3 => any::<bool>().prop_map(|acknowledge| Step::Deliver { acknowledge }),
        3 => (any::<bool>(), any::<bool>())
            .prop_map(|(installer_ran, reboots)| Step::Crash { installer_ran, reboots }),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(installer_ran, reboots)| Step::LoseState { installer_ran, reboots }),
        1 => any::<Index>().prop_map(Step::Cancel),
        1 => (any::<Index>(), truth()).prop_map(|(at, truth)| Step::Change(at, truth)),
        4 => select(vec![1, 15, 60, 180, 200]).prop_map(Step::Advance),
        1 => select(vec![25, 7200]).prop_map(Step::Suspend),
        1 => select(vec![-3 * 24 * 3600, -3600, -20, 20, 3 * 24 * 3600]).prop_map(Step::SetClock),
    ]
}

fn pick(world: &World, at: Index) -> Option<DeployJobId> {
    let jobs: Vec<_> = world.tasks.keys().copied().collect();
    (!jobs.is_empty()).then(|| *at.get(&jobs))
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Post {
            truth,
            installers,
            minutes,
        } => {
            world.post(*truth, installers, *minutes);
        }
        Step::PostForeign => {
            world.post_foreign();
        }
        Step::PostScan => {
            world.post_scan();
        }
        Step::CheckIn => world.check_in(),
        Step::Answer(at) | Step::Fail(at, _) => {
            if world.pending.is_empty() {
                return;
            }
            let effect = at.get(&world.pending).clone();
            match step {
                Step::Fail(_, counts) => world.fail_one(|it| *it == effect, *counts),
                _ => world.answer_one(|it| *it == effect),
            };
        }
        Step::Deliver { acknowledge } => world.deliver(*acknowledge),
        Step::Crash {
            installer_ran,
            reboots,
        } => world.crash(*installer_ran, *reboots),
        Step::LoseState {
            installer_ran,
            reboots,
        } => world.lose_state(*installer_ran, *reboots),
        Step::Cancel(at) => {
            if let Some(job) = pick(world, *at) {
                world.cancel(job);
            }
        }
        Step::Change(at, truth) => {
            if let Some(job) = pick(world, *at)
                && let Some(task) = world.tasks.get_mut(&job)
            {
                task.truth = *truth;
            }
        }
        Step::Advance(seconds) => world.advance(*seconds),
        Step::Suspend(seconds) => world.suspend(*seconds),
        Step::SetClock(seconds) => world.set_clock(seconds * 1000),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_invariants_hold_and_every_job_ends(
        steps in vec(step(), 0..120),
        server_ahead in select(vec![0, 0, 3 * 24 * 3_600_000, -3 * 24 * 3_600_000]),
        server_protocol in select(vec![0, fleetmend_protocol::CURRENT]),
    ) {
        let mut world = World::new();
        world.server_ahead = server_ahead;
        world.server_protocol = server_protocol;
        for step in &steps {
            take(&mut world, step);
        }
        world.settle();
    }
}
