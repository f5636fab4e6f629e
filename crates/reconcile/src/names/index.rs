//! The catalog's names, so that one row meets only the few packages that it could be.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Row;
use super::candidate::Candidate;
use super::judge::Judging;
use super::repackaged::{Standing, standings};
use crate::identity::{Identity, Line, OwnName, Source};
use crate::normal::Publisher;

/// Names, makers and words of all packages.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    /// Packages, in their order, and which of their names it is, by the name's key.
    by_key: HashMap<Box<str>, Vec<(u32, u16)>>,
    maker_keys: HashSet<String>,
    /// By how many makers a word is used.
    spread: HashMap<String, u32>,
    standings: Vec<Standing>,
}

impl NameIndex {
    /// Over all packages in their order.
    pub(crate) fn new<'i>(packages: impl Iterator<Item = (&'i str, &'i Identity)>) -> Self {
        let packages: Vec<(&str, &Identity)> = packages.collect();
        let mut index = Self {
            standings: standings(&packages),
            ..Self::default()
        };
        let mut users: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (package, identity) in packages.iter().map(|it| it.1).enumerate() {
            for (place, name) in identity.names.iter().enumerate() {
                index
                    .by_key
                    .entry(name.key.as_str().into())
                    .or_default()
                    .push((package as u32, place as u16));
            }
            index.maker_keys.extend(identity.maker_keys.iter().cloned());
            let maker = identity.maker_keys.first().map_or("", String::as_str);
            for word in identity.own_words.iter().chain(&identity.tags) {
                users.entry(word).or_default().insert(maker);
            }
        }
        index.spread = users
            .into_iter()
            .map(|(word, makers)| (word.to_owned(), makers.len() as u32))
            .collect();
        index
    }

    /// Whether the catalog has packages of this maker.
    pub(super) fn knows_maker(&self, publisher: &Publisher) -> bool {
        let first = publisher.telling().next();
        self.maker_keys.contains(&publisher.key())
            || first.is_some_and(|it| it.chars().count() > 2 && self.maker_keys.contains(it))
    }

    pub(super) fn standing(&self, package: u32) -> Standing {
        self.standings
            .get(package as usize)
            .copied()
            .unwrap_or_default()
    }

    /// By how many makers a word is used.
    pub(super) fn spread(&self, word: &str) -> u32 {
        self.spread.get(word).copied().unwrap_or(0)
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
