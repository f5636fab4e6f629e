//! Lines of releases beside the ordinary one.

use super::token::Token;

/// A line of releases that lives beside the ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Tests of what comes next: beta, preview, nightly and so on, each by its first name.
    Test(&'static str),
    /// Firefox's extended support: the registered name says so.
    ExtendedSupport,
    /// Long-term support: registered names mostly do not say so.
    LongTerm,
}

const WORDS: [(&str, Channel); 16] = [
    ("alpha", Channel::Test("alpha")),
    ("beta", Channel::Test("beta")),
    ("canary", Channel::Test("canary")),
    ("dev", Channel::Test("dev")),
    ("eap", Channel::Test("preview")),
    ("insider", Channel::Test("preview")),
    ("insiders", Channel::Test("preview")),
    ("nightly", Channel::Test("nightly")),
    ("prerelease", Channel::Test("preview")),
    ("preview", Channel::Test("preview")),
    ("rc", Channel::Test("rc")),
    ("snapshot", Channel::Test("nightly")),
    ("unstable", Channel::Test("nightly")),
    ("esr", Channel::ExtendedSupport),
    ("lts", Channel::LongTerm),
    ("ltr", Channel::LongTerm),
];

/// The same in several words.
const PHRASES: [(&[&str], Channel); 5] = [
    (
        &["extended", "support", "release"],
        Channel::ExtendedSupport,
    ),
    (&["long", "term", "support"], Channel::LongTerm),
    (&["long", "term", "release"], Channel::LongTerm),
    (&["early", "access"], Channel::Test("preview")),
    (&["release", "candidate"], Channel::Test("rc")),
];

/// The channel that a word names.
pub(crate) fn channel_word(word: &str) -> Option<Channel> {
    let found = WORDS.iter().find(|(name, _)| *name == word);
    found.map(|(_, channel)| *channel)
}

/// The channel that the words begin with, and in how many of them; `stable` is the ordinary one.
pub(super) fn find(words: &[Token]) -> Option<(usize, Option<Channel>)> {
    let first = words.first()?.text.as_str();
    if first == "stable" {
        return Some((1, None));
    }
    let is_here = |phrase: &[&str]| {
        phrase.len() <= words.len() && phrase.iter().zip(words).all(|(a, b)| *a == b.text)
    };
    let phrase = PHRASES.iter().find(|(phrase, _)| is_here(phrase));
    match phrase {
        Some((phrase, channel)) => Some((phrase.len(), Some(*channel))),
        None => channel_word(first).map(|channel| (1, Some(channel))),
    }
}
