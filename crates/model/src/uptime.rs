//! Time as devices could use it: stretches in which no server was up to hear them do not count.

use std::time::Duration;

use crate::time::Millis;

/// A stretch in which no server was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outage {
    /// Its last sign of life.
    pub from: Millis,
    /// Its next.
    pub to: Millis,
}

/// The server's own life, as far as it is remembered: always up, but for these outages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uptime {
    /// In their order; none is empty, no two touch.
    outages: Vec<Outage>,
}

impl Uptime {
    /// From outages in any order; those that overlap are one.
    pub fn new(outages: impl IntoIterator<Item = Outage>) -> Self {
        let mut all: Vec<_> = outages.into_iter().filter(|it| it.from < it.to).collect();
        all.sort_unstable();
        let mut outages: Vec<Outage> = Vec::with_capacity(all.len());
        for next in all {
            match outages.last_mut() {
                Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
                _ => outages.push(next),
            }
        }
        Self { outages }
    }

    /// For how long a server was up from one moment to another; zero when `to` is not later.
    pub fn between(&self, from: Millis, to: Millis) -> Duration {
        let down = self
            .outages
            .iter()
            .map(|it| it.to.min(to).since(it.from.max(from)))
            .sum();
        to.since(from).saturating_sub(down)
    }

    /// The latest moment since which a server was up for at least so long, until `now`. What
    /// happened then or earlier is that old.
    pub fn before(&self, now: Millis, up: Duration) -> Millis {
        let (mut end, mut left) = (now, up);
        for outage in self.outages.iter().rev().filter(|it| it.from < now) {
            let up_after_it = end.since(outage.to);
            if left <= up_after_it {
                break;
            }
            left -= up_after_it;
            end = outage.from;
        }
        end - left
    }

    /// When the last outage that began before `now` ended.
    pub fn back_since(&self, now: Millis) -> Option<Millis> {
        let last = self.outages.iter().rev().find(|it| it.from < now);
        last.map(|it| it.to.min(now))
    }
}
