//! What ends a script with an error: a command that does not find what it changes, where errors end the
//! script, and what fails behind the installation.

use fleetmend_model::condition::{Condition, FactKind};
use fleetmend_model::effect::Effect;

use super::command::Invocation;
use super::doubt::{Doubt, THERE_IS, negated};
use super::interpreter::{Bound as Around, Flow, Interpreter, MAX_FINDINGS, Weight, excerpt};
use super::parameters::Bound;
use super::value::{HOLE, STAR, Value};

/// What must be on the device for a command not to fail.
pub(super) struct Needed {
    /// What tells whether it is there.
    pub(super) value: Value,
    /// That it is, in words.
    pub(super) text: String,
}

impl Needed {
    fn there_is(value: Value, shown: &str) -> Self {
        let text = format!("{THERE_IS}{shown}");
        Self { value, text }
    }
}

/// How a script fails that has installed something.
#[derive(Default)]
pub(super) struct Failure {
    /// What must hold for it not to fail.
    pub(super) unless: Vec<Condition>,
    /// The line of the last `throw` or `exit`.
    pub(super) line: u32,
}

impl Interpreter<'_> {
    /// Whether an error of a command ends the script: with `Stop`, which most scripts set, and not with
    /// `Continue`, which holds without that.
    pub(super) fn errors_end(&mut self, action: Option<&Value>) -> bool {
        let action = match action {
            Some(action) => action.clone(),
            None => self.variable("ErrorActionPreference"),
        };
        match action {
            // `SilentlyContinue`, `Stop`, `Inquire`, `Continue` and `Ignore`, by their numbers.
            Value::Int(number) => number == 1,
            action => action
                .as_plain()
                .is_none_or(|it| it.eq_ignore_ascii_case("stop") || it == "1"),
        }
    }

    /// What a command must find on the device, where the script ends else.
    pub(super) fn needed(&mut self, bound: &Bound, command: &Invocation<'_>) -> Option<Needed> {
        // What the pipeline hands over was found, unless it is a name alone.
        let names = |input: &Vec<Value>| input.iter().any(|it| matches!(it, Value::Text(_)));
        if command.input.as_ref().is_some_and(|it| !names(it)) {
            return None;
        }
        let needed = match command.name {
            "remove-item" | "clear-item" | "move-item" | "copy-item" | "rename-item" => {
                self.needed_path(bound)
            }
            "remove-itemproperty" | "rename-itemproperty" => self.needed_property(bound),
            "stop-process" => self.needed_name(bound, FactKind::Process),
            "start-service" | "stop-service" | "restart-service" | "set-service" => {
                self.needed_name(bound, FactKind::Service)
            }
            _ => None,
        }?;
        self.errors_end(bound.get("erroraction")).then_some(needed)
    }

    fn needed_path(&mut self, bound: &Bound) -> Option<Needed> {
        let narrows = ["include", "exclude", "filter"];
        if narrows.iter().any(|name| bound.get(name).is_some()) {
            return None;
        }
        let items = bound.get("path")?.clone().into_items();
        // A pattern may fit nothing, and a file that was found is there.
        let is_named = |item: &Value| match item {
            Value::Text(text) => !text.is_empty() && !text.contains(['*', '?', '[', HOLE, STAR]),
            Value::Asked(_) => true,
            _ => false,
        };
        let mut named: Vec<Value> = items.into_iter().filter(is_named).collect();
        named.retain(|item| !self.is_made(&item.to_path()));
        if named.is_empty() {
            return None;
        }
        let path = Value::collapse(named);
        let value = self.fact_of_path(&path, Some("existence"));
        if self.is_key_of_software(&value) {
            return None;
        }
        let shown = self.operand(&path, true)?;
        Some(Needed::there_is(value, &shown))
    }

    /// Whether it is the key of software that was found.
    fn is_key_of_software(&self, value: &Value) -> bool {
        let Value::Asked(id) = value else {
            return false;
        };
        let facts = self.facts.get(*id);
        facts
            .iter()
            .any(|it| it.property.as_deref() == Some("pspath"))
    }

    /// Whether the script itself has brought what lies at a path of the device.
    fn is_made(&self, text: &str) -> bool {
        if self.is_touched(text) {
            return true;
        }
        let written = self.facts.written(text);
        let makes = |effect: &Effect| {
            !effect.command.starts_with("remove-")
                && ["path", "destination", "shortcutfilepath", "argument1"]
                    .iter()
                    .filter_map(|name| effect.operands.get(*name))
                    .any(|it| it.eq_ignore_ascii_case(&written))
        };
        self.effects.iter().any(|it| makes(&it.effect))
    }

    fn needed_property(&mut self, bound: &Bound) -> Option<Needed> {
        let path = bound.get("path")?.clone();
        let name = bound.get("name")?.to_text();
        if !matches!(&path, Value::Text(_)) || name.contains(['*', '?', HOLE, STAR]) {
            return None;
        }
        let value = self.fact_of_path(&path, Some(&name));
        let shown = format!("{name} of {}", self.operand(&path, true)?);
        Some(Needed::there_is(value, &shown))
    }

    fn needed_name(&mut self, bound: &Bound, kind: FactKind) -> Option<Needed> {
        let given = bound.get("name")?.clone();
        let name = given.to_text();
        if !matches!(&given, Value::Text(_)) || name.contains(['*', '?', '[', HOLE, STAR]) {
            return None;
        }
        let value = self.fact(kind, &name);
        let shown = format!("{} {}", kind.label(), self.facts.written(&name));
        Some(Needed::there_is(value, &shown))
    }

    /// Runs a change of what must be there: it happens, and the script goes on, only where it is.
    pub(super) fn with<T>(
        &mut self,
        needed: Option<Needed>,
        line: u32,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(Needed { value, text }) = needed else {
            return run(self);
        };
        let doubt = self.doubt(&value, &text, line);
        if doubt.is_none() || self.is_asked_for(&doubt) {
            return run(self);
        }
        let result = self.under(doubt.clone(), run);
        let state = self.fork();
        let missing = (text.as_str(), negated(&doubt));
        self.depart(Flow::Throw, state, Vec::new(), line, missing);
        result
    }

    /// Whether a condition around asks for just that.
    fn is_asked_for(&self, doubt: &Doubt) -> bool {
        let Some(wanted) = doubt.as_ref().map(|it| &it.condition) else {
            return false;
        };
        self.is_around(|it| it.facts == wanted.facts && says_there_is(it))
    }

    /// Keeps in mind what makes the script fail behind the installation, seen where it leaves under a
    /// condition.
    pub(super) fn note_failure(&mut self, flow: Flow, condition: &str, doubt: &Doubt, line: u32) {
        let is_caught = self.bounds.iter().any(|it| it.0 == Around::Try);
        let fails = match flow {
            Flow::Throw => !is_caught,
            Flow::Fail => true,
            _ => false,
        };
        if !fails || self.calls.is_empty() || self.is_uninstalling {
            return;
        }
        match negated(&self.all_from(0, doubt)) {
            Some(asked) if self.failure.unless.len() < MAX_FINDINGS => {
                self.failure.unless.push(asked.condition.as_ref().clone());
            }
            _ => {
                let what = format!(
                    "fails behind the installation under a condition that is not known: {}",
                    excerpt(condition)
                );
                self.find(Weight::Review, line, what);
            }
        }
    }

    /// Whether the script fails in any case.
    pub(super) fn ends_failing(flow: Flow) -> bool {
        matches!(flow, Flow::Throw | Flow::Fail)
    }

    /// What makes the script fail behind the installation: a condition of the last step, or a finding.
    pub(super) fn end_installation(&mut self, flow: Flow) {
        if Self::ends_failing(flow) && !self.calls.is_empty() {
            let what = "the script fails behind the installation, whatever holds";
            self.find(Weight::Review, self.failure.line, what);
        }
        let failing = std::mem::take(&mut self.failure.unless);
        let mut steps = self
            .calls
            .iter_mut()
            .rev()
            .filter_map(|it| it.step.as_mut());
        if let Some(step) = steps.find(|step| !step.is_used) {
            for condition in failing {
                if !step.conditions.contains(&condition) {
                    step.conditions.push(condition);
                }
            }
        }
    }
}

/// Comparisons by which a condition asks whether there is something.
const PLAIN: [&str; 7] = [
    "-eq$null", "$null-eq", "-ne$null", "$null-ne", "-eq$true", "-gt0", "-ge1",
];
/// Other ones may turn the answer around.
const COMPARED: [&str; 7] = ["-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-isnot"];

/// Whether a condition says that there is what it asks for: by itself, or by failing where it says
/// that there is nothing.
fn says_there_is(condition: &Condition) -> bool {
    let text: String = condition.text.split_whitespace().collect();
    let text = text.trim_start_matches('(').to_ascii_lowercase();
    let is_compound = ["-and", "-or", "-xor", "$false", "-isvalid"]
        .iter()
        .any(|it| text.contains(it));
    let rest = PLAIN
        .iter()
        .fold(text.clone(), |rest, plain| rest.replace(plain, ""));
    let is_compared = COMPARED.iter().any(|it| rest.contains(it));
    let is_denied = text.starts_with("-not")
        || text.starts_with('!')
        || text.contains("-eq$null")
        || text.contains("$null-eq");
    !is_compound && !is_compared && is_denied != condition.holds
}
