//! Scans: on the server's demand, daily, after a restart and after a deployment.

use fleetmend_model::{Millis, ScanJobId};
use fleetmend_protocol::reports::What;

use super::{Core, Effect, SCAN_EVERY};

impl Core {
    pub(super) fn take_scans(
        &mut self,
        jobs: Vec<ScanJobId>,
        want_inventory: bool,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let mut is_new = false;
        for job in jobs {
            if !self.state.scan_jobs.contains(&job) {
                self.state.scan_jobs.push(job);
                self.report(now, What::ScanStarted { job });
                is_new = true;
            }
        }
        if is_new || want_inventory {
            self.start_scan(want_inventory, effects);
        }
    }

    pub(super) fn start_scan(&mut self, send_always: bool, effects: &mut Vec<Effect>) {
        if !self.scanning {
            self.scanning = true;
            effects.push(Effect::Scan { send_always });
        }
    }

    pub(super) fn scanned(&mut self, result: Result<String, String>, now: Millis) {
        self.scanning = false;
        self.state.last_scan = Some(now);
        let jobs = std::mem::take(&mut self.state.scan_jobs);
        match result {
            Ok(digest) => {
                self.state.scanned_boot = Some(self.boot.clone());
                self.state.inventory_digest = Some(digest.clone());
                for job in jobs {
                    self.report(now, What::ScanCompleted { job, digest: digest.clone() });
                }
            }
            Err(cause) => {
                for job in jobs {
                    self.report(now, What::ScanFailed { job, cause: cause.clone() });
                }
            }
        }
    }

    pub(super) fn scan_if_due(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if self.state.last_scan.is_some_and(|at| now.0 - at.0 >= SCAN_EVERY) {
            self.start_scan(false, effects);
        }
    }
}
