//! What must hold after every event, and in the end.

use std::time::Duration;

use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_protocol::reports::{Report, What};

use super::world::{Truth, World};
use crate::core::{Effect, Job, Phase, State};

impl World {
    pub(super) fn check_jobs(&mut self, held: &[DeployJobId], effects: &[Effect]) {
        let holds = self.core.holds();
        let active = self
            .core
            .state()
            .jobs
            .iter()
            .filter(|job| is_active(job))
            .count();
        assert!(active <= 1, "{active} deploys at once");
        for id in held.iter().filter(|id| !holds.contains(id)) {
            assert!(
                effects.contains(&Effect::Forget { job: *id }),
                "files of job {id} stay"
            );
        }
        for id in &holds {
            assert!(
                self.core.order(*id).is_some(),
                "job {id} is open and not verified"
            );
        }
    }

    pub(super) fn check_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Run { job, attempt } => {
                assert!(
                    self.starts.insert((*job, *attempt, self.states)),
                    "start {attempt} of {job} twice"
                );
                let state: State = serde_json::from_slice(&self.stored).expect("JSON");
                let is_intent =
                    |it: &Phase| matches!(it, Phase::Running { attempt: at, .. } if at == attempt);
                assert!(
                    state
                        .jobs
                        .iter()
                        .any(|it| it.signed.job == *job && is_intent(&it.phase)),
                    "the intent to start job {job} is not stored"
                );
                let task = self.task(*job);
                assert!(!task.is_forged, "a refused order runs");
                let found = task.last_detection.clone();
                let is_broken = *attempt > 1 && found == Some(Ok(Truth::Absent.detected()));
                assert!(
                    is_broken || found == Some(Ok(Truth::Older.detected())),
                    "job {job} starts without being needed: {found:?}"
                );
            }
            Effect::Scan { .. } => self.scan_is_owed = false,
            _ => {}
        }
    }

    pub(super) fn check_report(&mut self, report: &Report) {
        if let What::AfterRestart { job, boot, found } = &report.what {
            assert_eq!(*boot, self.boot_id());
            let seen = self.task(*job).last_detection.clone();
            assert_eq!(
                seen,
                Some(Ok(found.clone())),
                "what was not looked at is told"
            );
        }
        self.check_expiry(report);
        let What::Deploy {
            job,
            change: Change::Status { status },
            boot,
            ..
        } = &report.what
        else {
            return;
        };
        let is_end = *status >= DeployStatus::Completed;
        self.scan_is_owed |= is_end;
        let task = self.task(*job);
        let found = task.last_detection.clone();
        match status {
            DeployStatus::Completed | DeployStatus::NeedsRestart => {
                assert_eq!(found, Some(Ok(Truth::Installed.detected())), "{status:?}");
            }
            DeployStatus::UnknownError => {
                assert_ne!(found, Some(Ok(Truth::Installed.detected())));
            }
            DeployStatus::NotApplicable => {
                assert_eq!(found, Some(Ok(Truth::Absent.detected())));
            }
            _ => {}
        }
        if *status == DeployStatus::NeedsRestart {
            assert_eq!(
                boot, &task.ran_in_boot,
                "a restart that already happened is asked for"
            );
        }
    }

    /// Whatever the device's clock shows; one that is set by little is not noticed.
    fn check_expiry(&mut self, report: &Report) {
        const UNNOTICED: Duration = Duration::from_mins(1);
        let What::Deploy { job, cause, .. } = &report.what else {
            return;
        };
        let latest = self.server_now() + UNNOTICED;
        assert!(
            !cause.starts_with("the order expired") || self.task(*job).expires <= latest,
            "job {job} ends before its order is over"
        );
    }

    pub(super) fn check_end(&self) {
        assert!(self.core.outbox().is_empty());
        assert!(
            self.open_scans.is_empty(),
            "scans never end: {:?}",
            self.open_scans
        );
        assert!(
            !self.scan_is_owed,
            "no scan began after the last deployment"
        );
        for (id, task) in &self.tasks {
            let is_cancelled = task.state.ending == Some(Ending::Cancelled);
            let is_unstarted = self.starts_of(*id) == 0 || task.start_is_forgotten;
            assert!(
                !is_cancelled || is_unstarted,
                "job {id} is shown as cancelled and was started"
            );
        }
    }
}

fn is_active(job: &Job) -> bool {
    matches!(
        job.phase,
        Phase::Checking
            | Phase::Running { .. }
            | Phase::Interrupted { .. }
            | Phase::Verifying { .. }
    )
}
