//! Scans: on the server's demand, daily, after a restart and after a deployment. One that failed is
//! made again.

use std::time::Duration;

use fleetmend_model::{Millis, ScanJobId};
use fleetmend_protocol::reports::What;

use super::{Core, Effect};

/// How often the agent scans by itself.
const SCAN_EVERY: Duration = Duration::from_hours(24);
/// After how long a scan that failed is made again. Doubles with each further failure.
const SCAN_AGAIN: Duration = Duration::from_mins(5);
/// The longest time until a scan that failed is made again.
const LONGEST_SCAN_AGAIN: Duration = Duration::from_hours(4);

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
            if !self.state.scan_jobs.contains(&job) && !self.is_scan_reported(job) {
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

    /// Whether the end of a scan waits in the outbox: the server asks again until it has it.
    fn is_scan_reported(&self, scan: ScanJobId) -> bool {
        self.outbox().iter().any(|report| match report.what {
            What::ScanCompleted { job, .. } | What::ScanFailed { job, .. } => job == scan,
            _ => false,
        })
    }

    /// Scans because a deployment ended. A scan that is under way may have looked before that, so
    /// another follows it; a crash does not make it forgotten.
    pub(super) fn scan_after_deploy(&mut self, effects: &mut Vec<Effect>) {
        self.state.scan_due = true;
        self.scan_is_stale = self.scanning;
        self.start_scan(false, effects);
    }

    pub(super) fn scanned(
        &mut self,
        result: Result<String, String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        self.scanning = false;
        self.state.last_scan = Some(now);
        if std::mem::take(&mut self.scan_is_stale) {
            self.start_scan(false, effects);
        } else if result.is_ok() {
            self.state.scan_due = false;
        }
        let jobs = std::mem::take(&mut self.state.scan_jobs);
        match result {
            Ok(digest) => {
                self.state.failed_scans = 0;
                self.state.scanned_boot = Some(self.state.boot.clone());
                self.state.inventory_digest = Some(digest.clone());
                for job in jobs {
                    self.report(
                        now,
                        What::ScanCompleted {
                            job,
                            digest: digest.clone(),
                        },
                    );
                }
            }
            Err(cause) => {
                self.state.failed_scans = self.state.failed_scans.saturating_add(1);
                for job in jobs {
                    self.report(
                        now,
                        What::ScanFailed {
                            job,
                            cause: cause.clone(),
                        },
                    );
                }
            }
        }
    }

    /// How long after the last scan the agent makes another by itself.
    fn scan_pause(&self) -> Duration {
        match self.state.failed_scans {
            0 => SCAN_EVERY,
            failed => SCAN_AGAIN
                .saturating_mul(1_u32.checked_shl(failed - 1).unwrap_or(u32::MAX))
                .min(LONGEST_SCAN_AGAIN),
        }
    }

    /// When the agent scans by itself; `None` before the first scan has ended.
    pub(super) fn next_scan(&self) -> Option<Millis> {
        self.state.last_scan.map(|at| at + self.scan_pause())
    }

    /// A last scan that lies far in the future was made while the clock was wrong.
    pub(super) fn scan_if_due(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let Some(last) = self.state.last_scan else {
            return;
        };
        if now.since(last).max(last.since(now)) >= self.scan_pause() {
            self.start_scan(false, effects);
        }
    }
}
