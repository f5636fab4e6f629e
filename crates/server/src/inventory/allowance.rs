//! How often a device may bring an inventory that nobody asked for: each may name what no device named
//! before, and is kept for a while.

use std::time::Duration;

use fleetmend_model::Millis;

/// Inventories that may come at once.
pub const BURST: u32 = 60;
/// Then one may come in this time.
pub const EVERY: Duration = Duration::from_mins(5);

/// What a device may still bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    left: u32,
    /// As of when.
    at: Millis,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            left: BURST,
            at: Millis(0),
        }
    }
}

impl Allowance {
    /// Whether one more may come now; or in what time.
    pub fn take(&mut self, now: Millis) -> Result<(), Duration> {
        let parts = now.since(self.at).as_secs() / EVERY.as_secs();
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(parts).min(BURST);
        self.at = if self.left == BURST {
            now
        } else {
            self.at + EVERY * parts
        };
        if self.left == 0 {
            return Err((self.at + EVERY).since(now));
        }
        self.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_may_come_at_once_and_then_one_in_a_while() {
        let start = Millis(1_000_000_000);
        let mut allowance = Allowance::default();
        for _ in 0..BURST {
            assert_eq!(allowance.take(start), Ok(()));
        }
        assert_eq!(allowance.take(start), Err(EVERY));
        let half = EVERY / 2;
        assert_eq!(allowance.take(start + half), Err(half));
        assert_eq!(allowance.take(start + EVERY), Ok(()));
        assert_eq!(allowance.take(start + EVERY + half), Err(half));
        let later = start + EVERY * (BURST + 100);
        for _ in 0..BURST {
            assert_eq!(allowance.take(later), Ok(()));
        }
        assert_eq!(allowance.take(later), Err(EVERY));
        // The clock was put back.
        assert_eq!(allowance.take(start), Err((later + EVERY).since(start)));
    }
}
