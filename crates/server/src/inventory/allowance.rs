//! How often a device may bring an inventory, and how much that nobody named before: each entry is kept for
//! a while.

use std::time::Duration;

use fleetmend_model::Millis;

/// Inventories that may come at once.
pub const BURST: u32 = 60;
/// Of those that were asked for so many beside them: what each costs is bounded by what is new in it.
const ASKED: u32 = 1_000;
/// Then one may come in this time.
pub const EVERY: Duration = Duration::from_mins(5);
/// Entries that the server does not remember, which one device may name at once: after its start it
/// remembers none, and no whole inventory has a fourth of that.
pub const NAMES: u32 = 100_000;
/// Then one in this time: some 29,000 in a day.
const NAMED_EVERY: Duration = Duration::from_secs(3);

/// What a device may still bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    most: u32,
    every: Duration,
    left: u32,
    /// As of when.
    at: Millis,
}

impl Allowance {
    /// For inventories.
    pub const INVENTORIES: Self = Self::of(BURST, EVERY);
    /// For inventories that were asked for.
    pub const ASKED_FOR: Self = Self::of(ASKED, EVERY);
    /// For entries that the server does not remember.
    pub const NAMED: Self = Self::of(NAMES, NAMED_EVERY);

    const fn of(most: u32, every: Duration) -> Self {
        Self {
            most,
            every,
            left: most,
            at: Millis(0),
        }
    }

    /// Whether so many more may come now; or in what time. Of more than may ever come at once, the most.
    pub fn take(&mut self, wanted: u32, now: Millis) -> Result<(), Duration> {
        let wanted = wanted.min(self.most);
        let parts = now.since(self.at).as_millis() / self.every.as_millis();
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(parts).min(self.most);
        self.at = if self.left == self.most {
            now
        } else {
            self.at + self.every * parts
        };
        let Some(left) = self.left.checked_sub(wanted) else {
            return Err((self.at + self.every * (wanted - self.left)).since(now));
        };
        self.left = left;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_may_come_at_once_and_then_one_in_a_while() {
        let start = Millis(1_000_000_000);
        let mut allowance = Allowance::INVENTORIES;
        for _ in 0..BURST {
            assert_eq!(allowance.take(1, start), Ok(()));
        }
        assert_eq!(allowance.take(1, start), Err(EVERY));
        let half = EVERY / 2;
        assert_eq!(allowance.take(1, start + half), Err(half));
        assert_eq!(allowance.take(1, start + EVERY), Ok(()));
        assert_eq!(allowance.take(1, start + EVERY + half), Err(half));
        let later = start + EVERY * (BURST + 100);
        for _ in 0..BURST {
            assert_eq!(allowance.take(1, later), Ok(()));
        }
        assert_eq!(allowance.take(1, later), Err(EVERY));
        // The clock was put back.
        assert_eq!(allowance.take(1, start), Err((later + EVERY).since(start)));
    }

    #[test]
    fn of_many_entries_all_may_come_or_none() {
        let start = Millis(1_000_000_000);
        let mut allowance = Allowance::NAMED;
        assert_eq!(allowance.take(NAMES - 10, start), Ok(()));
        assert_eq!(allowance.take(12, start), Err(NAMED_EVERY * 2));
        assert_eq!(allowance.take(10, start), Ok(()));
        assert_eq!(allowance.take(0, start), Ok(()));
        let day = start + Duration::from_hours(24);
        assert_eq!(allowance.take(28_800, day), Ok(()));
        assert_eq!(allowance.take(1, day), Err(NAMED_EVERY));
        assert_eq!(allowance.take(u32::MAX, day + NAMED_EVERY * NAMES), Ok(()));
    }
}
