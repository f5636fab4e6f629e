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
        || package.maker_keys.iter().any(|it| is_within(it, &key))
        || package.names.iter().any(|it| it.key == key);
    if is_same {
        Maker::Same
    } else if index.knows_maker(publisher) {
        Maker::Other
    } else {
        Maker::Stranger
    }
}

/// `OpenMedia` and `Open Media LLC`, `Famatech` and `Famatech Corp.`
fn is_within(a: &str, b: &str) -> bool {
    const LEAST: usize = 5;
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    a == b || (short.chars().count() >= LEAST && long.contains(short))
}
