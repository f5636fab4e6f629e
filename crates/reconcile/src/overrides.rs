//! What administrators say about matches. It stands above all other evidence.
//!
//! An override is for one registered name, or for all that a pattern fits. Of several that fit, the
//! one for the very name counts before a pattern, a pattern with more letters before one with fewer,
//! and the later one before the earlier. That a name is *not* a package is said beside all others: it
//! only takes that package out of what the name may be, and what counts later does not put it back.
//!
//! Which version of a package a registered version is, is said of the package and not of a name: its
//! [`Relation`](crate::relation::Relation) is learnt from that as from what a device registers where the
//! version is known.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fleetmend_model::inventory::Software;

use crate::answer::Answer;
use crate::catalog::family;
use crate::pattern::MAX_NAME;
use crate::pin::Pin;
use crate::relation::Pair;
use crate::said_text;

/// What an administrator decided about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is this package.
    Is(String),
    /// It is not this package, whatever else speaks for it.
    IsNot(String),
    /// Nothing is wanted for it.
    Excluded,
    /// It stays at this package version or below; without one, at whatever is installed. That is said
    /// beside all others, as what it is is another matter.
    Pinned(Option<String>),
    /// What registers so is this version of a package. The override has no name.
    Version {
        /// The package's id.
        package: String,
        /// `DisplayVersion`.
        registered: String,
        /// The package's version.
        version: String,
    },
}

/// A decision and the applications that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its number: a later one has a higher one.
    pub id: i64,
    /// `DisplayName`, or a pattern with `*` and `?` for it, as [`said_text`] has them. Letter case does
    /// not count.
    pub name: String,
    /// The same for the publisher; empty for any.
    pub publisher: String,
    /// What it is.
    pub decision: Decision,
    /// Why, in the administrator's words.
    pub reason: String,
    /// Who decided it.
    pub by: String,
}

impl Override {
    /// Whether it is for an application, by its name and publisher.
    pub fn fits(&self, software: &Software) -> bool {
        software.name.len() <= MAX_NAME
            && said_text::fits(&self.name, &software.name)
            && (self.publisher.is_empty() || said_text::fits(&self.publisher, &software.publisher))
    }

    /// Whether it is for an application that has this answer.
    pub(crate) fn is_for(&self, software: &Software, answer: &Answer) -> bool {
        match &self.decision {
            Decision::Version { package, .. } => {
                answer.package() == Some(package.to_lowercase().as_str())
            }
            _ => self.fits(software),
        }
    }

    /// What is said of a registered version, where that is what is said.
    fn pair(&self) -> Option<Pair> {
        let Decision::Version {
            registered,
            version,
            ..
        } = &self.decision
        else {
            return None;
        };
        Some(Pair {
            name: String::new(),
            registered: registered.trim().to_owned(),
            version: version.clone(),
        })
    }

    /// What is said against updates, where that is what is said.
    pub(crate) fn pin(&self) -> Option<Pin<'_>> {
        let Decision::Pinned(highest) = &self.decision else {
            return None;
        };
        Some(Pin {
            by: &self.by,
            highest: highest.as_deref(),
            reason: &self.reason,
        })
    }

    /// Who said what, and why, in a part of a sentence.
    pub(crate) fn says(&self) -> String {
        if let Some(pin) = self.pin() {
            return pin.says();
        }
        let what = match &self.decision {
            Decision::Is(package) => format!("it is {package}"),
            Decision::IsNot(package) => format!("it is not {package}"),
            Decision::Version {
                registered,
                version,
                ..
            } => format!("what registers {registered} is version {version}"),
            Decision::Excluded | Decision::Pinned(_) => "nothing is wanted for it".to_owned(),
        };
        format!("{} said that {what}: {}", self.by, self.reason)
    }

    fn is_exact(&self) -> bool {
        !said_text::is_pattern(&self.name)
    }

    /// The more it says, and then the later it was said, the earlier it counts.
    fn rank(&self) -> impl Ord + use<> {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        (
            Reverse(self.is_exact()),
            Reverse(letters(&self.name) + letters(&self.publisher)),
            Reverse(self.id),
        )
    }
}

/// All that administrators decided. Equal for the same overrides in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// By rank.
    all: Vec<Override>,
    /// Places of those for one name, by it in lower case.
    by_name: HashMap<String, Vec<usize>>,
    /// Places of those with a pattern.
    patterns: Vec<usize>,
    /// Places of those for a package's versions, by its id in lower case; of one registered version only
    /// the one that counts.
    by_package: HashMap<String, Vec<usize>>,
}

/// What is decided about one application.
#[derive(Debug, Default)]
pub(crate) struct Said<'o> {
    /// That nothing is wanted for it.
    pub(crate) excluded: Option<&'o Override>,
    /// The package that it is; where it is excluded, the one that it would be.
    pub(crate) is: Option<(&'o str, &'o Override)>,
    /// What counts against updates of it.
    pub(crate) pinned: Option<Pin<'o>>,
    /// Packages that it is not, without `.install` and `.portable`.
    pub(crate) forbidden: BTreeMap<String, &'o Override>,
}

impl Overrides {
    /// Puts them in their order.
    pub fn new(mut all: Vec<Override>) -> Self {
        all.sort_by_cached_key(Override::rank);
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        let mut patterns = Vec::new();
        let mut by_package: HashMap<String, Vec<usize>> = HashMap::new();
        let mut registered = HashSet::new();
        for (place, it) in all.iter().enumerate() {
            if let (Decision::Version { package, .. }, Some(pair)) = (&it.decision, it.pair()) {
                let package = package.to_lowercase();
                if registered.insert((package.clone(), pair.registered)) {
                    by_package.entry(package).or_default().push(place);
                }
            } else if it.is_exact() {
                by_name
                    .entry(said_text::read(&it.name).to_lowercase())
                    .or_default()
                    .push(place);
            } else {
                patterns.push(place);
            }
        }
        Self {
            all,
            by_name,
            patterns,
            by_package,
        }
    }

    fn of_versions(&self, package: &str) -> impl Iterator<Item = &Override> {
        let places = self.by_package.get(package).into_iter().flatten();
        places.filter_map(|place| self.all.get(*place))
    }

    /// What is said of versions of a package, by its id in lower case.
    pub(crate) fn pairs(&self, package: &str) -> Vec<Pair> {
        self.of_versions(package)
            .filter_map(Override::pair)
            .collect()
    }

    /// Who said of a registered version of a package which one it is, and why; in a part of a sentence.
    pub(crate) fn says_of_version(&self, package: &str, registered: &str) -> Option<String> {
        let is_it = |it: &&Override| {
            it.pair()
                .is_some_and(|it| it.registered == registered.trim())
        };
        self.of_versions(package).find(is_it).map(Override::says)
    }

    /// Packages of whose versions one says something else than the other, by their ids in lower case.
    pub(crate) fn other_versions(&self, other: &Self) -> BTreeSet<String> {
        let packages = self.by_package.keys().chain(other.by_package.keys());
        let is_other = |it: &&String| self.pairs(it) != other.pairs(it);
        packages.filter(is_other).cloned().collect()
    }

    /// All, those that count first in front.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.all.iter()
    }

    /// Those that are in one and not in the other.
    pub(crate) fn differences<'o>(&'o self, other: &'o Self) -> Vec<&'o Override> {
        let only = |a: &'o Self, b: &'o Self| a.all.iter().filter(|it| !b.all.contains(it));
        only(self, other).chain(only(other, self)).collect()
    }

    /// With one more, as it would be if it were decided last.
    #[must_use]
    pub fn with(&self, new: Override) -> Self {
        let mut all = self.all.clone();
        all.push(new);
        Self::new(all)
    }

    /// Without one.
    #[must_use]
    pub fn without(&self, id: i64) -> Self {
        let all = self.all.iter().filter(|it| it.id != id);
        Self::new(all.cloned().collect())
    }

    pub(crate) fn about(&self, software: &Software) -> Said<'_> {
        let mut said = Said::default();
        if self.all.is_empty() {
            return said;
        }
        let exact = self.by_name.get(&software.name.to_lowercase());
        let places = exact.into_iter().flatten().chain(&self.patterns);
        for it in places.filter_map(|place| self.all.get(*place)) {
            if !it.fits(software) {
                continue;
            }
            match &it.decision {
                Decision::IsNot(package) => {
                    let package = package.to_lowercase();
                    let family = family(&package).to_owned();
                    said.forbidden.entry(family).or_insert(it);
                }
                Decision::Is(package) => {
                    // What forbids it and is met before it counts before it.
                    let is_forbidden = said.forbids(&package.to_lowercase());
                    if said.is.is_none() && !is_forbidden {
                        said.is = Some((package, it));
                    }
                }
                Decision::Excluded if said.is.is_none() && said.excluded.is_none() => {
                    said.excluded = Some(it);
                }
                Decision::Excluded | Decision::Version { .. } => {}
                Decision::Pinned(_) => said.pinned = said.pinned.or(it.pin()),
            }
        }
        said
    }
}

impl Said<'_> {
    /// Whether it is said that it is not this package, by its id in lower case.
    pub(crate) fn forbids(&self, package: &str) -> bool {
        self.forbidden.contains_key(family(package))
    }
}
