//! What the agent decides: a pure state machine from events to effects.
//!
//! The rule that makes a crash harmless: the caller stores [`Core::state`] durably after every
//! [`Core::handle`] and before it carries out the effects. So the intent to start an installer is
//! on disk before the installer starts, and after a crash the truth is found by detection.

mod clock;
mod fetch;
mod install;
mod job;
mod orders;
mod restarted;
mod scan;
mod state;
mod tell;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;

use fleetmend_model::detection::Detected;
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_protocol::checkin::{CheckInReply, Held};
use fleetmend_protocol::reports::{Report, What};
use fleetmend_trust::{Order, TrustRoot, Verified};

pub use clock::Moment;
pub use job::{Job, Phase};
pub use restarted::AwaitingRestart;
pub use state::State;

use crate::platform::RunResult;

/// Who the agent is and whom it trusts. Fixed at enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// SHA-256 of the device's certificate.
    pub certificate_sha256: String,
    /// Whose orders and releases it accepts.
    pub trust: TrustRoot,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The agent (re)started, in this boot.
    Started {
        /// The boot's id.
        boot: String,
    },
    /// The server answered a check-in.
    Reply {
        /// When it was asked.
        asked: Moment,
        /// What it answered.
        reply: Box<CheckInReply>,
    },
    /// The server stored the reports up to this number.
    Acknowledged(i64),
    /// The release's files are here and verified, or why not.
    Fetched {
        /// Which job.
        job: DeployJobId,
        /// `Err` with what was wrong.
        result: Result<(), FetchError>,
    },
    /// Detection looked for the release.
    Detected {
        /// Which job.
        job: DeployJobId,
        /// `Err` when installed software could not be read.
        result: Result<Look, String>,
    },
    /// Nothing that an earlier life of the agent started for this job runs any more.
    EarlierEnded {
        /// Which job.
        job: DeployJobId,
    },
    /// The installer ended.
    Ran {
        /// Which job.
        job: DeployJobId,
        /// Which start.
        attempt: u32,
        /// How.
        result: RunResult,
    },
    /// What a running job does, in words.
    Progress {
        /// Which job.
        job: DeployJobId,
        /// What.
        cause: String,
    },
    /// A scan ended; the server has its inventory.
    Scanned {
        /// The inventory's digest, or why there is none.
        result: Result<String, ScanError>,
    },
    /// Time has passed.
    Tick,
}

/// Why the server has no new inventory after a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanError {
    /// It could not be made, or was refused; with why.
    Failed(String),
    /// The server answered for some time that it cannot take it now.
    NotTaken,
    /// The server could not be reached for some time.
    Unreachable,
}

/// What a look at the device found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What is there of the release.
    pub found: Detected,
    /// Whether the system says that a restart is due.
    pub restart_pending: bool,
}

/// Why files could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// In words.
    pub cause: String,
    /// Whether more than a few tries are worth nothing: the server answered, and what it gave is
    /// wrong or missing. A server that cannot answer now is asked until the order is over.
    pub counts: bool,
}

/// Something to be done. Its end comes back as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Get and verify the release's files.
    Fetch {
        /// Which job.
        job: DeployJobId,
    },
    /// Look whether the release is installed.
    Detect {
        /// Which job.
        job: DeployJobId,
    },
    /// Wait until nothing runs that an earlier life of the agent started for this job.
    AwaitEarlier {
        /// Which job.
        job: DeployJobId,
    },
    /// Start the installer. The intent is in the state.
    Run {
        /// Which job.
        job: DeployJobId,
        /// Which start, from 1.
        attempt: u32,
    },
    /// Make an inventory and send it if the server lacks it.
    Scan {
        /// Send it even if its digest is that of the last one.
        send_always: bool,
    },
    /// Remove the job's files.
    Forget {
        /// Which job.
        job: DeployJobId,
    },
}

/// How many ended jobs are remembered, so that an order that comes again is not run again.
const ENDED_KEPT: usize = 512;
/// The first protocol of a server that takes from an agent that an order expired, and what is found
/// after a restart.
const REPORTS_SINCE: u32 = 3;

/// The state machine.
pub struct Core {
    identity: Identity,
    state: State,
    orders: HashMap<DeployJobId, Verified<Order>>,
    /// A scan was asked for and has not ended.
    scanning: Option<scan::UnderWay>,
    /// The last scan's inventory waits for the server to be there; whether it is to be sent always.
    undelivered: Option<bool>,
    /// When an answer gave the server's time last, if the clock went evenly since.
    time_given: Option<Moment>,
}

impl Core {
    /// Takes up where `state` left off. Orders in it are verified again; one that fails is dropped
    /// with a report.
    pub fn new(identity: Identity, state: State, now: Millis) -> Self {
        let mut core = Self {
            identity,
            state,
            orders: HashMap::new(),
            scanning: None,
            undelivered: None,
            time_given: None,
        };
        core.reload_orders(now);
        core.reload_awaiting_restart();
        core
    }

    /// What must be stored.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The order of an open job.
    pub fn order(&self, job: DeployJobId) -> Option<&Verified<Order>> {
        self.orders.get(&job)
    }

    /// Reports that the server has not acknowledged.
    pub fn outbox(&self) -> &[Report] {
        &self.state.outbox
    }

    /// Orders that the server need not send again.
    pub fn holds(&self) -> Vec<DeployJobId> {
        self.state.jobs.iter().map(Job::id).collect()
    }

    /// The same, each with the counter under which it was accepted.
    pub fn held(&self) -> Vec<Held> {
        let held = |job: &Job| {
            let job = job.id();
            let counter = self.orders.get(&job)?.order().counter;
            Some(Held { job, counter })
        };
        self.state.jobs.iter().filter_map(held).collect()
    }

    /// Scan jobs that the agent has.
    pub fn scan_jobs(&self) -> Vec<ScanJobId> {
        self.state.scan_jobs.clone()
    }

    /// When [`Event::Tick`] is due. What waits for something else than time (a retry behind another
    /// deploy or for the server's time, a scan that is under way) needs none.
    pub fn next_tick(&self) -> Option<Millis> {
        let may_start = self.knows_time() && !self.state.jobs.iter().any(Job::is_active);
        let may_fetch = self.may_fetch();
        let due = |job: &Job| job.due(may_start, may_fetch);
        let retries = self.state.jobs.iter().filter_map(due);
        let scan = self.next_scan().filter(|_| self.scanning.is_none());
        retries.chain(scan).min()
    }

    /// Takes an event, changes the state, and says what to do.
    pub fn handle(&mut self, event: Event, at: Moment) -> Vec<Effect> {
        let now = at.wall;
        self.watch_clock(at);
        let mut effects = Vec::new();
        match event {
            Event::Started { boot } => self.take_up(boot, &mut effects),
            Event::Reply { asked, reply } => {
                self.set_clock(reply.now, asked, at);
                self.take_reply(*reply, now, &mut effects);
            }
            Event::Acknowledged(upto) => self.acknowledged(upto),
            Event::Fetched { job, result } => self.fetched(job, result, now, &mut effects),
            Event::Detected { job, result } => self.detected(job, result, now, &mut effects),
            Event::EarlierEnded { job } => effects.push(Effect::Detect { job }),
            Event::Ran {
                job,
                attempt,
                result,
            } => {
                self.ran(job, attempt, result, &mut effects);
            }
            Event::Progress { job, cause } => {
                if self.orders.contains_key(&job) {
                    self.progress(job, cause, now);
                }
            }
            Event::Scanned { result } => self.scanned(result, now, &mut effects),
            Event::Tick => {}
        }
        self.go_on(now, &mut effects);
        self.scan_if_due(now, &mut effects);
        effects
    }

    fn take_reply(&mut self, reply: CheckInReply, now: Millis, effects: &mut Vec<Effect>) {
        self.set_server_protocol(reply.protocol, effects);
        for job in reply.cancelled {
            self.cancel(job, now, effects);
        }
        for signed in reply.orders {
            let resumed = reply
                .resumed
                .iter()
                .find(|it| it.job == signed.job)
                .copied();
            self.accept(signed, resumed, now, effects);
        }
        self.take_scans(reply.scans, reply.want_inventory, now, effects);
        if let Some(send_always) = self.undelivered.take() {
            self.start_scan(send_always, effects);
        }
    }

    /// Forgets what the server has. Where it has more than this state ever numbered, the state is an
    /// older copy (of a machine that was set back): the server took what is in the outbox for what
    /// came to it before under the same numbers, so it gets numbers of its own.
    fn acknowledged(&mut self, upto: i64) {
        if upto < self.state.next_sequence {
            self.state.outbox.retain(|it| it.sequence > upto);
            return;
        }
        self.state.next_sequence = upto + 1;
        for report in &mut self.state.outbox {
            report.sequence = self.state.next_sequence;
            self.state.next_sequence += 1;
        }
    }

    /// Says why a job stays where it is, unless the last that waits to be sent of it says so.
    fn progress(&mut self, id: DeployJobId, cause: String, now: Millis) {
        let last = self
            .state
            .outbox
            .iter()
            .rev()
            .find_map(|it| match &it.what {
                What::Deploy { job, .. } if *job == id => Some(None),
                What::Progress { job, cause } if *job == id => Some(Some(cause)),
                _ => None,
            });
        if last.flatten() != Some(&cause) {
            self.report(now, What::Progress { job: id, cause });
        }
    }

    fn report(&mut self, at: Millis, what: What) {
        let sequence = self.state.next_sequence;
        self.state.next_sequence += 1;
        self.state.outbox.push(Report { sequence, at, what });
    }
}
