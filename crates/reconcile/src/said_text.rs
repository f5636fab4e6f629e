//! How an override says which texts it is for: a text that stands for itself, or a pattern with `*` and
//! `?`. Behind a backslash these, and a backslash, stand for themselves: devices register such names.

use std::borrow::Cow;
use std::iter;

use fleetmend_model::name_pattern;

/// Says a text itself, whatever letters it has.
pub fn exactly(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for c in text.chars() {
        if is_marked(c) {
            said.push('\\');
        }
        said.push(c);
    }
    said
}

/// Whether it is for more than one text.
pub fn is_pattern(said: &str) -> bool {
    letters(said).any(|(_, is_wild)| is_wild)
}

/// The text that is said, or the pattern as [`name_pattern`] has it: there a `*` or `?` that stands for
/// itself is any letter.
pub fn read(said: &str) -> Cow<'_, str> {
    if !said.contains('\\') {
        return Cow::Borrowed(said);
    }
    let is_pattern = is_pattern(said);
    let read = letters(said).map(|(c, is_wild)| match c {
        '*' | '?' if is_pattern && !is_wild => '?',
        c => c,
    });
    Cow::Owned(read.collect())
}

/// Whether it is for a text. Letter case does not count.
pub(crate) fn fits(said: &str, text: &str) -> bool {
    let read = read(said);
    if is_pattern(said) {
        name_pattern::matches(&read, text)
    } else {
        read.to_lowercase() == text.to_lowercase()
    }
}

fn is_marked(c: char) -> bool {
    matches!(c, '\\' | '*' | '?')
}

/// Each letter, and whether it stands for others.
fn letters(said: &str) -> impl Iterator<Item = (char, bool)> {
    let mut chars = said.chars().peekable();
    iter::from_fn(move || {
        let c = chars.next()?;
        let marked = (c == '\\').then(|| chars.next_if(|it| is_marked(*it)));
        match marked.flatten() {
            Some(marked) => Some((marked, false)),
            None => Some((c, c != '\\' && is_marked(c))),
        }
    })
}
