//! Until when a job may wait for its windows.

use std::time::Duration;

use fleetmend_model::Millis;

use super::Windows;
use crate::schedule::Zone;

/// No job waits longer for its windows, however rare they are.
pub const LONGEST_DEADLINE: Duration = Duration::from_hours(400 * 24);

/// When a job that was posted at `posted` is given up: after `wait`, but not before two windows have come
/// and gone in which it could have begun. Where a window stays open, `wait` is counted from when it opens.
pub fn deadline(posted: Millis, wait: Duration, windows: &Windows, zone: &Zone) -> Millis {
    let waited = posted + wait;
    let by_windows = last_close(posted, wait, windows, zone);
    let latest = (posted + LONGEST_DEADLINE).max(waited);
    by_windows.map_or(waited, |closes| closes.clamp(waited, latest))
}

/// When the second window closes, or the only one that comes; `None` where none comes.
fn last_close(posted: Millis, wait: Duration, windows: &Windows, zone: &Zone) -> Option<Millis> {
    let first = windows.first_start(zone, posted)?;
    let Some(closes) = first.closes else {
        return Some(first.opens + wait);
    };
    // Right at its close the first is not open any more. In it, the device may have been off.
    match windows.first_start(zone, closes) {
        None => Some(closes),
        Some(second) => Some(second.closes.unwrap_or(second.opens + wait)),
    }
}
