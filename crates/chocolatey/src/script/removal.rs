//! The script that Chocolatey runs when the package is removed, for each kind of machine that makes a
//! difference.

use std::cell::RefCell;

use fleetmend_model::condition::Condition;
use fleetmend_model::effect::{Effect, Machines};
use fleetmend_model::recipe::{Finding, Uninstall, UninstallStep, Verdict};

use super::brought::Brought;
use super::interpreter::{Flow, Interpreter, Weight};
use super::outcome::effects_on;
use super::profile::{MAIN, Profile, SMALL};
use super::run::take_findings;
use super::trees::Trees;
use super::{Package, Script, UNINSTALL};

/// What the script does on one machine.
struct Removal {
    steps: Vec<UninstallStep>,
    effects: Vec<Effect>,
    findings: Vec<(Weight, Finding)>,
    notes: Vec<Finding>,
    /// What must hold on the device for it not to fail.
    conditions: Vec<Condition>,
    /// Whether it asks how many bits the machine has.
    asks_bits: bool,
    /// Whether it refuses the machine.
    is_refused: bool,
    /// The line at which it fails, whatever holds.
    fails_at: Option<u32>,
}

/// Explains the script that Chocolatey runs before the package is removed.
pub(super) fn uninstall(
    package: &Package<'_>,
    trees: &RefCell<Trees>,
    brought: &Brought,
    notes: &mut Vec<Finding>,
) -> Option<Uninstall> {
    let script = package.named(UNINSTALL).into_iter().next()?;
    let of = |profile| Removal::of(package, trees, script, (profile, brought));
    let mut main = of(MAIN);
    let mut small = main.asks_bits.then(|| of(SMALL));
    let is_small_refused = small.as_ref().is_some_and(|it| it.is_refused);
    find_failures(&mut main, small.as_ref(), &script.path);
    if let Some(small) = &mut small {
        notes.append(&mut small.notes);
        take_findings(&mut main.findings, std::mem::take(&mut small.findings));
        if !is_small_refused && main.conditions != small.conditions {
            let what = "what must hold for it not to fail depends on the bitness of Windows";
            main.find(&script.path, 1, what);
        }
    }
    notes.append(&mut main.notes);
    let effects = effects_on(&main.effects, small.as_ref().map(|it| &it.effects[..]));
    let small = small.filter(|it| !it.is_refused);
    let steps = match (small, is_small_refused) {
        (Some(small), _) => on_both(main.steps, small.steps),
        (None, true) => on(main.steps, Machines::X64),
        (None, false) => main.steps,
    };
    let has = |weight| main.findings.iter().any(|(it, _)| *it == weight);
    let verdict = if has(Weight::Custom) {
        Verdict::NeedsChocolatey
    } else if has(Weight::Review) {
        Verdict::NeedsReview
    } else if steps.is_empty() {
        Verdict::NoInstaller
    } else {
        Verdict::Ready
    };
    Some(Uninstall {
        verdict,
        steps,
        effects,
        conditions: main.conditions,
        findings: main.findings.into_iter().map(|(_, it)| it).collect(),
    })
}

impl Removal {
    fn of(
        package: &Package<'_>,
        trees: &RefCell<Trees>,
        script: &Script,
        (profile, brought): (Profile, &Brought),
    ) -> Self {
        let mut interpreter = Interpreter::new(package, trees, &script.path, profile);
        interpreter.begin_with(brought);
        interpreter.is_uninstalling = true;
        let text = trees.borrow_mut().prepared(script);
        let flow = match text {
            Ok(text) => interpreter.run(text),
            Err(why) => {
                interpreter.find(Weight::Review, 1, why);
                Flow::Next
            }
        };
        if !interpreter.calls.is_empty() {
            let what = "the script downloads, unpacks or installs something to uninstall";
            interpreter.find(Weight::Review, 1, what);
        }
        let is_known = interpreter.uninstalls.iter().all(|it| it.step.is_some());
        if !is_known && interpreter.findings.is_empty() {
            let what = "an uninstaller that the script runs is not known";
            interpreter.find(Weight::Review, 1, what);
        }
        let count = interpreter.uninstalls.len();
        let is_refused = flow == Flow::Throw && count == 0;
        let fails_at = Interpreter::ends_failing(flow).then_some(interpreter.failure.line);
        let effects = interpreter.effects.into_iter();
        let steps = interpreter.uninstalls.into_iter();
        Self {
            is_refused,
            fails_at,
            steps: steps.filter_map(|it| it.step).collect(),
            effects: effects.map(|it| it.among_uninstalls(count)).collect(),
            findings: interpreter.findings,
            notes: interpreter.notes,
            conditions: interpreter.failure.unless,
            asks_bits: interpreter.asked.bits,
        }
    }

    fn find(&mut self, file: &str, line: u32, what: &str) {
        let finding = Finding {
            file: file.to_owned(),
            line,
            what: what.to_owned(),
        };
        self.findings.push((Weight::Review, finding));
    }
}

/// Finds where the script fails whatever holds: not where it only refuses one of two kinds of machine,
/// which the steps and effects say that they are not for.
fn find_failures(main: &mut Removal, small: Option<&Removal>, file: &str) {
    let is_done = |it: &Removal| it.fails_at.is_none();
    let is_said =
        |it: &Removal, other: Option<&Removal>| it.is_refused && other.is_some_and(is_done);
    let failing = main.fails_at.filter(|_| !is_said(main, small));
    let small_failing = small.filter(|it| !is_said(it, Some(main)));
    let small_failing = small_failing.and_then(|it| it.fails_at);
    if let Some(line) = failing.or(small_failing) {
        main.find(file, line, "the script fails, whatever holds");
    }
}

/// Steps that are run on some machines alone.
fn on(steps: Vec<UninstallStep>, machines: Machines) -> Vec<UninstallStep> {
    let steps = steps.into_iter();
    steps
        .map(|step| UninstallStep { machines, ..step })
        .collect()
}

/// The steps of both kinds of machine, each in its order.
fn on_both(large: Vec<UninstallStep>, small: Vec<UninstallStep>) -> Vec<UninstallStep> {
    let mut all = on(large, Machines::X64);
    let mut at = 0;
    for step in small {
        let step = UninstallStep {
            machines: Machines::X64,
            ..step
        };
        match all.iter().skip(at).position(|it| *it == step) {
            Some(ahead) => {
                at += ahead;
                all[at].machines = Machines::All;
            }
            None => all.insert(
                at,
                UninstallStep {
                    machines: Machines::X86,
                    ..step
                },
            ),
        }
        at += 1;
    }
    all
}
