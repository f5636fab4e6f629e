//! Answers in a word, for lists.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// What is known of an installed application, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its package has a newer version.
    Missing,
    /// It is the version on offer.
    Current,
    /// It is newer than what is on offer.
    Newer,
    /// Whether its package has anything newer is not known.
    CannotTell,
    /// A person must say which package it is.
    Review,
    /// No package is known for it.
    Unmatched,
    /// An administrator wants nothing for it.
    Excluded,
}

impl State {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Current,
        Self::Newer,
        Self::CannotTell,
        Self::Review,
        Self::Unmatched,
        Self::Excluded,
    ];

    /// The word for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::Current => "Current",
            Self::Newer => "Newer than the catalog",
            Self::CannotTell => "Cannot tell",
            Self::Review => "To review",
            Self::Unmatched => "Unmatched",
            Self::Excluded => "Excluded",
        }
    }

    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Current => "current",
            Self::Newer => "newer",
            Self::CannotTell => "cannot_tell",
            Self::Review => "review",
            Self::Unmatched => "unmatched",
            Self::Excluded => "excluded",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

impl Answer {
    /// The answer in a word.
    pub fn state(&self) -> State {
        match self {
            Self::Missing { .. } => State::Missing,
            Self::Current { .. } => State::Current,
            Self::Newer { .. } => State::Newer,
            Self::CannotTell { .. } => State::CannotTell,
            Self::Review { .. } => State::Review,
            Self::Unmatched | Self::Denied { .. } => State::Unmatched,
            Self::Excluded { .. } => State::Excluded,
        }
    }

    /// The answer's reason.
    pub fn why(&self) -> &str {
        match self {
            Self::Missing { why, .. }
            | Self::Current { why, .. }
            | Self::Newer { why, .. }
            | Self::CannotTell { why, .. }
            | Self::Denied { why, .. }
            | Self::Review { why, .. }
            | Self::Excluded { why, .. } => why,
            Self::Unmatched => {
                "no package of the catalog has its name, its codes or a pattern for it"
            }
        }
    }
}
