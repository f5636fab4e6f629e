//! Schedules as cron patterns.
//!
//! `croner` reads a pattern and says which days fit it. Its search for the next time is not used: over
//! instants it repeats what clocks show twice (`0 * * * *` runs at both 02:00 of an autumn night) and
//! leaves out what they skip for some patterns and not for others, and for a pattern without any time it
//! takes seconds. Here civil days are walked, and [`super::Zone::instant`] alone knows of the clocks.

use std::fmt;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CronDateTime as _, CronPattern};
use jiff::civil::{Date, DateTime, Time, date};

use super::error::ScheduleError;

const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// In 28 years every date has been every day of the week, leap days included.
const ALL_CALENDARS: (Date, Date) = (date(2000, 1, 1), date(2028, 1, 1));

/// The longest wait for a day that fits: 29 February on one day of the week, around a year such as 2100
/// that is no leap year.
const LONGEST_WAIT_YEARS: i16 = 41;

/// A cron pattern of five fields, in a device's civil time, with names (`SAT`, `JAN`), `L`, `W`, `#` and
/// `+` as croner has them.
#[derive(Clone)]
pub struct Cron {
    text: String,
    fields: [String; 5],
    days: CronPattern,
    hours: Vec<i8>,
    minutes: Vec<i8>,
}

impl Cron {
    /// Reads `text`; a pattern that would never run is an error.
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields = fields_of(&text)?;
        let pattern = match read(&fields.join(" ")) {
            Ok(pattern) if !fields.iter().any(|field| has_gap(field)) => pattern,
            _ => return Err(first_error(text, &fields)),
        };
        let cron = Self {
            hours: numbers(&pattern.hours.values()),
            minutes: numbers(&pattern.minutes.values()),
            days: pattern,
            fields,
            text,
        };
        if cron.hours.is_empty() || cron.minutes.is_empty() || !cron.fits_some_day() {
            return Err(ScheduleError::Never(cron.text));
        }
        Ok(cron)
    }

    /// The first time after `after` that fits.
    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let today = after.date();
        if self.fits(today)
            && let Some(time) = self.time_after(after.time())
        {
            return Some(today.to_datetime(time));
        }
        let (mut day, last_year) = (today, today.year() + LONGEST_WAIT_YEARS);
        loop {
            day = if self.fits_month(day) {
                day
            } else {
                day.last_of_month()
            };
            day = day.tomorrow().ok().filter(|day| day.year() <= last_year)?;
            if self.fits(day) {
                return Some(day.to_datetime(time(self.hours.first(), self.minutes.first())?));
            }
        }
    }

    /// The last time up to and with `until` that fits.
    pub(super) fn latest(&self, until: DateTime) -> Option<DateTime> {
        let today = until.date();
        if self.fits(today)
            && let Some(time) = self.time_until(until.time())
        {
            return Some(today.to_datetime(time));
        }
        let (mut day, first_year) = (today, today.year() - LONGEST_WAIT_YEARS);
        loop {
            day = if self.fits_month(day) {
                day
            } else {
                day.first_of_month()
            };
            day = day
                .yesterday()
                .ok()
                .filter(|day| day.year() >= first_year)?;
            if self.fits(day) {
                return Some(day.to_datetime(time(self.hours.last(), self.minutes.last())?));
            }
        }
    }

    /// The first time of a day that fits and is later than `after`.
    fn time_after(&self, after: Time) -> Option<Time> {
        let after = (after.hour(), after.minute());
        let mut hours = self.hours.iter().filter(|hour| **hour >= after.0);
        hours.find_map(|hour| {
            let mut minutes = self.minutes.iter();
            time(Some(hour), minutes.find(|minute| (*hour, **minute) > after))
        })
    }

    /// The last time of a day that fits and is not later than `until`.
    fn time_until(&self, until: Time) -> Option<Time> {
        let until = (until.hour(), until.minute());
        let mut hours = self.hours.iter().rev().filter(|hour| **hour <= until.0);
        hours.find_map(|hour| {
            let mut minutes = self.minutes.iter().rev();
            time(
                Some(hour),
                minutes.find(|minute| (*hour, **minute) <= until),
            )
        })
    }

    fn fits_month(&self, day: Date) -> bool {
        let month = u32::from(day.month().unsigned_abs());
        self.days.month_match(month).unwrap_or(false)
    }

    fn fits(&self, day: Date) -> bool {
        let (month, of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        let weekday = day.to_datetime(Time::midnight()).civil_weekday();
        let year = i32::from(day.year());
        self.fits_month(day)
            && self
                .days
                .day_match(year, month.into(), of_month.into(), weekday)
                .unwrap_or(false)
    }

    fn fits_some_day(&self) -> bool {
        let (first, end) = ALL_CALENDARS;
        first
            .series(jiff::Span::new().days(1))
            .take_while(|day| *day < end)
            .any(|day| self.fits(day))
    }

    pub(super) fn fields(&self) -> &[String; 5] {
        &self.fields
    }

    pub(super) fn hours(&self) -> &[i8] {
        &self.hours
    }

    pub(super) fn minutes(&self) -> &[i8] {
        &self.minutes
    }

    pub(super) fn months(&self) -> Vec<i8> {
        numbers(&self.days.months.values())
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.text).finish()
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn time(hour: Option<&i8>, minute: Option<&i8>) -> Option<Time> {
    Time::new(*hour?, *minute?, 0, 0).ok()
}

/// What croner makes of five fields.
pub(super) fn read(five_fields: &str) -> Result<CronPattern, String> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(five_fields)
        .map(|cron| cron.pattern)
        .map_err(|error| match error {
            CronError::InvalidPattern(cause)
            | CronError::IllegalCharacters(cause)
            | CronError::ComponentError(cause) => cause,
            error => error.to_string(),
        })
}

fn fields_of(text: &str) -> Result<[String; 5], ScheduleError> {
    let spelled_out = match text.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * SUN",
        "@daily" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => text,
    };
    let fields: Vec<String> = spelled_out.split_whitespace().map(str::to_owned).collect();
    fields
        .try_into()
        .map_err(|fields: Vec<String>| ScheduleError::Fields {
            pattern: text.to_owned(),
            fields: fields.len(),
        })
}

/// Whether a comma has nothing beside it, which croner takes.
fn has_gap(field: &str) -> bool {
    field.split(',').any(str::is_empty)
}

/// What is wrong with a pattern: each field is read with nothing else said, so that the error names it.
fn first_error(pattern: String, fields: &[String; 5]) -> ScheduleError {
    for (index, value) in fields.iter().enumerate() {
        let mut alone = ["*"; 5];
        alone[index] = value;
        let cause = if has_gap(value) {
            "it has a comma with nothing beside it".to_owned()
        } else if let Err(cause) = read(&alone.join(" ")) {
            cause
        } else {
            continue;
        };
        return ScheduleError::Field {
            pattern,
            field: FIELDS[index],
            value: value.clone(),
            cause: cause.trim_end_matches('.').to_owned(),
        };
    }
    ScheduleError::Never(pattern)
}

fn numbers(values: &[u16]) -> Vec<i8> {
    values
        .iter()
        .filter_map(|value| i8::try_from(*value).ok())
        .collect()
}
