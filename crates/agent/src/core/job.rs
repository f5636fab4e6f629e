//! One deploy job on the device, from the order to the verified result.

use std::time::Duration;

use fleetmend_model::detection::Detected;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::reports::What;
use fleetmend_trust::{SignedOrder, verify, verify_again};
use serde::{Deserialize, Serialize};

use super::{Core, ENDED_KEPT, Effect, FetchError};
use crate::platform::RunResult;

/// How often files are tried for that the server has wrong or not at all.
const FETCH_TRIES: u32 = 4;
/// The time between two tries to get files.
const FETCH_PAUSE: Duration = Duration::from_secs(15);

/// An open job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The order as it came, so that it can be verified again after a crash.
    pub signed: SignedOrder,
    /// Where it stands.
    pub phase: Phase,
    /// Starts of the installer so far.
    pub attempts: u32,
    /// Whether the server was told that it waits for another.
    pub told_waiting: bool,
    /// Whether the server was told that it started.
    pub told_started: bool,
    /// Whether the installer was started: what is not there since then, it may have taken away.
    #[serde(default)]
    pub ran: bool,
    /// Why the last start failed.
    pub last_cause: String,
    /// The end of the last start's output.
    pub last_output: String,
}

/// Where a job stands on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Its files are being fetched.
    Fetching {
        /// Tries that failed and count.
        failed: u32,
    },
    /// Files could not be had; tries again.
    FetchAgain {
        /// Tries that failed and count.
        failed: u32,
        /// When.
        at: Millis,
    },
    /// Waits for its turn.
    Ready,
    /// Detection looks before a start.
    Checking,
    /// The intent to start is stored; the installer runs, or ran when the agent died.
    Running {
        /// Which start.
        attempt: u32,
    },
    /// The agent died while it ran; what it left is waited for, then detected.
    Interrupted {
        /// Which start.
        attempt: u32,
    },
    /// The installer ended; detection looks.
    Verifying {
        /// Which start.
        attempt: u32,
        /// Whether it said success.
        success: bool,
        /// Whether a restart is due because of it.
        restart_due: bool,
    },
    /// The installer failed; starts again.
    Retrying {
        /// When.
        at: Millis,
    },
}

impl Job {
    pub(super) fn id(&self) -> DeployJobId {
        self.signed.job
    }

    /// When time alone moves it on. While another deploy is active, time does not let it start.
    pub(super) fn due(&self, is_busy: bool) -> Option<Millis> {
        match self.phase {
            Phase::FetchAgain { at, .. } => Some(at),
            Phase::Retrying { at } if !is_busy => Some(at),
            _ => None,
        }
    }

    pub(super) fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Checking
                | Phase::Running { .. }
                | Phase::Interrupted { .. }
                | Phase::Verifying { .. }
        )
    }
}

impl Core {
    /// Takes an order in, if it verifies; otherwise reports why not.
    pub(super) fn accept(&mut self, signed: SignedOrder, now: Millis, effects: &mut Vec<Effect>) {
        let id = signed.job;
        if self.orders.contains_key(&id) || self.state.ended.contains(&id) {
            return;
        }
        let identity = &self.identity;
        match verify(
            &signed,
            &identity.trust,
            &identity.certificate_sha256,
            self.state.last_counter,
            now,
        ) {
            Ok(order) => {
                self.state.last_counter = order.order().counter;
                self.orders.insert(id, order);
                self.state.jobs.push(Job {
                    signed,
                    phase: Phase::Fetching { failed: 0 },
                    attempts: 0,
                    told_waiting: false,
                    told_started: false,
                    ran: false,
                    last_cause: String::new(),
                    last_output: String::new(),
                });
                self.tell(id, now, DeployStatus::AgentDownloading, String::new());
                effects.push(Effect::Fetch { job: id });
            }
            Err(refusal) => {
                self.remember_ended(id);
                self.tell_end(id, now, Ending::Refused, refusal.to_string());
            }
        }
    }

    /// Drops a job that has not started and confirms that; one that has goes on to its end, and
    /// its reports say so. One that never came is confirmed too, and not taken if it comes late.
    pub(super) fn cancel(&mut self, id: DeployJobId, now: Millis, effects: &mut Vec<Effect>) {
        if self.state.ended.contains(&id) {
            return;
        }
        let held = self.state.jobs.iter().find(|job| job.id() == id);
        let is_held = held.is_some();
        if held.is_some_and(|job| job.told_started) {
            return;
        }
        self.tell_end(id, now, Ending::Cancelled, String::new());
        self.drop_job(id);
        if is_held {
            effects.push(Effect::Forget { job: id });
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
        let Phase::Fetching { failed } = job.phase else {
            return;
        };
        match result {
            Ok(()) => {
                job.phase = Phase::Ready;
                self.tell(id, now, DeployStatus::AgentDownloaded, String::new());
            }
            Err(error) => {
                let failed = failed + u32::from(error.counts);
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

    pub(super) fn detected(
        &mut self,
        id: DeployJobId,
        result: Result<Detected, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        match job.phase.clone() {
            Phase::Checking => self.before_start(id, result, now, effects),
            Phase::Interrupted { attempt } => {
                let note = "the agent was interrupted while the installer ran";
                match result {
                    Ok(Detected::Installed { version }) => {
                        let cause = format!("{note}; version {version} was found afterwards");
                        self.end(id, now, DeployStatus::Completed, cause, effects);
                    }
                    Ok(Detected::Older { version }) => {
                        let cause = format!("{note}; version {version} was found afterwards");
                        self.failed(id, attempt, cause, now, effects);
                    }
                    Ok(Detected::Absent) => {
                        let cause = format!("{note}; the software was not found afterwards");
                        self.failed(id, attempt, cause, now, effects);
                    }
                    Err(cause) => {
                        self.failed(id, attempt, format!("{note}; {cause}"), now, effects);
                    }
                }
            }
            Phase::Verifying {
                attempt,
                success,
                restart_due,
            } => {
                self.after_run(id, attempt, success, restart_due, result, now, effects);
            }
            _ => {}
        }
    }

    fn before_start(
        &mut self,
        id: DeployJobId,
        result: Result<Detected, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job_mut(id) else { return };
        let attempt = job.attempts + 1;
        match result {
            Ok(Detected::Absent) if !job.ran => self.not_applicable(id, now, effects),
            // Many installers remove the old version first. What a start that failed has taken
            // away, the next one brings back.
            Ok(Detected::Older { .. } | Detected::Absent) => {
                job.attempts = attempt;
                job.ran = true;
                job.phase = Phase::Running { attempt };
                self.tell_started(id, now);
                effects.push(Effect::Run { job: id, attempt });
            }
            Ok(Detected::Installed { version }) => {
                self.tell_started(id, now);
                let cause = format!("version {version} was there already; nothing was run");
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
        if job.phase != (Phase::Running { attempt }) {
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
    fn after_run(
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
            Ok(Detected::Absent) => self.not_applicable(id, now, effects),
            Err(cause) => {
                let cause = format!("the installer reported success; {cause}");
                self.end(id, now, DeployStatus::UnknownError, cause, effects);
            }
        }
    }

    fn failed(
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
        let starts = policy.retries.saturating_add(1);
        if attempt >= starts {
            self.end(id, now, DeployStatus::Failed, cause, effects);
            return;
        }
        job.phase = Phase::Retrying {
            at: now + Duration::from_secs(policy.retry_seconds),
        };
        let cause = format!(
            "start {attempt} of {starts} failed: {cause}; starts again in {} s",
            policy.retry_seconds
        );
        self.report(now, What::Progress { job: id, cause });
    }

    fn not_applicable(&mut self, id: DeployJobId, now: Millis, effects: &mut Vec<Effect>) {
        let cause = "the software is not on the machine any more".to_owned();
        self.end(id, now, DeployStatus::NotApplicable, cause, effects);
    }

    /// Moves on what time or a free turn lets move.
    pub(super) fn go_on(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        for job in &mut self.state.jobs {
            if let Phase::FetchAgain { failed, at } = job.phase
                && at <= now
            {
                job.phase = Phase::Fetching { failed };
                effects.push(Effect::Fetch { job: job.id() });
            }
        }
        self.expire(now, effects);
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
        let next = self.state.jobs.iter_mut().find(|job| match job.phase {
            Phase::Ready => true,
            Phase::Retrying { at } => at <= now,
            _ => false,
        });
        if let Some(job) = next {
            job.phase = Phase::Checking;
            let id = job.id();
            effects.push(Effect::Detect { job: id });
            self.tell_waiting(id, now);
        }
    }

    /// An order whose time is over must not start (again).
    fn expire(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let over: Vec<_> = self
            .state
            .jobs
            .iter()
            .filter(|job| !job.is_active())
            .filter(|job| {
                self.orders
                    .get(&job.id())
                    .is_some_and(|order| order.order().expires <= now)
            })
            .map(|job| (job.id(), job.told_started, job.last_cause.clone()))
            .collect();
        for (id, told_started, last_cause) in over {
            if told_started {
                let cause = format!("the order expired before another start; {last_cause}");
                self.end(id, now, DeployStatus::Failed, cause, effects);
            } else {
                let cause = "the order expired before it could start".to_owned();
                self.tell_end(id, now, Ending::Refused, cause);
                self.drop_job(id);
                effects.push(Effect::Forget { job: id });
            }
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
                Phase::Fetching { .. } => effects.push(Effect::Fetch { job: id }),
                Phase::Checking => job.phase = Phase::Ready,
                Phase::Running { attempt } | Phase::Interrupted { attempt } => {
                    job.phase = Phase::Interrupted { attempt };
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
                Phase::FetchAgain { .. } | Phase::Ready | Phase::Retrying { .. } => {}
            }
        }
        let restarted = self.state.scanned_boot.as_ref() != Some(&self.state.boot);
        if restarted || self.state.scan_due || !self.state.scan_jobs.is_empty() {
            self.start_scan(restarted, effects);
        }
    }

    pub(super) fn reload_orders(&mut self, now: Millis) {
        let mut dropped = Vec::new();
        for job in &self.state.jobs {
            let identity = &self.identity;
            match verify_again(&job.signed, &identity.trust, &identity.certificate_sha256) {
                Ok(order) => {
                    self.orders.insert(job.id(), order);
                }
                Err(refusal) => dropped.push((job.id(), job.told_started, refusal.to_string())),
            }
        }
        for (id, told_started, cause) in dropped {
            if told_started {
                self.tell(id, now, DeployStatus::Failed, cause);
                self.state.scan_due = true;
            } else {
                self.tell_end(id, now, Ending::Refused, cause);
            }
            self.drop_job(id);
        }
    }

    fn job_mut(&mut self, id: DeployJobId) -> Option<&mut Job> {
        self.state.jobs.iter_mut().find(|job| job.id() == id)
    }

    fn drop_job(&mut self, id: DeployJobId) {
        self.state.jobs.retain(|job| job.id() != id);
        self.orders.remove(&id);
        self.remember_ended(id);
    }

    fn remember_ended(&mut self, id: DeployJobId) {
        self.state.ended.push(id);
        let surplus = self.state.ended.len().saturating_sub(ENDED_KEPT);
        self.state.ended.drain(..surplus);
    }

    fn end(
        &mut self,
        id: DeployJobId,
        now: Millis,
        status: DeployStatus,
        cause: String,
        effects: &mut Vec<Effect>,
    ) {
        self.tell(id, now, status, cause);
        self.drop_job(id);
        effects.push(Effect::Forget { job: id });
        self.scan_after_deploy(effects);
    }

    fn tell_started(&mut self, id: DeployJobId, now: Millis) {
        let Some(job) = self.job_mut(id) else { return };
        if !std::mem::replace(&mut job.told_started, true) {
            self.tell(id, now, DeployStatus::Started, String::new());
        }
    }

    fn tell_waiting(&mut self, active: DeployJobId, now: Millis) {
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

    fn tell(&mut self, id: DeployJobId, now: Millis, status: DeployStatus, cause: String) {
        self.tell_change(id, now, Change::Status { status }, cause);
    }

    fn tell_end(&mut self, id: DeployJobId, now: Millis, ending: Ending, cause: String) {
        self.tell_change(id, now, Change::End { ending }, cause);
    }

    fn tell_change(&mut self, id: DeployJobId, now: Millis, change: Change, cause: String) {
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
