//! A package that a row may be, and what decides between several.

use std::cmp::Reverse;

use fleetmend_model::patch::Confidence;

use super::maker::Maker;
use crate::identity::Source;
use crate::normal::Channel;

/// A package that a row may be.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) package: u32,
    pub(crate) confidence: Confidence,
    /// The source of the name that fits.
    pub(crate) source: Source,
    /// Whether the package's own pattern fits the row.
    pub(crate) by_pattern: bool,
    pub(crate) maker: Maker,
    /// Words of the row that nothing explains.
    pub(crate) unexplained: Vec<String>,
    /// What else speaks against it, in a sentence's part.
    pub(crate) doubt: Option<&'static str>,
    /// The package's line of releases, where it has one of its own.
    pub(crate) channel: Option<Channel>,
    /// Whether the package brings another's software again.
    pub(crate) is_copy: bool,
    pub(super) merits: Merits,
}

/// What decides between packages that are equally sure: the first difference counts, the more the
/// better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Merits {
    /// How narrow the lines are that the package is bound to.
    pub(super) narrowness: usize,
    /// Whether the row says the package's channel.
    pub(super) says_channel: bool,
    /// Neither given up, nor for one architecture, nor a copy of another package.
    pub(super) is_ordinary: bool,
    /// Words that the row or the package's name has and the other has not, explained or not.
    pub(super) left_out: Reverse<usize>,
    /// Words of the row that are not the package's name.
    pub(super) unused: Reverse<usize>,
    /// Whether the package has been at the first number of the row's version, or at a later one.
    pub(super) reach: Reach,
    /// 3 where the whole name is the package's id or what its pattern claims, 2 where it is its title.
    pub(super) strength: u8,
    /// The package has been at the row's version or a later one.
    pub(super) is_up_to_row: bool,
}

/// How far a package's versions reach by their first number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    BelowRow,
    Row,
}

/// What decides between packages: how sure each is, then its merits.
pub(crate) type Rank = (Confidence, Reverse<usize>, Maker, Merits);

impl Candidate {
    pub(crate) fn rank(&self) -> Rank {
        let unexplained = Reverse(self.unexplained.len());
        (self.confidence, unexplained, self.maker, self.merits)
    }

    /// Whether the package has been at the row's version or a later one.
    pub(crate) fn is_up_to_row(&self) -> bool {
        self.merits.is_up_to_row
    }

    /// Whether the package is long-term support and the row does not say so.
    pub(crate) fn is_unsaid_long_term(&self) -> bool {
        self.channel == Some(Channel::LongTerm) && !self.merits.says_channel
    }

    /// Whether it accounts for as many words of the row as another one.
    pub(crate) fn says_as_much_as(&self, other: &Self) -> bool {
        self.merits.left_out >= other.merits.left_out
    }
}
