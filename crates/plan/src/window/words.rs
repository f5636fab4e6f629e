//! Windows in the words that a person reads.

use fleetmend_model::Millis;
use jiff::civil::DateTime;

use super::{At, Blackout, Open, Window};
use crate::schedule::Zone;

/// From this many days on a date is told with its year.
const DAYS_WITHOUT_YEAR: i32 = 300;

impl Window {
    /// 'second Tuesday + 3 days, 02:00 device time, for 3 h'.
    pub fn in_words(&self) -> String {
        let (hours, minutes) = (self.minutes / 60, self.minutes % 60);
        let length = match (hours, minutes) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        };
        format!("{}, for {length}", self.opens.in_words())
    }
}

impl Open {
    /// 'Sat 28 Nov 02:00–05:00 (Europe/Berlin)', as it is seen at `now`.
    pub fn in_words(&self, zone: &Zone, now: Millis) -> String {
        let (opens, closes) = (zone.civil(self.opens), self.closes.map(|at| zone.civil(at)));
        let now = zone.civil(now);
        let name = zone.name();
        match (opens, closes) {
            (Some(opens), None) => format!("{} ({name})", moment(opens, now)),
            (Some(opens), Some(Some(closes))) if opens.date() == closes.date() => {
                format!("{}–{} ({name})", moment(opens, now), time(closes))
            }
            (Some(opens), Some(Some(closes))) => {
                format!("{} – {} ({name})", moment(opens, now), moment(closes, now))
            }
            _ => format!("at a time that cannot be told ({name})"),
        }
    }
}

impl Blackout {
    /// 'no changes from 2026-12-24 to 2027-01-01 (Year's end)'.
    pub fn in_words(&self) -> String {
        let days = if self.from() == self.to() {
            format!("on {}", self.from())
        } else {
            format!("from {} to {}", self.from(), self.to())
        };
        match self.name() {
            "" => format!("no changes {days}"),
            name => format!("no changes {days} ({name})"),
        }
    }
}

impl At {
    /// What it comes to: 'the next window is Sat 28 Nov 02:00–05:00 (Europe/Berlin)', as it is seen at
    /// `now`.
    pub fn in_words(&self, zone: &Zone, now: Millis) -> String {
        match self {
            Self::Open(open) => match open.closes.and_then(|closes| zone.civil(closes)) {
                None => "open".to_owned(),
                Some(closes) => {
                    let closes = moment(closes, zone.civil(now));
                    format!("open until {closes} ({})", zone.name())
                }
            },
            Self::Closed { next, blackout } => {
                let next = match next {
                    None => "no window comes".to_owned(),
                    Some(next) if next.closes.is_none() => {
                        format!("goes on {}", next.in_words(zone, now))
                    }
                    Some(next) => format!("the next window is {}", next.in_words(zone, now)),
                };
                match blackout {
                    None => next,
                    Some(days) => format!("{}; {next}", days.in_words()),
                }
            }
        }
    }
}

/// 'Sat 28 Nov 02:00', with its year where it is far from `now`.
pub(crate) fn moment(at: DateTime, now: Option<DateTime>) -> String {
    let days = now.map(|now| at.duration_since(now).as_hours() / 24);
    let is_near = days.is_some_and(|days| days.abs() < i64::from(DAYS_WITHOUT_YEAR));
    let format = if is_near {
        "%a %-d %b %H:%M"
    } else {
        "%a %-d %b %Y %H:%M"
    };
    at.strftime(format).to_string()
}

fn time(at: DateTime) -> String {
    at.strftime("%H:%M").to_string()
}
