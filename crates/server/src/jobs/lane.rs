//! Which jobs share places, and how many there are.

use std::collections::HashMap;

use tokio::task::Id;

use super::Kind;

/// Jobs that share places. One lane's jobs never wait for another's: a site may take hours for a download,
/// or never end it, and deadlines pass all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// What is about no single thing. There is one job of each kind at most, and a place for each.
    Whole,
    /// Sources are read.
    Sources,
    /// What deployments wait for.
    Downloads,
    /// What comes into the feed of one's own.
    Feed,
    /// Kinds that this server does not know: they fail at once.
    Unknown,
}

impl Lane {
    pub(super) const ALL: [Self; 5] = [
        Self::Whole,
        Self::Sources,
        Self::Downloads,
        Self::Feed,
        Self::Unknown,
    ];

    /// Jobs at one time.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Whole => Kind::ALL.iter().filter(|it| it.lane() == self).count(),
            Self::Sources | Self::Downloads => 4,
            Self::Feed => 2,
            Self::Unknown => 1,
        }
    }

    pub(super) fn of(kind: &str) -> Self {
        Kind::from_key(kind).map_or(Self::Unknown, Kind::lane)
    }

    /// Its kinds, of these.
    pub(super) fn kinds(self, of: &[String]) -> Vec<&str> {
        let kinds = of.iter().map(String::as_str);
        kinds.filter(|kind| Self::of(kind) == self).collect()
    }
}

/// The lane of each task that runs.
#[derive(Default)]
pub(super) struct Taken(HashMap<Id, Lane>);

impl Taken {
    pub(super) fn add(&mut self, task: Id, lane: Lane) {
        self.0.insert(task, lane);
    }

    pub(super) fn remove(&mut self, task: Id) {
        self.0.remove(&task);
    }

    /// How many more jobs a lane has places for.
    pub(super) fn free(&self, lane: Lane) -> usize {
        let taken = self.0.values().filter(|it| **it == lane).count();
        lane.width().saturating_sub(taken)
    }
}
