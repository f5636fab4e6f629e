//! Puts the steps of the runs for 32-bit and 64-bit machines together into recipes.

use fleetmend_model::recipe::{Bitness, Recipe, RecipeFile};

use super::installation::{Call, Step};
use super::run::Run;

/// The recipes of all steps, each with its files for both kinds of machine.
pub(super) fn recipes(
    main: &Run,
    small: Option<&Run>,
    is_small_refused: bool,
    found: &mut Vec<&'static str>,
) -> Vec<Recipe> {
    let large_steps = main.steps();
    let Some(small) = small else {
        let bitness = if is_small_refused {
            Bitness::X64
        } else {
            Bitness::Any
        };
        return large_steps
            .into_iter()
            .map(|(_, step)| recipe(step, vec![file(step, bitness)]))
            .collect();
    };
    let mut small_steps: Vec<Option<(&Call, &Step)>> =
        small.steps().into_iter().map(Some).collect();
    // Steps of the same call belong together; what is left, in order, if it is one each.
    let mut pairs: Vec<(&Step, Option<&Step>)> = Vec::new();
    for (call, step) in &large_steps {
        let same = small_steps.iter_mut().find(|it| {
            it.is_some_and(|(other, its)| {
                other.site == call.site && its.conditions == step.conditions
            })
        });
        pairs.push((step, same.and_then(Option::take).map(|(_, step)| step)));
    }
    let mut rest: Vec<&Step> = small_steps
        .into_iter()
        .flatten()
        .map(|(_, step)| step)
        .collect();
    let alone = pairs.iter().filter(|(_, small)| small.is_none()).count();
    if alone == rest.len() {
        rest.reverse();
        for (_, small) in pairs.iter_mut().filter(|(_, small)| small.is_none()) {
            *small = rest.pop();
        }
    }
    if !rest.is_empty() {
        found.push("it installs something on 32-bit machines only");
    }
    pairs
        .into_iter()
        .map(|(large, small)| match small {
            None => recipe(large, vec![file(large, Bitness::X64)]),
            Some(small) => {
                if large.kind != small.kind
                    || large.exit_codes != small.exit_codes
                    || large.software_name != small.software_name
                    || large.destination != small.destination
                    || large.conditions != small.conditions
                {
                    found.push("32-bit and 64-bit machines are installed in different ways");
                }
                let names_places = large.names_places || small.names_places;
                let files = both(large, small);
                Recipe {
                    names_places,
                    ..recipe(large, files)
                }
            }
        })
        .collect()
}

/// One file for all machines, or one for each kind.
fn both(large: &Step, small: &Step) -> Vec<RecipeFile> {
    let is_same_file = large.file.origin == small.file.origin
        && large.file.inside == small.file.inside
        && large.file.package == small.file.package
        && large.file.headers == small.file.headers
        && large.file.checksum == small.file.checksum;
    if is_same_file && large.arguments == small.arguments {
        return vec![file(large, Bitness::Any)];
    }
    let mut any = file(small, Bitness::Any);
    any.arguments = (large.arguments != small.arguments).then(|| small.arguments.clone());
    vec![any, file(large, Bitness::X64)]
}

fn file(step: &Step, bitness: Bitness) -> RecipeFile {
    RecipeFile {
        inside: step.file.inside.clone(),
        package: step.file.package.clone(),
        headers: step.file.headers.clone(),
        ..RecipeFile::new(
            step.file.origin.clone(),
            bitness,
            step.file.checksum.clone(),
        )
    }
}

fn recipe(step: &Step, files: Vec<RecipeFile>) -> Recipe {
    Recipe {
        kind: step.kind,
        files,
        arguments: step.arguments.clone(),
        exit_codes: step.exit_codes.clone(),
        software_name: step.software_name.clone(),
        destination: step.destination.clone(),
        names_places: step.names_places,
        minimum_build: None,
        conditions: step.conditions.clone(),
        beside: Vec::new(),
        further: Vec::new(),
    }
}

/// The first installer with all the rest, in order, behind it.
pub(super) fn in_one(mut recipes: Vec<Recipe>) -> Option<Recipe> {
    let is_installer = |recipe: &Recipe| {
        !matches!(
            recipe.kind,
            fleetmend_model::recipe::RecipeKind::Archive
                | fleetmend_model::recipe::RecipeKind::File
        )
    };
    let at = recipes.iter().position(is_installer).unwrap_or(0);
    if recipes.is_empty() {
        return None;
    }
    let mut first = recipes.remove(at);
    first.further = recipes;
    Some(first)
}
