//! Puts the steps of the runs for 32-bit and 64-bit machines together into recipes.

use fleetmend_model::condition::Condition;
use fleetmend_model::recipe::{Bitness, Recipe, RecipeFile, RecipeKind};

use super::installation::{Call, Step};
use super::run::Run;

/// A step on 64-bit machines with its counterpart on 32-bit machines.
struct Pair<'r> {
    large: &'r Step,
    small: Option<&'r Step>,
    /// Whether it is one of the ways that the other is taken in whatever decides between them.
    is_one_way: bool,
}

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
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for (call, step) in &large_steps {
        let same = small_steps.iter_mut().find(|it| {
            it.is_some_and(|(other, its)| {
                other.site == call.site && its.conditions == step.conditions
            })
        });
        pairs.push(Pair {
            large: step,
            small: same.and_then(Option::take).map(|(_, step)| step),
            is_one_way: false,
        });
    }
    pair_with_all_ways(&large_steps, &mut small_steps, &mut pairs);
    let mut rest: Vec<&Step> = small_steps
        .into_iter()
        .flatten()
        .map(|(_, step)| step)
        .collect();
    let alone = pairs.iter().filter(|it| it.small.is_none()).count();
    if alone == rest.len() {
        rest.reverse();
        for pair in pairs.iter_mut().filter(|it| it.small.is_none()) {
            pair.small = rest.pop();
        }
    }
    if !rest.is_empty() {
        found.push("it installs something on 32-bit machines only");
    }
    pairs
        .into_iter()
        .map(|pair| match (pair.large, pair.small) {
            (large, None) => recipe(large, vec![file(large, Bitness::X64)]),
            (large, Some(small)) => {
                if large.kind != small.kind
                    || large.exit_codes != small.exit_codes
                    || large.software_name != small.software_name
                    || is_put(large) && large.destination != small.destination
                    || large.conditions != small.conditions && !pair.is_one_way
                {
                    found.push("32-bit and 64-bit machines are installed in different ways");
                }
                let is_place = is_put(large) || large.destination == small.destination;
                let names_places = large.names_places || small.names_places;
                let files = both(large, small);
                Recipe {
                    names_places,
                    destination: large.destination.clone().filter(|_| is_place),
                    ..recipe(large, files)
                }
            }
        })
        .collect()
}

/// A call that conditions make two steps of on 64-bit machines, and one on 32-bit machines, whatever
/// holds there: the one belongs to both.
fn pair_with_all_ways<'r>(
    large_steps: &[(&Call, &'r Step)],
    small_steps: &mut [Option<(&'r Call, &'r Step)>],
    pairs: &mut [Pair<'r>],
) {
    for slot in small_steps {
        let Some((Call { site, .. }, small)) = *slot else {
            continue;
        };
        let of_site: Vec<usize> = (0..large_steps.len())
            .filter(|at| large_steps[*at].0.site == *site)
            .collect();
        let [one, other] = of_site[..] else { continue };
        let is_free = |at: usize| pairs[at].small.is_none();
        let (first, second) = (pairs[one].large, pairs[other].large);
        if is_free(one)
            && is_free(other)
            && are_both_ways(&first.conditions, &second.conditions, small)
        {
            for at in [one, other] {
                pairs[at].small = Some(small);
                pairs[at].is_one_way = true;
            }
            *slot = None;
        }
    }
}

/// Whether two lists of conditions are those of a step, each with one more: the same, decided both
/// ways.
fn are_both_ways(one: &[Condition], other: &[Condition], step: &Step) -> bool {
    let more = |all: &[Condition]| -> Option<Condition> {
        let mut own = all.iter().filter(|it| !step.conditions.contains(it));
        let first = own.next()?.clone();
        let has_all = step.conditions.iter().all(|it| all.contains(it));
        (own.next().is_none() && has_all).then_some(first)
    };
    match (more(one), more(other)) {
        (Some(one), Some(other)) => {
            one.holds != other.holds
                && Condition {
                    holds: other.holds,
                    ..one
                } == other
        }
        _ => false,
    }
}

/// Whether a step puts something in place. Where the archive lies that an installer came out of is not
/// what is done: it may be another folder on 32-bit machines.
fn is_put(step: &Step) -> bool {
    matches!(step.kind, RecipeKind::Archive | RecipeKind::File)
}

/// One file for all machines, or one for each kind.
fn both(large: &Step, small: &Step) -> Vec<RecipeFile> {
    let is_same_file = large.file.origin == small.file.origin
        && large.file.inside == small.file.inside
        && large.part == small.part
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
        part: step.part.clone(),
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
    let is_installer =
        |recipe: &Recipe| !matches!(recipe.kind, RecipeKind::Archive | RecipeKind::File);
    let at = recipes.iter().position(is_installer).unwrap_or(0);
    if recipes.is_empty() {
        return None;
    }
    let mut first = recipes.remove(at);
    first.further = recipes;
    Some(first)
}
