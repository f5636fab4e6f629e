//! What recomputing everything costs, so that what devices report has it done for but a share of the
//! time, however large the fleet is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A recomputation takes one part in so many of the time, at most.
const SHARE: u64 = 10;

/// How long each took the last time.
#[derive(Debug, Default)]
pub struct Costs {
    /// Putting the catalog together and matching all devices against it.
    pub rematch: Cost,
    /// The answers for all applications.
    pub applications: Cost,
    /// Having each device have its policy.
    pub policies: Cost,
}

/// How long something took the last time.
#[derive(Debug, Default)]
pub struct Cost {
    milliseconds: AtomicU64,
}

impl Cost {
    /// Takes note.
    pub fn took(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }

    /// How long to wait before the next time: so long at least.
    pub fn wait(&self, least: Duration) -> Duration {
        let milliseconds = self.milliseconds.load(Ordering::Relaxed);
        least.max(Duration::from_millis(milliseconds.saturating_mul(SHARE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_rarely() {
        let cost = Cost::default();
        let least = Duration::from_secs(10);
        assert_eq!(cost.wait(least), least);
        cost.took(Duration::from_millis(900));
        assert_eq!(cost.wait(least), least);
        cost.took(Duration::from_secs(30));
        assert_eq!(cost.wait(least), Duration::from_mins(5));
    }
}
