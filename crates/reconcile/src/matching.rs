//! Which package an installed application is: by evidence, the best first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::patch::{Confidence, Evidence};

use crate::catalog::{Catalog, Code, Package, family};
use crate::identity::Source;
use crate::names::{Candidate, Maker, Rank, Row};
use crate::normal::Channel;
use crate::overrides::Said;

/// The package that an installed application is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The package's id, lower case.
    pub package: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// How sure it is.
    pub confidence: Confidence,
    /// The same in a sentence.
    pub why: String,
    /// Package ids that fit equally well, this one included, where the choice is open.
    pub candidates: Vec<String>,
}

/// Takes the first kind of evidence that gives anything.
pub fn match_software(catalog: &Catalog, software: &Software) -> Option<Match> {
    match_said(catalog, &catalog.overrides().about(software), software)
}

/// [`match_software`] under what administrators say about the application.
pub(crate) fn match_said(catalog: &Catalog, said: &Said<'_>, software: &Software) -> Option<Match> {
    if software.place == Place::Dpkg {
        return None;
    }
    let search = Search {
        catalog,
        software,
        said,
    };
    by_override(said)
        .or_else(|| search.by_code(product_code(catalog, software)?))
        .or_else(|| search.by_code(upgrade_code(catalog, software)?))
        .or_else(|| search.by_name())
}

/// Everything that an application may be, each package with its own evidence, the likelier first.
/// What administrators say is left out of account.
pub fn candidates(catalog: &Catalog, software: &Software) -> Vec<Match> {
    let mut all: Vec<Match> = Vec::new();
    let mut add = |found: Match| {
        if !all.iter().any(|it| it.package == found.package) {
            all.push(found);
        }
    };
    let codes = [
        product_code(catalog, software),
        upgrade_code(catalog, software),
    ];
    for mut coded in codes.into_iter().flatten() {
        coded
            .packages
            .sort_by_key(|it| catalog.package(*it).map(|it| it.name.as_str()));
        for package in &coded.packages {
            choose(
                catalog,
                &[*package],
                coded.evidence,
                coded.confidence,
                &coded.why,
            )
            .into_iter()
            .for_each(&mut add);
        }
    }
    let mut named = named(catalog, software);
    named.sort_by_key(|it| Reverse(it.rank()));
    for it in named {
        if let Some(package) = catalog.package(it.package) {
            add(Match {
                package: package.name.clone(),
                evidence: evidence(&it),
                confidence: it.confidence,
                why: why(software, package, &it),
                candidates: Vec::new(),
            });
        }
    }
    all
}

/// What an application may be by its name: by the packages' patterns, names and makers.
fn named(catalog: &Catalog, software: &Software) -> Vec<Candidate> {
    let fitting = catalog.with_pattern_for(&software.name);
    catalog.with_name_for(&Row::of(software), &fitting)
}

fn by_override(said: &Said<'_>) -> Option<Match> {
    let (package, it) = said.is?;
    Some(Match {
        package: package.to_lowercase(),
        evidence: Evidence::Override,
        confidence: Confidence::Certain,
        why: it.says(),
        candidates: Vec::new(),
    })
}

/// Packages that have an installer with one of the application's codes.
struct Coded {
    packages: Vec<u32>,
    evidence: Evidence,
    confidence: Confidence,
    why: String,
}

fn product_code(catalog: &Catalog, software: &Software) -> Option<Coded> {
    let code = software.product_code.as_deref()?;
    Some(Coded {
        packages: packages(catalog.with_product_code(code)),
        evidence: Evidence::ProductCode,
        confidence: Confidence::Certain,
        why: format!("its product code {code} is that of an installer in the package"),
    })
}

/// Strong, not certain: vendors carry one upgrade code through channels and product lines.
fn upgrade_code(catalog: &Catalog, software: &Software) -> Option<Coded> {
    let code = software.upgrade_code.as_deref()?;
    Some(Coded {
        packages: packages(catalog.with_upgrade_code(code)),
        evidence: Evidence::UpgradeCode,
        confidence: Confidence::Strong,
        why: format!("its upgrade code {code} is that of an installer in the package"),
    })
}

fn packages(codes: &[Code]) -> Vec<u32> {
    let packages: BTreeSet<u32> = codes.iter().map(|code| code.package).collect();
    packages.into_iter().collect()
}

fn evidence(found: &Candidate) -> Evidence {
    if found.by_pattern {
        Evidence::SoftwareName
    } else {
        Evidence::Name
    }
}
/// One application among the packages that it may be.
struct Search<'a> {
    catalog: &'a Catalog,
    software: &'a Software,
    said: &'a Said<'a>,
}

impl Search<'_> {
    fn may_be(&self, package: u32) -> bool {
        let package = self.catalog.package(package);
        package.is_some_and(|it| !self.said.forbids(&it.name))
    }

    fn by_code(&self, coded: Coded) -> Option<Match> {
        let mut packages = coded.packages;
        packages.retain(|it| self.may_be(*it));
        let mut confidence = coded.confidence;
        if coded.evidence == Evidence::UpgradeCode {
            // The code is the product's, not the line's or channel's: the name has the say there.
            let row = Row::of(self.software);
            packages.retain(|it| {
                let package = self.catalog.package(*it);
                package.is_some_and(|it| !row.contradicts(&it.identity))
            });
        }
        if families(self.catalog, &packages).len() > 1 {
            // Several packages carry the same installer: the name may tell which one is meant.
            let named = self.by_name_among(|it| packages.contains(&it));
            if let Some(named) = named.filter(|it| it.confidence == Confidence::Strong) {
                let is_named = |it: &u32| {
                    let package = self.catalog.package(*it);
                    package.is_some_and(|it| family(&it.name) == family(&named.package))
                };
                packages.retain(is_named);
                confidence = Confidence::Strong;
            }
        }
        choose(
            self.catalog,
            &packages,
            coded.evidence,
            confidence,
            &coded.why,
        )
    }

    fn by_name(&self) -> Option<Match> {
        self.by_name_among(|_| true)
    }

    /// By what the package says of its software: its own pattern for registered names, its title, its
    /// id, and who makes it.
    fn by_name_among(&self, is_among: impl Fn(u32) -> bool) -> Option<Match> {
        let Self {
            catalog, software, ..
        } = *self;
        let mut candidates = named(catalog, software);
        candidates.retain(|it| self.may_be(it.package) && is_among(it.package));
        let mut top = candidates.iter().map(Candidate::rank).max()?;
        let rivals = rivals(&candidates, &top);
        let pulled = pulled_in(catalog, &candidates, &top);
        // Another package of that name is by the row's publisher.
        let of_maker =
            |it: &Candidate| it.maker == Maker::Same && it.unexplained.is_empty() && !it.is_copy;
        let is_foreign = |it: &Candidate| it.rank() == top && it.maker == Maker::Other;
        if candidates.iter().any(is_foreign) && candidates.iter().any(of_maker) {
            candidates.retain(of_maker);
            top = candidates.iter().map(Candidate::rank).max()?;
        }
        candidates.retain(|it| it.rank() == top);
        if let Some(pulled) = pulled {
            candidates = vec![pulled];
        }
        let first = candidates.first()?.clone();
        let first = &first;
        candidates.extend(rivals);
        let candidates = without_wrappers(catalog, candidates);
        let package = catalog.package(first.package)?;
        let why = why(software, package, first);
        let packages: Vec<u32> = candidates.iter().map(|it| it.package).collect();
        let mut chosen = choose(catalog, &packages, evidence(first), first.confidence, &why)?;
        // Without the ordinary releases in the catalog there is none to hold against it.
        if first.is_unsaid_long_term() && chosen.confidence == Confidence::Strong {
            chosen.confidence = Confidence::Weak;
            chosen
                .why
                .push_str("; whether it is of long-term support it does not say");
        }
        Some(chosen)
    }
}

/// Long-term releases of the same product, whose registered names mostly do not say so. What is later
/// than the newest of them is none.
fn rivals(candidates: &[Candidate], top: &Rank) -> Vec<Candidate> {
    let is_open = |it: &&Candidate| it.rank() == *top && it.channel.is_none();
    if !candidates.iter().any(|it| is_open(&it)) {
        return Vec::new();
    }
    let is_rival = |it: &&Candidate| {
        it.rank() != *top
            && it.channel == Some(Channel::LongTerm)
            && it.is_up_to_row()
            && it.confidence == Confidence::Strong
    };
    candidates.iter().filter(is_rival).cloned().collect()
}

/// What the best package pulls in of the same name: the best is only its wrapper.
fn pulled_in(catalog: &Catalog, candidates: &[Candidate], top: &Rank) -> Option<Candidate> {
    let mut best = candidates.iter().filter(|it| it.rank() == *top);
    let best = best.next().filter(|_| best.next().is_none())?;
    let wrapper = catalog.package(best.package)?;
    let mut strong = candidates.iter().filter(|it| {
        it.rank() != *top
            && it.confidence == Confidence::Strong
            && it.says_as_much_as(best)
            && catalog.package(it.package).is_some_and(|it| {
                family(&it.name) != family(&wrapper.name)
                    && wrapper.identity.pulls_in.contains(&it.name)
            })
    });
    strong.next().filter(|_| strong.next().is_none()).cloned()
}

/// Without packages that only pull in another one of them.
fn without_wrappers(catalog: &Catalog, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let name = |it: &Candidate| catalog.package(it.package).map(|it| it.name.as_str());
    let names: Vec<Option<&str>> = candidates.iter().map(name).collect();
    let is_wrapper = |it: &Candidate| {
        catalog.package(it.package).is_some_and(|package| {
            let mut pulled = package.identity.pulls_in.iter();
            pulled
                .any(|id| family(id) != family(&package.name) && names.contains(&Some(id.as_str())))
        })
    };
    let wrappers: Vec<bool> = candidates.iter().map(is_wrapper).collect();
    if wrappers.contains(&false) {
        let mut wrappers = wrappers.into_iter();
        candidates.retain(|_| !wrappers.next().unwrap_or_default());
    }
    candidates
}

/// A match by name in a sentence.
fn why(software: &Software, package: &Package, found: &Candidate) -> String {
    let name = &software.name;
    let pattern = package.patterns.iter().find(|it| it.fits(name));
    let mut why = match (found.source, pattern) {
        (_, Some(pattern)) => format!(
            "its name '{name}' fits the package's own pattern '{}'",
            pattern.text
        ),
        (Source::Id, _) => format!("its name '{name}' is the package's id '{}'", package.name),
        (Source::Pattern, _) => {
            format!("its name '{name}' is what the package's own pattern names")
        }
        (Source::Title, _) => format!(
            "its name '{name}' is the package's title '{}'",
            package.identity.title
        ),
    };
    if found.maker == Maker::Same {
        why.push_str(", and its publisher '");
        why.push_str(&software.publisher);
        why.push_str("' makes it");
    }
    if !found.unexplained.is_empty() {
        why.push_str(", but for '");
        why.push_str(&found.unexplained.join(" "));
        why.push('\'');
    }
    if let Some(doubt) = found.doubt {
        why.push_str("; ");
        why.push_str(doubt);
    }
    why
}

/// One package of those that fit equally well: `.install` before the plain id before
/// `.portable`; of several families none is sure.
fn choose(
    catalog: &Catalog,
    packages: &[u32],
    evidence: Evidence,
    confidence: Confidence,
    why: &str,
) -> Option<Match> {
    let mut fitting: Vec<&Package> = packages
        .iter()
        .filter_map(|package| catalog.package(*package))
        .collect();
    fitting.sort_by_key(|it| {
        let is_portable = it.name.ends_with(".portable");
        (
            it.offer.is_none(),
            is_portable,
            Reverse(it.name.ends_with(".install")),
            &it.name,
        )
    });
    let package = fitting.first()?.name.clone();
    if families(catalog, packages).len() == 1 {
        return Some(Match {
            package,
            evidence,
            confidence,
            why: why.to_owned(),
            candidates: Vec::new(),
        });
    }
    let mut candidates: Vec<String> = fitting.iter().map(|it| it.name.clone()).collect();
    candidates.sort_unstable();
    let why = format!("{why}, and so it does for {}", list(&candidates));
    Some(Match {
        package,
        evidence,
        confidence: Confidence::Weak,
        why,
        candidates,
    })
}

fn families<'c>(catalog: &'c Catalog, packages: &[u32]) -> BTreeSet<&'c str> {
    packages
        .iter()
        .filter_map(|package| catalog.package(*package))
        .map(|package| family(&package.name))
        .collect()
}

/// At most five names; how many more there are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
