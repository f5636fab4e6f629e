//! The words of a row that are not the package's name, and what explains them.

use super::Row;
use super::maker::Maker;
use super::row::Part;
use crate::identity::{Identity, is_year};
use crate::normal::{is_component, is_edition, is_silent};

/// The row's words outside of a part, but for versions and the maker's name.
pub(super) struct LeftOver {
    /// Those that nothing explains.
    pub(super) unexplained: Vec<String>,
    /// How many there are, explained or not.
    pub(super) count: usize,
}

/// What a part leaves over of a row, against what a package says of itself.
pub(super) fn left_over(row: &Row, part: &Part, identity: &Identity, maker: Maker) -> LeftOver {
    let mut unexplained = Vec::new();
    let mut count = 0;
    let is_description = is_description(row);
    let first = part.used.iter().position(|used| *used).unwrap_or(0);
    for (at, word) in row.name.words.iter().enumerate() {
        if part.used[at] {
            continue;
        }
        let text = word.text.as_str();
        let is_of_line = word.is_number()
            && (row.numbers.explains(text)
                || identity.lines.iter().any(|it| it.is_named_by(text))
                || is_platform(row, at)
                || (maker == Maker::Same && part.is_year_free && is_year(text)));
        if is_of_line {
            continue;
        }
        // Behind the name only the package's own word says who makes it: the publisher's words may
        // be the rest of another product's name.
        let is_maker = identity.maker_words.contains(text)
            || (at < first && row.publisher.words().iter().any(|it| it == text));
        if is_silent(text, maker == Maker::Same)
            || (is_maker && (at < first || maker == Maker::Same))
        {
            count += usize::from(!is_maker);
            continue;
        }
        count += 1;
        let is_own = identity.own_words.contains(text)
            || (maker == Maker::Same
                && identity.tags.contains(text)
                && !is_component(text)
                && !is_edition(text));
        let is_code_name = word.aside && is_hash(text);
        let is_described = is_description && word.behind;
        if !(is_own || is_code_name || is_described) {
            unexplained.push(text.to_owned());
        }
    }
    LeftOver { unexplained, count }
}

/// Whether what stands behind a dash describes: a whole sentence does, unless it names a component.
fn is_description(row: &Row) -> bool {
    const SENTENCE: usize = 4;
    let behind: Vec<&str> = row
        .name
        .words
        .iter()
        .filter(|it| it.behind)
        .map(|it| it.text.as_str())
        .collect();
    behind.len() >= SENTENCE && !behind.iter().any(|it| is_component(it))
}

/// The number in `for Windows 10`.
fn is_platform(row: &Row, at: usize) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| matches!(row.name.words[before].text.as_str(), "windows" | "win"))
}

/// A commit's hash.
fn is_hash(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
