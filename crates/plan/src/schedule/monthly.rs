//! Schedules as 'second Tuesday + 3 days at 02:00'.

use std::fmt;

use jiff::Span;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::error::ScheduleError;
use super::words;

/// The most days that may be added.
const MAX_PLUS_DAYS: u8 = 31;

/// A fifth one of a weekday comes at least once in this many months.
const LONGEST_WAIT_MONTHS: usize = 6;

/// Which one of a weekday in a month, as jiff counts them, and its names.
const NTHS: [(i8, &str, &str); 6] = [
    (1, "first", "1st"),
    (2, "second", "2nd"),
    (3, "third", "3rd"),
    (4, "fourth", "4th"),
    // Months without one are left out.
    (5, "fifth", "5th"),
    // Be it the fourth or the fifth.
    (-1, "last", "last"),
];

const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
    (Weekday::Saturday, "Saturday"),
    (Weekday::Sunday, "Sunday"),
];

/// A weekday of each month, some days later, at a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monthly {
    nth: i8,
    weekday: Weekday,
    plus_days: u8,
    at: Time,
}

impl Monthly {
    /// Whether `text` begins as one of these, so that its errors are told in these words.
    pub(super) fn is_meant(text: &str) -> bool {
        text.split_whitespace()
            .next()
            .is_some_and(|word| nth(word).is_some())
    }

    /// Reads 'second Tuesday at 02:00' and 'last Fri + 2 days at 22:30'.
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleError> {
        Self::read(text).map_err(|cause| ScheduleError::Monthly {
            text: text.trim().to_owned(),
            cause,
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let spaced = text.replace('+', " + ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let (which, day, plus, at) = match words.as_slice() {
            [which, day, at, time] if is(at, "at") => (which, day, None, time),
            [which, day, "+", plus, unit, at, time] if is(at, "at") && is_days(unit) => {
                (which, day, Some(plus), time)
            }
            _ => return Err("it has not that form".to_owned()),
        };
        Ok(Self {
            nth: nth(which).ok_or_else(|| format!("'{which}' is not first to fifth, nor last"))?,
            weekday: weekday(day).ok_or_else(|| format!("'{day}' is no day of the week"))?,
            plus_days: plus.map_or(Ok(0), |plus| days(plus))?,
            at: time_of_day(at).ok_or_else(|| format!("'{at}' is no time from 00:00 to 23:59"))?,
        })
    }

    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let mut month = self.month_for(after)?;
        for _ in 0..=LONGEST_WAIT_MONTHS {
            if let Some(found) = self.in_month(month).filter(|found| *found > after) {
                return Some(found);
            }
            month = month.last_of_month().tomorrow().ok()?;
        }
        None
    }

    pub(super) fn latest(&self, until: DateTime) -> Option<DateTime> {
        let mut month = self.month_for(until)?;
        for _ in 0..=LONGEST_WAIT_MONTHS {
            if let Some(found) = self.in_month(month).filter(|found| *found <= until) {
                return Some(found);
            }
            month = month.yesterday().ok()?.first_of_month();
        }
        None
    }

    /// The month whose day may have come by `at` and whose next month's has not, as its first day.
    fn month_for(&self, at: DateTime) -> Option<Date> {
        let day = at.date().checked_sub(self.days_later()).ok()?;
        Some(day.first_of_month())
    }

    fn days_later(&self) -> Span {
        Span::new().days(i64::from(self.plus_days))
    }

    fn in_month(&self, month: Date) -> Option<DateTime> {
        let day = month.nth_weekday_of_month(self.nth, self.weekday).ok()?;
        let day = day.checked_add(self.days_later()).ok()?;
        Some(day.to_datetime(self.at))
    }

    /// 'second Tuesday + 3 days', and the time of day.
    pub(super) fn parts(&self) -> (String, Time) {
        let nth = NTHS.iter().find(|row| row.0 == self.nth);
        let weekday = WEEKDAYS.iter().find(|row| row.0 == self.weekday);
        let mut text = format!(
            "{} {}",
            nth.map_or("", |row| row.1),
            weekday.map_or("", |row| row.1)
        );
        match self.plus_days {
            0 => {}
            1 => text.push_str(" + 1 day"),
            days => text = format!("{text} + {days} days"),
        }
        (text, self.at)
    }
}

impl fmt::Display for Monthly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, at) = self.parts();
        write!(f, "{day} at {}", words::time_of_day(at))
    }
}

fn nth(word: &str) -> Option<i8> {
    NTHS.iter()
        .find(|(_, name, short)| is(word, name) || is(word, short))
        .map(|row| row.0)
}

/// A day of the week by its English name or the first three letters of it.
fn weekday(word: &str) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(_, name)| is(word, name) || is(word, &name[..3]))
        .map(|row| row.0)
}

fn days(word: &str) -> Result<u8, String> {
    word.parse()
        .ok()
        .filter(|days| *days <= MAX_PLUS_DAYS)
        .ok_or_else(|| format!("'{word}' is no number of days from 0 to {MAX_PLUS_DAYS}"))
}

/// 'HH:MM', and nothing else that looks like a time.
fn time_of_day(word: &str) -> Option<Time> {
    let (hour, minute) = word.split_once(':')?;
    let number = |text: &str| -> Option<i8> {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn is(word: &str, name: &str) -> bool {
    word.eq_ignore_ascii_case(name)
}

fn is_days(word: &str) -> bool {
    is(word, "day") || is(word, "days")
}
