//! An installed row, and the parts of its name that may be a package's name.

use std::collections::HashSet;

use fleetmend_model::inventory::Software;

use super::judge::channels_meet;
use crate::identity::{Fit, Identity, RowNumbers};
use crate::lookup::Lookup;
use crate::normal::{Name, Publisher};

/// Words before the product's name that may be its maker's.
const MAX_BEFORE: usize = 3;
/// Words of a name that are looked at: no product's name has more.
const MAX_WORDS: usize = 12;

/// An installed row, taken apart.
pub(crate) struct Row {
    /// The name as it is registered.
    pub(crate) text: String,
    pub(crate) name: Name,
    pub(crate) publisher: Publisher,
    pub(crate) numbers: RowNumbers,
    /// The registered version.
    pub(crate) registered: String,
}

/// A part of a row's name.
pub(super) struct Part {
    /// Words joined.
    pub(super) key: String,
    /// Which words of the row are in it.
    pub(super) used: Vec<bool>,
    /// Whether no package of this name is bound to a year: then a year in the name is no line.
    pub(super) is_year_free: bool,
}

impl Row {
    pub(crate) fn of(software: &Software) -> Self {
        let name = Name::of(&software.name, &software.version);
        Self {
            text: software.name.clone(),
            publisher: Publisher::of(&software.publisher),
            numbers: RowNumbers::of(&name, &software.version),
            registered: software.version.clone(),
            name,
        }
    }

    /// Whether its name says that it is of another line, channel or architecture than a package.
    pub(crate) fn contradicts(&self, package: &Identity) -> bool {
        let mut claims = package.claims.iter();
        if claims.any(|it| it.fits(&self.text)) {
            return false;
        }
        let (name, numbers) = (&self.name, &self.numbers);
        let is_of_other_line = package.lines.iter().any(|it| it.fit(numbers) == Fit::No);
        let is_remark = name.channel_is_aside && package.channel.is_none();
        let is_of_other_architecture = name
            .architecture
            .zip(package.architecture)
            .is_some_and(|(a, b)| a != b);
        is_of_other_line
            || is_of_other_architecture
            || !(channels_meet(name.channel, package.channel) || is_remark)
    }

    /// All runs of words from one of the first few on; the same without asides, and each without
    /// numbers.
    pub(super) fn parts(&self) -> Vec<Part> {
        let words = &self.name.words;
        let all: Vec<usize> = (0..words.len().min(MAX_WORDS)).collect();
        let main: Vec<usize> = all.iter().copied().filter(|&at| !words[at].aside).collect();
        let mut parts = Vec::new();
        for places in [Some(&all), (main.len() < all.len()).then_some(&main)] {
            let Some(places) = places else { continue };
            for start in 0..places.len().min(MAX_BEFORE + 1) {
                for end in start + 1..=places.len() {
                    let run = &places[start..end];
                    parts.push(self.part(run.iter().copied()));
                    let is_number = |&at: &usize| at != run[0] && words[at].is_number();
                    if run.iter().any(is_number) {
                        parts.push(self.part(run.iter().copied().filter(|at| !is_number(at))));
                    }
                }
            }
        }
        parts
    }

    /// Everything that [`NameIndex`](super::NameIndex) looks up for the row.
    pub(crate) fn lookups(&self, mut note: impl FnMut(Lookup<'_>)) {
        for part in self.parts() {
            note(Lookup::Name(&part.key));
        }
        for maker in self.publisher.known_by() {
            note(Lookup::Maker(&maker));
        }
        for word in &self.name.words {
            note(Lookup::Word(&word.text));
        }
    }

    /// The words that a pattern names, as a whole or by their begin.
    pub(super) fn part_of_pattern(&self, pattern: &HashSet<String>) -> Part {
        const LEAST: usize = 3;
        // `Handy*` fits `HandyWinGet`, which is something else.
        let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_named = |word: &str| {
            let mut begins = pattern.iter().filter(|it| it.chars().count() >= LEAST);
            pattern.contains(word)
                || begins.any(|it| word.strip_prefix(it.as_str()).is_some_and(is_number))
        };
        let words = self.name.words.iter().enumerate();
        self.part(
            words
                .filter(|(_, word)| is_named(&word.text))
                .map(|(at, _)| at),
        )
    }

    fn part(&self, places: impl Iterator<Item = usize>) -> Part {
        let mut part = Part {
            key: String::new(),
            used: vec![false; self.name.words.len()],
            is_year_free: true,
        };
        for at in places {
            part.key += &self.name.words[at].text;
            part.used[at] = true;
        }
        part
    }
}
