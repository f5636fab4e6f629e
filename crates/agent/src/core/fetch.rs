//! Getting a release's files, and trying again.

use std::time::Duration;

use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};

use super::{Core, Effect, FetchError, Job, Phase};

/// How often files are tried for that the server has wrong or not at all.
const FETCH_TRIES: u32 = 4;
/// The time between two tries to get files. Doubles with each further try that the server could not
/// answer.
const FETCH_PAUSE: Duration = Duration::from_secs(15);
/// How many jobs fetch at once.
const FETCHES: usize = 3;
/// The longest time between two tries.
const LONGEST_FETCH_PAUSE: Duration = Duration::from_mins(5);

impl Core {
    /// Whether another job may fetch.
    pub(super) fn may_fetch(&self) -> bool {
        let is_fetching = |job: &&Job| matches!(job.phase, Phase::Fetching { .. });
        self.state.jobs.iter().filter(is_fetching).count() < FETCHES
    }

    /// Lets those fetch whose turn it is, in the order in which the jobs are carried out.
    pub(super) fn fetch_next(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        while self.may_fetch() {
            let next = self.state.jobs.iter_mut().find_map(|job| match job.phase {
                Phase::Queued { failed, unanswered } => Some((job, failed, unanswered)),
                Phase::FetchAgain {
                    failed,
                    unanswered,
                    at,
                } if at <= now => Some((job, failed, unanswered)),
                _ => None,
            });
            let Some((job, failed, unanswered)) = next else {
                return;
            };
            let id = job.id();
            job.phase = Phase::Fetching { failed, unanswered };
            effects.push(Effect::Fetch { job: id });
            self.tell_downloading(id, now);
        }
    }

    pub(super) fn fetched(
        &mut self,
        id: DeployJobId,
        result: Result<(), FetchError>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        let Phase::Fetching { failed, unanswered } = job.phase else {
            return;
        };
        match result {
            Ok(()) => {
                job.phase = Phase::Ready;
                if !job.has_told_downloaded() {
                    self.tell(id, now, DeployStatus::AgentDownloaded, String::new());
                }
            }
            Err(error) => {
                let failed = failed + u32::from(error.counts);
                if failed >= FETCH_TRIES && job.told_started {
                    let cause = format!("no other start is possible: {}", error.cause);
                    self.end(id, now, DeployStatus::Failed, cause, effects);
                    return;
                }
                if failed >= FETCH_TRIES {
                    self.tell_end(id, now, Ending::DownloadFailed, error.cause);
                    self.drop_job(id);
                    effects.push(Effect::Forget { job: id });
                    return;
                }
                let unanswered = if error.counts { 0 } else { unanswered + 1 };
                job.phase = Phase::FetchAgain {
                    failed,
                    unanswered,
                    at: now + pause_after(unanswered),
                };
                self.progress(id, format!("{}; tries again", error.cause), now);
            }
        }
    }
}

/// How long to wait after so many tries in a row that the server could not answer.
fn pause_after(unanswered: u32) -> Duration {
    let doublings = unanswered.saturating_sub(1);
    FETCH_PAUSE
        .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
        .min(LONGEST_FETCH_PAUSE)
}
