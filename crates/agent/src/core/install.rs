//! From detection before a start to detection after it, and what a job ends as.

use std::time::Duration;

use fleetmend_model::detection::Detected;
use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::reports::What;

use super::{Core, Effect, Look, Phase};
use crate::platform::RunResult;

impl Core {
    pub(super) fn detected(
        &mut self,
        id: DeployJobId,
        result: Result<Look, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else {
            self.looked_after_restart(id, result, now);
            return;
        };
        match job.phase.clone() {
            Phase::Checking => self.before_start(id, result, now, effects),
            Phase::Interrupted { attempt, was_clear } => {
                self.after_interruption(id, attempt, was_clear, result, now, effects);
            }
            Phase::Verifying {
                attempt,
                success,
                restart_due,
            } => {
                let result = result.map(|look| look.found);
                self.after_run(id, attempt, success, restart_due, result, now, effects);
            }
            _ => {}
        }
    }

    /// How it ended was lost with the agent: what is there says so.
    fn after_interruption(
        &mut self,
        id: DeployJobId,
        attempt: u32,
        was_clear: bool,
        result: Result<Look, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        let note = if job.resumed == Some(DeployStatus::Started) {
            "the agent lost its state after the installer was started"
        } else {
            "the agent was interrupted while the installer ran"
        };
        let restart_due = was_clear && result.as_ref().is_ok_and(|look| look.restart_pending);
        let found = |version: &str| format!("{note}; version {version} was found afterwards");
        match result.map(|look| look.found) {
            Ok(Detected::Installed { version }) if restart_due => {
                let cause = found(&version) + ", and a restart is due since";
                self.end(id, now, DeployStatus::NeedsRestart, cause, effects);
            }
            Ok(Detected::Installed { version }) => {
                self.end(id, now, DeployStatus::Completed, found(&version), effects);
            }
            Ok(Detected::Older { version }) => {
                self.failed(id, attempt, found(&version), now, effects);
            }
            Ok(Detected::Absent) => {
                let cause = format!("{note}; the software was not found afterwards");
                self.failed(id, attempt, cause, now, effects);
            }
            Err(cause) => self.failed(id, attempt, format!("{note}; {cause}"), now, effects),
        }
    }

    pub(super) fn before_start(
        &mut self,
        id: DeployJobId,
        result: Result<Look, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let knows_time = self.knows_time();
        let Some(job) = self.job_mut(id) else { return };
        let attempt = job.attempts + 1;
        let is_resumed = job.resumed.is_some();
        let was_clear = result.as_ref().is_ok_and(|look| !look.restart_pending);
        match result.map(|look| look.found) {
            Ok(Detected::Absent) if !job.ran => self.not_applicable(id, now, effects),
            // The clock was set, or the device suspended, between its turn and here.
            Ok(Detected::Older { .. } | Detected::Absent) if !knows_time => {
                job.phase = Phase::Ready;
            }
            // Many installers remove the old version first. What a start that failed has taken
            // away, the next one brings back.
            Ok(Detected::Older { .. } | Detected::Absent) => {
                job.attempts = attempt;
                job.ran = true;
                job.phase = Phase::Running { attempt, was_clear };
                self.tell_started(id, now);
                effects.push(Effect::Run { job: id, attempt });
            }
            Ok(Detected::Installed { version }) => {
                self.tell_started(id, now);
                let cause = if is_resumed {
                    format!("version {version} was there when the order was handed out again")
                } else {
                    format!("version {version} was there already; nothing was run")
                };
                self.end(id, now, DeployStatus::Completed, cause, effects);
            }
            Err(cause) => {
                self.tell_started(id, now);
                self.failed(id, attempt, cause, now, effects);
            }
        }
    }

    pub(super) fn ran(
        &mut self,
        id: DeployJobId,
        attempt: u32,
        result: RunResult,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        if !matches!(job.phase, Phase::Running { attempt: it, .. } if it == attempt) {
            return;
        }
        let RunResult {
            success,
            restart_due,
            cause,
            output,
            ..
        } = result;
        job.last_cause = cause;
        job.last_output = output;
        job.phase = Phase::Verifying {
            attempt,
            success,
            restart_due,
        };
        effects.push(Effect::Detect { job: id });
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one place decides on all of them"
    )]
    pub(super) fn after_run(
        &mut self,
        id: DeployJobId,
        attempt: u32,
        success: bool,
        restart_due: bool,
        result: Result<Detected, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let installer_said = self
            .job_mut(id)
            .map(|job| job.last_cause.clone())
            .unwrap_or_default();
        match result {
            Ok(Detected::Installed { .. }) if restart_due => {
                self.end(id, now, DeployStatus::NeedsRestart, installer_said, effects);
            }
            Ok(Detected::Installed { version }) => {
                let cause = if success {
                    String::new()
                } else {
                    format!("{installer_said}; yet version {version} is installed")
                };
                self.end(id, now, DeployStatus::Completed, cause, effects);
            }
            Ok(_) | Err(_) if !success => self.failed(id, attempt, installer_said, now, effects),
            Ok(Detected::Older { version }) => {
                let cause = if restart_due {
                    format!("the installer asks for a restart; version {version} is still there")
                } else {
                    format!("the installer reported success; version {version} is still there")
                };
                self.end(id, now, DeployStatus::UnknownError, cause, effects);
            }
            // Nothing runs where the software is not: what is gone now, the installer took away.
            Ok(Detected::Absent) => {
                let cause = "the installer reported success; the old version was removed and the \
                             new one is not there"
                    .to_owned();
                self.end(id, now, DeployStatus::UnknownError, cause, effects);
            }
            Err(cause) => {
                let cause = format!("the installer reported success; {cause}");
                self.end(id, now, DeployStatus::UnknownError, cause, effects);
            }
        }
    }

    pub(super) fn failed(
        &mut self,
        id: DeployJobId,
        attempt: u32,
        cause: String,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(policy) = self.orders.get(&id).map(|order| order.order().policy) else {
            return;
        };
        let Some(job) = self.job_mut(id) else { return };
        job.attempts = job.attempts.max(attempt);
        job.last_cause.clone_from(&cause);
        let starts = policy.retries.saturating_add(1);
        if attempt >= starts {
            self.end(id, now, DeployStatus::Failed, cause, effects);
            return;
        }
        let at = now + Duration::from_secs(policy.retry_seconds);
        job.phase = match job.phase {
            // A state that was lost took its files with it. Those that are here are only verified.
            Phase::Interrupted { .. } if job.resumed.is_some() => Phase::FetchAgain {
                failed: 0,
                unanswered: 0,
                at,
            },
            _ => Phase::Retrying { at },
        };
        let cause = format!(
            "start {attempt} of {starts} failed: {cause}; starts again in {} s",
            policy.retry_seconds
        );
        self.report(now, What::Progress { job: id, cause });
    }

    pub(super) fn not_applicable(
        &mut self,
        id: DeployJobId,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let cause = "the software is not on the machine any more".to_owned();
        self.end(id, now, DeployStatus::NotApplicable, cause, effects);
    }

    pub(super) fn end(
        &mut self,
        id: DeployJobId,
        now: Millis,
        status: DeployStatus,
        cause: String,
        effects: &mut Vec<Effect>,
    ) {
        self.tell(id, now, status, cause);
        if status == DeployStatus::NeedsRestart {
            self.await_restart(id);
        }
        self.drop_job(id);
        effects.push(Effect::Forget { job: id });
        self.scan_after_deploy(effects);
    }
}
