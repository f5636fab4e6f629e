//! The package versions, and the answers made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleetmend_versions::nuget::Version;

use super::budget::{Budget, PART};
use super::document;
use super::entry::{Entry, Item, Latest};
use super::filter::Expr;
use super::request::{BadRequest, Installed, Options, Request, Resource, next_page};
use crate::dependency::Range;

/// The most entries of one answer; the next page is linked.
pub const PAGE: usize = 100;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// XML of the Atom format.
    Atom(String),
    /// XML: one property of an entry.
    Property(String),
    /// A number.
    Count(usize),
    /// There is no such version.
    Missing,
}

/// All package versions of the feed, in memory. A copy shares them.
#[derive(Debug, Clone, Default)]
pub struct Gallery {
    /// By id in lower case; the versions ascending.
    packages: BTreeMap<String, Arc<Vec<Entry>>>,
}

impl Gallery {
    /// Puts a version in, in place of the same one.
    pub fn insert(&mut self, item: Item) {
        let entry = Entry::new(item);
        let versions = self.packages.entry(entry.id_key.clone()).or_default();
        let versions = Arc::make_mut(versions);
        match versions.binary_search_by(|it| it.version().cmp(entry.version())) {
            Ok(at) => versions[at] = entry,
            Err(at) => versions.insert(at, entry),
        }
        mark_latest(versions);
    }

    /// Takes a version out; says whether it was there.
    pub fn remove(&mut self, id: &str, version: &Version) -> bool {
        let key = id.to_lowercase();
        let Some(versions) = self.packages.get_mut(&key) else {
            return false;
        };
        let versions = Arc::make_mut(versions);
        let Ok(at) = versions.binary_search_by(|it| it.version().cmp(version)) else {
            return false;
        };
        versions.remove(at);
        mark_latest(versions);
        if versions.is_empty() {
            self.packages.remove(&key);
        }
        true
    }

    /// A version, or the latest stable one that lists show.
    pub fn get(&self, id: &str, version: Option<&str>) -> Option<&Item> {
        let versions = self.packages.get(&id.to_lowercase())?;
        let entry = version.map_or_else(
            || versions.iter().find(|it| it.latest[1].stable),
            |version| find(versions, version),
        );
        entry.map(|entry| &entry.item)
    }

    /// Whether lists show a stable version of a package that is in a range.
    pub fn has_in(&self, id: &str, range: &Range) -> bool {
        let versions = self.packages.get(&id.to_lowercase());
        let mut versions = versions.into_iter().flat_map(|it| it.iter());
        versions
            .any(|it| it.item.listed && !it.version().is_prerelease() && range.has(it.version()))
    }

    /// How many versions there are.
    pub fn len(&self) -> usize {
        self.packages.values().map(|it| it.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// Whether a request looks at the versions of one package alone, or at nothing: what it costs is
    /// little, however much the feed has.
    pub fn is_quick(request: &Request) -> bool {
        match &request.resource {
            Resource::Packages => {
                let filter = request.options.filter.as_ref();
                filter.is_some_and(|it| it.only_id().is_some())
            }
            Resource::Search { .. } | Resource::GetUpdates { .. } => false,
            Resource::Service
            | Resource::Metadata
            | Resource::Package { .. }
            | Resource::PackageId { .. }
            | Resource::FindPackagesById { .. }
            | Resource::Download { .. } => true,
        }
    }

    /// The answer to a request, for a feed at `base`, which ends in `/`. The service document and
    /// `$metadata` are the same for all feeds, downloads are bytes: not asked for here.
    pub fn answer(&self, request: &Request, base: &str, now: &str) -> Result<Document, BadRequest> {
        let (options, budget) = (&request.options, Budget::new());
        let (name, found) = match &request.resource {
            Resource::Package { id, version } => {
                let entry = self.find(id, version);
                return Ok(entry.map_or(Document::Missing, |entry| {
                    Document::Atom(document::single(entry, base))
                }));
            }
            Resource::PackageId { id, version } => {
                let entry = self.find(id, version);
                return Ok(entry.map_or(Document::Missing, |entry| {
                    Document::Property(document::property("Id", &entry.item.nuspec.id))
                }));
            }
            Resource::Packages => ("Packages", self.packages(options)),
            Resource::FindPackagesById { id } => {
                let versions = self.packages.get(&id.to_lowercase());
                (
                    "FindPackagesById",
                    versions.into_iter().flat_map(|it| it.iter()).collect(),
                )
            }
            Resource::Search { words, prerelease } => {
                let found = self.search(words, *prerelease, &budget);
                budget.check("searchTerm")?;
                ("Search", found)
            }
            Resource::GetUpdates {
                installed,
                prerelease,
                all_versions,
            } => (
                "GetUpdates",
                self.updates(
                    installed,
                    *prerelease,
                    *all_versions,
                    usize::from(options.semver2),
                ),
            ),
            Resource::Service | Resource::Metadata | Resource::Download { .. } => {
                return Ok(Document::Missing);
            }
        };
        page(name, found, options, base, now, &budget)
    }

    fn find(&self, id: &str, version: &str) -> Option<&Entry> {
        let versions = self.packages.get(&id.to_lowercase())?;
        find(versions, version)
    }

    fn packages(&self, options: &Options) -> Vec<&Entry> {
        match options.filter.as_ref().and_then(Expr::only_id) {
            Some(id) => {
                let versions = self.packages.get(&id).into_iter();
                versions.flat_map(|it| it.iter()).collect()
            }
            None => self.entries().collect(),
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.packages.values().flat_map(|it| it.iter())
    }

    /// Says nothing once the budget is spent.
    fn search(&self, words: &BTreeSet<String>, prerelease: bool, budget: &Budget) -> Vec<&Entry> {
        let has = |entry: &Entry, word: &String| {
            budget.spend(PART + entry.searched.len());
            !budget.is_spent() && entry.searched.contains(word.as_str())
        };
        self.entries()
            .filter(|it| it.item.listed)
            .filter(|it| prerelease || !it.version().is_prerelease())
            .filter(|it| words.iter().all(|word| has(it, word)))
            .collect()
    }

    /// Of what clients of this generation can read.
    fn updates(
        &self,
        installed: &[Installed],
        prerelease: bool,
        all: bool,
        which: usize,
    ) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = Vec::new();
        for it in installed {
            let Some(versions) = self.packages.get(&it.id.to_lowercase()) else {
                continue;
            };
            let Ok(have) = Version::parse_any(&it.version) else {
                continue;
            };
            let range = it.range.as_deref().map(Range::parse);
            let mut newer = versions.iter().filter(|entry| {
                entry.item.listed
                    && entry.is_readable[which]
                    && *entry.version() > have
                    && (prerelease || !entry.version().is_prerelease())
                    && range
                        .as_ref()
                        .is_none_or(|range| range.as_ref().is_ok_and(|it| it.has(entry.version())))
            });
            if all {
                found.extend(newer);
            } else {
                found.extend(newer.next_back());
            }
        }
        found.sort_by(|a, b| (&a.id_key, a.version()).cmp(&(&b.id_key, b.version())));
        found.dedup_by(|a, b| std::ptr::eq(*a, *b));
        found
    }
}

fn find<'a>(versions: &'a [Entry], version: &str) -> Option<&'a Entry> {
    let version = Version::parse_any(version).ok()?;
    let at = versions.binary_search_by(|it| it.version().cmp(&version));
    at.ok().map(|at| &versions[at])
}

/// Flags of the newest version, among those that each generation of clients can read.
fn mark_latest(versions: &mut [Entry]) {
    for which in 0..2 {
        let candidates = |stable: bool| {
            versions.iter().rposition(|it| {
                it.item.listed && it.is_readable[which] && !(stable && it.version().is_prerelease())
            })
        };
        let (stable, absolute) = (candidates(true), candidates(false));
        for (at, entry) in versions.iter_mut().enumerate() {
            entry.latest[which] = Latest {
                stable: stable == Some(at),
                absolute: absolute == Some(at),
            };
        }
    }
}

fn page(
    name: &str,
    mut found: Vec<&Entry>,
    options: &Options,
    base: &str,
    now: &str,
    budget: &Budget,
) -> Result<Document, BadRequest> {
    let which = usize::from(options.semver2);
    found.retain(|it| it.is_readable[which]);
    if let Some(filter) = &options.filter {
        found.retain(|it| filter.passes(it, it.latest[which], budget));
        budget.check("$filter")?;
    }
    let total = found.len();
    if options.count {
        return Ok(Document::Count(total));
    }
    if let Some(order) = &options.order {
        order.spend(&found, budget);
        budget.check("$orderby")?;
        found.sort_by(|a, b| order.compare(a, b));
    }
    let start = match &options.after {
        Some((id, version)) => {
            let id = id.to_lowercase();
            let Ok(version) = Version::parse_any(version) else {
                return Ok(Document::Missing);
            };
            let is_last = |it: &&Entry| it.id_key == id && *it.version() == version;
            match found.iter().position(is_last) {
                Some(at) => at + 1,
                // It was taken out meanwhile. In the feed's own order its place is known.
                None if options.order.is_none() => {
                    found.partition_point(|it| (&it.id_key, it.version()) <= (&id, &version))
                }
                None => return Ok(Document::Missing),
            }
        }
        None => options.skip.min(found.len()),
    };
    let rest = &found[start..];
    let wanted = options.top.unwrap_or(usize::MAX).min(rest.len());
    let shown = &rest[..wanted.min(PAGE)];
    let next = (wanted > shown.len()).then(|| {
        let last = &shown[shown.len() - 1];
        let left = options.top.map(|top| top - shown.len());
        let version = last.version().to_string();
        next_page(options, &last.item.nuspec.id, &version, left)
    });
    let total = options.inline_count.then_some(total);
    let entries = shown.iter().map(|it| (*it, it.latest[which]));
    let feed = document::feed(name, entries, total, next, base, now);
    Ok(Document::Atom(feed))
}
