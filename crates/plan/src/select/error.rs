use core::net::IpAddr;

use super::MOST_SELECTORS;
use super::pattern::LONGEST_PATTERN;

/// Why nobody can be selected so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A pattern without a character.
    #[error("the pattern is empty: * fits every name")]
    EmptyPattern,
    /// A pattern that nobody wrote by hand.
    #[error("a pattern has at most {LONGEST_PATTERN} characters")]
    LongPattern,
    /// Text between slashes that is no regular expression.
    #[error("/{pattern}/ is no regular expression that can be used: {cause}")]
    Regex {
        /// What stands between the slashes.
        pattern: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Text that is no network.
    #[error("'{0}' is neither an address nor a network: write 10.1.0.0/16 or 2001:db8::/32")]
    Network(String),
    /// An address inside of a network where the network's own was meant.
    #[error("'{text}' has more bits than its first {length}: write the network's first address")]
    BehindNetwork {
        /// As it was given.
        text: String,
        /// How long the network's part is.
        length: u8,
    },
    /// Two addresses that no range has.
    #[error("there are no addresses from {from} to {to}")]
    Range {
        /// The first.
        from: IpAddr,
        /// The last.
        to: IpAddr,
    },
    /// More than a person can survey.
    #[error("at most {MOST_SELECTORS} conditions can be given")]
    TooMany,
}
