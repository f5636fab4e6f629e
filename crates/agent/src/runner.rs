//! Drives the core: stores its state, carries out its effects, feeds their ends back.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::checkin::CheckIn;
use fleetmend_protocol::reports::Report;
use fleetmend_trust::{Order, Verified};

use crate::core::{Core, Effect, Event, FetchError, Moment};
use crate::files::Files;
use crate::identity::{Identity, Moved};
use crate::journal::Journal;
use crate::link::Link;
use crate::look::look;
use crate::platform::{Platform, PlatformError, RunResult};
use crate::scan::scan;
use crate::spawn::spawn;
use crate::{courier, listener};

/// The longest time between two looks at the clock.
const LONGEST_NAP: Duration = Duration::from_secs(60);
/// The pause between two looks at an installer that an earlier life of the agent started.
const EARLIER_PAUSE: Duration = Duration::from_millis(500);

/// What the loop, its threads and the listener share.
pub(crate) struct Shared {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) link: Link,
    pub(crate) files: Files,
    pub(crate) events: Sender<Message>,
    /// What the next check-in says.
    pub(crate) check_in: Mutex<CheckIn>,
    /// What the courier has to send.
    pub(crate) outbox: Mutex<Vec<Report>>,
    pub(crate) outbox_changed: Condvar,
    /// Names the state that the reports are of.
    pub(crate) epoch: String,
    /// Held while a package manager prepares a job.
    preparing: Mutex<()>,
}

/// What reaches the loop.
pub(crate) enum Message {
    Event(Event),
    Stop,
}

/// Stops a running agent from another thread.
#[derive(Clone)]
pub struct Stop(Sender<Message>);

impl Stop {
    /// Lets the loop end. What runs on the device goes on and is found by the next start.
    pub fn stop(&self) {
        let _ = self.0.send(Message::Stop);
    }
}

/// An agent that is ready to run.
pub struct Runner {
    core: Core,
    journal: Journal,
    shared: Arc<Shared>,
    inbox: Receiver<Message>,
    moved: Option<Moved>,
    /// Held as long as the agent runs.
    _lock: std::fs::File,
}

impl Runner {
    /// Loads the state in `data`, which `lock` keeps other agents from.
    pub fn new(
        data: &Path,
        identity: &Identity,
        platform: Arc<dyn Platform>,
        lock: std::fs::File,
    ) -> anyhow::Result<Self> {
        let (journal, state) = Journal::open(data)?;
        let (events, inbox) = channel();
        let check_in = CheckIn {
            protocol: fleetmend_protocol::CURRENT,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: platform.boot(),
            epoch: state.epoch.clone(),
            ..CheckIn::default()
        };
        let epoch = state.epoch.clone();
        let core = Core::new(identity.for_core()?, state, now());
        let shared = Arc::new(Shared {
            platform,
            link: identity.link()?,
            files: Files::new(data),
            events,
            check_in: Mutex::new(check_in),
            outbox: Mutex::new(Vec::new()),
            outbox_changed: Condvar::new(),
            epoch,
            preparing: Mutex::new(()),
        });
        Ok(Self {
            core,
            journal,
            shared,
            inbox,
            moved: identity.moved(data),
            _lock: lock,
        })
    }

    /// A handle to stop it.
    pub fn stop_handle(&self) -> Stop {
        Stop(self.shared.events.clone())
    }

    /// Runs until stopped. Ends with an error only where the state cannot be stored: an agent
    /// that cannot remember must not start installers.
    pub fn run(mut self) -> anyhow::Result<()> {
        self.shared.files.keep_only(&self.core.holds());
        let boot = self.shared.lock_check_in().boot.id.clone();
        self.take(Event::Started { boot })?;
        listener::spawn(Arc::clone(&self.shared), self.moved.take());
        courier::spawn(Arc::clone(&self.shared));
        loop {
            let nap = self
                .core
                .next_tick()
                .map_or(LONGEST_NAP, |at| at.since(now()));
            match self.inbox.recv_timeout(nap.min(LONGEST_NAP)) {
                Ok(Message::Event(event)) => self.take(event)?,
                Err(RecvTimeoutError::Timeout) => self.take(Event::Tick)?,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        let effects = self.core.handle(event, moment());
        self.journal
            .save(self.core.state())
            .context("cannot store the agent's state")?;
        self.publish();
        for effect in effects {
            self.carry_out(effect);
        }
        Ok(())
    }

    /// Lets the listener and the courier see the new state.
    fn publish(&self) {
        let mut check_in = self.shared.lock_check_in();
        check_in.holds = self.core.holds();
        check_in.held = self.core.held();
        check_in.scans = self.core.scan_jobs();
        let state = self.core.state();
        check_in
            .inventory_digest
            .clone_from(&state.inventory_digest);
        check_in.scanned_at = state.scanned_at;
        check_in.scan_failure.clone_from(&state.scan_failure);
        drop(check_in);
        let mut outbox = self
            .shared
            .outbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if outbox.len() != self.core.outbox().len()
            || outbox.last().map(|it| it.sequence)
                != self.core.outbox().last().map(|it| it.sequence)
        {
            *outbox = self.core.outbox().to_vec();
            self.shared.outbox_changed.notify_all();
        }
    }

    /// Starts an effect on a thread of its own; its end comes back as an event.
    fn carry_out(&self, effect: Effect) {
        let shared = Arc::clone(&self.shared);
        match effect {
            Effect::Forget { job } => shared.files.forget(job),
            Effect::Scan { send_always } => {
                let known = self.core.state().inventory_digest.clone();
                spawn("scan", move || {
                    let result = scan(&shared, known, send_always);
                    shared.tell(Event::Scanned { result });
                });
            }
            Effect::Fetch { job }
            | Effect::Detect { job }
            | Effect::AwaitEarlier { job }
            | Effect::Run { job, .. } => {
                let Some(order) = self.core.order(job).cloned() else {
                    return;
                };
                spawn("job", move || {
                    let event = match effect {
                        Effect::Fetch { .. } => {
                            let result = fetch(&shared, &order, job);
                            Event::Fetched { job, result }
                        }
                        Effect::AwaitEarlier { .. } => {
                            let file = shared.files.path(&order);
                            let limit = limit(&order);
                            let is_running =
                                || shared.platform.is_still_running(&order, file.as_deref());
                            if !await_end(is_running, limit, EARLIER_PAUSE) {
                                tracing::warn!(
                                    "job {job}: what an earlier life of the agent started still \
                                     runs after {} s; looks what is installed all the same",
                                    limit.as_secs()
                                );
                            }
                            Event::EarlierEnded { job }
                        }
                        Effect::Run { attempt, .. } => {
                            let result = run(&shared, &order, job);
                            Event::Ran {
                                job,
                                attempt,
                                result,
                            }
                        }
                        _ => {
                            let result = look(shared.platform.as_ref(), &order);
                            Event::Detected { job, result }
                        }
                    };
                    shared.tell(event);
                });
            }
        }
    }
}

impl Shared {
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(Message::Event(event));
    }

    /// Tells why a job stays where it is.
    fn progress(&self, job: DeployJobId, cause: &str) {
        let cause = cause.to_owned();
        self.tell(Event::Progress { job, cause });
    }

    /// What the next check-in says. The loop takes it at every event: nothing slow while it is held.
    pub(crate) fn lock_check_in(&self) -> MutexGuard<'_, CheckIn> {
        self.check_in.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gets what a job needs. Package managers prepare one job after the other: they have one lock.
fn fetch(shared: &Shared, order: &Verified<Order>, job: DeployJobId) -> Result<(), FetchError> {
    shared.files.fetch(order, &shared.link)?;
    let _turn = shared
        .preparing
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    shared
        .platform
        .prepare(order, &|cause| shared.progress(job, cause))
        .map_err(|error| FetchError {
            counts: !matches!(error, PlatformError::NotNow { .. }),
            cause: error.to_string(),
        })
}

/// How long one start of an order may take.
fn limit(order: &Verified<Order>) -> Duration {
    Duration::from_secs(order.order().policy.limit_seconds)
}

/// Waits until nothing runs any more, but not longer than the limit; `false` when it was over.
fn await_end(is_running: impl Fn() -> bool, limit: Duration, pause: Duration) -> bool {
    let began = Instant::now();
    while is_running() {
        let Some(left) = limit
            .checked_sub(began.elapsed())
            .filter(|left| !left.is_zero())
        else {
            return false;
        };
        thread::sleep(pause.min(left));
    }
    true
}

fn run(shared: &Shared, order: &Verified<Order>, job: DeployJobId) -> RunResult {
    let file = match shared.files.verified(order) {
        Ok(file) => file,
        Err(cause) => {
            return RunResult {
                cause,
                ..RunResult::default()
            };
        }
    };
    let limit = limit(order);
    let progress = |cause: &str| shared.progress(job, cause);
    shared
        .platform
        .run(order, file.as_deref(), limit, &progress)
}

/// Both of the device's clocks.
pub fn moment() -> Moment {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let first = *FIRST;
    Moment {
        wall: now(),
        monotonic: first.elapsed(),
    }
}

/// The device's wall clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const PAUSE: Duration = Duration::from_millis(1);

    #[test]
    fn what_an_earlier_life_started_is_waited_for_until_it_ends_or_the_limit_is_over() {
        let looks = Cell::new(0);
        let ends = || {
            looks.set(looks.get() + 1);
            looks.get() < 3
        };
        assert!(await_end(ends, Duration::from_mins(1), PAUSE));
        assert_eq!(looks.get(), 3);
        assert!(!await_end(|| true, Duration::from_millis(20), PAUSE));
        assert!(!await_end(|| true, Duration::ZERO, PAUSE));
        assert!(await_end(|| false, Duration::ZERO, PAUSE));
    }
}
