//! What the server is told of a job.

use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::reports::What;

use super::{Core, Phase};

impl Core {
    pub(super) fn tell_started(&mut self, id: DeployJobId, now: Millis) {
        let Some(job) = self.job_mut(id) else { return };
        if !std::mem::replace(&mut job.told_started, true) {
            self.tell(id, now, DeployStatus::Started, String::new());
        }
    }

    pub(super) fn tell_downloading(&mut self, id: DeployJobId, now: Millis) {
        let Some(job) = self.job_mut(id) else { return };
        if !std::mem::replace(&mut job.told_downloading, true) {
            self.tell(id, now, DeployStatus::AgentDownloading, String::new());
        }
    }

    pub(super) fn tell_waiting(&mut self, active: DeployJobId, now: Millis) {
        let title = self
            .orders
            .get(&active)
            .map(|order| format!("{} {}", order.release().title, order.release().version))
            .unwrap_or_default();
        let mut waiting = Vec::new();
        for job in &mut self.state.jobs {
            let waits = job.phase == Phase::Ready && !job.told_started && job.id() != active;
            if waits && !std::mem::replace(&mut job.told_waiting, true) {
                waiting.push(job.id());
            }
        }
        for id in waiting {
            let cause = format!("waits for {title}");
            self.tell(id, now, DeployStatus::WaitingForAnother, cause);
        }
    }

    pub(super) fn tell(
        &mut self,
        id: DeployJobId,
        now: Millis,
        status: DeployStatus,
        cause: String,
    ) {
        self.tell_change(id, now, Change::Status { status }, cause);
    }

    pub(super) fn tell_end(&mut self, id: DeployJobId, now: Millis, ending: Ending, cause: String) {
        self.tell_change(id, now, Change::End { ending }, cause);
    }

    pub(super) fn tell_change(
        &mut self,
        id: DeployJobId,
        now: Millis,
        change: Change,
        cause: String,
    ) {
        let (attempt, output) = self.job_mut(id).map_or((0, String::new()), |job| {
            (job.attempts, job.last_output.clone())
        });
        let is_last = !matches!(
            change,
            Change::Status {
                status: DeployStatus::AgentDownloading
                    | DeployStatus::AgentDownloaded
                    | DeployStatus::WaitingForAnother
                    | DeployStatus::Started
            }
        );
        let what = What::Deploy {
            job: id,
            attempt,
            change,
            cause,
            output: if is_last { output } else { String::new() },
            boot: is_last.then(|| self.state.boot.clone()),
        };
        self.report(now, what);
    }
}
