//! Scans: on the server's demand, daily, after a restart and after a deployment. One that failed is
//! made again.

use std::time::Duration;

use fleetmend_model::{Millis, ScanJobId};
use fleetmend_protocol::checkin::ScanFailure;
use fleetmend_protocol::reports::What;

use super::{Core, Effect, ScanError};

/// How often the agent scans by itself.
const SCAN_EVERY: Duration = Duration::from_hours(24);
/// After how long a scan that failed is made again. Doubles with each further failure.
const SCAN_AGAIN: Duration = Duration::from_mins(5);
/// The longest time until a scan that failed is made again.
const LONGEST_SCAN_AGAIN: Duration = Duration::from_hours(4);

/// A scan that was asked for and has not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    /// Its inventory is sent even if its digest is that of the last one.
    send_always: bool,
    /// Another must follow it, because it may have looked too early or may send nothing; whether that
    /// one sends always.
    again: Option<bool>,
}

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

    /// Scans, unless that is under way. One that sends only what is new does for one that sends
    /// always only if that follows it.
    pub(super) fn start_scan(&mut self, send_always: bool, effects: &mut Vec<Effect>) {
        match &mut self.scanning {
            None => {
                self.scanning = Some(UnderWay {
                    send_always,
                    again: None,
                });
                effects.push(Effect::Scan { send_always });
            }
            Some(scan) if send_always && !scan.send_always => scan.again = Some(true),
            Some(_) => {}
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
        match &mut self.scanning {
            Some(scan) => {
                scan.again.get_or_insert(false);
            }
            None => self.start_scan(false, effects),
        }
    }

    pub(super) fn scanned(
        &mut self,
        result: Result<String, ScanError>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let scan = self.scanning.take();
        self.state.last_scan = Some(now);
        if let Some(send_always) = scan.and_then(|scan| scan.again) {
            self.start_scan(send_always, effects);
        } else if result.is_ok() {
            self.state.scan_due = false;
        }
        match result {
            Ok(digest) => {
                self.state.failed_scans = 0;
                self.state.scanned_at = Some(self.server_time(now));
                self.state.scan_failure = None;
                self.state.scanned_boot = Some(self.state.boot.clone());
                self.state.inventory_digest = Some(digest.clone());
                self.end_scans(now, |job| What::ScanCompleted {
                    job,
                    digest: digest.clone(),
                });
            }
            Err(error) => {
                self.state.failed_scans = self.state.failed_scans.saturating_add(1);
                match error {
                    ScanError::Failed(cause) => {
                        self.state.scan_failure = Some(ScanFailure {
                            at: self.server_time(now),
                            cause: cause.clone(),
                        });
                        self.end_scans(now, |job| What::ScanFailed {
                            job,
                            cause: cause.clone(),
                        });
                    }
                    // The machine can be scanned: who asked for that gets it later.
                    ScanError::NotTaken => {}
                    ScanError::Unreachable => {
                        self.undelivered = Some(scan.is_some_and(|scan| scan.send_always));
                    }
                }
            }
        }
    }

    fn end_scans(&mut self, now: Millis, what: impl Fn(ScanJobId) -> What) {
        for job in std::mem::take(&mut self.state.scan_jobs) {
            self.report(now, what(job));
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
