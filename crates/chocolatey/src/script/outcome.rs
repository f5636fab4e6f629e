//! Puts the runs of a package's scripts together: one for each machine that makes a difference.

use std::cell::RefCell;

use fleetmend_model::effect::Effect;
use fleetmend_model::recipe::{
    Analysis, Bitness, FileOrigin, Finding, Recipe, RecipeFile, Uninstall, Verdict,
};

use super::installation::{Call, Step};
use super::interpreter::{Flow, Interpreter, Weight};
use super::neighbours;
use super::profile::{Asked, MAIN, OLDER, Profile, SMALL};
use super::through;
use super::trees::Trees;
use super::{BEFORE_MODIFY, Explained, HelperUse, INSTALL, Package, Script, UNINSTALL};

/// What one machine's run came to.
struct Run {
    calls: Vec<Call>,
    software_names: Vec<String>,
    effects: Vec<Effect>,
    findings: Vec<(Weight, Finding)>,
    asked: Asked,
    /// Whether the scripts refuse the machine.
    is_refused: bool,
    /// Whether a program that the package brings is started otherwise than as a silent installer.
    starts_own_program: bool,
}

impl Run {
    fn of(package: &Package<'_>, trees: &RefCell<Trees>, profile: Profile) -> Self {
        let mut run = Self {
            calls: Vec::new(),
            software_names: Vec::new(),
            effects: Vec::new(),
            findings: Vec::new(),
            asked: Asked::default(),
            is_refused: false,
            starts_own_program: false,
        };
        let installs = package.named(INSTALL);
        if let Some(second) = installs.get(1) {
            let what = "the package has more than one install script";
            run.find(Weight::Review, &second.path, what);
        }
        for script in package
            .named(BEFORE_MODIFY)
            .into_iter()
            .chain(installs.into_iter().take(1))
        {
            run.add(package, trees, script, profile);
        }
        run
    }

    fn add(
        &mut self,
        package: &Package<'_>,
        trees: &RefCell<Trees>,
        script: &Script,
        profile: Profile,
    ) {
        let text = match script.text() {
            Ok(text) => text,
            Err(why) => return self.find(Weight::Review, &script.path, why),
        };
        let mut interpreter = Interpreter::new(package, trees, &script.path, profile);
        // A block of signature comments stands behind signed scripts; it is comments to the parser too.
        let flow = interpreter.run(&text);
        self.is_refused |= flow == Flow::Throw && interpreter.calls.is_empty();
        if interpreter.reads_exit_code && interpreter.calls.iter().any(has_open_codes) {
            let what = "the script itself judges the exit code of a program that it starts";
            self.find(Weight::Review, &script.path, what);
        }
        self.starts_own_program |= interpreter.starts_own_program;
        let first = self.calls.len();
        self.calls
            .extend(interpreter.calls.into_iter().map(|mut call| {
                if let Some(step) = &mut call.step {
                    step.file.call = step.file.call.map(|it| it + first);
                }
                call
            }));
        self.software_names.append(&mut interpreter.software_names);
        self.effects.append(&mut interpreter.effects);
        self.findings.append(&mut interpreter.findings);
        self.asked.bits |= interpreter.asked.bits;
        self.asked.build |= interpreter.asked.build;
        self.asked.order |= interpreter.asked.order;
    }

    fn find(&mut self, weight: Weight, file: &str, what: &str) {
        let finding = Finding {
            file: file.to_owned(),
            line: 1,
            what: what.to_owned(),
        };
        if !self.findings.iter().any(|(_, known)| *known == finding) {
            self.findings.push((weight, finding));
        }
    }

    /// What is installed, without what other steps take up.
    fn steps(&self) -> Vec<(&Call, &Step)> {
        let step = |call| -> Option<(&Call, &Step)> {
            let call: &Call = call;
            Some((call, call.step.as_ref()?))
        };
        self.calls
            .iter()
            .filter_map(step)
            .filter(|(_, step)| !step.is_used)
            .collect()
    }

    /// The pattern for `DisplayName` that other helpers of the script were handed, if it is one.
    fn only_name(&self) -> Option<String> {
        let (first, rest) = self.software_names.split_first()?;
        rest.iter().all(|it| it == first).then(|| first.clone())
    }

    /// The installers that are run where they lie.
    fn installers(&self) -> Vec<FileOrigin> {
        self.steps()
            .into_iter()
            .filter(|(_, step)| step.has_neighbours && step.file.is_run_where_it_lies())
            .map(|(_, step)| step.file.origin.clone())
            .collect()
    }
}

/// Whether a step takes any exit code for success.
fn has_open_codes(call: &Call) -> bool {
    call.step
        .as_ref()
        .is_some_and(|step| step.exit_codes.is_empty())
}

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
    if let Some(beside) = neighbours::first_beside(package, &installers) {
        let what = "this file lies beside the installer, which may need it";
        main.find(Weight::Review, beside, what);
    }
    if let Some(recipe) = recipes.first_mut() {
        recipe.minimum_build = minimum_build;
    }
    let mut recipe = in_one(recipes);
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
    if !main.asked.order {
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
    if !main.asked.build || main.is_refused {
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

/// The recipes of all steps, each with its files for both kinds of machine.
fn recipes(
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
        let same = small_steps
            .iter_mut()
            .find(|it| it.is_some_and(|(other, _)| other.site == call.site));
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
        further: Vec::new(),
    }
}

/// The first installer with all the rest, in order, behind it.
fn in_one(mut recipes: Vec<Recipe>) -> Option<Recipe> {
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
