//! Whose turn it is: one deploy at a time, retries and expiry, and what goes on after a start of the
//! agent.

use fleetmend_model::Millis;
use fleetmend_model::status::deploy::{DeployStatus, Ending};

use super::{Core, Effect, Job, Phase, REPORTS_SINCE};

impl Core {
    /// Moves on what time or a free turn lets move.
    pub(super) fn go_on(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        self.expire(now, effects);
        self.fetch_next(now, effects);
        if let Some(active) = self
            .state
            .jobs
            .iter()
            .find(|job| job.is_active())
            .map(Job::id)
        {
            self.tell_waiting(active, now);
            return;
        }
        let knows_time = self.knows_time();
        let jobs = &mut self.state.jobs;
        let next = jobs
            .iter()
            .position(|job| matches!(job.phase, Phase::Resumed { .. }))
            .or_else(|| {
                jobs.iter().position(|job| match job.phase {
                    Phase::Ready => knows_time,
                    Phase::Retrying { at } => knows_time && at <= now,
                    _ => false,
                })
            });
        if let Some(at) = next {
            let job = &mut jobs[at];
            let id = job.id();
            job.phase = match job.phase {
                Phase::Resumed { attempt } => Phase::Interrupted {
                    attempt,
                    was_clear: false,
                },
                _ => Phase::Checking,
            };
            effects.push(if job.resumed.is_some() {
                Effect::AwaitEarlier { job: id }
            } else {
                Effect::Detect { job: id }
            });
            self.tell_waiting(id, now);
        }
    }

    /// An order whose time is over must not start (again).
    pub(super) fn expire(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if !self.knows_time() {
            return;
        }
        let server_time = self.server_time(now);
        let over: Vec<_> = self
            .state
            .jobs
            .iter()
            // What may have been installed is looked at first.
            .filter(|job| !job.is_active() && !matches!(job.phase, Phase::Resumed { .. }))
            .filter(|job| {
                self.orders
                    .get(&job.id())
                    .is_some_and(|order| order.order().expires <= server_time)
            })
            .map(|job| (job.id(), job.told_started, job.last_cause.clone()))
            .collect();
        for (id, told_started, last_cause) in over {
            if told_started {
                let cause = format!("the order expired before another start; {last_cause}");
                let cause = self.with_clock(&cause);
                self.end(id, now, DeployStatus::Failed, cause, effects);
            } else {
                let cause = self.with_clock("the order expired before it could start");
                self.tell_end(id, now, self.expired(), cause);
                self.drop_job(id);
                effects.push(Effect::Forget { job: id });
            }
        }
    }

    /// How an order ends whose time is over; an older server knows that of itself alone.
    pub(super) fn expired(&self) -> Ending {
        if self.state.server_protocol < REPORTS_SINCE {
            Ending::Refused
        } else {
            Ending::Expired
        }
    }

    /// After a start of the agent: what ran is waited for and detected, what was fetched is
    /// fetched again (files that are there are only verified).
    pub(super) fn take_up(&mut self, boot: String, effects: &mut Vec<Effect>) {
        let rebooted = self.state.boot != boot;
        self.state.boot = boot;
        for job in &mut self.state.jobs {
            let id = job.id();
            match job.phase.clone() {
                Phase::Fetching { failed, unanswered } => {
                    // It told so, also where an older agent did, which did not keep that.
                    job.told_downloading = true;
                    job.phase = Phase::Queued { failed, unanswered };
                }
                Phase::Checking => job.phase = Phase::Ready,
                Phase::Running { attempt, was_clear }
                | Phase::Interrupted { attempt, was_clear } => {
                    job.phase = Phase::Interrupted {
                        attempt,
                        was_clear: was_clear && !rebooted,
                    };
                    effects.push(Effect::AwaitEarlier { job: id });
                }
                Phase::Verifying {
                    attempt,
                    success,
                    restart_due,
                } => {
                    // The restart that was due is over.
                    let restart_due = restart_due && !rebooted;
                    job.phase = Phase::Verifying {
                        attempt,
                        success,
                        restart_due,
                    };
                    effects.push(Effect::Detect { job: id });
                }
                Phase::FetchAgain { .. } => job.told_downloading = true,
                Phase::Queued { .. }
                | Phase::Resumed { .. }
                | Phase::Ready
                | Phase::Retrying { .. } => {}
            }
        }
        self.look_after_restart(effects);
        let restarted = self.state.scanned_boot.as_ref() != Some(&self.state.boot);
        if restarted || self.state.scan_due || !self.state.scan_jobs.is_empty() {
            self.start_scan(restarted, effects);
        }
    }
}
