//! One run of a package's scripts for one machine.

use std::cell::RefCell;
use std::collections::BTreeSet;

use fleetmend_model::condition::{Condition, Fact};
use fleetmend_model::effect::{Effect, Phase};
use fleetmend_model::recipe::{FileOrigin, Finding};
use fleetmend_model::shim::{AutoUninstaller, ShimMark};

use super::alternatives::{self, Fork};
use super::brought::Brought;
use super::installation::{Call, Step};
use super::interpreter::{Flow, Interpreter, Weight};
use super::left::Left;
use super::profile::{Asked, MAIN, Profile};
use super::shim;
use super::trees::Trees;
use super::{BEFORE_MODIFY, INSTALL, Package, Script};

/// What one machine's run came to.
#[derive(Default)]
pub(super) struct Run {
    pub(super) calls: Vec<Call>,
    pub(super) software_names: Vec<String>,
    pub(super) effects: Vec<Effect>,
    pub(super) shims: Vec<ShimMark>,
    pub(super) auto_uninstaller: AutoUninstaller,
    pub(super) findings: Vec<(Weight, Finding)>,
    pub(super) notes: Vec<Finding>,
    /// What must hold for the scripts not to fail, beside what the steps need.
    pub(super) unless: Vec<Condition>,
    pub(super) asked: Asked,
    /// What the install script leaves in the package's folder.
    pub(super) brought: Brought,
    /// Whether the scripts refuse the machine.
    pub(super) is_refused: bool,
    /// Whether a program that the package brings is started otherwise than as a silent installer.
    pub(super) starts_own_program: bool,
    /// The conditions that facts alone decide.
    pub(super) forks: Vec<Fork>,
    /// What arguments depend on that are not known.
    pub(super) unsettled: BTreeSet<Fact>,
    /// How many of the forks stand before the last of these.
    pub(super) unsettled_at: usize,
}

impl Run {
    /// Runs the scripts for a machine. Where arguments depend on facts of the device, both ways of
    /// the conditions are taken apart.
    pub(super) fn of(package: &Package<'_>, trees: &RefCell<Trees>, profile: Profile) -> Self {
        let plain = Self::under(package, trees, profile, &[]);
        alternatives::settle(package, trees, profile, plain)
    }

    /// Runs them where conditions hold or fail as assumed.
    pub(super) fn under(
        package: &Package<'_>,
        trees: &RefCell<Trees>,
        profile: Profile,
        assumptions: &[Condition],
    ) -> Self {
        let mut run = Self::default();
        let installs = package.named(INSTALL);
        if let Some(second) = installs.get(1) {
            let what = "the package has more than one install script";
            run.find(Weight::Review, &second.path, what);
        }
        let installed = installs.first().map(|script| {
            let ran = run.interpret(package, trees, script, profile, assumptions);
            (script, ran)
        });
        if let Some((_, Some((interpreter, _)))) = &installed {
            run.brought = interpreter.state.brought();
            // What is not understood may unpack something too.
            run.brought.may_lie_elsewhere |= !interpreter.findings.is_empty();
        }
        for script in package.named(BEFORE_MODIFY) {
            let ran = run.interpret(package, trees, script, profile, assumptions);
            if let Some((interpreter, _)) = ran {
                run.add_before_modify(interpreter, script);
            }
        }
        match installed {
            Some((script, Some((interpreter, flow)))) => {
                run.add_install(interpreter, flow, script, profile);
            }
            Some((_, None)) => {}
            None => (run.shims, run.auto_uninstaller) = shim::brought(package, |_| Left::All),
        }
        run
    }

    fn interpret<'p>(
        &mut self,
        package: &'p Package<'p>,
        trees: &'p RefCell<Trees>,
        script: &Script,
        profile: Profile,
        assumptions: &[Condition],
    ) -> Option<(Interpreter<'p>, Flow)> {
        let text = match trees.borrow_mut().prepared(script) {
            Ok(text) => text,
            Err(why) => {
                self.find(Weight::Review, &script.path, why);
                return None;
            }
        };
        let mut interpreter = Interpreter::new(package, trees, &script.path, profile);
        interpreter.assumptions = assumptions.to_vec();
        interpreter.begin_with(&self.brought);
        // A block of signature comments stands behind signed scripts; it is comments to the parser too.
        let flow = interpreter.run(text);
        Some((interpreter, flow))
    }

    /// Takes in what is done before another version takes this one's place: no part of its own
    /// installation.
    fn add_before_modify(&mut self, mut interpreter: Interpreter<'_>, script: &Script) {
        if !interpreter.calls.is_empty() {
            let what = "the script that is run before the package is changed installs something";
            self.find(Weight::Review, &script.path, what);
        }
        let effects = std::mem::take(&mut interpreter.effects);
        self.effects.extend(effects.into_iter().map(|it| Effect {
            phase: Phase::BeforeModify,
            ..it.effect
        }));
        self.add_rest(interpreter);
    }

    fn add_install(
        &mut self,
        mut interpreter: Interpreter<'_>,
        flow: Flow,
        script: &Script,
        profile: Profile,
    ) {
        if profile == MAIN {
            interpreter.find_refusal(flow);
        }
        self.is_refused |= flow == Flow::Throw && interpreter.calls.is_empty();
        if profile != MAIN && Interpreter::ends_failing(flow) {
            // What it does before it fails is no installation, and is done all the same.
            self.is_refused = true;
            interpreter.calls.clear();
            // It is never there to be changed.
            self.effects.clear();
        }
        if interpreter.reads_exit_code && interpreter.calls.iter().any(has_open_codes) {
            let what = "the script itself judges the exit code of a program that it starts";
            self.find(Weight::Review, &script.path, what);
        }
        self.starts_own_program |= interpreter.starts_own_program;
        self.unless = interpreter.end_installation(flow);
        interpreter.name_archives();
        interpreter.name_folders_left();
        self.calls = std::mem::take(&mut interpreter.calls);
        let effects = std::mem::take(&mut interpreter.effects);
        let effects = effects.into_iter().map(|it| it.among_calls(&self.calls));
        self.effects.extend(effects);
        self.shims = interpreter.made_marks();
        let (left, uninstaller) = shim::brought(interpreter.package, |path| interpreter.left(path));
        self.auto_uninstaller = interpreter.skips_auto_uninstaller | uninstaller;
        for mark in left {
            shim::add(&mut self.shims, mark);
        }
        self.add_rest(interpreter);
    }

    /// Takes in what any script says.
    fn add_rest(&mut self, mut interpreter: Interpreter<'_>) {
        self.software_names.append(&mut interpreter.software_names);
        self.findings.append(&mut interpreter.findings);
        self.notes.append(&mut interpreter.notes);
        self.asked.bits |= interpreter.asked.bits;
        self.asked.build |= interpreter.asked.build;
        self.asked.order |= interpreter.asked.order;
        if !interpreter.unsettled.is_empty() {
            self.unsettled_at = self.forks.len() + interpreter.unsettled_at;
        }
        self.forks.append(&mut interpreter.forks);
        self.unsettled.append(&mut interpreter.unsettled);
    }

    /// Takes what another run found and noted.
    pub(super) fn take_said(&mut self, other: &mut Self) {
        self.notes.append(&mut other.notes);
        take_findings(&mut self.findings, std::mem::take(&mut other.findings));
    }

    pub(super) fn find(&mut self, weight: Weight, file: &str, what: &str) {
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
    pub(super) fn steps(&self) -> Vec<(&Call, &Step)> {
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
    pub(super) fn only_name(&self) -> Option<String> {
        let (first, rest) = self.software_names.split_first()?;
        rest.iter().all(|it| it == first).then(|| first.clone())
    }

    /// The installers that are run where they lie.
    pub(super) fn installers(&self) -> Vec<FileOrigin> {
        self.steps()
            .into_iter()
            .filter(|(_, step)| step.has_neighbours && step.file.is_run_where_it_lies())
            .map(|(_, step)| step.file.origin.clone())
            .collect()
    }
}

/// Takes what another run found beside that.
pub(super) fn take_findings(all: &mut Vec<(Weight, Finding)>, others: Vec<(Weight, Finding)>) {
    for (weight, finding) in others {
        if !all.iter().any(|(_, known)| *known == finding) {
            all.push((weight, finding));
        }
    }
}

/// Whether a step takes any exit code for success.
fn has_open_codes(call: &Call) -> bool {
    call.step
        .as_ref()
        .is_some_and(|step| step.exit_codes.is_empty())
}
