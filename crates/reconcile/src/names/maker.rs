//! Whether a row's publisher is a package's maker.

use super::NameIndex;
use crate::identity::Identity;
use crate::normal::Publisher;

/// What the publisher says, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Maker {
    /// Somebody whom the catalog knows for other packages.
    Other,
    /// Somebody whom the catalog does not know.
    Stranger,
    /// Nothing.
    Silent,
    /// The package's maker.
    Same,
}

pub(super) fn compare(index: &NameIndex, publisher: &Publisher, package: &Identity) -> Maker {
    if publisher.is_empty() {
        return Maker::Silent;
    }
    let key = publisher.key();
    let shared = publisher
        .telling()
        .filter(|it| package.maker_words.contains(*it));
    let is_first = publisher
        .telling()
        .next()
        .is_some_and(|it| package.maker_words.contains(it));
    // `Team Lidarr`: called by the product alone.
    let mut telling = publisher.telling().peekable();
    let is_product = telling.peek().is_some() && telling.all(|it| package.own_words.contains(it));
    let is_same = is_first
        || is_product
        || shared.count() > 1
        || package.makers.iter().any(|it| are_the_same(it, publisher))
        || package.names.iter().any(|it| it.key == key);
    if is_same {
        Maker::Same
    } else if index.knows_maker(publisher) {
        Maker::Other
    } else {
        Maker::Stranger
    }
}

/// `OpenMedia` and `Open Media LLC`, `Famatech` and `Famatech International`: one is words of the other.
/// A part of a word is none: `OriginLab` is not `Origin`. Nor is a word that many have: `Studio`.
fn are_the_same(a: &Publisher, b: &Publisher) -> bool {
    a.key() == b.key() || has(a, b) || has(b, a)
}

/// Whether words of the first, joined, are the second.
fn has(long: &Publisher, short: &Publisher) -> bool {
    const LEAST: usize = 5;
    let key = short.key();
    let goes_on = |from: usize| {
        let mut joined = String::new();
        long.words()[from..].iter().any(|word| {
            joined.push_str(word);
            joined == key
        })
    };
    key.chars().count() >= LEAST
        && short.telling().next().is_some()
        && (0..long.words().len()).any(goes_on)
}
