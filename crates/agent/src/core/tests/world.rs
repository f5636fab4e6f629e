//! A device and a server around the core. Every event goes through [`World::tell`], which checks
//! what must always hold.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use fleetmend_model::detection::Detected;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{
    Change, DeployState, DeployStatus, Ending, follow_agent, step,
};
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_protocol::checkin::{CheckInReply, Resumed};
use fleetmend_protocol::reports::{Report, What};
use fleetmend_trust::SignedOrder;

use super::orders::{DEVICE, identity, order};
use crate::core::{Core, Effect, Event, FetchError, Look, Moment, ScanError, State};
use crate::platform::RunResult;

/// What an installer does when it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Installer {
    Works,
    AsksForRestart,
    Fails,
    DoesNothing,
    OnlyAsksForRestart,
}

/// What is on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Absent,
    Older,
    Installed,
}

impl Truth {
    pub(super) fn detected(self) -> Detected {
        match self {
            Self::Absent => Detected::Absent,
            Self::Older => Detected::Older {
                version: "1.0".to_owned(),
            },
            Self::Installed => Detected::Installed {
                version: "2.0".to_owned(),
            },
        }
    }
}

/// One job as the server and the device have it.
pub(super) struct Task {
    pub(super) signed: SignedOrder,
    pub(super) state: DeployState,
    /// Every state that the server recorded, as numbers, with the causes of the last.
    pub(super) path: Vec<i64>,
    pub(super) cause: String,
    /// When its order is over, by the server's clock.
    pub(super) expires: Millis,
    pub(super) truth: Truth,
    /// What the installer does at each start; works after the last.
    pub(super) installers: Vec<Installer>,
    pub(super) is_forged: bool,
    pub(super) last_detection: Option<Result<Detected, String>>,
    pub(super) ran_in_boot: Option<String>,
    /// What the server keeps of it beside its state.
    is_sent: bool,
    attempt: u32,
    /// It was started, and the agent lost its state before the server heard of it.
    pub(super) start_is_forgotten: bool,
}

pub(super) struct World {
    pub(super) core: Core,
    pub(super) stored: Vec<u8>,
    pub(super) now: Millis,
    monotonic: Duration,
    /// By how many milliseconds the server's clock is ahead of the device's.
    pub(super) server_ahead: i64,
    /// The protocol that the server names.
    pub(super) server_protocol: u32,
    boot: u32,
    /// The system says that a restart is due.
    pub(super) restart_pending: bool,
    /// Given by the core and not answered.
    pub(super) pending: Vec<Effect>,
    pub(super) tasks: BTreeMap<DeployJobId, Task>,
    cancelled: HashSet<DeployJobId>,
    /// Every start, with the number of the agent's state that it belongs to.
    pub(super) starts: HashSet<(DeployJobId, u32, u32)>,
    /// How many states the agent has had.
    pub(super) states: u32,
    /// The state whose reports the server counts, and how far.
    stored_epoch: String,
    stored_reports: i64,
    pub(super) open_scans: HashSet<ScanJobId>,
    /// A job ended and no scan began since.
    pub(super) scan_is_owed: bool,
    next_id: i64,
}

impl World {
    pub(super) fn new() -> Self {
        let now = Millis(1_700_000_000_000);
        let mut world = Self {
            core: Core::new(identity(), State::new(epoch(1)), now),
            stored: Vec::new(),
            now,
            monotonic: Duration::ZERO,
            server_ahead: 0,
            server_protocol: fleetmend_protocol::CURRENT,
            boot: 1,
            restart_pending: false,
            pending: Vec::new(),
            tasks: BTreeMap::new(),
            cancelled: HashSet::new(),
            starts: HashSet::new(),
            states: 1,
            stored_epoch: epoch(1),
            stored_reports: 0,
            open_scans: HashSet::new(),
            scan_is_owed: false,
            next_id: 1,
        };
        world.tell(Event::Started {
            boot: world.boot_id(),
        });
        world
    }

    pub(super) fn boot_id(&self) -> String {
        format!("boot-{}", self.boot)
    }

    pub(super) fn server_now(&self) -> Millis {
        Millis(self.now.0 + self.server_ahead)
    }

    /// A reply with nothing in it.
    fn reply(&self) -> CheckInReply {
        CheckInReply {
            protocol: self.server_protocol,
            now: self.server_now(),
            checkin_seconds: 180,
            ..CheckInReply::default()
        }
    }

    /// A reply that was asked for just now.
    fn answer(&mut self, reply: CheckInReply) {
        self.tell(Event::Reply {
            asked: self.moment(),
            reply: Box::new(reply),
        });
    }

    /// What the device's clocks show.
    pub(super) fn moment(&self) -> Moment {
        Moment {
            wall: self.now,
            monotonic: self.monotonic,
        }
    }

    fn next_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// A job that the server has downloaded and will hand out.
    pub(super) fn post(
        &mut self,
        truth: Truth,
        installers: &[Installer],
        minutes: i64,
    ) -> DeployJobId {
        self.add(DEVICE, truth, installers, minutes)
    }

    /// An order that was made for another device.
    pub(super) fn post_foreign(&mut self) -> DeployJobId {
        self.add("another-device", Truth::Older, &[], 600)
    }

    fn add(
        &mut self,
        device: &str,
        truth: Truth,
        installers: &[Installer],
        minutes: i64,
    ) -> DeployJobId {
        let id = self.next_id();
        let task = Task {
            signed: order(id, device, self.server_now(), minutes),
            state: DeployState {
                status: DeployStatus::Downloaded,
                ending: None,
            },
            path: vec![3],
            cause: String::new(),
            expires: self.server_now() + Duration::from_secs(minutes.unsigned_abs() * 60),
            truth,
            installers: installers.to_vec(),
            is_forged: device != DEVICE,
            last_detection: None,
            ran_in_boot: None,
            is_sent: false,
            attempt: 0,
            start_is_forgotten: false,
        };
        self.tasks.insert(DeployJobId(id), task);
        DeployJobId(id)
    }

    pub(super) fn post_scan(&mut self) -> ScanJobId {
        let id = ScanJobId(self.next_id());
        self.open_scans.insert(id);
        id
    }

    /// A person asks to call a job off, where that is possible. The agent has the last word.
    pub(super) fn cancel(&mut self, id: DeployJobId) {
        if self
            .tasks
            .get(&id)
            .is_some_and(|task| task.state.is_with_agent())
        {
            self.cancelled.insert(id);
        }
    }

    /// The agent asks; the server answers with all that it does not hold.
    pub(super) fn check_in(&mut self) {
        let holds = self.core.holds();
        let scans = self.core.scan_jobs();
        let (mut orders, mut resumed) = (Vec::new(), Vec::new());
        for (id, task) in &mut self.tasks {
            let is_with_device =
                (DeployStatus::Downloaded..=DeployStatus::Started).contains(&task.state.status);
            let is_called_off = self.cancelled.contains(id) && task.state.is_with_agent();
            let is_open = is_with_device && !task.state.is_final();
            if !is_open || is_called_off || holds.contains(id) {
                continue;
            }
            orders.push(task.signed.clone());
            if std::mem::replace(&mut task.is_sent, true) {
                resumed.push(Resumed {
                    job: *id,
                    status: task.state.status,
                    attempt: task.attempt,
                });
            }
        }
        let reply = CheckInReply {
            scans: self
                .open_scans
                .iter()
                .copied()
                .filter(|id| !scans.contains(id))
                .collect(),
            orders,
            resumed,
            cancelled: self
                .cancelled
                .iter()
                .copied()
                .filter(|id| self.tasks[id].state.is_with_agent())
                .collect(),
            ..self.reply()
        };
        self.answer(reply);
    }

    /// The server asks for an inventory in any case.
    pub(super) fn want_inventory(&mut self) {
        let reply = CheckInReply {
            want_inventory: true,
            ..self.reply()
        };
        self.answer(reply);
    }

    /// The order of a job as the server would hand it out.
    pub(super) fn order(&self, job: DeployJobId) -> SignedOrder {
        self.tasks[&job].signed.clone()
    }

    /// A reply that was on its way for a while.
    pub(super) fn receive(&mut self, orders: Vec<SignedOrder>) {
        let reply = CheckInReply {
            orders,
            ..self.reply()
        };
        self.answer(reply);
    }

    /// The server stores the outbox; its acknowledgement may be lost.
    pub(super) fn deliver(&mut self, acknowledge: bool) {
        if self.stored_epoch != self.core.state().epoch {
            self.stored_epoch.clone_from(&self.core.state().epoch);
            self.stored_reports = 0;
        }
        for report in self.core.outbox().to_vec() {
            if report.sequence > self.stored_reports {
                assert_eq!(report.sequence, self.stored_reports + 1, "a report is lost");
                self.stored_reports = report.sequence;
                self.store(report);
            }
        }
        if acknowledge {
            self.tell(Event::Acknowledged(self.stored_reports));
        }
    }

    fn store(&mut self, report: Report) {
        match report.what {
            What::Deploy {
                job,
                attempt,
                change,
                cause,
                ..
            } => {
                let Some(task) = self.tasks.get_mut(&job) else {
                    panic!("no job {job}")
                };
                let edges = follow_agent(task.state, change)
                    .unwrap_or_else(|illegal| panic!("job {job} ({:?}): {illegal}", task.path));
                for (state, _) in edges {
                    task.state = state;
                    if state.ending.is_none() {
                        task.path.push(state.status.number());
                    }
                }
                task.cause = cause;
                task.attempt = task.attempt.max(attempt);
            }
            What::AfterRestart { job, boot, found } => self.conclude(job, &boot, found),
            What::ScanCompleted { job, .. } | What::ScanFailed { job, .. } => {
                assert!(self.open_scans.remove(&job), "scan {job} ended twice");
            }
            _ => {}
        }
    }

    /// What the server makes of what is found after a restart.
    fn conclude(&mut self, job: DeployJobId, boot: &str, found: Detected) {
        let task = self.task(job);
        if task.state.is_final() {
            return;
        }
        assert_eq!(task.state.status, DeployStatus::NeedsRestart);
        assert_ne!(task.ran_in_boot.as_deref(), Some(boot));
        let change = match found {
            Detected::Installed { .. } => Change::Status {
                status: DeployStatus::Completed,
            },
            _ => Change::End {
                ending: Ending::Expired,
            },
        };
        task.state = step(Some(task.state), change, Party::Server).expect("an edge");
        if task.state.ending.is_none() {
            task.path.push(task.state.status.number());
        }
    }

    /// The device's clock is set by so many milliseconds.
    pub(super) fn set_clock(&mut self, by: i64) {
        self.now = Millis(self.now.0 + by);
        self.server_ahead -= by;
    }

    /// Time passes and nothing on the device sees it; its monotonic clock stands still.
    pub(super) fn suspend(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    pub(super) fn advance(&mut self, seconds: u64) {
        self.monotonic += Duration::from_secs(seconds);
        self.now = Millis(self.now.0 + i64::try_from(seconds).expect("small") * 1000);
        self.tell(Event::Tick);
    }

    /// Answers the first pending effect for which `pick` says so.
    pub(super) fn answer_one(&mut self, pick: impl Fn(&Effect) -> bool) -> bool {
        let Some(at) = self.pending.iter().position(&pick) else {
            return false;
        };
        let effect = self.pending.remove(at);
        let event = match effect {
            Effect::Fetch { job } => Event::Fetched {
                job,
                result: Ok(()),
            },
            Effect::Detect { job } => Event::Detected {
                job,
                result: Ok(self.look(job)),
            },
            Effect::AwaitEarlier { job } => Event::EarlierEnded { job },
            Effect::Run { job, attempt } => {
                let result = self.run_installer(job, attempt);
                Event::Ran {
                    job,
                    attempt,
                    result,
                }
            }
            Effect::Scan { .. } => Event::Scanned {
                result: Ok("digest".to_owned()),
            },
            Effect::Forget { .. } => return true,
        };
        self.tell(event);
        true
    }

    /// Answers the effect with a failure, where it can fail.
    pub(super) fn fail_one(&mut self, pick: impl Fn(&Effect) -> bool, counts: bool) -> bool {
        let Some(at) = self.pending.iter().position(&pick) else {
            return false;
        };
        let cause = "something broke".to_owned();
        let event = match self.pending[at].clone() {
            Effect::Fetch { job } => Event::Fetched {
                job,
                result: Err(FetchError { cause, counts }),
            },
            Effect::Detect { job } => {
                self.task(job).last_detection = Some(Err(cause.clone()));
                Event::Detected {
                    job,
                    result: Err(cause),
                }
            }
            Effect::Scan { .. } if counts => Event::Scanned {
                result: Err(ScanError::Failed(cause)),
            },
            Effect::Scan { .. } => Event::Scanned {
                result: Err(ScanError::Unreachable),
            },
            Effect::AwaitEarlier { .. } | Effect::Run { .. } | Effect::Forget { .. } => {
                return self.answer_one(pick);
            }
        };
        self.pending.remove(at);
        self.tell(event);
        true
    }

    fn look(&mut self, job: DeployJobId) -> Look {
        let found = self.task(job).truth.detected();
        self.task(job).last_detection = Some(Ok(found.clone()));
        Look {
            found,
            restart_pending: self.restart_pending,
        }
    }

    pub(super) fn task(&mut self, job: DeployJobId) -> &mut Task {
        self.tasks.get_mut(&job).expect("a job of this server")
    }

    /// What the installer does to the device, and what it says.
    fn run_installer(&mut self, job: DeployJobId, attempt: u32) -> RunResult {
        let boot = self.boot_id();
        let task = self.task(job);
        task.ran_in_boot = Some(boot);
        let installer = task.installers.get(attempt as usize - 1).copied();
        let installer = installer.unwrap_or(Installer::Works);
        if matches!(installer, Installer::Works | Installer::AsksForRestart) {
            task.truth = Truth::Installed;
        }
        let asks = matches!(
            installer,
            Installer::AsksForRestart | Installer::OnlyAsksForRestart
        );
        self.restart_pending |= asks;
        let success = installer != Installer::Fails;
        RunResult {
            exit_code: Some(if success { 0 } else { 1603 }),
            success,
            restart_due: asks,
            cause: if success {
                String::new()
            } else {
                "exit code 1603".to_owned()
            },
            output: "installer output".to_owned(),
        }
    }

    /// The agent dies and starts again. What it had started may have done its work or not.
    pub(super) fn crash(&mut self, installer_ran: bool, reboots: bool) {
        let state: State = serde_json::from_slice(&self.stored).expect("the stored state");
        self.start_again(state, installer_ran, reboots);
    }

    /// The agent dies, and starts again without its state.
    pub(super) fn lose_state(&mut self, installer_ran: bool, reboots: bool) {
        self.states += 1;
        for (id, task) in &mut self.tasks {
            let has_started = self.starts.iter().any(|(job, ..)| job == id);
            let is_unheard = task.state.status < DeployStatus::Started;
            task.start_is_forgotten |= has_started && is_unheard;
        }
        self.start_again(State::new(epoch(self.states)), installer_ran, reboots);
    }

    fn start_again(&mut self, state: State, installer_ran: bool, reboots: bool) {
        for effect in std::mem::take(&mut self.pending) {
            if let Effect::Run { job, attempt } = effect
                && installer_ran
            {
                self.run_installer(job, attempt);
            }
        }
        if reboots {
            self.boot += 1;
            self.restart_pending = false;
        }
        for task in self.tasks.values_mut() {
            task.last_detection = None;
        }
        self.core = Core::new(identity(), state, self.now);
        self.tell(Event::Started {
            boot: self.boot_id(),
        });
    }

    /// Replaces what is stored, as a damaged disk or a changed trust root would.
    pub(super) fn crash_with(&mut self, change: impl FnOnce(&mut State)) {
        let mut state: State = serde_json::from_slice(&self.stored).expect("the stored state");
        change(&mut state);
        self.stored = serde_json::to_vec(&state).expect("JSON");
        self.crash(false, false);
    }

    /// One event through the core, as the runner does it, with all that must hold.
    pub(super) fn tell(&mut self, event: Event) {
        let acknowledged = match event {
            Event::Acknowledged(upto) => upto,
            _ => 0,
        };
        let before: Vec<Report> = self.core.outbox().to_vec();
        let held = self.core.holds();
        let effects = self.core.handle(event, self.moment());
        self.stored = serde_json::to_vec(self.core.state()).expect("JSON");

        let kept: Vec<_> = before
            .iter()
            .filter(|it| it.sequence > acknowledged)
            .collect();
        let outbox = self.core.outbox().to_vec();
        assert!(
            outbox.iter().take(kept.len()).eq(kept.iter().copied()),
            "a report was dropped"
        );
        assert!(
            outbox.is_sorted_by(|a, b| a.sequence + 1 == b.sequence),
            "a number is missing"
        );
        for report in &outbox[kept.len()..] {
            self.check_report(report);
        }
        self.check_jobs(&held, &effects);
        for effect in &effects {
            self.check_effect(effect);
        }
        self.pending.extend(
            effects
                .into_iter()
                .filter(|it| !matches!(it, Effect::Forget { .. })),
        );
        if let Some(at) = self.core.next_tick() {
            assert!(
                at > self.now,
                "a tick is due at once, for ever: {:?}",
                self.core.state().jobs
            );
        }
    }

    /// Answers everything and lets time pass until nothing more happens.
    pub(super) fn settle(&mut self) {
        for _ in 0..2000 {
            self.deliver(true);
            self.check_in();
            while self.answer_one(|_| true) {}
            self.deliver(true);
            let is_over = self.core.holds().is_empty()
                && self.pending.is_empty()
                && self.tasks.values().all(|task| is_over(task.state));
            if is_over {
                self.check_end();
                return;
            }
            self.advance(60);
        }
        let open: Vec<_> = self
            .tasks
            .values()
            .map(|task| (&task.path, task.state))
            .collect();
        panic!("not over: {open:?}, {:?}", self.core.state().jobs);
    }

    /// The statuses that the server recorded, and the cause of the last.
    pub(super) fn path(&self, job: DeployJobId) -> (Vec<i64>, Option<Ending>, &str) {
        let task = &self.tasks[&job];
        (task.path.clone(), task.state.ending, &task.cause)
    }

    pub(super) fn starts_of(&self, job: DeployJobId) -> usize {
        self.starts.iter().filter(|(id, ..)| *id == job).count()
    }

    pub(super) fn causes(&self) -> HashMap<DeployJobId, Vec<String>> {
        let mut causes: HashMap<_, Vec<String>> = HashMap::new();
        for report in self.core.outbox() {
            if let What::Deploy { job, cause, .. } | What::Progress { job, cause } = &report.what {
                causes.entry(*job).or_default().push(cause.clone());
            }
        }
        causes
    }
}

fn epoch(number: u32) -> String {
    format!("state{number}")
}

/// A job that needs a restart waits for the machine's.
fn is_over(state: DeployState) -> bool {
    state.is_final() || state.status == DeployStatus::NeedsRestart
}
