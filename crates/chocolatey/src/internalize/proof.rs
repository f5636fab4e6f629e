//! Whether a changed package does what the old one did: the same files by digest, the same arguments,
//! exit codes, names and effects; only addresses are paths.

use std::fmt::Debug;

use fleetmend_model::effect::Machines;
use fleetmend_model::recipe::{Analysis, FileOrigin, Recipe};
use fleetmend_model::shim::{ShimKind, ShimMark};

use super::{Placed, Refused, names};
use crate::script;

/// The longest value that is told, in characters.
const LONGEST: usize = 200;

/// Refuses what differs.
pub(super) fn prove(old: &Analysis, files: &[Placed], found: &Analysis) -> Result<(), Refused> {
    refuse_uses(old, files)?;
    if let Some(what) = difference(&expected(old, files), found) {
        return Err(Refused::new(format!(
            "its changed scripts would not do what the old ones do: {what}"
        )));
    }
    if !found.is_self_contained() {
        return Err(Refused::new(
            "its changed scripts would still fetch something when they run",
        ));
    }
    Ok(())
}

/// Refuses a package whose scripts do something with a folder that files are put into: one that lies
/// where it is downloaded to could not be copied, and the mark beside it would take a command away.
fn refuse_uses(old: &Analysis, files: &[Placed]) -> Result<(), Refused> {
    let recipes = old.recipe.iter().flat_map(Recipe::all);
    let mut used: Vec<&String> = recipes.filter_map(|it| it.destination.as_ref()).collect();
    used.extend(old.effects.iter().flat_map(|it| it.operands.values()));
    let windows = |it: &str| it.replace('/', "\\").to_lowercase();
    for file in files {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = windows(folder);
        if let Some(it) = used.iter().find(|it| windows(it).contains(&folder)) {
            return Err(Refused::new(format!(
                "its script uses {it}, where its installers would be put"
            )));
        }
    }
    Ok(())
}

/// What the analysis of the changed package must be.
fn expected(old: &Analysis, files: &[Placed]) -> Analysis {
    let mut expected = old.clone();
    if let Some(recipe) = &mut expected.recipe {
        put_in(recipe, files);
    }
    let ignored = files
        .iter()
        .filter(|file| names::ignored(&file.path).is_some());
    for file in ignored {
        let mark = ShimMark {
            program: file.path.clone(),
            kind: ShimKind::None,
            always: true,
            machines: Machines::All,
        };
        script::add_mark(&mut expected.shims, mark);
    }
    expected.shims.sort();
    expected
}

fn put_in(recipe: &mut Recipe, files: &[Placed]) {
    for file in &mut recipe.files {
        let FileOrigin::Url { url } = &file.origin else {
            continue;
        };
        if let Some(placed) = files.iter().find(|it| it.local.url == *url) {
            file.origin = FileOrigin::Embedded {
                path: placed.path.clone(),
            };
        }
    }
    for further in &mut recipe.further {
        put_in(further, files);
    }
}

/// The first thing in which two analyses differ, in words.
fn difference(expected: &Analysis, found: &Analysis) -> Option<String> {
    if expected == found {
        return None;
    }
    let finding = found
        .findings
        .iter()
        .find(|it| !expected.findings.contains(it));
    if let Some(finding) = finding {
        let (file, line, what) = (&finding.file, finding.line, &finding.what);
        return Some(format!("{file}, line {line}: {what}"));
    }
    let of_recipe = match (&expected.recipe, &found.recipe) {
        (Some(expected), Some(found)) => recipe(expected, found),
        (None, None) => None,
        _ => Some("whether anything is installed".to_owned()),
    };
    of_recipe
        .or_else(|| changed("the verdict", &expected.verdict, &found.verdict))
        .or_else(|| changed("the effects", &expected.effects, &found.effects))
        .or_else(|| changed("the marks for shims", &expected.shims, &found.shims))
        .or_else(|| changed("the removal", &expected.uninstall, &found.uninstall))
        .or_else(|| Some("what was found in them".to_owned()))
}

fn recipe(expected: &Recipe, found: &Recipe) -> Option<String> {
    if expected == found {
        return None;
    }
    changed("the files", &expected.files, &found.files)
        .or_else(|| changed("what is done", &expected.kind, &found.kind))
        .or_else(|| changed("the arguments", &expected.arguments, &found.arguments))
        .or_else(|| changed("the exit codes", &expected.exit_codes, &found.exit_codes))
        .or_else(|| {
            changed(
                "the software's name",
                &expected.software_name,
                &found.software_name,
            )
        })
        .or_else(|| changed("the destination", &expected.destination, &found.destination))
        .or_else(|| changed("the conditions", &expected.conditions, &found.conditions))
        .or_else(|| changed("the files beside", &expected.beside, &found.beside))
        .or_else(|| {
            let mut pairs = expected.further.iter().zip(&found.further);
            pairs.find_map(|(expected, found)| recipe(expected, found))
        })
        .or_else(|| Some("the recipe".to_owned()))
}

fn changed<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Option<String> {
    let shown = |it: &T| format!("{it:?}").chars().take(LONGEST).collect::<String>();
    (expected != found).then(|| format!("{what}: {} became {}", shown(expected), shown(found)))
}
