//! When something is due, in the civil time of each device.
//!
//! A schedule gives civil times, and each of them is due once, whatever clocks do: [`Zone::instant`]
//! says when. A time that clocks skip is due when they skip it, and one that they show twice when they
//! show it first. So a schedule for each hour is due one hour less in spring, and in autumn there are
//! two hours between two of its times once.

mod cron;
mod error;
mod monthly;
mod words;
mod zone;

use std::fmt;
use std::str::FromStr;

use fleetmend_model::Millis;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

pub use cron::Cron;
pub use error::ScheduleError;
pub use monthly::Monthly;
pub use zone::Zone;

/// The longest text that is read as a schedule.
const MAX_TEXT: usize = 200;

/// When something is due. As text, and in JSON: `off`, a cron pattern (`0 2 * * SAT`), or
/// `second Tuesday + 3 days at 02:00`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Never.
    #[default]
    Off,
    /// By a cron pattern.
    Cron(Box<Cron>),
    /// By a weekday of the month, and days after it.
    Monthly(Monthly),
}

impl Schedule {
    /// The first time after `after` that it is due on a device in `zone`.
    pub fn next(&self, zone: &Zone, after: Millis) -> Option<Millis> {
        self.runs(zone, after).next().map(|(_, at)| at)
    }

    /// The last time up to and with `until` that it was due.
    pub fn latest(&self, zone: &Zone, until: Millis) -> Option<Millis> {
        zone.instant(self.latest_civil(zone, until)?)
    }

    /// Every time after `after` that it is due, in order, none twice. Without end, but for `Off`.
    pub fn occurrences(&self, zone: &Zone, after: Millis) -> impl Iterator<Item = Millis> {
        let mut last = None;
        self.runs(zone, after)
            .map(|(_, at)| at)
            .filter(move |at| last.replace(*at) != Some(*at))
    }

    /// Every time after `after`, up to and with `until`. Rounds that ask from where the one before
    /// ended miss none and see none twice.
    pub fn between(
        &self,
        zone: &Zone,
        after: Millis,
        until: Millis,
    ) -> impl Iterator<Item = Millis> {
        self.occurrences(zone, after)
            .take_while(move |at| *at <= until)
    }

    /// For a person: 'second Tuesday + 3 days, 02:00 device time'.
    pub fn in_words(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::Cron(cron) => format!("{} device time", words::of_cron(cron)),
            Self::Monthly(monthly) => {
                let (day, at) = monthly.parts();
                format!("{day}, {} device time", words::time_of_day(at))
            }
        }
    }

    /// The civil times that are due after `after`, each with its instant, which never decreases.
    pub(crate) fn runs(
        &self,
        zone: &Zone,
        after: Millis,
    ) -> impl Iterator<Item = (DateTime, Millis)> {
        let first = zone.civil(after);
        let civil = std::iter::successors(first, |civil| self.next_civil(*civil)).skip(1);
        civil
            .map_while(|civil| Some((civil, zone.instant(civil)?)))
            // What clocks show a second time was due before.
            .skip_while(move |(_, at)| *at <= after)
    }

    /// The last civil time that was due by `until`.
    pub(crate) fn latest_civil(&self, zone: &Zone, until: Millis) -> Option<DateTime> {
        let shown = zone.civil(until)?;
        // While clocks show times for the second time, later ones have been shown before.
        std::iter::successors(self.next_civil(shown), |civil| self.next_civil(*civil))
            .take_while(|civil| zone.instant(*civil).is_some_and(|at| at <= until))
            .last()
            .or_else(|| match self {
                Self::Off => None,
                Self::Cron(cron) => cron.latest(shown),
                Self::Monthly(monthly) => monthly.latest(shown),
            })
    }

    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        match self {
            Self::Off => None,
            Self::Cron(cron) => cron.next(after),
            Self::Monthly(monthly) => monthly.next(after),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ScheduleError::Empty);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(ScheduleError::TooLong(MAX_TEXT));
        }
        if let Some(odd) = text.chars().find(|c| !(c.is_ascii_graphic() || *c == ' ')) {
            return Err(ScheduleError::Character(odd.escape_debug().to_string()));
        }
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        if Monthly::is_meant(text) {
            return Monthly::parse(text).map(Self::Monthly);
        }
        Ok(Self::Cron(Box::new(Cron::parse(text)?)))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Cron(cron) => cron.fmt(f),
            Self::Monthly(monthly) => monthly.fmt(f),
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}
