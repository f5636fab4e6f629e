//! Until when a job may wait for its windows.

use std::time::Duration;

use fleetmend_model::Millis;

use super::Windows;
use crate::schedule::Zone;

/// No job waits longer, however rare its windows are.
pub const LONGEST_DEADLINE: Duration = Duration::from_hours(400 * 24);

/// How many windows a job may wait for at least: in the first its device may be off.
const WINDOWS: usize = 2;

/// When a job that was posted at `posted` is given up: after `wait`, but not before two windows have come
/// and gone in which it could have begun.
pub fn deadline(posted: Millis, wait: Duration, windows: &Windows, zone: &Zone) -> Millis {
    let waited = posted + wait;
    let by_windows = last_close(posted, windows, zone);
    let latest = (posted + LONGEST_DEADLINE).max(waited);
    by_windows.map_or(waited, |closes| closes.clamp(waited, latest))
}

/// When the second window closes; `None` where one stays open, or there are not as many.
fn last_close(posted: Millis, windows: &Windows, zone: &Zone) -> Option<Millis> {
    let mut closes = windows.first_start(zone, posted)?.closes?;
    for _ in 1..WINDOWS {
        // Right at its close the one before is not open any more.
        let Some(next) = windows.first_start(zone, closes) else {
            return Some(closes);
        };
        closes = next.closes?;
    }
    Some(closes)
}
