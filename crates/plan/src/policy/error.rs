/// Why settings cannot be kept to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A number out of its range.
    #[error("{name} is {value}: from {least} to {most} is possible")]
    Within {
        /// Which setting.
        name: &'static str,
        /// What was given.
        value: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// More than a person can survey.
    #[error("{name} has at most {most} entries")]
    TooMany {
        /// Which setting.
        name: &'static str,
        /// The most.
        most: usize,
    },
    /// A deadline before the end of the first start.
    #[error(
        "a deploy job must end within {deadline} seconds, and one start of an installer may take \
         {start}: nothing could ever start. Set a longer deadline"
    )]
    NothingCouldStart {
        /// The deadline.
        deadline: u64,
        /// What a start takes.
        start: u64,
    },
    /// Windows in a place where nobody reads them.
    #[error("the times of restarts are restart_windows: restart.windows has none")]
    RestartWindows,
    /// A ring without a name that can be shown.
    #[error("each ring has a name, of at most 100 characters")]
    RingName,
    /// Two rings of one name.
    #[error("two rings are called '{0}'")]
    RingTwice(String),
    /// A cap that lets nothing through.
    #[error("{0} is 0, and nothing would ever happen: leave it out for no limit")]
    NoCap(&'static str),
}
