//! The catalog's names, so that one row meets only the few packages that it could be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Row;
use super::candidate::Candidate;
use super::judge::Judging;
use super::repackaged::{Standing, Standings};
use crate::identity::{Identity, Line, OwnName, Source};
use crate::lookup::{Key, Lookup};
use crate::normal::Publisher;

/// A word that more makers use is no name by itself.
const COMMON: usize = 3;

/// Names, makers and words of all packages.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    /// Packages, and which of their names it is, by the name's key. The names of a package stand
    /// together.
    by_key: HashMap<Box<str>, Vec<(u32, u16)>>,
    /// How many packages each maker has.
    makers: HashMap<Box<str>, u32>,
    /// Who uses a word, and in how many packages.
    users: HashMap<Box<str>, BTreeMap<Box<str>, u32>>,
    standings: Standings,
}

/// What a change of one package changes for others.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Packages that rows may be judged otherwise against.
    pub(crate) packages: BTreeSet<u32>,
    /// Lookups that give something else now.
    pub(crate) keys: BTreeSet<Key>,
}

impl NameIndex {
    /// Puts what a package says of itself in the place of what it said before; `identity_of` has the
    /// new one already.
    pub(crate) fn replace<'i>(
        &mut self,
        package: u32,
        old: &Identity,
        new: &Identity,
        identity_of: impl Fn(u32) -> Option<&'i Identity>,
    ) -> Touched {
        let mut touched = Touched::default();
        let known = self.known(old, new);
        for name in &old.names {
            if let Some(packages) = self.by_key.get_mut(name.key.as_str()) {
                packages.retain(|it| it.0 != package);
                if packages.is_empty() {
                    self.by_key.remove(name.key.as_str());
                }
            }
        }
        for (place, name) in new.names.iter().enumerate() {
            self.by_key
                .entry(name.key.as_str().into())
                .or_default()
                .push((package, place as u16));
        }
        for name in old.names.iter().chain(&new.names) {
            touched.keys.insert(Lookup::Name(&name.key).key());
        }
        self.count(old, false);
        self.count(new, true);
        for (lookup, was) in known {
            if self.is_so(lookup) != was {
                touched.keys.insert(lookup.key());
            }
        }
        touched.packages = self.standings.replace(package, old, new, identity_of);
        touched
    }

    /// What is known of the makers and words of both.
    fn known<'a>(&self, old: &'a Identity, new: &'a Identity) -> Vec<(Lookup<'a>, bool)> {
        let makers = old.maker_keys.iter().chain(&new.maker_keys);
        let words = words(old).chain(words(new));
        let lookups = makers
            .map(|it| Lookup::Maker(it))
            .chain(words.map(Lookup::Word));
        lookups.map(|it| (it, self.is_so(it))).collect()
    }

    fn is_so(&self, lookup: Lookup<'_>) -> bool {
        match lookup {
            Lookup::Maker(it) => self.makers.contains_key(it),
            Lookup::Word(it) => self.is_rare(it),
            _ => false,
        }
    }

    /// Counts a package's makers and words, or takes them off again.
    fn count(&mut self, identity: &Identity, is_there: bool) {
        for maker in &identity.maker_keys {
            add(&mut self.makers, maker, is_there);
        }
        let maker = identity.maker_keys.first().map_or("", String::as_str);
        for word in words(identity).collect::<BTreeSet<_>>() {
            if is_there {
                *self
                    .users
                    .entry(word.into())
                    .or_default()
                    .entry(maker.into())
                    .or_default() += 1;
            } else if let Some(users) = self.users.get_mut(word) {
                if let Some(count) = users.get_mut(maker) {
                    *count -= 1;
                    if *count == 0 {
                        users.remove(maker);
                    }
                }
                if users.is_empty() {
                    self.users.remove(word);
                }
            }
        }
    }

    /// Whether the catalog has packages of this maker.
    pub(super) fn knows_maker(&self, publisher: &Publisher) -> bool {
        publisher
            .known_by()
            .iter()
            .any(|it| self.makers.contains_key(it.as_str()))
    }

    pub(super) fn standing(&self, package: u32, identity: &Identity) -> Standing {
        self.standings.of(package, identity)
    }

    /// Whether hardly any maker uses a word.
    pub(super) fn is_rare(&self, word: &str) -> bool {
        self.users.get(word).is_none_or(|it| it.len() <= COMMON)
    }

    /// All packages that the row may be, the best judgement of each.
    pub(crate) fn candidates<'i>(
        &self,
        row: &Row,
        by_pattern: &[u32],
        identity_of: impl Fn(u32) -> Option<&'i Identity>,
    ) -> Vec<Candidate> {
        if row.name.is_update {
            return Vec::new();
        }
        let mut best = Best::default();
        for mut part in row.parts() {
            let Some(found) = self.by_key.get(part.key.as_str()) else {
                continue;
            };
            // They come by package: many may share a name.
            let by_package = || found.chunk_by(|a, b| a.0 == b.0);
            part.is_year_free = !by_package()
                .filter_map(|it| identity_of(it[0].0))
                .any(|it| it.lines.iter().any(Line::is_year));
            for names in by_package() {
                let package = names[0].0;
                let Some(identity) = identity_of(package) else {
                    continue;
                };
                let names = names
                    .iter()
                    .filter_map(|it| identity.names.get(it.1 as usize));
                let fits = by_pattern.contains(&package);
                let judging = Judging {
                    index: self,
                    row,
                    part: &part,
                    package,
                    identity,
                    names: names.collect(),
                    by_pattern: fits,
                };
                best.keep(judging.judge());
            }
        }
        for &package in by_pattern {
            let Some(identity) = identity_of(package) else {
                continue;
            };
            let part = row.part_of_pattern(&identity.pattern_words);
            let name = OwnName {
                key: part.key.clone(),
                source: Source::Pattern,
                lacks: Vec::new(),
            };
            let judging = Judging {
                index: self,
                row,
                part: &part,
                package,
                identity,
                names: vec![&name],
                by_pattern: true,
            };
            best.keep(judging.judge());
        }
        best.0.into_values().collect()
    }
}

/// All words that a package is described by; some come twice.
fn words(identity: &Identity) -> impl Iterator<Item = &str> {
    let words = identity.own_words.iter().chain(&identity.tags);
    words.map(String::as_str)
}

fn add(counts: &mut HashMap<Box<str>, u32>, key: &str, is_there: bool) {
    if is_there {
        *counts.entry(key.into()).or_default() += 1;
    } else if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The best judgement of each package.
#[derive(Default)]
struct Best(BTreeMap<u32, Candidate>);

impl Best {
    fn keep(&mut self, found: Option<Candidate>) {
        let Some(found) = found else { return };
        match self.0.get(&found.package) {
            Some(known) if known.rank() >= found.rank() => {}
            _ => {
                self.0.insert(found.package, found);
            }
        }
    }
}
