//! One row against one package.

use std::cmp::{Ordering, Reverse};

use fleetmend_model::patch::Confidence;
use fleetmend_versions::display;

use super::candidate::{Candidate, Merits, Reach};
use super::left_over::{LeftOver, left_over};
use super::maker::{self, Maker};
use super::repackaged::Standing;
use super::row::Part;
use super::{NameIndex, Row};
use crate::identity::{Claim, Fit, Identity, Line, OwnName, Source, Trait};
use crate::normal::{Channel, channel_word, is_edition, number_parts};

/// A part of a row's name that is a name of a package.
pub(super) struct Judging<'a> {
    pub(super) index: &'a NameIndex,
    pub(super) row: &'a Row,
    pub(super) part: &'a Part,
    pub(super) package: u32,
    pub(super) identity: &'a Identity,
    /// Those names of the package that are equal to the part.
    pub(super) names: Vec<&'a OwnName>,
    /// Whether the package's own pattern fits the row.
    pub(super) by_pattern: bool,
}

/// What [`Judging`] found, for what speaks against it.
pub(super) struct Found<'a> {
    pub(super) maker: Maker,
    /// The name that leaves the least out.
    pub(super) own: &'a OwnName,
    /// Words of that name that the row has not.
    pub(super) lacks: Vec<&'a str>,
    pub(super) left_over: LeftOver,
    /// Whether the row says nothing of the package's lines.
    pub(super) is_line_open: bool,
    pub(super) channels_meet: bool,
}

impl<'a> Judging<'a> {
    /// `None` where it is surely another one, or too far from it to be shown to a person.
    pub(super) fn judge(&self) -> Option<Candidate> {
        let found = self.find()?;
        let doubt = self.doubt(&found);
        let is_sure = doubt.is_none() && found.left_over.unexplained.is_empty();
        if !is_sure && !self.is_worth_a_look(&found) {
            return None;
        }
        Some(Candidate {
            package: self.package,
            confidence: if is_sure {
                Confidence::Strong
            } else {
                Confidence::Weak
            },
            source: found.own.source,
            by_pattern: self.by_pattern,
            maker: found.maker,
            doubt,
            channel: self.identity.channel,
            is_copy: self.standing() != Standing::Own,
            merits: self.merits(&found),
            unexplained: found.left_over.unexplained,
        })
    }

    fn find(&self) -> Option<Found<'a>> {
        let (row, identity) = (self.row, self.identity);
        // What names the line of the names that it fits has said it.
        let is_line_said = self.claims().any(|it| it.names_line);
        let lines = identity.lines.iter().filter(|_| !is_line_said);
        let fits: Vec<Fit> = lines.map(|it| it.fit(&row.numbers)).collect();
        let is_remark = row.name.channel_is_aside && identity.channel.is_none();
        let channels_meet = channels_meet(row.name.channel, identity.channel)
            || self.is_channel_claimed()
            || (is_remark && self.is_before_one());
        let architectures = row.name.architecture.zip(identity.architecture);
        let is_of_other = architectures.is_some_and(|(row, package)| row != package);
        if fits.contains(&Fit::No) || is_of_other || !(channels_meet || is_remark) {
            return None;
        }
        let maker = maker::compare(self.index, &row.publisher, identity);
        let own = self
            .names
            .iter()
            .min_by_key(|it| (it.lacks.len(), it.source))?;
        let is_said = |word: &str| row.name.words.iter().any(|it| it.text == word);
        let lacks = own.lacks.iter().map(String::as_str);
        Some(Found {
            maker,
            own,
            lacks: lacks
                .filter(|it| !is_said(it) && !self.is_said_by_publisher(it))
                .collect(),
            left_over: left_over(row, self.part, identity, maker, self.by_pattern),
            is_line_open: fits.contains(&Fit::Unknown),
            channels_meet,
        })
    }

    /// The package's patterns that fit and say more than where the name begins.
    fn claims(&self) -> impl Iterator<Item = &'a Claim> {
        let row = self.row;
        let claims = self.identity.claims.iter().filter(|_| self.by_pattern);
        claims.filter(|it| it.fits(&row.text))
    }

    /// Whether a pattern of the package is the row's name word for word.
    pub(super) fn is_claimed_exactly(&self) -> bool {
        self.claims().any(|it| it.is_exact)
    }

    /// `Microsoft Edge Beta`, word for word, of a package that calls itself `Insider`.
    fn is_channel_claimed(&self) -> bool {
        let name = &self.row.name;
        let is_name = || {
            let first = name.words.first();
            first.is_some_and(|it| channel_word(&it.text) == self.identity.channel)
        };
        let says_one = name.channel.is_some() || (self.identity.channel.is_some() && is_name());
        says_one && self.is_claimed_exactly()
    }

    /// A maker whose versions all begin with 0 may call them `(Preview)` in passing.
    fn is_before_one(&self) -> bool {
        let row = self.row.numbers.major();
        self.by_pattern && row == Some("0") && self.package_major() == Some("0")
    }

    /// The first number of the package's version.
    pub(super) fn package_major(&self) -> Option<&'a str> {
        number_parts(&self.identity.version).first().copied()
    }

    /// `Oracle JDK` registers as `JDK` by Oracle.
    fn is_said_by_publisher(&self, word: &str) -> bool {
        !is_edition(word)
            && self.identity.author_words.contains(word)
            && self.row.publisher.telling().any(|it| it == word)
    }

    /// Whether the whole of the row is the package's name from that source.
    pub(super) fn is_whole(&self, found: &Found, source: Source) -> bool {
        let mut names = self.names.iter();
        found.left_over.count == 0 && names.any(|it| it.source == source && it.lacks.is_empty())
    }

    pub(super) fn standing(&self) -> Standing {
        self.index.standing(self.package, self.identity)
    }

    fn merits(&self, found: &Found) -> Merits {
        let identity = self.identity;
        let is_claimed = self.by_pattern
            && self.is_whole(found, Source::Pattern)
            && identity.is(Trait::CalledLikePatterns);
        let against = [
            Trait::Retired,
            Trait::ForArchitecture,
            Trait::Untitled,
            Trait::Portable,
        ];
        let order = display::compare(&self.row.registered, &identity.version);
        Merits {
            narrowness: identity.lines.iter().map(Line::narrowness).sum(),
            says_channel: self.row.name.channel == identity.channel,
            is_ordinary: self.standing() == Standing::Own
                && !against.into_iter().any(|it| identity.is(it)),
            left_out: Reverse(found.left_over.count + found.lacks.len()),
            unused: Reverse(self.part.used.iter().filter(|used| !**used).count()),
            reach: if order.is_none_or(Ordering::is_gt) && self.is_of_later_major() {
                Reach::BelowRow
            } else {
                Reach::Row
            },
            strength: if is_claimed || self.is_whole(found, Source::Id) {
                3
            } else if self.is_whole(found, Source::Title) {
                2
            } else {
                1
            },
            is_up_to_row: order != Some(Ordering::Greater),
        }
    }

    /// Whether the first number of the row's version is one that the package has never been at.
    fn is_of_later_major(&self) -> bool {
        let number = |it: Option<&str>| it.and_then(|it| it.parse::<u64>().ok());
        number(self.row.numbers.major()) > number(self.package_major())
    }
}

/// Whether the row may be of the package's channel. Long-term support is mostly not said.
pub(super) fn channels_meet(row: Option<Channel>, package: Option<Channel>) -> bool {
    row == package || (row.is_none() && package == Some(Channel::LongTerm))
}
