//! What a pattern says of the names that it fits beyond that they are the package's.

use super::line;
use crate::normal::Name;
use crate::pattern::Pattern;

/// A pattern that says more than where a name begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pattern: Pattern,
    /// Whether it is a registered name word for word.
    pub(crate) is_exact: bool,
    /// Whether it names the line of versions.
    pub(crate) names_line: bool,
}

impl Claim {
    pub(super) fn of(pattern: &Pattern) -> Option<Self> {
        let claim = Self {
            is_exact: !pattern.text.contains(['*', '?']),
            names_line: names_line(&Name::of(&pattern.without_wildcards(), "")),
            pattern: pattern.clone(),
        };
        (claim.is_exact || claim.names_line).then_some(claim)
    }

    pub(crate) fn fits(&self, name: &str) -> bool {
        self.pattern.fits(name)
    }
}

/// `2013`, `3.11`, `v14` behind the first word.
fn names_line(name: &Name) -> bool {
    let is_marked = |text: &str| {
        let number = text.strip_prefix('v').unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut behind = name.words.iter().skip(1);
    !line::lines(name).is_empty() || behind.any(|it| is_marked(&it.text))
}
