//! What may be wrong with a schedule that a person wrote.

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There is nothing in it.
    #[error(
        "the schedule is empty: write 'off', a cron pattern such as '0 2 * * SAT', or \
         'second Tuesday + 3 days at 02:00'"
    )]
    Empty,
    /// It is longer than any that means something.
    #[error("the schedule is longer than {0} characters")]
    TooLong(usize),
    /// It has a character that no schedule has, given here escaped.
    #[error("no schedule has the character '{0}' in it")]
    Character(String),
    /// It has not the fields of a cron pattern.
    #[error(
        "a cron pattern has five fields, minute, hour, day of month, month and day of week, such as \
         '0 2 * * SAT'; '{pattern}' has {fields}"
    )]
    Fields {
        /// As it was written.
        pattern: String,
        /// How many it has.
        fields: usize,
    },
    /// One field of a cron pattern cannot be read.
    #[error("'{value}' as the {field} of the cron pattern '{pattern}' cannot be read: {cause}")]
    Field {
        /// The whole pattern.
        pattern: String,
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What was wrong.
        cause: String,
    },
    /// No day fits a cron pattern.
    #[error("the cron pattern '{0}' fits no day at all, so it would never run")]
    Never(String),
    /// It begins like 'second Tuesday' and goes on differently.
    #[error(
        "'{text}' cannot be read: {cause}. Write it as 'second Tuesday at 02:00' or \
         'last Friday + 2 days at 22:30'"
    )]
    Monthly {
        /// As it was written.
        text: String,
        /// What was wrong.
        cause: String,
    },
}
