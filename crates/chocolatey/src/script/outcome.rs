//! Puts the runs of a package's scripts together: one for each machine that makes a difference.

use std::cell::RefCell;

use fleetmend_model::effect::{Effect, Machines};
use fleetmend_model::recipe::{ANALYSER, Analysis, Finding, Verdict};

use super::installation::Call;
use super::interpreter::Weight;
use super::neighbours;
use super::profile::{MAIN, OLDER, Profile, SMALL};
use super::recipe_files::{in_one, recipes};
use super::removal;
use super::run::Run;
use super::shim;
use super::through;
use super::trees::Trees;
use super::{Explained, HelperUse, Package};

/// Explains the scripts of a package.
pub(super) fn explain(package: &Package<'_>) -> Explained {
    let trees = RefCell::new(Trees::default());
    let mut main = Run::of(package, &trees, MAIN);
    let helpers = HelperUse {
        calls: main.calls.len(),
        resolved: main.calls.iter().filter(|it| it.step.is_some()).count(),
    };
    let mut small = (main.asked.bits && !main.is_refused).then(|| Run::of(package, &trees, SMALL));
    if main.calls.is_empty() && main.starts_own_program {
        let what = "starts a program of its own and installs nothing else: it may be an installer";
        main.find(Weight::Review, &package.install_path(), what);
    }
    check_order(package, &trees, &mut main);
    let minimum_build = minimum_build(package, &trees, &mut main);
    let effects = effects_on(&main.effects, small.as_ref().map(|it| &it.effects[..]));
    // What is done where the scripts fail in the end is done all the same.
    let is_small_refused = small.as_ref().is_some_and(|it| it.is_refused);
    if let Some(small) = small.as_mut().filter(|it| it.is_refused) {
        main.take_said(small);
    }
    let small = small.filter(|it| !it.is_refused);
    let mut found = Vec::new();
    let mut recipes = recipes(&main, small.as_ref(), is_small_refused, &mut found);
    for what in found {
        main.find(Weight::Review, &package.install_path(), what);
    }
    let mut installers = main.installers();
    if let Some(mut small) = small {
        // That the recipe has no file for 32 bits says that it fails there.
        let is_for_large = small.calls.is_empty() && !main.calls.is_empty();
        if small.unless != main.unless && !is_for_large {
            let what = "what must hold for it not to fail depends on the bitness of Windows";
            main.find(Weight::Review, &package.install_path(), what);
        }
        shim::on_both(&mut main.shims, &small.shims);
        main.auto_uninstaller = main.auto_uninstaller.on_either(small.auto_uninstaller);
        installers.extend(small.installers());
        main.brought.add(&small.brought);
        main.take_said(&mut small);
    }
    let mut notes = std::mem::take(&mut main.notes);
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
    main.shims.sort();
    let verdict = verdict(&main, recipe.is_some());
    let through = if verdict == Verdict::NoInstaller {
        through::dependencies(package.nuspec)
    } else {
        Vec::new()
    };
    let uninstall = removal::uninstall(package, &trees, &main.brought, &mut notes);
    let analysis = Analysis {
        analyser: ANALYSER,
        verdict,
        recipe,
        effects,
        conditions: main.unless,
        through,
        uninstall,
        shims: main.shims,
        auto_uninstaller: main.auto_uninstaller,
        findings: main.findings.into_iter().map(|(_, it)| it).collect(),
        notes: distinct(notes),
    };
    Explained { analysis, helpers }
}

/// Each of some notes once.
fn distinct(notes: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for note in notes {
        if !all.contains(&note) {
            all.push(note);
        }
    }
    all
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
            let is_done = |effect: &Effect| main.effects.iter().any(|it| it.is_same(effect));
            if !older.effects.iter().all(is_done) || !older.findings.is_empty() {
                let what = "what is changed depends on the version of Windows";
                main.find(Weight::Review, &package.install_path(), what);
            }
            return Some(accepted);
        }
        if older.calls != main.calls
            || older.unless != main.unless
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

/// The effects of both kinds of machine in the script's order, each with the machines that it happens
/// on.
pub(super) fn effects_on(large: &[Effect], small: Option<&[Effect]>) -> Vec<Effect> {
    let is_of_large = |effect: &Effect| small.is_some_and(|small| !small.contains(effect));
    let mut all = large.to_vec();
    for effect in &mut all {
        if is_of_large(effect) {
            effect.machines = Machines::X64;
        }
    }
    // Each of the other machines stands behind what its own run did before it.
    let mut at = 0;
    for effect in small.unwrap_or_default() {
        if let Some(ahead) = all.iter().skip(at).position(|it| it == effect) {
            at += ahead + 1;
        } else if !large.contains(effect) {
            let is_earlier = |it: &&Effect| {
                it.machines == Machines::X64 && it.file == effect.file && it.line <= effect.line
            };
            at += all.iter().skip(at).take_while(is_earlier).count();
            let effect = Effect {
                machines: Machines::X86,
                ..effect.clone()
            };
            all.insert(at, effect);
            at += 1;
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
