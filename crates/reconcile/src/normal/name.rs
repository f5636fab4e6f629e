//! A name taken apart.

use super::architecture::Architecture;
use super::channel::{self, Channel};
use super::strip::{Taken, is_update};
use super::token::{Token, tokens};
use super::{fold, renamed, version_text, vocabulary};

/// The longest name that is looked at, in bytes: Windows shows 255 characters at most.
const MAX_NAME: usize = 1024;

/// A word of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// In lower case, without accents.
    pub text: String,
    /// Stands in brackets or quotes.
    pub aside: bool,
    /// Stands behind a dash, colon or bar.
    pub behind: bool,
}

impl Word {
    /// Whether it is a number or a range of years.
    pub(crate) fn is_number(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
            || version_text::is_year_range(&self.text)
    }
}

/// A registered name or a package's title, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// What is left: the product.
    pub words: Vec<Word>,
    /// Versions that stood in it, as written.
    pub versions: Vec<String>,
    /// The line of releases.
    pub channel: Option<Channel>,
    /// Whether the line of releases stands in brackets, as a remark.
    pub channel_is_aside: bool,
    /// Whether an architecture was named.
    pub has_architecture: bool,
    /// The one that was named, where it is one alone.
    pub architecture: Option<Architecture>,
    /// Whether it is an update of Windows, Office or a part of them and no application.
    pub is_update: bool,
}

impl Name {
    /// Takes a name apart. The registered version helps to tell versions in it: `XI` beside `11.0.06`.
    /// What is longer than any name has no words. What is left has nothing more to take out.
    pub fn of(name: &str, version: &str) -> Self {
        if name.len() > MAX_NAME {
            return Self::default();
        }
        let folded = fold(name);
        if folded.len() > MAX_NAME {
            return Self::default();
        }
        let mut tokens = tokens(&folded);
        let mut found = Self {
            is_update: is_update(&tokens),
            ..Self::default()
        };
        let mut taken = Taken::default();
        // Taking one thing out may bring others together. Each turn that changes anything leaves
        // fewer characters.
        loop {
            let before = tokens.clone();
            tokens = taken.strip(&tokens, version);
            tokens = split(&tokens);
            found.take_channel(&mut tokens);
            renamed::rename(&mut tokens);
            if tokens == before {
                break;
            }
        }
        found.versions = taken.versions;
        found.has_architecture = taken.architecture.is_any();
        found.architecture = taken.architecture.one();
        found.words = tokens.into_iter().map(word).collect();
        found
    }

    /// The words without space between them.
    pub fn key(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }

    /// Takes the channel out of the words. The first word is the product's own.
    fn take_channel(&mut self, tokens: &mut Vec<Token>) {
        let mut at = 1;
        while at < tokens.len() {
            let Some((length, channel)) = channel::find(&tokens[at..]) else {
                at += 1;
                continue;
            };
            if self.channel.is_none() && channel.is_some() {
                self.channel = channel;
                self.channel_is_aside = tokens[at].aside;
            }
            tokens.drain(at..at + length);
        }
    }
}

/// Whether the word is the number in `for Windows 10`.
pub(crate) fn is_platform(name: &Name, at: usize) -> bool {
    let before = name.words[..at.min(name.words.len())].last();
    before.is_some_and(|it| matches!(it.text.as_str(), "windows" | "win"))
}

fn word(token: Token) -> Word {
    Word {
        text: token.text,
        aside: token.aside,
        behind: token.segment > 0,
    }
}

/// Words of the pieces. The same word twice in a row says it once.
fn split(tokens: &[Token]) -> Vec<Token> {
    let is_mark = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '#');
    let mut words: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let pieces: Vec<&str> = if version_text::is_year_range(&token.text) {
            vec![&token.text]
        } else {
            token
                .text
                .split(is_mark)
                .filter(|it| !it.is_empty())
                .collect()
        };
        for text in pieces {
            let text = vocabulary::plain_word(text);
            if words.last().is_none_or(|last| last.text != text) {
                words.push(Token {
                    text: text.to_owned(),
                    ..token.clone()
                });
            }
        }
    }
    words
}
