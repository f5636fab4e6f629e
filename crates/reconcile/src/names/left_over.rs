//! The words of a row that are not the package's name, and what explains them.

use super::Row;
use super::maker::Maker;
use super::row::Part;
use crate::identity::{Identity, is_year};
use crate::normal::{is_component, is_edition, is_legal_form, is_platform, is_silent, is_soft};

/// The row's words outside of a part, but for versions and the maker's name.
pub(super) struct LeftOver {
    /// Those that nothing explains.
    pub(super) unexplained: Vec<String>,
    /// How many there are, explained or not.
    pub(super) count: usize,
    /// Whether one names an edition, and the package is another one by its own name.
    pub(super) is_other_edition: bool,
    /// Whether one says what kind of program it is, and the package's own name does not.
    pub(super) says_kind: bool,
}

/// What a part leaves over of a row, against what a package says of itself.
pub(super) fn left_over(
    row: &Row,
    part: &Part,
    identity: &Identity,
    maker: Maker,
    by_pattern: bool,
) -> LeftOver {
    let mut unexplained = Vec::new();
    let mut count = 0;
    let mut is_other_edition = false;
    let mut says_kind = false;
    let has_edition = identity.own_words.iter().any(|it| is_edition(it));
    let is_description = is_description(row);
    let is_by_maker = maker == Maker::Same;
    // Nobody else is named, and the package's own pattern fits.
    let is_likely = is_by_maker || (maker == Maker::Silent && by_pattern);
    let first = part.used.iter().position(|used| *used).unwrap_or(0);
    for (at, word) in row.name.words.iter().enumerate() {
        if part.used[at] {
            continue;
        }
        let text = word.text.as_str();
        let is_of_line = word.is_number()
            && (row.numbers.explains(text)
                || identity.lines.iter().any(|it| it.is_named_by(text))
                || is_platform(&row.name, at)
                || is_width_behind(row, at)
                || (is_by_maker && part.is_year_free && is_year(text)));
        if is_of_line {
            continue;
        }
        // Only the package's own word says who makes it: the publisher's words behind the name may be
        // the rest of another product's, and before it those of a stranger make it the stranger's, but
        // for what a dash sets off.
        let is_set_off = !word.behind && row.name.words.get(first).is_some_and(|it| it.behind);
        let is_maker = identity.maker_words.contains(text)
            || ((is_by_maker || is_set_off)
                && at < first
                && row.publisher.words().iter().any(|it| it == text));
        is_other_edition |= has_edition && is_edition(text) && !identity.own_words.contains(text);
        says_kind |= is_soft(text) && !is_edition(text) && !identity.own_words.contains(text);
        let is_credit = is_credit(row, at, identity);
        let is_before = at < first && (text == "gnu" || (at > 0 && is_legal_form(text)));
        if is_silent(text, is_likely)
            || is_credit
            || is_before
            || (is_maker && (at < first || is_by_maker))
            || (maker >= Maker::Silent && is_framework_installer(row, at))
        {
            count += usize::from(!is_maker);
            continue;
        }
        count += 1;
        let is_own = identity.own_words.contains(text)
            || ((is_by_maker || by_pattern)
                && identity.tags.contains(text)
                && !is_component(text)
                && !is_edition(text));
        let is_code_name = word.aside && is_hash(text);
        let is_described = is_description && word.behind;
        if !(is_own || is_code_name || is_described) {
            unexplained.push(text.to_owned());
        }
    }
    LeftOver {
        unexplained,
        count,
        is_other_edition,
        says_kind,
    }
}

/// What frameworks call the installer that puts an application on a machine for all its users.
/// Source: Squirrel.Windows's template for MSIs, as it was and as it is.
const FRAMEWORK_INSTALLERS: [&[&str]; 2] =
    [&["machine", "wide", "installer"], &["deployment", "tool"]];

/// Whether the word is of such a phrase at the name's end.
fn is_framework_installer(row: &Row, at: usize) -> bool {
    let words = &row.name.words;
    FRAMEWORK_INSTALLERS.iter().any(|phrase| {
        let start = words.len().checked_sub(phrase.len());
        start.is_some_and(|start| {
            let end = words[start..].iter().map(|it| it.text.as_str());
            start > 0 && at >= start && end.eq(phrase.iter().copied())
        })
    })
}

/// The first word of `from Google`, where that is the maker.
fn is_credit(row: &Row, at: usize, identity: &Identity) -> bool {
    let next = row.name.words.get(at + 1);
    matches!(row.name.words[at].text.as_str(), "from" | "by")
        && next.is_some_and(|it| identity.maker_words.contains(&it.text))
}

/// `64` at a name's end is not always followed by `bit`.
fn is_width_behind(row: &Row, at: usize) -> bool {
    let is_last = at > 0 && at + 1 == row.name.words.len();
    is_last && matches!(row.name.words[at].text.as_str(), "32" | "64")
}

/// Whether what stands behind a dash describes: a whole sentence does, unless it names a component by
/// its first or last word. In `maker - product - sentence` it may name anything.
fn is_description(row: &Row) -> bool {
    const SENTENCE: usize = 4;
    let behind: Vec<&str> = row
        .name
        .words
        .iter()
        .filter(|it| it.behind)
        .map(|it| it.text.as_str())
        .collect();
    let names_component = || {
        let ends = [behind.first(), behind.last()].into_iter().flatten();
        ends.copied().any(is_component)
    };
    behind.len() >= SENTENCE && (begins_with_publisher(row) || !names_component())
}

/// Whether all words before the first dash are the publisher's.
fn begins_with_publisher(row: &Row) -> bool {
    let mut before = row.name.words.iter().filter(|it| !it.behind).peekable();
    let publisher = row.publisher.words();
    before.peek().is_some()
        && before.all(|it| publisher.contains(&it.text) || is_legal_form(&it.text))
}

/// A commit's hash.
fn is_hash(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
