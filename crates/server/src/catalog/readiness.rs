//! Whether a release can be made of a package, or why not: for the plan, the console, the API and
//! the mirror.

use std::collections::HashMap;

use fleetmend_model::patch::PatchType;
use fleetmend_model::recipe::{Analysis, InstallerKind, Recipe, Verdict};
use fleetmend_model::{PackageId, PatchId, name_pattern};
use fleetmend_plan::{Readiness, Reason};
use fleetmend_store::downloads;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::patches::Patch;

use crate::app::App;

/// Whether a release can be made of a package by itself.
pub fn of(package: &Package) -> Readiness {
    if let Some((_, cause)) = &package.quarantine {
        return Readiness::Quarantined {
            cause: cause.clone(),
        };
    }
    match (&package.analysis, &package.problem) {
        (Some(analysis), _) => of_analysis(analysis),
        (None, Some(problem)) => Readiness::CannotFetch {
            cause: problem.why.clone(),
        },
        (None, None) => Readiness::NotAnalysed,
    }
}

/// The same of a third party patch: with the package that it is of, where that is known, and why its
/// installers are not tried to be had any more.
pub fn of_patch(package: Option<&Package>, given_up: Option<&String>) -> Readiness {
    let ready = package.map_or(Readiness::NotAnalysed, of);
    match given_up {
        Some(cause) if ready == Readiness::Ready => Readiness::DownloadFailed {
            cause: cause.clone(),
        },
        _ => ready,
    }
}

/// Why no release can be made, as a sentence.
pub fn why_not(package: &Package) -> Option<String> {
    Reason::of_readiness(&of(package)).map(|reason| reason.to_string())
}

/// Why no release can be made of patches, by patch, for those that have a reason.
pub async fn of_patches(
    app: &App,
    patches: impl IntoIterator<Item = &Patch>,
) -> Result<HashMap<PatchId, String>, fleetmend_store::Error> {
    let third_party: Vec<(PatchId, Option<PackageId>)> = patches
        .into_iter()
        .filter(|patch| patch.patch_type == PatchType::ThirdParty)
        .map(|patch| (patch.id, patch.package))
        .collect();
    let ids: Vec<PackageId> = third_party.iter().filter_map(|(_, id)| *id).collect();
    let known: HashMap<PackageId, Package> = packages::get_many(&app.db, &ids)
        .await?
        .into_iter()
        .map(|package| (package.row, package))
        .collect();
    let ids: Vec<PatchId> = third_party.iter().map(|(patch, _)| *patch).collect();
    let given_up: HashMap<PatchId, String> = downloads::given_up(&app.db, &ids)
        .await?
        .into_iter()
        .map(|it| (it.patch, it.cause))
        .collect();
    let why = |patch: PatchId, package: Option<PackageId>| {
        let package = package.and_then(|id| known.get(&id));
        Reason::of_readiness(&of_patch(package, given_up.get(&patch)))
    };
    Ok(third_party
        .into_iter()
        .filter_map(|(patch, package)| Some((patch, why(patch, package)?.to_string())))
        .collect())
}

fn of_analysis(analysis: &Analysis) -> Readiness {
    match analysis.verdict {
        Verdict::Ready => match analysis.deployable() {
            Ok((recipe, kind)) => match detection_names(recipe, kind) {
                Ok(_) => Readiness::Ready,
                Err(cause) => Readiness::CannotVerify { cause },
            },
            // What the agent cannot carry out is left to a person.
            Err(findings) => Readiness::NeedsReview { findings },
        },
        Verdict::NoInstaller => Readiness::NoInstaller,
        Verdict::NeedsChocolatey => Readiness::NeedsChocolatey,
        Verdict::NeedsReview => Readiness::NeedsReview {
            findings: analysis
                .findings
                .first()
                .map(|finding| finding.what.clone())
                .unwrap_or_default(),
        },
    }
}

/// The patterns by which an installation is found again, as far as the package gives one that says
/// enough. An MSI tells by itself what it registers; of anything else the package must say it:
/// 'completed' means detected.
pub fn detection_names(recipe: &Recipe, kind: InstallerKind) -> Result<Vec<String>, String> {
    let name = recipe
        .software_name
        .as_deref()
        .map(|name| name.trim().trim_matches('"').trim())
        .filter(|name| !name.is_empty());
    let fault = name.and_then(name_pattern::fault);
    match (name, fault, kind) {
        (Some(name), None, _) => Ok(vec![name.to_owned()]),
        (_, _, InstallerKind::Msi) => Ok(Vec::new()),
        (None, ..) => Err("it does not say under which name its software is installed".to_owned()),
        (Some(name), Some(fault), InstallerKind::Exe) => Err(format!(
            "the name that it gives for its software, '{name}', {fault}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installer_whose_software_could_not_be_found_again_is_not_deployed() {
        for (kind, name, expected) in [
            (
                InstallerKind::Exe,
                Some("Acme Tool*"),
                Ok(&["Acme Tool*"][..]),
            ),
            (
                InstallerKind::Exe,
                Some(" \"Acme Tool\" "),
                Ok(&["Acme Tool"][..]),
            ),
            (
                InstallerKind::Exe,
                None,
                Err("does not say under which name"),
            ),
            (
                InstallerKind::Exe,
                Some(" "),
                Err("does not say under which name"),
            ),
            (InstallerKind::Exe, Some("*"), Err("'*', fits any software")),
            (InstallerKind::Exe, Some("**"), Err("fits any software")),
            (InstallerKind::Exe, Some("R*"), Err("'R*', is too short")),
            (InstallerKind::Exe, Some("$name*"), Err("no plain pattern")),
            (InstallerKind::Msi, Some("Acme*"), Ok(&["Acme*"][..])),
            (InstallerKind::Msi, Some("*"), Ok(&[][..])),
            (InstallerKind::Msi, None, Ok(&[][..])),
        ] {
            let mut recipe = Recipe::new(kind.into(), Vec::new(), "/S");
            recipe.software_name = name.map(str::to_owned);
            let found = detection_names(&recipe, kind);
            match expected {
                Ok(names) => assert_eq!(found.unwrap(), names, "{kind:?} {name:?}"),
                Err(words) => {
                    let why = found.clone().unwrap_err();
                    assert!(why.contains(words), "{kind:?} {name:?}: {why}");
                }
            }
        }
    }
}
