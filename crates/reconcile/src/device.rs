//! One device's missing patches, made of the answers for its applications, of Chocolatey's own
//! records, and of what its package manager offers.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use fleetmend_model::PackageId;
use fleetmend_model::inventory::{ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};

use crate::answer::{Answer, answer, compare_to_offer};
use crate::catalog::{Catalog, Offer, Package, parse_version};

/// A newer version that a device lacks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MissingPatch {
    /// Where it comes from.
    pub patch_type: PatchType,
    /// The package's id in lower case, or the Linux package's name.
    pub package: String,
    /// The Linux package's architecture; empty for Chocolatey packages.
    pub architecture: String,
    /// The catalog's row of the available version; absent for Linux packages.
    pub offered: Option<PackageId>,
    /// What a person calls it.
    pub title: String,
    /// The installed version, as the device says it.
    pub installed: String,
    /// The package version to install.
    pub available: String,
    /// Whether a security archive offers it.
    pub security: bool,
    /// The archive that offers it; empty for Chocolatey packages.
    pub origin: String,
    /// What the match rests on.
    pub evidence: Evidence,
    /// Strong or certain.
    pub confidence: Confidence,
    /// In a sentence.
    pub why: String,
    /// Why no release can be made of it; absent when one can.
    pub not_deployable: Option<String>,
}

/// All third-party patches that a device lacks, one a package, by package id.
pub fn third_party(
    catalog: &Catalog,
    software: &[Software],
    records: &[ChocolateyRecord],
) -> Vec<MissingPatch> {
    let answers: Vec<Answer> = software.iter().map(|row| answer(catalog, row)).collect();
    combine(catalog, &answers, records)
}

/// [`third_party`] from answers that were kept. Their order does not count.
///
/// Chocolatey's own record comes first. An application that is registered at or above the version
/// on offer says more than any record or second row: such a package is not missing, whoever
/// upgraded it. What an administrator said of an application counts for a record of it as well: of a
/// package that is excluded nothing is missing, and where an application is not the package, a record
/// of it says nothing unless another application is the package.
pub fn combine<'a>(
    catalog: &'a Catalog,
    answers: impl IntoIterator<Item = &'a Answer>,
    records: &'a [ChocolateyRecord],
) -> Vec<MissingPatch> {
    let named = |id: &str| catalog.named(id);
    let mut slots: BTreeMap<&str, Slot> = BTreeMap::new();
    for answer in answers {
        if let Some(package) = concerned(answer) {
            let slot = slots.entry(copy_of(package)).or_default();
            slot.add_answer(Says::of_answer(named, answer));
        }
    }
    for record in records {
        if let Some(package) = catalog.named(&record.id) {
            let slot = slots.entry(copy_of(&package.name)).or_default();
            slot.add_record(Says::of_record(named, &record.id, &record.version));
        }
    }
    let missing = slots.into_values().filter_map(Slot::missing);
    let mut missing: Vec<_> = missing.map(|it| it.patch()).collect();
    missing.sort_by(|a, b| a.package.cmp(&b.package));
    missing
}

/// What shares one copy on the device: `7zip` only pulls in `7zip.install`; `7zip.portable` is a
/// copy of its own.
pub fn copy_of(package: &str) -> &str {
    package.strip_suffix(".install").unwrap_or(package)
}

/// The package that an answer says anything of for a device: also the one that the application would be
/// but for what an administrator said.
pub(crate) fn concerned(answer: &Answer) -> Option<&str> {
    answer.package().or(match answer {
        Answer::Denied { package, .. } => Some(package),
        Answer::Excluded { package, .. } => package.as_deref(),
        _ => None,
    })
}

/// What one application or one record says of a package for the device that has it.
#[derive(Debug, Clone)]
pub(crate) enum Says<'a> {
    Nothing,
    /// It is there as it is on offer or newer; of an application also: nothing is wanted for it.
    LacksNothing,
    /// An administrator said that the application is not the package.
    Denied,
    Lacks(Older<'a>),
}

/// An older version than that on offer.
#[derive(Debug, Clone)]
pub(crate) struct Older<'a> {
    package: &'a str,
    offer: &'a Offer,
    installed: &'a str,
    pub(crate) evidence: Evidence,
    confidence: Confidence,
    /// Absent where Chocolatey's own record says it.
    why: Option<&'a str>,
}

impl<'a> Says<'a> {
    /// `named` gives the catalog's packages by their ids.
    pub(crate) fn of_answer(
        named: impl Fn(&str) -> Option<&'a Package>,
        answer: &'a Answer,
    ) -> Self {
        match answer {
            Answer::Current { .. } | Answer::Newer { .. } | Answer::Excluded { .. } => {
                Self::LacksNothing
            }
            Answer::Missing {
                package,
                installed,
                evidence,
                confidence,
                why,
                ..
            } => match named(package).and_then(|it| Some((it, it.offer.as_ref()?))) {
                Some((package, offer)) => Self::Lacks(Older {
                    package: &package.name,
                    offer,
                    installed,
                    evidence: *evidence,
                    confidence: *confidence,
                    why: Some(why),
                }),
                None => Self::Nothing,
            },
            Answer::Denied { .. } => Self::Denied,
            Answer::CannotTell { .. } | Answer::Unmatched | Answer::Review { .. } => Self::Nothing,
        }
    }

    /// A record that cannot be read says nothing, nor does one of a package that is not on offer.
    pub(crate) fn of_record(
        named: impl Fn(&str) -> Option<&'a Package>,
        package: &str,
        version: &'a str,
    ) -> Self {
        let offered = named(package).and_then(|it| Some((it, it.offer.as_ref()?)));
        let Some(((package, offer), recorded)) = offered.zip(parse_version(version)) else {
            return Self::Nothing;
        };
        if !compare_to_offer(&recorded, offer).is_lt() {
            return Self::LacksNothing;
        }
        Self::Lacks(Older {
            package: &package.name,
            offer,
            installed: version,
            evidence: Evidence::ChocolateyRecord,
            confidence: Confidence::Certain,
            why: None,
        })
    }
}

impl Older<'_> {
    /// Put into words only where it is asked for: of most records nobody asks.
    fn why(&self) -> Cow<'_, str> {
        if let Some(why) = self.why {
            return Cow::Borrowed(why);
        }
        let (installed, offered) = (self.installed, &self.offer.text);
        Cow::Owned(format!(
            "Chocolatey's own record says that it installed {installed}; {offered} is on offer"
        ))
    }

    pub(crate) fn patch(&self) -> MissingPatch {
        let offer = self.offer;
        MissingPatch {
            patch_type: PatchType::ThirdParty,
            package: self.package.to_owned(),
            architecture: String::new(),
            offered: Some(offer.id),
            title: offer.title.clone(),
            installed: self.installed.to_owned(),
            available: offer.text.clone(),
            security: false,
            origin: String::new(),
            evidence: self.evidence,
            confidence: self.confidence,
            why: self.why().into_owned(),
            not_deployable: offer.deployable.clone().err(),
        }
    }
}

#[derive(Default)]
struct Slot<'a> {
    lacks_nothing: bool,
    is_denied: bool,
    recorded_current: bool,
    recorded: Option<Older<'a>>,
    registered: Option<Older<'a>>,
}

impl<'a> Slot<'a> {
    fn add_answer(&mut self, says: Says<'a>) {
        match says {
            Says::Nothing => {}
            Says::LacksNothing => self.lacks_nothing = true,
            Says::Denied => self.is_denied = true,
            Says::Lacks(found) => keep_better(&mut self.registered, found),
        }
    }

    fn add_record(&mut self, says: Says<'a>) {
        match says {
            Says::Nothing | Says::Denied => {}
            Says::LacksNothing => self.recorded_current = true,
            Says::Lacks(found) => keep_better(&mut self.recorded, found),
        }
    }

    fn missing(self) -> Option<Older<'a>> {
        if self.lacks_nothing || (self.is_denied && self.registered.is_none()) {
            return None;
        }
        if self.recorded_current {
            // Chocolatey installed the version on offer. Only proof that an older one is there
            // now, put there by something else, says otherwise.
            return self
                .registered
                .filter(|it| it.evidence == Evidence::ProductCode);
        }
        self.recorded.or(self.registered)
    }
}

fn keep_better<'a>(kept: &mut Option<Older<'a>>, found: Older<'a>) {
    if kept.as_ref().is_none_or(|old| better(&found, old).is_gt()) {
        *kept = Some(found);
    }
}

/// Of several rows for one copy: `.install` before the package that only pulls it in, the surer
/// one, the older one as text. Does not depend on the order in which they come.
pub(crate) fn better(a: &Older<'_>, b: &Older<'_>) -> Ordering {
    let rank = |it: &Older<'_>| {
        (
            it.package.ends_with(".install"),
            it.confidence,
            Reverse(it.evidence),
        )
    };
    rank(a)
        .cmp(&rank(b))
        .then_with(|| b.installed.cmp(a.installed))
        .then_with(|| b.why().cmp(&a.why()))
}

/// What the machine's own package manager offers. Sources that it could not read are the
/// caller's to respect: an answer that lacks them clears nothing.
pub fn os(scan: &UpdateScan) -> Vec<MissingPatch> {
    let mut missing: Vec<_> = scan
        .updates
        .iter()
        .map(|update| MissingPatch {
            patch_type: PatchType::Os,
            package: update.package.clone(),
            architecture: update.architecture.clone(),
            offered: None,
            title: update.package.clone(),
            installed: update.installed.clone(),
            available: update.candidate.clone(),
            security: update.security,
            origin: update.origin.clone(),
            evidence: Evidence::PackageManager,
            confidence: Confidence::Certain,
            why: if update.origin.is_empty() {
                format!("{} offers {}", scan.provider, update.candidate)
            } else {
                format!(
                    "{} offers {} from {}",
                    scan.provider, update.candidate, update.origin
                )
            },
            not_deployable: None,
        })
        .collect();
    missing.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
    missing.dedup_by(|a, b| (&a.package, &a.architecture) == (&b.package, &b.architecture));
    missing
}
