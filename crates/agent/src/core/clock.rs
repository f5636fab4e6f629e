//! The server's time, by which orders hold: a device's own clock may be wrong by days.

use std::time::Duration;

use fleetmend_model::Millis;

use super::Core;

/// A difference that changed by less is the time that answers take, and is not stored anew.
const JITTER: Duration = Duration::from_secs(30);
/// A difference from which on people are told of it.
const TOLD: Duration = Duration::from_mins(5);

impl Core {
    /// Takes the server's time from an answer.
    pub(super) fn set_clock(&mut self, server: Millis, now: Millis) {
        let ahead = server.0.saturating_sub(now.0);
        if millis(ahead.saturating_sub(self.state.server_ahead)) > JITTER {
            self.state.server_ahead = ahead;
        }
    }

    /// What the server's clock shows.
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
