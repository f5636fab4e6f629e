//! The last look before a device gets an order: may the job that stands for it start?
//!
//! Between the posting of a job and its order an approval may be taken back, a version held or superseded, a
//! window close, a rollout halt. The gate asks the same reasons in the same order as the plan. What was
//! decided ends the job; what passes has it wait. Two things count differently for what was posted: a newer
//! version supersedes it only once that has a job of its own, for nobody knows when it would get one; and
//! a device that lacks a newer version by now lacks this one as long as what it has is older.
//!
//! A device whose agent keeps to times gets its order up to [`AHEAD`] of its window, with the times in it, so
//! that files are there when it opens; any other gets it inside. So does one of a policy with caps: an order
//! that only waits for its window would take the place of a device that could install now.

use std::time::Duration;

use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};

use crate::night::{Ask, Full, Known, Occasion, Places};
use crate::queue::{self, Waiting};
use crate::reason::{Reason, Weight};
use crate::window::START_MARGIN;

/// How long before its window opens a device gets an order at the earliest: what changes until then recalls
/// no order.
pub const AHEAD: Duration = Duration::from_hours(24);

/// A job whose device has no order yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Which.
    pub job: DeployJobId,
    /// Where.
    pub device: DeviceId,
    /// What it installs.
    pub patch: PatchId,
    /// When it was posted.
    pub at: Millis,
    /// Who posted it. What a schedule did goes by rings and cool-down to the end.
    pub occasion: Occasion,
}

/// What is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The order may be signed.
    Open {
        /// It must not start before; it may at once where there is none.
        not_before: Option<Millis>,
        /// It must not start from then on: shortly before the window closes.
        not_after: Option<Millis>,
    },
    /// It waits.
    Wait {
        /// For what.
        reason: Reason,
        /// When to look again even if nothing changes.
        again: Option<Millis>,
    },
    /// The job is over: it is not to run any more.
    End {
        /// Why.
        reason: Reason,
    },
}

/// Looks at jobs once, in the order in which they go: the most urgent first, then those that have waited
/// longest. Jobs that may start take places as they go. The jobs stand in the world's
/// [`open_jobs`](crate::night::World::open_jobs), with those of all devices that take up places; its `until`
/// is as late as a job may wait, and its `occasion` does not count.
pub fn round(jobs: &[Posted], world: &Known<'_>) -> Vec<(DeployJobId, Gate)> {
    let waiting = jobs.iter().enumerate().map(|(place, job)| Waiting {
        id: (job.job, place),
        priority: world.priority_of(job.patch),
        since: job.at,
        is_started: false,
    });
    let turns = queue::order(waiting.collect()).into_iter();
    let mut places = Places::taken(world);
    turns
        .filter_map(|turn| jobs.get(turn.id.1))
        .map(|job| (job.job, world.gate(job, &mut places)))
        .collect()
}

impl Known<'_> {
    fn gate(&self, job: &Posted, places: &mut Places) -> Gate {
        let ask = Ask {
            occasion: job.occasion,
            except: Some(job.job),
        };
        let start = match self.judge_as(job.device, job.patch, ask) {
            Ok(start) => start,
            Err(reason) => return shut(reason),
        };
        let at = start.slot.at;
        let is_now = at <= self.now();
        let from = if self.may_go_ahead(job.device) {
            at - AHEAD
        } else {
            at
        };
        if from > self.now() {
            let window = start.slot.said.clone();
            let next = self.moment_on(job.device, at);
            return Gate::Wait {
                reason: Reason::WindowOpens { window, next },
                again: Some(from),
            };
        }
        if let Err(full) = self.take_place(job.device, places) {
            let Full {
                places,
                position,
                of_site,
            } = full;
            return shut(Reason::CapReached {
                places,
                position,
                of_site,
            });
        }
        Gate::Open {
            not_before: (!is_now).then_some(at),
            not_after: start.slot.window_end.map(|end| end - START_MARGIN),
        }
    }
}

fn shut(reason: Reason) -> Gate {
    match reason.weight() {
        Weight::Decided => Gate::End { reason },
        Weight::Passing => Gate::Wait {
            again: reason.ends().map(|moment| moment.at),
            reason,
        },
    }
}
