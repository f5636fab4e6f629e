//! What a package calls itself, apart from remarks of its packager.

use std::collections::HashSet;

use crate::normal::{Name, is_edition};

/// An id as a text with words: `dotnet-8.0-runtime` is `dotnet 8.0 runtime`.
pub(super) fn spaced(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    let digit = |at: Option<usize>| {
        at.and_then(|at| chars.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    chars
        .iter()
        .enumerate()
        .map(|(at, &c)| match c {
            '-' | '_' => ' ',
            '.' if !(digit(at.checked_sub(1)) && digit(Some(at + 1))) => ' ',
            c => c,
        })
        .collect()
}

/// A title without the packager's remarks at its begin (`[Deprecated]`, `(unofficial)`), and those.
pub(super) fn without_remarks(title: &str) -> (&str, Vec<&str>) {
    let mut rest = title.trim();
    let mut remarks = Vec::new();
    loop {
        let close = match rest.chars().next() {
            Some('[') => ']',
            Some('(') => ')',
            _ => return (rest, remarks),
        };
        let Some(end) = rest.find(close) else {
            return (rest, remarks);
        };
        remarks.push(&rest[1..end]);
        rest = rest[end + close.len_utf8()..].trim_start();
    }
}

/// Words behind the first of one name that say an edition which the other does not.
pub(super) fn editions_beyond<'n>(name: &'n Name, said: &Name) -> impl Iterator<Item = &'n str> {
    let said: HashSet<String> = said.words.iter().map(|it| it.text.clone()).collect();
    name.words
        .iter()
        .skip(1)
        .map(|it| it.text.as_str())
        .filter(move |it| is_edition(it) && !said.contains(*it))
}
