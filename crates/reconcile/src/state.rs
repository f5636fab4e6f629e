//! Answers in a word, for lists.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// What is known of an installed application, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its package has a newer version.
    Missing,
    /// Its package has a newer version, and nothing is missing on this device for its sake: only of one
    /// device's applications ([`crate::here`]).
    NotMissing,
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
    /// It stays at the version that it has, though a newer one is on offer or may be.
    Pinned,
    /// An administrator wants nothing for it.
    Excluded,
}

impl State {
    /// All that answers have, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Missing,
        Self::Current,
        Self::Newer,
        Self::CannotTell,
        Self::Review,
        Self::Unmatched,
        Self::Pinned,
        Self::Excluded,
    ];

    /// All that applications of one device have.
    pub const OF_DEVICE: [Self; 9] = [
        Self::Missing,
        Self::NotMissing,
        Self::Current,
        Self::Newer,
        Self::CannotTell,
        Self::Review,
        Self::Unmatched,
        Self::Pinned,
        Self::Excluded,
    ];

    /// The word for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::NotMissing => "Not missing here",
            Self::Current => "Current",
            Self::Newer => "Newer than the catalog",
            Self::CannotTell => "Cannot tell",
            Self::Review => "To review",
            Self::Unmatched => "Unmatched",
            Self::Pinned => "Pinned",
            Self::Excluded => "Excluded",
        }
    }

    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotMissing => "not_missing",
            Self::Current => "current",
            Self::Newer => "newer",
            Self::CannotTell => "cannot_tell",
            Self::Review => "review",
            Self::Unmatched => "unmatched",
            Self::Pinned => "pinned",
            Self::Excluded => "excluded",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::OF_DEVICE.into_iter().find(|it| it.key() == key)
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
            Self::Pinned { .. } => State::Pinned,
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
            | Self::Pinned { why, .. }
            | Self::Excluded { why, .. } => why,
            Self::Unmatched => {
                "no package of the catalog has its name, its codes or a pattern for it"
            }
        }
    }
}
