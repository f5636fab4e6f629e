//! One device's missing patches, made of the answers for its applications, of Chocolatey's own
//! records, and of what its package manager offers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fleetmend_model::PackageId;
use fleetmend_model::inventory::{ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};

use crate::answer::{Answer, answer, compare_to_offer};
use crate::catalog::{Catalog, Offer, Package, parse_version};
use crate::packaged::offers;
use crate::side_by_side::Copy;
pub use crate::slot::Here;
use crate::slot::Slot;

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

/// An application of a device, with the answer for it.
#[derive(Debug, Clone, Copy)]
pub struct Registered<'a> {
    /// What the caller knows it by.
    pub id: u32,
    /// `DisplayName`.
    pub name: &'a str,
    /// `DisplayVersion`.
    pub version: &'a str,
    /// The answer.
    pub answer: &'a Answer,
    pub(crate) copy: Copy<'a>,
}

impl<'a> Registered<'a> {
    /// An application as the device registers it.
    pub fn new(id: u32, software: &'a Software, answer: &'a Answer) -> Self {
        Self {
            id,
            name: &software.name,
            version: &software.version,
            answer,
            copy: Copy::of(software),
        }
    }
}

/// All third-party patches that a device lacks, one a package, by package id.
pub fn third_party(
    catalog: &Catalog,
    software: &[Software],
    records: &[ChocolateyRecord],
) -> Vec<MissingPatch> {
    let answers: Vec<Answer> = software.iter().map(|row| answer(catalog, row)).collect();
    let rows = (0..).zip(software).zip(&answers);
    let rows = rows.map(|((id, software), answer)| Registered::new(id, software, answer));
    combine(catalog, rows, records)
}

/// [`third_party`] from answers that were kept. Their order does not count.
///
/// Chocolatey's own record comes first. An application that is registered at or above the version
/// on offer says more than any record or second row: such a package is not missing, whoever
/// upgraded it, unless a second copy of another architecture is there ([`crate::side_by_side`]). What
/// an administrator said of an application counts for a record of it as well: of a
/// package that is excluded or pinned nothing is missing, and where an application is not the package, a record
/// of it says nothing unless another application is the package.
pub fn combine<'a>(
    catalog: &'a Catalog,
    rows: impl IntoIterator<Item = Registered<'a>>,
    records: &'a [ChocolateyRecord],
) -> Vec<MissingPatch> {
    let slots = slots(catalog, rows, records).into_values();
    let mut missing: Vec<_> = slots.filter_map(|it| Some(it.missing()?.patch())).collect();
    missing.sort_by(|a, b| a.package.cmp(&b.package));
    missing
}

/// Where [`combine`] says something else than the answers for applications alone. By the applications'
/// ids.
pub fn here<'a>(
    catalog: &'a Catalog,
    rows: impl IntoIterator<Item = Registered<'a>>,
    records: &'a [ChocolateyRecord],
) -> Vec<Here> {
    let slots = slots(catalog, rows, records);
    let mut all: Vec<_> = slots.values().flat_map(Slot::here).collect();
    all.sort_by_key(|it| it.id);
    all
}

fn slots<'a>(
    catalog: &'a Catalog,
    rows: impl IntoIterator<Item = Registered<'a>>,
    records: &'a [ChocolateyRecord],
) -> BTreeMap<&'a str, Slot<'a>> {
    let named = |id: &str| catalog.named(id);
    let mut slots: BTreeMap<&str, Slot> = BTreeMap::new();
    for row in rows {
        if let Some(package) = concerned(row.answer) {
            let slot = slots.entry(copy_of(package)).or_default();
            slot.add_row(Says::of_answer(named, row.answer), row);
        }
    }
    for record in records {
        if let Some(package) = catalog.named(&record.id) {
            let slot = slots.entry(copy_of(&package.name)).or_default();
            let says = Says::of_record(package, &record.version, record.pinned);
            slot.add_record(says, record);
        }
    }
    slots
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
    /// It is there as it is on offer, or newer.
    Current,
    /// Nothing more is wanted of its package: it is excluded or pinned.
    Unwanted,
    /// An administrator said that the application is not the package.
    Denied,
    Lacks(Older<'a>),
}

/// An older version than that on offer.
#[derive(Debug, Clone)]
pub(crate) struct Older<'a> {
    pub(crate) package: &'a str,
    offer: &'a Offer,
    pub(crate) installed: &'a str,
    pub(crate) evidence: Evidence,
    pub(crate) confidence: Confidence,
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
            Answer::Current { .. } | Answer::Newer { .. } => Self::Current,
            Answer::Excluded { .. } | Answer::Pinned { .. } => Self::Unwanted,
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

    /// A record that cannot be read says nothing, nor does one of a package that is not on offer. What
    /// Chocolatey has pinned stays as it is.
    pub(crate) fn of_record(package: &'a Package, version: &'a str, is_pinned: bool) -> Self {
        if is_pinned {
            return Self::Unwanted;
        }
        let Some((offer, recorded)) = package.offer.as_ref().zip(parse_version(version)) else {
            return Self::Nothing;
        };
        if !compare_to_offer(&recorded, offer).is_lt() {
            return Self::Current;
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
    /// Whether it is surely there now, whatever Chocolatey's own record says that it installed.
    pub(crate) fn is_proof(&self) -> bool {
        self.evidence == Evidence::ProductCode
    }

    /// Put into words only where it is asked for: of most records nobody asks.
    pub(crate) fn why(&self) -> Cow<'_, str> {
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
            why: offers(&scan.provider, update),
            not_deployable: None,
        })
        .collect();
    missing.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
    missing.dedup_by(|a, b| (&a.package, &a.architecture) == (&b.package, &b.architecture));
    missing
}
