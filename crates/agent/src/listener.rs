//! The thread that checks in, and waits at the server for something to check in for.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fleetmend_protocol::checkin::CheckIn;

use crate::core::Event;
use crate::identity::Moved;
use crate::runner::{Shared, moment};
use crate::spawn;

/// The pause after the first failure; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two tries to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Pauses that grow while the server cannot be reached, each shortened by a random part so that a
/// fleet does not come back in one moment.
pub(crate) struct Backoff {
    pause: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { pause: FIRST_PAUSE }
    }

    pub(crate) fn wait(&mut self) {
        let mut byte = [0_u8; 1];
        let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte);
        thread::sleep(self.pause.mul_f64(0.5 + f64::from(byte[0]) / 512.0));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    pub(crate) fn reset(&mut self) {
        self.pause = FIRST_PAUSE;
    }
}

/// Starts the thread. It ends with the process.
pub(crate) fn spawn(shared: Arc<Shared>, mut moved: Option<Moved>) {
    let body = move || {
        let mut backoff = Backoff::new();
        loop {
            let check_in = check_in(&shared);
            let asked = moment();
            match shared.link.check_in(&check_in) {
                Ok(reply) => {
                    backoff.reset();
                    if let Some(moved) = moved.take() {
                        moved.keep();
                    }
                    let until = Instant::now() + Duration::from_secs(reply.checkin_seconds);
                    let reply = Box::new(reply);
                    shared.tell(Event::Reply { asked, reply });
                    wait(&shared, until);
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    backoff.wait();
                }
            }
        }
    };
    spawn::spawn("listener", body);
}

/// What is to be said now. The machine may have moved since it was said last.
fn check_in(shared: &Shared) -> CheckIn {
    let platform = &shared.platform;
    let abilities = platform.abilities();
    CheckIn {
        time_zone: platform.time_zone(),
        network: platform.network(),
        abilities: abilities.iter().map(|it| it.key().to_owned()).collect(),
        ..shared.lock_check_in().clone()
    }
}

/// Waits at the server until it has something, the check-in is due, or the connection breaks.
fn wait(shared: &Shared, until: Instant) {
    while Instant::now() < until {
        match shared.link.wait() {
            Ok(reply) if reply.wake => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("{error}");
                Backoff::new().wait();
                return;
            }
        }
    }
}
