//! Schedules in the words that a person reads.

use jiff::civil::Time;

use super::cron::{self, Cron};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// As many times of day are listed one by one.
const LISTED_TIMES: usize = 6;

/// croner lists them.
const WORKDAYS: &str = "Monday, Tuesday, Wednesday, Thursday, and Friday";

/// 'Saturday, 02:00', 'every day, every 15 minutes'.
pub(super) fn of_cron(cron: &Cron) -> String {
    let (day, times) = (days(cron), times(cron.hours(), cron.minutes()));
    match months(&cron.months()) {
        None => format!("{day}, {times}"),
        Some(months) => format!("{day} in {months}, {times}"),
    }
}

pub(super) fn time_of_day(time: Time) -> String {
    hour_minute(time.hour(), time.minute())
}

fn hour_minute(hour: i8, minute: i8) -> String {
    format!("{hour:02}:{minute:02}")
}

/// croner's words for the days alone: its words for times and steps say more than is true.
fn days(cron: &Cron) -> String {
    let [_, _, day, _, weekday] = cron.fields();
    let Ok(pattern) = cron::read(&format!("0 0 {day} * {weekday}")) else {
        return cron.to_string();
    };
    let said = pattern.describe();
    let said = said.trim_end_matches('.');
    let Some(said) = said.strip_prefix("At 00:00, on ") else {
        return "every day".to_owned();
    };
    let said = said.replace(WORKDAYS, "Monday to Friday");
    if day.to_ascii_uppercase().contains("LW") {
        return said.replace("the last day of the month", "the last weekday of the month");
    }
    said
}

fn months(months: &[i8]) -> Option<String> {
    let names: Vec<String> = months
        .iter()
        .filter_map(|month| MONTHS.get(usize::try_from(*month).ok()?.checked_sub(1)?))
        .map(|name| (*name).to_owned())
        .collect();
    (names.len() < MONTHS.len()).then(|| list(&names))
}

fn times(hours: &[i8], minutes: &[i8]) -> String {
    if hours.len() * minutes.len() <= LISTED_TIMES {
        let all: Vec<String> = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(|minute| hour_minute(*hour, *minute)))
            .collect();
        return list(&all);
    }
    let within = match (step(minutes, 60), minutes) {
        (Some(1), _) => "every minute".to_owned(),
        (Some(minutes), _) => format!("every {minutes} minutes"),
        (None, [minute]) => format!("at minute {minute}"),
        (None, minutes) => format!("at minutes {}", list(&ranges(minutes))),
    };
    let is_each = step(minutes, 60).is_some();
    match (step(hours, 24), hours) {
        (Some(1), _) if is_each => within,
        (Some(1), _) if minutes == [0] => "every hour".to_owned(),
        (Some(1), _) => format!("{within} of every hour"),
        (Some(hours), _) => format!("{within} of every {} hour", ordinal(hours)),
        (None, [hour]) => format!("{within} of hour {hour}"),
        (None, hours) => format!("{within} of hours {}", list(&ranges(hours))),
    }
}

/// The distance between values that begin at zero and stay apart equally when they begin again.
fn step(values: &[i8], round: usize) -> Option<usize> {
    let apart = round / values.len().max(1);
    let is_even = values.len() > 1
        && apart * values.len() == round
        && values
            .iter()
            .enumerate()
            .all(|(index, value)| usize::try_from(*value) == Ok(index * apart));
    is_even.then_some(apart)
}

fn ordinal(number: usize) -> String {
    match number {
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        number => format!("{number}th"),
    }
}

/// Three and more in a row as one.
fn ranges(values: &[i8]) -> Vec<String> {
    let in_a_row = values.chunk_by(|earlier, later| earlier + 1 == *later);
    in_a_row
        .flat_map(|row| match row {
            [first, _, .., last] => vec![format!("{first}–{last}")],
            row => row.iter().map(i8::to_string).collect(),
        })
        .collect()
}

fn list(items: &[String]) -> String {
    match items {
        [all @ .., before, last] => all
            .iter()
            .chain([&format!("{before} and {last}")])
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        items => items.concat(),
    }
}
