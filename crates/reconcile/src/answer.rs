//! The answer for one installed application: missing, current, or why it cannot be told.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fleetmend_model::PackageId;
use fleetmend_model::inventory::Software;
use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_versions::nuget::Version;
use fleetmend_versions::{display, fix_date};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Offer, family};
use crate::matching::{Match, match_said};
use crate::names::Row;
use crate::overrides::{Overrides, Said};
use crate::relation::Told;

/// What is known about one installed application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Answer {
    /// The package has a newer version.
    Missing {
        /// The package's id, lower case.
        package: String,
        /// The row of the version on offer.
        offered: PackageId,
        /// The installed `DisplayVersion`.
        installed: String,
        /// The package version on offer.
        available: String,
        /// What the match rests on.
        evidence: Evidence,
        /// How sure the match is.
        confidence: Confidence,
        /// The match and the comparison in a sentence.
        why: String,
    },
    /// It is the version on offer.
    Current {
        /// The package's id, lower case.
        package: String,
        /// In a sentence.
        why: String,
    },
    /// It is newer than what the catalog offers.
    Newer {
        /// The package's id, lower case.
        package: String,
        /// In a sentence.
        why: String,
    },
    /// The package is known, and whether it has anything newer is not.
    CannotTell {
        /// The package's id, lower case.
        package: String,
        /// Why not.
        why: String,
    },
    /// No package is known for it.
    Unmatched,
    /// It would be this package had an administrator not said that it is not. No other is known.
    Denied {
        /// The package's id, lower case.
        package: String,
        /// Who said so, and why.
        why: String,
    },
    /// A person must say which package it is.
    Review {
        /// Package ids that it may be.
        candidates: Vec<String>,
        /// Why it is not clear.
        why: String,
    },
    /// It stays at the version that it has: the package has, or may have, a newer one, against which an
    /// administrator spoke.
    Pinned {
        /// The package's id, lower case.
        package: String,
        /// The match, the comparison, and who said so and why.
        why: String,
    },
    /// An administrator wants nothing for it.
    Excluded {
        /// The id of the package that it would be, lower case, where that is clear.
        package: Option<String>,
        /// Who said so, and why.
        why: String,
    },
}

impl Answer {
    /// The package that the application is, where that is clear.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Missing { package, .. }
            | Self::Current { package, .. }
            | Self::Newer { package, .. }
            | Self::CannotTell { package, .. }
            | Self::Pinned { package, .. } => Some(package),
            Self::Unmatched | Self::Denied { .. } | Self::Review { .. } | Self::Excluded { .. } => {
                None
            }
        }
    }
}

impl Answer {
    /// The package that the application is, or those that it may be where a person must say it.
    pub fn packages(&self) -> &[String] {
        match self {
            Self::Missing { package, .. }
            | Self::Current { package, .. }
            | Self::Newer { package, .. }
            | Self::CannotTell { package, .. }
            | Self::Pinned { package, .. } => std::slice::from_ref(package),
            Self::Review { candidates, .. } => candidates,
            Self::Unmatched | Self::Denied { .. } | Self::Excluded { .. } => &[],
        }
    }
}

/// The answer for one application. Depends on nothing but the catalog and the row.
pub fn answer(catalog: &Catalog, software: &Software) -> Answer {
    answer_under(catalog, catalog.overrides(), software)
}

/// [`answer`], were these all that administrators said.
pub fn answer_under(catalog: &Catalog, overrides: &Overrides, software: &Software) -> Answer {
    let said = overrides.about(software);
    let found = match_said(catalog, &said, software);
    if let Some(it) = said.excluded {
        return Answer::Excluded {
            package: found.and_then(clear),
            why: it.says(),
        };
    }
    let Some(found) = found else {
        return denied(catalog, &said, software).unwrap_or(Answer::Unmatched);
    };
    if found.confidence == Confidence::Weak {
        let candidates = if found.candidates.is_empty() {
            vec![found.package]
        } else {
            found.candidates
        };
        return Answer::Review {
            candidates,
            why: found.why,
        };
    }
    let Some(offer) = catalog
        .named(&found.package)
        .and_then(|it| it.offer.as_ref())
    else {
        let why = format!(
            "{}; no version of the package is listed and released",
            found.why
        );
        return Answer::CannotTell {
            package: found.package,
            why,
        };
    };
    let (mut order, mut basis) = compare(catalog, overrides, software, &found, offer);
    if order == Some(Ordering::Less) && stands_beside(catalog, software, &found, offer) {
        order = None;
        basis = format!(
            "it is of another line than the version on offer, {}, which may be installed beside it",
            offer.text
        );
    }
    let why = format!("{}; {basis}", found.why);
    let Match {
        package,
        evidence,
        confidence,
        ..
    } = found;
    if let Some(pin) = said.pinned.filter(|it| it.holds(&offer.version))
        && order.is_none_or(Ordering::is_lt)
    {
        let why = format!("{}; {why}", pin.says());
        return Answer::Pinned { package, why };
    }
    match order {
        Some(Ordering::Less) => Answer::Missing {
            package,
            offered: offer.id,
            installed: software.version.clone(),
            available: offer.text.clone(),
            evidence,
            confidence,
            why,
        },
        Some(Ordering::Equal) => Answer::Current { package, why },
        Some(Ordering::Greater) => Answer::Newer { package, why },
        None => Answer::CannotTell { package, why },
    }
}

/// The package, where no person must say it.
fn clear(found: Match) -> Option<String> {
    (found.confidence != Confidence::Weak).then_some(found.package)
}

/// What an application that is nothing now would be if nobody had said that it is not.
fn denied(catalog: &Catalog, said: &Said<'_>, software: &Software) -> Option<Answer> {
    if said.forbidden.is_empty() {
        return None;
    }
    let package = match_said(catalog, &Said::default(), software).and_then(clear)?;
    let why = said.forbidden.get(family(&package))?.says();
    Some(Answer::Denied { package, why })
}

/// The installed version against the one on offer, and what the comparison rests on.
fn compare(
    catalog: &Catalog,
    overrides: &Overrides,
    software: &Software,
    found: &Match,
    offer: &Offer,
) -> (Option<Ordering>, String) {
    if found.evidence == Evidence::ProductCode
        && let Some(result) = compare_by_product_code(catalog, software, found, offer)
    {
        return result;
    }
    let installed = software.version.trim();
    if let Some(registers) = registered_version(offer, software)
        && let Some(order) = display::compare(installed, registers)
    {
        let word = word(order);
        let basis = format!(
            "its version {installed} is {word}: the installer on offer registers {registers}"
        );
        return (Some(order), basis);
    }
    let package = catalog.named(&found.package);
    let relation = package.map(|it| catalog.relation_under(overrides, it));
    match relation.map(|it| it.order(software, &offer.text)) {
        Some(Told::Order { order, what, how }) => {
            let word = word(order);
            let how = how.map_or(String::new(), |how| format!(" ({what} {how})"));
            let said = overrides.says_of_version(&found.package, installed);
            let said = said.map_or(String::new(), |said| format!("; {said}"));
            let offered = &offer.text;
            let basis = format!("{what} is {word}: the package's version is {offered}{how}{said}");
            (Some(order), basis)
        }
        Some(Told::CannotTell(why)) => (None, why),
        None => (None, "the package is not known".to_owned()),
    }
}

/// Whether the version on offer may leave an older application as it is: it is of another line, and not
/// known to be of a product that Windows Installer upgrades.
fn stands_beside(catalog: &Catalog, software: &Software, found: &Match, offer: &Offer) -> bool {
    let is_upgraded = offer.products.iter().any(|product| {
        matches!((&product.upgrade_code, &software.upgrade_code),
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
    });
    let package = catalog.named(&found.package).filter(|_| !is_upgraded);
    package.is_some_and(|it| Row::of(software).is_beside(&it.identity, &offer.text))
}

/// A product code names the package version exactly, unless a patch raised the version in place.
fn compare_by_product_code(
    catalog: &Catalog,
    software: &Software,
    found: &Match,
    offer: &Offer,
) -> Option<(Option<Ordering>, String)> {
    let code = catalog
        .with_product_code(software.product_code.as_deref()?)
        .iter()
        .filter(|code| {
            catalog
                .package(code.package)
                .is_some_and(|it| it.name == found.package)
        })
        .max_by(|a, b| a.version.cmp(&b.version))?;
    let is_patched =
        display::compare(&software.version, &code.product_version).is_some_and(Ordering::is_gt);
    let order = compare_to_offer(&code.version, offer);
    if is_patched && order.is_lt() {
        return None;
    }
    let than = word(order);
    Some((
        Some(order),
        format!(
            "that installer is version {}, which is {than}",
            code.version
        ),
    ))
}

fn word(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "older than what is on offer",
        Ordering::Equal => "the one on offer",
        Ordering::Greater => "newer than what is on offer",
    }
}

/// What the installer on offer registers as `DisplayVersion`, where the mirror knows it: that of
/// the same product, or the only one that the package brings.
fn registered_version<'o>(offer: &'o Offer, software: &Software) -> Option<&'o str> {
    let same_product = offer.products.iter().find(|product| {
        matches!((&product.upgrade_code, &software.upgrade_code),
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
    });
    if let Some(product) = same_product {
        return Some(&product.product_version);
    }
    let versions: BTreeSet<&str> = offer
        .products
        .iter()
        .map(|product| product.product_version.as_str())
        .collect();
    let mut versions = versions.into_iter();
    versions.next().filter(|_| versions.next().is_none())
}

/// A package version against the one on offer. A repair of the package alone brings no newer
/// software.
pub(crate) fn compare_to_offer(known: &Version, offer: &Offer) -> Ordering {
    let (a, b) = (known.numbers(), offer.version.numbers());
    let is_repair = !known.is_prerelease()
        && fix_date::place(&offer.version)
            .is_some_and(|place| a[..place] == b[..place] && a[place..].iter().all(|it| *it == 0));
    if is_repair {
        Ordering::Equal
    } else {
        known.cmp(&offer.version)
    }
}
