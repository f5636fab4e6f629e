//! One device's missing patches, made of the answers for its applications, of Chocolatey's own
//! records, and of what its package manager offers.

use std::collections::BTreeMap;

use fleetmend_model::PackageId;
use fleetmend_model::inventory::{ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};

use crate::answer::{Answer, answer, compare_to_offer};
use crate::catalog::{Catalog, Offer, parse_version};

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
    catalog: &Catalog,
    answers: impl IntoIterator<Item = &'a Answer>,
    records: &[ChocolateyRecord],
) -> Vec<MissingPatch> {
    let mut slots: BTreeMap<&str, Slot> = BTreeMap::new();
    for answer in answers {
        if let Some(package) = answer.package().or_else(|| refused(answer)) {
            slots
                .entry(slot_of(package))
                .or_default()
                .add_answer(catalog, answer);
        }
    }
    for record in records {
        let Some(package) = catalog.named(&record.id) else {
            continue;
        };
        if let Some(offer) = &package.offer {
            let slot = slots.entry(slot_of(&package.name)).or_default();
            slot.add_record(&package.name, offer, &record.version);
        }
    }
    let mut missing: Vec<_> = slots.into_values().filter_map(Slot::missing).collect();
    missing.sort_by(|a, b| a.package.cmp(&b.package));
    missing
}

/// What shares one copy on the device: `7zip` only pulls in `7zip.install`; `7zip.portable` is a
/// copy of its own.
pub(crate) fn slot_of(package: &str) -> &str {
    package.strip_suffix(".install").unwrap_or(package)
}

/// The package that an application would be but for what an administrator said.
fn refused(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Denied { package, .. } => Some(package),
        Answer::Excluded { package, .. } => package.as_deref(),
        _ => None,
    }
}

#[derive(Default)]
struct Slot {
    /// It is there as it is on offer or newer, or nothing is wanted for it.
    lacks_nothing: bool,
    is_denied: bool,
    recorded_current: bool,
    recorded: Option<MissingPatch>,
    registered: Option<MissingPatch>,
}

impl Slot {
    fn add_answer(&mut self, catalog: &Catalog, answer: &Answer) {
        match answer {
            Answer::Current { .. } | Answer::Newer { .. } | Answer::Excluded { .. } => {
                self.lacks_nothing = true;
            }
            Answer::Missing {
                package,
                installed,
                evidence,
                confidence,
                why,
                ..
            } => {
                let Some(offer) = catalog.named(package).and_then(|it| it.offer.as_ref()) else {
                    return;
                };
                let found = missing(package, offer, installed, *evidence, *confidence, why);
                keep_better(&mut self.registered, found);
            }
            Answer::Denied { .. } => self.is_denied = true,
            Answer::CannotTell { .. } | Answer::Unmatched | Answer::Review { .. } => {}
        }
    }

    fn add_record(&mut self, package: &str, offer: &Offer, version: &str) {
        // A record that cannot be read says nothing.
        let Some(recorded) = parse_version(version) else {
            return;
        };
        if compare_to_offer(&recorded, offer).is_lt() {
            let why = format!(
                "Chocolatey's own record says that it installed {version}; {} is on offer",
                offer.text
            );
            let evidence = Evidence::ChocolateyRecord;
            let found = missing(package, offer, version, evidence, Confidence::Certain, &why);
            keep_better(&mut self.recorded, found);
        } else {
            self.recorded_current = true;
        }
    }

    fn missing(self) -> Option<MissingPatch> {
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

/// Of several rows for one copy: `.install` before the package that only pulls it in, the surer
/// one, the older one as text. Does not depend on the order in which they come.
fn keep_better(kept: &mut Option<MissingPatch>, found: MissingPatch) {
    let rank = |it: &MissingPatch| {
        (
            it.package.ends_with(".install"),
            it.confidence,
            std::cmp::Reverse(it.evidence),
        )
    };
    let is_better = kept.as_ref().is_none_or(|old| {
        rank(&found)
            .cmp(&rank(old))
            .then_with(|| old.installed.cmp(&found.installed))
            .then_with(|| old.why.cmp(&found.why))
            .is_gt()
    });
    if is_better {
        *kept = Some(found);
    }
}

fn missing(
    package: &str,
    offer: &Offer,
    installed: &str,
    evidence: Evidence,
    confidence: Confidence,
    why: &str,
) -> MissingPatch {
    MissingPatch {
        patch_type: PatchType::ThirdParty,
        package: package.to_owned(),
        architecture: String::new(),
        offered: Some(offer.id),
        title: offer.title.clone(),
        installed: installed.to_owned(),
        available: offer.text.clone(),
        security: false,
        origin: String::new(),
        evidence,
        confidence,
        why: why.to_owned(),
        not_deployable: offer.deployable.clone().err(),
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
