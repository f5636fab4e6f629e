//! Puts the runs of a package's scripts together: one for each machine that makes a difference.

use std::cell::RefCell;

use fleetmend_model::effect::Effect;
use fleetmend_model::recipe::{Analysis, Uninstall, Verdict};

use super::installation::Call;
use super::interpreter::{Interpreter, Weight};
use super::neighbours;
use super::profile::{MAIN, OLDER, Profile, SMALL};
use super::recipe_files::{in_one, recipes};
use super::run::Run;
use super::through;
use super::trees::Trees;
use super::{Explained, HelperUse, Package, UNINSTALL};

/// Explains the scripts of a package.
pub(super) fn explain(package: &Package<'_>) -> Explained {
    let trees = RefCell::new(Trees::default());
    let mut main = Run::of(package, &trees, MAIN);
    let helpers = HelperUse {
        calls: main.calls.len(),
        resolved: main.calls.iter().filter(|it| it.step.is_some()).count(),
    };
    let small = main
        .asked
        .bits
        .then(|| Run::of(package, &trees, SMALL))
        .filter(|_| !main.is_refused);
    if main.calls.is_empty() && main.starts_own_program {
        let what = "starts a program of its own and installs nothing else: it may be an installer";
        main.find(Weight::Review, &package.install_path(), what);
    }
    check_order(package, &trees, &mut main);
    let minimum_build = minimum_build(package, &trees, &mut main);
    let is_small_refused = small.as_ref().is_some_and(|it| it.is_refused);
    let small = small.filter(|it| !it.is_refused);
    let mut found = Vec::new();
    let mut recipes = recipes(&main, small.as_ref(), is_small_refused, &mut found);
    for what in found {
        main.find(Weight::Review, &package.install_path(), what);
    }
    let effects = effects(&main, small.as_ref());
    let mut installers = main.installers();
    if let Some(small) = small {
        installers.extend(small.installers());
        for (weight, finding) in small.findings {
            if !main.findings.iter().any(|(_, known)| *known == finding) {
                main.findings.push((weight, finding));
            }
        }
    }
    if let Some(recipe) = recipes.first_mut() {
        recipe.minimum_build = minimum_build;
    }
    let mut recipe = in_one(recipes);
    if let Some(recipe) = &mut recipe {
        recipe.beside = neighbours::beside(package, &installers);
    }
    if let Some(recipe) = &mut recipe
        && recipe.software_name.is_none()
    {
        recipe.software_name = main.only_name();
    }
    let verdict = verdict(&main, recipe.is_some());
    let through = if verdict == Verdict::NoInstaller {
        through::dependencies(package.nuspec)
    } else {
        Vec::new()
    };
    let analysis = Analysis {
        verdict,
        recipe,
        effects,
        through,
        uninstall: uninstall(package, &trees),
        findings: main.findings.into_iter().map(|(_, it)| it).collect(),
    };
    Explained { analysis, helpers }
}

/// Finds what depends on the order in which tables are gone through, which .NET chooses.
fn check_order(package: &Package<'_>, trees: &RefCell<Trees>, main: &mut Run) {
    if !main.asked.order || !main.findings.is_empty() {
        return;
    }
    let profile = Profile {
        reverses_tables: true,
        ..MAIN
    };
    let reversed = Run::of(package, trees, profile);
    let has = |run: &Run, call: &Call| run.calls.iter().any(|it| it.step == call.step);
    let has_effect = |effect: &Effect| reversed.effects.contains(effect);
    let is_same = reversed.calls.len() == main.calls.len()
        && reversed.effects.len() == main.effects.len()
        && main.calls.iter().all(|call| has(&reversed, call))
        && main.effects.iter().all(has_effect);
    if !is_same {
        let what = "what is installed depends on the order in which a table is gone through";
        main.find(Weight::Review, &package.install_path(), what);
    }
}

/// The oldest build that is not refused, where the scripts ask for it. Where an older one is given
/// something else, that is a finding.
fn minimum_build(package: &Package<'_>, trees: &RefCell<Trees>, main: &mut Run) -> Option<u32> {
    // Where something is not explained, the machines that it is for do not matter yet.
    if !main.asked.build || main.is_refused || !main.findings.is_empty() {
        return None;
    }
    let mut accepted = MAIN.build;
    for build in OLDER {
        let older = Run::of(package, trees, Profile { build, ..MAIN });
        if older.is_refused {
            return Some(accepted);
        }
        if older.calls != main.calls
            || older.effects != main.effects
            || older.findings != main.findings
        {
            let what = "what is installed depends on the version of Windows";
            main.find(Weight::Review, &package.install_path(), what);
            return None;
        }
        accepted = build;
    }
    None
}

/// The effects of both kinds of machine; those of one of them do not always happen.
fn effects(main: &Run, small: Option<&Run>) -> Vec<Effect> {
    let Some(small) = small else {
        return main.effects.clone();
    };
    let mut all = main.effects.clone();
    for effect in &mut all {
        effect.always &= small.effects.contains(effect);
    }
    for effect in &small.effects {
        if !main.effects.contains(effect) {
            all.push(Effect {
                always: false,
                ..effect.clone()
            });
        }
    }
    all
}

/// By the rule of [`Verdict`].
fn verdict(main: &Run, has_recipe: bool) -> Verdict {
    let has = |weight| main.findings.iter().any(|(it, _)| *it == weight);
    if has(Weight::Custom) {
        Verdict::NeedsChocolatey
    } else if has(Weight::Review) {
        Verdict::NeedsReview
    } else if main.calls.is_empty() {
        Verdict::NoInstaller
    } else if has_recipe && main.calls.iter().all(|call| call.step.is_some()) {
        Verdict::Ready
    } else {
        Verdict::NeedsReview
    }
}

/// Explains the script that Chocolatey runs before the package is removed.
fn uninstall(package: &Package<'_>, trees: &RefCell<Trees>) -> Option<Uninstall> {
    let script = package.named(UNINSTALL).into_iter().next()?;
    let mut interpreter = Interpreter::new(package, trees, &script.path, MAIN);
    interpreter.is_uninstalling = true;
    match script.text() {
        Ok(text) => {
            interpreter.run(&text);
        }
        Err(why) => interpreter.find(Weight::Review, 1, why),
    }
    if !interpreter.calls.is_empty() {
        let what = "the script downloads, unpacks or installs something to uninstall";
        interpreter.find(Weight::Review, 1, what);
    }
    let has = |weight| interpreter.findings.iter().any(|(it, _)| *it == weight);
    let is_known = interpreter.uninstalls.iter().all(|it| it.step.is_some());
    let verdict = if has(Weight::Custom) {
        Verdict::NeedsChocolatey
    } else if has(Weight::Review) || !is_known {
        Verdict::NeedsReview
    } else if interpreter.uninstalls.is_empty() {
        Verdict::NoInstaller
    } else {
        Verdict::Ready
    };
    Some(Uninstall {
        verdict,
        steps: interpreter
            .uninstalls
            .into_iter()
            .filter_map(|it| it.step)
            .collect(),
        effects: interpreter.effects,
        findings: interpreter.findings.into_iter().map(|(_, it)| it).collect(),
    })
}
