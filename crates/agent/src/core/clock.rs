//! The server's time, by which orders hold: a device's own clock may be wrong by days.
//!
//! It is the device's clock and the difference to it that an answer gave last. The difference holds
//! as long as the clock runs evenly, which the monotonic clock shows. After a step of the clock, and
//! after a suspend, which looks the same where the monotonic clock stands still meanwhile, the
//! server's time is not known until the next answer. Nor is it at a start of the agent, whatever the
//! difference was in its life before: nobody watched the clock meanwhile.
//!
//! While the time is not known, no order is over and no installer starts: an end cannot be taken
//! back, and a start may come after the hours in which it was wanted. What runs goes on to its end,
//! files are fetched, and what an earlier life started is looked at. So a device that cannot reach
//! its server after a restart or a suspend starts nothing until it does. The device's clock alone is
//! never gone by: there is no order without an answer, and every answer has the server's time.

use std::time::Duration;

use fleetmend_model::Millis;

use super::Core;

/// A difference that changed by less is the time that answers take, and is not stored anew. The wall
/// clock may be off from the monotonic one by as much.
const JITTER: Duration = Duration::from_secs(30);
/// A difference from which on people are told of it.
const TOLD: Duration = Duration::from_mins(5);

/// A moment on both of the device's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What the wall clock shows, which may be set.
    pub wall: Millis,
    /// The time since any moment before the agent's start, by a clock that is never set. It may stand
    /// still while the device is suspended.
    pub monotonic: Duration,
}

impl Moment {
    /// Whether the wall clock went evenly since `earlier`, but for what a clock is off by anyway.
    fn is_even_since(self, earlier: Self) -> bool {
        let wall = i128::from(self.wall.0) - i128::from(earlier.wall.0);
        let passed = self.monotonic.saturating_sub(earlier.monotonic);
        let off = wall.abs_diff(passed.as_millis().cast_signed());
        off <= JITTER.as_millis()
    }
}

impl Core {
    /// Forgets the server's time where the wall clock did not go evenly since it was given. From there
    /// on and not from the last event, so that many small steps count as one large.
    pub(super) fn watch_clock(&mut self, at: Moment) {
        self.time_given = self.time_given.filter(|given| at.is_even_since(*given));
    }

    /// Takes the server's time from an answer that was asked for at `asked`. One over whose way the
    /// clock was set, or the device suspended, may be old by as much.
    pub(super) fn set_clock(&mut self, server: Millis, asked: Moment, at: Moment) {
        if !at.is_even_since(asked) {
            self.time_given = None;
            return;
        }
        self.time_given = Some(at);
        let ahead = server.0.saturating_sub(at.wall.0);
        if millis(ahead.saturating_sub(self.state.server_ahead)) > JITTER {
            self.state.server_ahead = ahead;
        }
    }

    /// Whether [`server_time`](Self::server_time) can be gone by.
    pub(super) fn knows_time(&self) -> bool {
        self.time_given.is_some()
    }

    /// What the server's clock shows, where [it is known](Self::knows_time).
    pub(super) fn server_time(&self, now: Millis) -> Millis {
        Millis(now.0.saturating_add(self.state.server_ahead))
    }

    /// A cause in which time plays a part, with what is wrong with the device's clock.
    pub(super) fn with_clock(&self, cause: &str) -> String {
        let ahead = self.state.server_ahead;
        let difference = millis(ahead);
        if difference < TOLD {
            return cause.to_owned();
        }
        let side = if ahead > 0 { "behind" } else { "ahead of" };
        format!(
            "{cause}; the machine's clock is {} {side} the server's",
            in_words(difference)
        )
    }
}

fn millis(difference: i64) -> Duration {
    Duration::from_millis(difference.unsigned_abs())
}

/// In the largest unit of which there are two.
fn in_words(difference: Duration) -> String {
    let minutes = difference.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / (24 * 60)),
    }
}
