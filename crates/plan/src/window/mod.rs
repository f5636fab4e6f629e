//! When installs or restarts may begin on a device: maintenance windows, and the days without changes.
//!
//! A window is a stretch of civil time: from 01:00 to 04:00 is two hours in the night in which clocks are
//! put forward, and four when they are put back. What has begun is not ended when its window closes.

mod blackout;
mod deadline;
mod error;
mod words;

use std::time::Duration;

use fleetmend_model::Millis;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::schedule::{Schedule, Zone};

pub use blackout::Blackout;
pub use deadline::{LONGEST_DEADLINE, deadline};
pub use error::WindowError;
pub(crate) use words::moment;

/// An install or restart does not begin this shortly before its window closes.
pub const START_MARGIN: Duration = Duration::from_secs(5 * 60);

/// The shortest and the longest window, in minutes.
pub const WINDOW_MINUTES: (u32, u32) = (10, 7 * 24 * 60);

/// What is open for longer than this has no end that is told: windows that follow on each other may have
/// none. The longest single window is shorter.
const LOOK_AHEAD: Duration = Duration::from_hours(8 * 24);

/// A time in which something may begin, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Window {
    opens: Schedule,
    minutes: u32,
}

#[derive(Deserialize)]
struct Raw {
    opens: Schedule,
    minutes: u32,
}

impl TryFrom<Raw> for Window {
    type Error = WindowError;

    fn try_from(raw: Raw) -> Result<Self, WindowError> {
        Self::new(raw.opens, raw.minutes)
    }
}

impl Window {
    /// Opens by `opens`, and closes when clocks show `minutes` more.
    pub fn new(opens: Schedule, minutes: u32) -> Result<Self, WindowError> {
        let (shortest, longest) = WINDOW_MINUTES;
        if opens == Schedule::Off {
            return Err(WindowError::NeverOpens);
        }
        if !(shortest..=longest).contains(&minutes) {
            return Err(WindowError::Minutes {
                minutes,
                shortest,
                longest,
            });
        }
        Ok(Self { opens, minutes })
    }

    /// When it opens.
    pub fn opens(&self) -> &Schedule {
        &self.opens
    }

    /// How long it stays open, in minutes that clocks show.
    pub fn minutes(&self) -> u32 {
        self.minutes
    }

    fn closes(&self, zone: &Zone, opened: DateTime) -> Option<Millis> {
        let length = SignedDuration::from_mins(self.minutes.into());
        zone.instant(opened.checked_add(length).ok()?)
    }

    /// When the one that opened last by `at` closes; it may have closed before.
    fn latest_close(&self, zone: &Zone, at: Millis) -> Option<Millis> {
        self.closes(zone, self.opens.latest_civil(zone, at)?)
    }

    /// When it opens first after `after`. One that lies in skipped time as a whole does not open.
    fn next_opening(&self, zone: &Zone, after: Millis) -> Option<Millis> {
        self.opens
            .runs(zone, after)
            .find(|(civil, at)| self.closes(zone, *civil).is_some_and(|closes| closes > *at))
            .map(|(_, at)| at)
    }
}

/// All that says when something may begin on a device.
#[derive(Debug, Clone, Copy)]
pub struct Windows<'a> {
    /// It may begin in any of these; at any time where there are none.
    pub windows: &'a [Window],
    /// It may not begin on these days, whatever the windows say.
    pub blackouts: &'a [Blackout],
}

/// A time in which something may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Its first moment, or the one that was asked for.
    pub opens: Millis,
    /// The first moment that is not in it; `None` where it is more than eight days away.
    pub closes: Option<Millis>,
}

impl Open {
    /// Whether what begins at `opens` has the time that a start needs.
    pub fn has_room(&self) -> bool {
        self.closes
            .is_none_or(|closes| self.opens + START_MARGIN < closes)
    }
}

/// Whether something may begin at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A window is open.
    Open(Open),
    /// None is.
    Closed {
        /// The next one.
        next: Option<Open>,
        /// The days without changes that it lies in.
        blackout: Option<Blackout>,
    },
}

impl At {
    /// Whether something may begin now: a window is open, and not about to close.
    pub fn may_start(&self) -> bool {
        matches!(self, Self::Open(open) if open.has_room())
    }
}

impl Windows<'_> {
    /// Open at any time.
    pub const ALWAYS: Self = Self {
        windows: &[],
        blackouts: &[],
    };

    /// Whether something may begin at `now` on a device in `zone`.
    pub fn at(&self, zone: &Zone, now: Millis) -> At {
        if let Some(open) = self.open(zone, now) {
            return At::Open(open);
        }
        let blackout = self.blackouts.iter().find(|days| days.covers(zone, now));
        At::Closed {
            next: self.next(zone, now),
            blackout: blackout.cloned(),
        }
    }

    /// The first time from `now` on at which something may begin and has the time that a start needs,
    /// and how long this stays so. What is posted on Friday for a window on Saturday gets Saturday.
    pub fn first_start(&self, zone: &Zone, now: Millis) -> Option<Open> {
        let mut open = self.open(zone, now).or_else(|| self.next(zone, now))?;
        // What is open at `now` may be about to close; after that only an end that days without changes
        // or clocks bring nearer leaves too little room.
        for _ in 0..=self.blackouts.len() + self.windows.len() + 1 {
            if open.has_room() {
                return Some(open);
            }
            open = self.next(zone, open.closes?)?;
        }
        None
    }

    /// The first time after `after` at which what was closed opens. Nothing is open at `after`.
    pub fn next(&self, zone: &Zone, after: Millis) -> Option<Open> {
        let mut from = after;
        // Each round but the last steps over days without changes.
        for _ in 0..=2 * self.blackouts.len() + 1 {
            let ends = self.blackouts.iter().filter_map(|days| days.end(zone));
            let windows = self.windows.iter();
            let opens = windows.filter_map(|window| window.next_opening(zone, from));
            let at = ends.filter(|end| *end > from).chain(opens).min()?;
            if let Some(open) = self.open(zone, at) {
                return Some(open);
            }
            let covering = self.blackouts.iter().filter(|days| days.covers(zone, at));
            from = covering
                .filter_map(|days| days.end(zone))
                .max()
                .map_or(at, |end| end - Duration::from_millis(1));
        }
        None
    }

    /// What is open at `at`, from then on.
    fn open(&self, zone: &Zone, at: Millis) -> Option<Open> {
        if self.blackouts.iter().any(|days| days.covers(zone, at)) {
            return None;
        }
        let by_windows = if self.windows.is_empty() {
            None
        } else {
            let closes = self.close(zone, at);
            if closes <= at {
                return None;
            }
            Some(closes)
        };
        let begins = self
            .blackouts
            .iter()
            .filter_map(|days| days.begin(zone, at));
        let first = begins.chain(by_windows).min();
        // Where the windows' own end is not known, a later one must not be told instead.
        let closes = first.filter(|closes| *closes < at + LOOK_AHEAD);
        Some(Open { opens: at, closes })
    }

    /// When all that are open at `at`, and those that follow on them, are closed; `at` where none is
    /// open.
    fn close(&self, zone: &Zone, at: Millis) -> Millis {
        let mut closes = at;
        while closes < at + LOOK_AHEAD {
            let windows = self.windows.iter();
            let later = windows.filter_map(|window| window.latest_close(zone, closes));
            match later.max().filter(|later| *later > closes) {
                Some(later) => closes = later,
                None => break,
            }
        }
        closes
    }
}
