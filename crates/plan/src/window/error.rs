//! What may be wrong with windows and days without changes that a person wrote.

use jiff::civil::Date;

/// Why something is no window or no days without changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Its schedule is off.
    #[error("a window needs a schedule: with 'off' it would never open")]
    NeverOpens,
    /// It is too short or too long.
    #[error("a window of {minutes} minutes: it may last from {shortest} to {longest} minutes")]
    Minutes {
        /// As it was written.
        minutes: u32,
        /// The fewest.
        shortest: u32,
        /// The most.
        longest: u32,
    },
    /// A date cannot be read.
    #[error("'{0}' is no date: write it as 2026-12-24")]
    Date(String),
    /// The last day is before the first.
    #[error("the days without changes end on {to}, before they begin on {from}")]
    EndsBefore {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
    /// There are too many of them.
    #[error("{days} days without changes: {most} at most; switch the policy off instead")]
    TooManyDays {
        /// How many.
        days: i64,
        /// The most.
        most: i32,
    },
}
