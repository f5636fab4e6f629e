//! Getting a release's files, and trying again.

use std::time::Duration;

use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::reports::What;

use super::{Core, Effect, FetchError, Phase};

/// How often files are tried for that the server has wrong or not at all.
const FETCH_TRIES: u32 = 4;
/// The time between two tries to get files.
const FETCH_PAUSE: Duration = Duration::from_secs(15);

impl Core {
    pub(super) fn fetched(
        &mut self,
        id: DeployJobId,
        result: Result<(), FetchError>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        let Phase::Fetching { failed } = job.phase else {
            return;
        };
        match result {
            Ok(()) => {
                job.phase = Phase::Ready;
                if !job.has_told(DeployStatus::AgentDownloaded) {
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
                job.phase = Phase::FetchAgain {
                    failed,
                    at: now + FETCH_PAUSE,
                };
                let cause = format!("{}; tries again", error.cause);
                self.report(now, What::Progress { job: id, cause });
            }
        }
    }
}
