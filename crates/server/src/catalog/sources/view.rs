//! What a person sees of a source's state, in words.

use fleetmend_model::Millis;
use fleetmend_store::sources::{Source, SourceKind};

use super::super::address::is_unprotected;
use super::super::{lacks, sync};
use crate::api::time;

/// After so many days an imported source is called old.
const OLD_DAYS: u64 = 14;
/// What stands where a source is read without TLS.
const UNPROTECTED: &str = "It is read without TLS: whoever is on the way could change what it \
    offers, digests included. Give its https address if it has one.";
/// The same where it has a login.
const EXPOSED: &str = "It is read without TLS: whoever is on the way could read its password and \
    change what it offers, digests included. Give its https address if it has one.";

/// How far a read has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries so far.
    pub entries: u64,
    /// Pages so far.
    pub pages: u64,
    /// How many entries it will be, as the source says or as it was the last time.
    pub expected: Option<u64>,
}

impl Progress {
    /// In words.
    pub fn shown(&self) -> String {
        match self.expected {
            Some(expected) if expected >= self.entries => {
                format!("{} of about {expected} entries", self.entries)
            }
            _ => format!("{} entries so far", self.entries),
        }
    }
}

/// How far the read that goes on has come.
pub fn progress(source: &Source) -> Option<Progress> {
    let at = sync::position(source).filter(|_| sync::is_reading(source))?;
    Some(Progress {
        entries: at.entries,
        pages: at.pages,
        expected: at.expected.filter(|it| *it > 0),
    })
}

/// How a source is doing, in a few words.
pub fn state(source: &Source) -> String {
    let read = &source.last_read;
    if !source.settings.enabled {
        return "Switched off".to_owned();
    }
    if source.kind == SourceKind::Imported {
        return "Imported".to_owned();
    }
    if sync::is_reading(source) {
        return match (progress(source), read.finished_at) {
            (Some(progress), _) => format!("Being read: {}", progress.shown()),
            (None, None) => "Being read for the first time".to_owned(),
            (None, Some(_)) => "Being read".to_owned(),
        };
    }
    match (&read.error, read.finished_at) {
        (Some(_), _) => "Cannot be read".to_owned(),
        (None, Some(_)) => match lacks::fewer(source) {
            Some(fewer) => format!("Read: {fewer}"),
            None => "Read".to_owned(),
        },
        (None, None) => "Not read yet".to_owned(),
    }
}

/// When a source is read next and why then, as a sentence; nothing while it is being read.
pub fn next_read(source: &Source) -> Option<String> {
    let read = &source.last_read;
    let at = read.next_read_at.filter(|_| source.settings.enabled)?;
    let is_told = !sync::is_reading(source);
    is_told.then(|| format!("next read at {}, because {}", time(at), read.next_read_why))
}

/// What is kept although the source no longer has it, and what a person can do about it.
pub fn withheld(source: &Source) -> Option<String> {
    let it = source.last_read.withheld?;
    Some(format!(
        "Since {} it no longer has {} of the {} versions that it had. That is so much that it may be \
         at fault: nothing was taken away. If it is right, remove them.",
        time(it.since),
        it.gone,
        it.listed
    ))
}

/// What a person should know of an imported source that was read long ago where it comes from.
pub fn age(source: &Source, now: Millis) -> Option<String> {
    let read_at = source.last_read.finished_at?;
    let days = now.since(read_at).as_secs() / (24 * 3600);
    let is_old = source.kind == SourceKind::Imported && days >= OLD_DAYS;
    is_old.then(|| {
        format!(
            "What it has is {days} days old: the server that it comes from read it at {}. Import a \
             newer export.",
            time(read_at)
        )
    })
}

/// What a person should know of how a source is protected.
pub fn protection(source: &Source) -> Option<&'static str> {
    let note = if source.user_name.is_some() {
        EXPOSED
    } else {
        UNPROTECTED
    };
    is_unprotected(&source.settings.location).then_some(note)
}
