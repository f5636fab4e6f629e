//! Arguments that depend on the device: each way that a condition can go is run for itself, and the
//! steps say which way they are for.

use std::cell::RefCell;
use std::collections::BTreeSet;

use fleetmend_model::condition::{Condition, Fact};
use fleetmend_model::effect::Effect;

use super::Package;
use super::installation::{Call, Step};
use super::interpreter::{Interpreter, Weight};
use super::profile::Profile;
use super::run::Run;
use super::shim;
use super::trees::Trees;
use super::value::Value;

/// The most conditions that are taken apart: there are as many runs as two to the power of it.
const MAX_FORKS: usize = 4;

/// The most conditions of a run that are kept in mind.
const MAX_MET: usize = 400;

/// A condition that facts of the device alone decide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fork {
    /// Which one it is.
    condition: Condition,
    /// Whether it was met more than once, perhaps with other values.
    is_repeated: bool,
}

/// Whether two are one condition of a script, whichever way it is decided.
fn is_same(one: &Condition, other: &Condition) -> bool {
    one.file == other.file && one.line == other.line && one.text == other.text
}

impl Interpreter<'_> {
    /// Notes a condition; gives how it is assumed to be decided.
    pub(super) fn meet_fork(&mut self, condition: &Condition) -> Option<bool> {
        let known = self
            .forks
            .iter_mut()
            .find(|it| is_same(&it.condition, condition));
        match known {
            Some(fork) => fork.is_repeated = true,
            None => {
                if self.forks.len() < MAX_MET {
                    self.forks.push(Fork {
                        condition: condition.clone(),
                        is_repeated: false,
                    });
                }
            }
        }
        let mut assumptions = self.assumptions.iter();
        let found = assumptions.find(|it| is_same(it, condition));
        found.map(|it| it.holds)
    }

    /// Keeps in mind that an argument depends on the device.
    pub(super) fn unsettle(&mut self, values: &[&Value]) {
        if let Some(set) = self.facts.collect_all(values.iter().copied()) {
            self.unsettled.extend(set);
            self.unsettled_at = self.forks.len();
        }
    }

    /// The same of what any of the conditions before may decide.
    pub(super) fn unsettle_all(&mut self) {
        let facts = self.forks.iter().flat_map(|it| &it.condition.facts);
        self.unsettled.extend(facts.cloned());
        self.unsettled_at = self.forks.len();
    }
}

/// Takes apart what a run left open because conditions decide it.
pub(super) fn settle(
    package: &Package<'_>,
    trees: &RefCell<Trees>,
    profile: Profile,
    plain: Run,
) -> Run {
    let decides = |fork: &Fork, facts: &BTreeSet<Fact>| {
        !fork.is_repeated && fork.condition.facts.iter().all(|it| facts.contains(it))
    };
    let before = plain.forks.iter().take(plain.unsettled_at);
    let forks: Vec<&Fork> = before
        .filter(|fork| decides(fork, &plain.unsettled))
        .collect();
    // What is custom stays so whichever way is taken.
    let is_custom = plain.findings.iter().any(|it| it.0 == Weight::Custom);
    if is_custom || forks.is_empty() || forks.len() > MAX_FORKS {
        return plain;
    }
    let mut ways = Vec::new();
    for way in 0..1_usize << forks.len() {
        let assumptions: Vec<Condition> = forks
            .iter()
            .enumerate()
            .map(|(place, fork)| Condition {
                holds: way & (1 << place) != 0,
                ..fork.condition.clone()
            })
            .collect();
        let run = Run::under(package, trees, profile, &assumptions);
        let is_met_again = run.forks.iter().any(|met| {
            met.is_repeated
                && forks
                    .iter()
                    .any(|it| is_same(&it.condition, &met.condition))
        });
        if is_met_again {
            return plain;
        }
        ways.push(run);
    }
    let conditions: Vec<&Condition> = forks.iter().map(|it| &it.condition).collect();
    merged(package, ways, &conditions)
}

/// A call or an effect, and the ways in which it is made.
struct Made<T> {
    done: T,
    /// Its place in the first of them.
    place: usize,
    ways: BTreeSet<usize>,
}

/// One run for all ways that conditions can go.
fn merged(package: &Package<'_>, mut ways: Vec<Run>, conditions: &[&Condition]) -> Run {
    let count = ways.len();
    let calls = ways.iter_mut().map(|run| std::mem::take(&mut run.calls));
    let calls = made(calls, is_same_call);
    let effects = ways.iter_mut().map(|run| std::mem::take(&mut run.effects));
    let effects = made(effects, |one: &Effect, other| one == other);
    let mut runs = ways.into_iter();
    let Some(mut all) = runs.next() else {
        return Run::default();
    };
    for run in runs {
        if run.unless != all.unless {
            let what = "what must hold for it not to fail depends on what the device has";
            all.find(Weight::Review, &package.install_path(), what);
        }
        all.brought.add(&run.brought);
        shim::merge(&mut all.shims, &run.shims);
        all.auto_uninstaller = all.auto_uninstaller.on_either(run.auto_uninstaller);
        all.notes.extend(run.notes);
        for finding in run.findings {
            if !all.findings.contains(&finding) {
                all.findings.push(finding);
            }
        }
        all.software_names.extend(run.software_names);
        all.asked.bits |= run.asked.bits;
        all.asked.build |= run.asked.build;
        all.asked.order |= run.asked.order;
        all.is_refused &= run.is_refused;
        all.starts_own_program |= run.starts_own_program;
    }
    let calls = calls.into_iter();
    all.calls = calls
        .flat_map(|it| with_conditions(it, conditions, count, under))
        .collect();
    let effects = effects.into_iter();
    all.effects = effects
        .flat_map(|it| with_conditions(it, conditions, count, effect_under))
        .collect();
    all
}

/// What is done in some ways, each once with all of these.
fn made<T>(ways: impl Iterator<Item = Vec<T>>, is_same: impl Fn(&T, &T) -> bool) -> Vec<Made<T>> {
    let mut all: Vec<Made<T>> = Vec::new();
    for (way, done) in ways.enumerate() {
        for (place, done) in done.into_iter().enumerate() {
            let known = all
                .iter_mut()
                .find(|it| is_same(&it.done, &done) && !it.ways.contains(&way));
            match known {
                Some(known) => {
                    known.ways.insert(way);
                }
                None => all.push(Made {
                    done,
                    place,
                    ways: BTreeSet::from([way]),
                }),
            }
        }
    }
    all.sort_by_key(|it| it.place);
    all
}

fn is_same_call(one: &Call, other: &Call) -> bool {
    // Where a step took its file from is told by the file itself.
    let plain = |step: &Option<Step>| {
        step.clone().map(|mut step| {
            step.file.call = None;
            step
        })
    };
    one.site == other.site && plain(&one.step) == plain(&other.step)
}

/// A call or an effect with the conditions that tell its ways from the others.
fn with_conditions<T: Clone>(
    made: Made<T>,
    conditions: &[&Condition],
    count: usize,
    under: fn(T, Vec<Condition>) -> T,
) -> Vec<T> {
    let holds = |way: usize, place: usize| way & (1 << place) != 0;
    let condition = |way: usize, place: usize| Condition {
        holds: holds(way, place),
        ..conditions[place].clone()
    };
    let Some(first) = made.ways.first().copied() else {
        return Vec::new();
    };
    let places = 0..conditions.len();
    let fixed: Vec<usize> = places
        .clone()
        .filter(|place| {
            made.ways
                .iter()
                .all(|way| holds(*way, *place) == holds(first, *place))
        })
        .collect();
    // All ways with the fixed conditions, or some of them alone.
    if made.ways.len() << fixed.len() == count {
        let all = fixed.into_iter().map(|place| condition(first, place));
        return vec![under(made.done, all.collect())];
    }
    let each = made.ways.iter().map(|way| {
        let all = places.clone().map(|place| condition(*way, place));
        under(made.done.clone(), all.collect())
    });
    each.collect()
}

fn under(mut call: Call, conditions: Vec<Condition>) -> Call {
    if let Some(step) = &mut call.step {
        step.conditions.splice(0..0, conditions);
    }
    call
}

fn effect_under(mut effect: Effect, conditions: Vec<Condition>) -> Effect {
    effect.always &= conditions.is_empty();
    effect.conditions.splice(0..0, conditions);
    effect
}
