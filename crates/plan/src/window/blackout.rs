//! Days on which nothing is changed.

use std::ops::Range;

use fleetmend_model::Millis;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::error::WindowError;
use crate::schedule::Zone;

/// The most days that one may last.
pub const MAX_DAYS: i32 = 366;

/// Days on which nothing begins, in each device's own dates. In JSON:
/// `{"from": "2026-12-24", "to": "2027-01-01", "name": "Year's end"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Blackout {
    from: Date,
    to: Date,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    from: String,
    to: String,
    #[serde(default)]
    name: String,
}

impl TryFrom<Raw> for Blackout {
    type Error = WindowError;

    fn try_from(raw: Raw) -> Result<Self, WindowError> {
        Self::parse(&raw.from, &raw.to, &raw.name)
    }
}

impl From<Blackout> for Raw {
    fn from(days: Blackout) -> Self {
        Self {
            from: days.from.to_string(),
            to: days.to.to_string(),
            name: days.name,
        }
    }
}

impl Blackout {
    /// From the first to the last of these days, both as 'YYYY-MM-DD'.
    pub fn parse(from: &str, to: &str, name: &str) -> Result<Self, WindowError> {
        Self::new(date(from)?, date(to)?, name)
    }

    /// From the first to the last of these days.
    pub fn new(from: Date, to: Date, name: &str) -> Result<Self, WindowError> {
        if to < from {
            return Err(WindowError::EndsBefore { from, to });
        }
        let days = to.duration_since(from).as_hours() / 24 + 1;
        if days > MAX_DAYS.into() {
            return Err(WindowError::TooManyDays {
                days,
                most: MAX_DAYS,
            });
        }
        Ok(Self {
            from,
            to,
            name: name.trim().to_owned(),
        })
    }

    /// The first of its days.
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last of its days.
    pub fn to(&self) -> Date {
        self.to
    }

    /// What a person calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn covers(&self, zone: &Zone, at: Millis) -> bool {
        self.span(zone).is_some_and(|span| span.contains(&at))
    }

    /// When it begins after `after`; `None` where it does not, or where no clock shows its days.
    pub(super) fn begin(&self, zone: &Zone, after: Millis) -> Option<Millis> {
        let begin = self.span(zone)?.start;
        (begin > after).then_some(begin)
    }

    /// All moments of its days; `None` where no clock shows them.
    fn span(&self, zone: &Zone) -> Option<Range<Millis>> {
        let begin = zone.instant(self.from.to_datetime(Time::midnight()))?;
        let span = begin..self.end(zone)?;
        (!span.is_empty()).then_some(span)
    }

    /// The first moment after it.
    pub(super) fn end(&self, zone: &Zone) -> Option<Millis> {
        zone.instant(self.to.tomorrow().ok()?.to_datetime(Time::midnight()))
    }
}

/// 'YYYY-MM-DD', and nothing else that could be read as a date.
fn date(text: &str) -> Result<Date, WindowError> {
    let is_plain = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| WindowError::Date(text.escape_debug().take(40).collect()))
}
