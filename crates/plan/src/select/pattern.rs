//! Patterns for names that devices say of themselves.

use std::fmt;
use std::str::FromStr;

use fleetmend_model::name_pattern;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::SelectError;

/// The longest pattern, in characters.
pub const LONGEST_PATTERN: usize = 200;
/// What a regular expression may take once it is compiled, in bytes: a short text can describe one
/// that would fill the memory.
const REGEX_SIZE: usize = 256 * 1024;

/// Text with `*` and `?`, or between slashes a regular expression (`/^web-\d+$/`), which fits where it is
/// found anywhere in the text. Case does not count.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    regex: Option<Regex>,
}

impl Pattern {
    /// Whether it fits a text.
    pub fn fits(&self, text: &str) -> bool {
        match &self.regex {
            Some(regex) => regex.is_match(text),
            None => name_pattern::matches(&self.text, text),
        }
    }
}

impl FromStr for Pattern {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SelectError::EmptyPattern);
        }
        if text.chars().count() > LONGEST_PATTERN {
            return Err(SelectError::LongPattern);
        }
        let between = text.strip_prefix('/').and_then(|it| it.strip_suffix('/'));
        let regex = between.map(compile).transpose()?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }
}

fn compile(pattern: &str) -> Result<Regex, SelectError> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| SelectError::Regex {
            pattern: pattern.to_owned(),
            cause: error.to_string(),
        })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = SelectError;

    fn try_from(text: String) -> Result<Self, SelectError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}
