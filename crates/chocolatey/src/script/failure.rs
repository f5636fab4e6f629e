//! What ends a script with an error: a command that does not find what it changes, where errors end the
//! script, and what fails behind the installation.

use fleetmend_model::condition::{Condition, Fact, FactKind};
use fleetmend_model::effect::Effect;

use super::command::Invocation;
use super::doubt::{Doubt, THERE_IS, negated};
use super::interpreter::{Flow, Interpreter, MAX_FINDINGS, Weight, excerpt};
use super::lookup::is_nameless;
use super::parameters::Bound;
use super::path;
use super::place;
use super::value::{HOLE, STAR, Value};
use super::written::key_of;

/// What must be on the device for a command not to fail.
pub(super) struct Needed {
    /// What tells whether it is there.
    pub(super) value: Value,
    /// That it is, in words.
    pub(super) text: String,
}

impl Needed {
    pub(super) fn there_is(value: Value, shown: &str) -> Self {
        let text = format!("{THERE_IS}{shown}");
        Self { value, text }
    }
}

/// Keys of the registry that every machine has.
const ROOTS: [&str; 8] = [
    "hklm:",
    "hkcu:",
    "hklm:\\software",
    "hkcu:\\software",
    "hklm:\\system",
    "hklm:\\software\\microsoft\\windows\\currentversion\\uninstall",
    "hklm:\\software\\microsoft\\windows\\currentversion",
    "hklm:\\software\\microsoft\\windows nt\\currentversion",
];

/// How a script fails.
#[derive(Default)]
pub(super) struct Failure {
    /// What must hold for it not to fail that has installed something, or uninstalls.
    pub(super) unless: Vec<Condition>,
    /// The line of the last `throw`, `exit` or `return`.
    pub(super) line: u32,
    /// Whether it came to an error because Chocolatey has a helper no more.
    pub(super) lacks_helper: bool,
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

    /// Whether a `try` stands around, which takes every error that ends its statement.
    pub(super) fn is_tried(&self) -> bool {
        self.bounds.iter().any(|it| it.0.takes(Flow::Throw))
    }

    /// Whether an error that ends a statement ends more than that: a `try` takes it, or the script ends.
    pub(super) fn errors_leave(&mut self) -> bool {
        self.is_tried() || self.errors_end(None)
    }

    /// What a statement gives that an error ends, whatever the `-ErrorAction` of its command says.
    pub(super) fn ended_by_error(&mut self, line: u32) -> Vec<Value> {
        if !self.errors_leave() {
            return Vec::new();
        }
        let thrown = self.throw(line);
        self.inside(thrown)
    }

    /// The same of a command that reads, which is handed nothing for its path; `None`: it is handed one.
    pub(super) fn read_of_nothing(&mut self, bound: &Bound, line: u32) -> Option<Vec<Value>> {
        // Else the rest of the statement is left out too.
        let ends = self.is_handed_nothing(bound, &["path"]) && self.errors_leave();
        ends.then(|| self.ended_by_error(line))
    }

    /// Whether a command is handed nothing, or an empty text, for one of its parameters. What is not
    /// understood of a script may have set what seems to be nothing.
    pub(super) fn is_handed_nothing(&self, bound: &Bound, names: &[&str]) -> bool {
        let mut given = names.iter().filter_map(|name| bound.get(name));
        self.findings.is_empty() && given.any(is_nameless)
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
            // It throws by itself, whatever errors do else.
            "register-application" => {
                let program = bound.get("exepath")?.clone();
                return self.needed_item(&program);
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
        let path = bound.get("path")?.clone();
        self.needed_item(&path)
    }

    /// What must be there for a command not to fail that is given paths of the device.
    pub(super) fn needed_item(&mut self, path: &Value) -> Option<Needed> {
        let items = path.clone().into_items();
        // A pattern may fit nothing, and a file that was found is there.
        let is_named = |item: &Value| match item {
            Value::Text(text) => is_one_name(text),
            Value::Asked(_) => true,
            _ => false,
        };
        let mut named: Vec<Value> = items.into_iter().filter(is_named).collect();
        named.retain(|item| {
            let path = item.to_path();
            !path::is_passing(&path) && !self.is_surely_there(&path)
        });
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

    /// What must be there for a script to go to a folder.
    pub(super) fn needed_folder(&mut self, path: &Value) -> Needed {
        self.needed_item(path).unwrap_or_else(|| Needed {
            value: Value::unknown("which folder it is is not known"),
            text: format!("{THERE_IS}the folder"),
        })
    }

    /// Whether a path is there on every machine, or the script itself has brought what lies there.
    pub(super) fn is_surely_there(&self, text: &str) -> bool {
        let text = text.trim_end_matches(['\\', '/']);
        let key = text.to_lowercase().replace('/', "\\");
        let inside = path::in_package(text);
        let is_own = inside.is_some_and(|it| self.is_folder(&it) && !self.is_removed(&it));
        let is_store = key.starts_with("cert:") && key.matches('\\').count() < 3;
        is_own
            || is_store
            || place::is_always_there(text)
            || ROOTS.contains(&key_of(text).as_str())
            || self.is_made(text)
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
        if self.is_touched(text) && !self.state.is_unsure(&path::key(text)) {
            return true;
        }
        let written = self.facts.written(text);
        let around = self.conditions().unwrap_or_default();
        // It is made wherever the script comes to this.
        let is_done = |effect: &Effect| {
            effect.always
                || !effect.conditions.is_empty()
                    && effect.conditions.iter().all(|it| around.contains(it))
        };
        let makes = |effect: &Effect| {
            let made = made_by(&effect.command).and_then(|name| effect.operands.get(name));
            is_done(effect) && made.is_some_and(|it| it.eq_ignore_ascii_case(&written))
        };
        self.effects.iter().any(|it| makes(&it.effect))
    }

    pub(super) fn needed_property(&mut self, bound: &Bound) -> Option<Needed> {
        let path = bound.get("path")?.clone();
        let name = bound.get("name")?.to_text();
        if !matches!(&path, Value::Text(_)) || name.contains(['*', '?', HOLE, STAR]) {
            return None;
        }
        let key = self.facts.written(&path.to_path());
        if self
            .written_value(&key, &name)
            .is_some_and(|it| it.is_known())
        {
            return None;
        }
        let value = self.fact_of_path(&path, Some(&name));
        let shown = format!("{name} of {}", self.operand(&path, true)?);
        Some(Needed::there_is(value, &shown))
    }

    pub(super) fn needed_name(&mut self, bound: &Bound, kind: FactKind) -> Option<Needed> {
        let given = bound.get("name")?.clone();
        let is_one = |item: &Value| matches!(item, Value::Text(name) if is_one_name(name));
        let names: Vec<Value> = given.into_items().into_iter().filter(is_one).collect();
        if names.is_empty() {
            return None;
        }
        let texts: Vec<String> = names.iter().map(Value::to_text).collect();
        let facts: Vec<Value> = texts.iter().map(|name| self.fact(kind, name)).collect();
        let shown = texts
            .iter()
            .map(|name| format!("{} {}", kind.label(), self.facts.written(name)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        Some(Needed::there_is(Value::collapse(facts), &shown))
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
        if self.is_asked_for(&doubt) {
            return run(self);
        }
        self.or_throw(&doubt, &text, line, run)
    }

    /// Runs something that fails where a doubt does not hold.
    pub(super) fn or_throw<T>(
        &mut self,
        doubt: &Doubt,
        text: &str,
        line: u32,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let state = self.fork();
        let result = self.under(doubt.clone(), run);
        let missing = (text, negated(doubt));
        self.depart(Flow::Throw, state, Vec::new(), line, missing);
        result
    }

    /// Whether a condition around asks for just that.
    fn is_asked_for(&self, doubt: &Doubt) -> bool {
        let Some(wanted) = doubt.as_ref().map(|it| &it.condition) else {
            return false;
        };
        // What lies in a folder is there with the folder alone.
        let is_below = |facts: &[Fact]| match (facts, &wanted.facts[..]) {
            ([one], [folder]) => {
                let below = one.name.strip_prefix(&folder.name);
                one.kind == folder.kind
                    && one.property == folder.property
                    && folder.property.as_deref() == Some("existence")
                    && below.is_some_and(|it| it.starts_with('\\'))
            }
            _ => false,
        };
        self.is_around(|it| (it.facts == wanted.facts || is_below(&it.facts)) && says_there_is(it))
    }

    /// Keeps in mind what makes the script fail behind the installation, seen where it fails under a
    /// condition.
    pub(super) fn note_failure(&mut self, condition: &str, doubt: &Doubt, line: u32) {
        match negated(&self.all_to_here(doubt)) {
            Some(asked) if self.failure.unless.len() < MAX_FINDINGS => {
                let condition = asked.condition.as_ref().clone();
                if !self.failure.unless.contains(&condition) {
                    self.failure.unless.push(condition);
                }
            }
            // What stops under such a condition ahead of the installation is found in any case.
            _ if self.calls.is_empty() && !self.is_uninstalling => {}
            _ => {
                let place = if self.is_uninstalling {
                    ""
                } else {
                    " behind the installation"
                };
                let what = format!(
                    "fails{place} under a condition that is not known: {}",
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

    /// What must hold for the script not to fail when all is installed; what must hold for the last step
    /// to be done, that has itself. Where the script fails whatever holds, that is a finding.
    pub(super) fn end_installation(&mut self, flow: Flow) -> Vec<Condition> {
        if Self::ends_failing(flow) && !self.calls.is_empty() {
            let what = "the script fails behind the installation, whatever holds";
            self.find(Weight::Review, self.failure.line, what);
        }
        let mut failing = std::mem::take(&mut self.failure.unless);
        let steps = self.calls.iter().rev().filter_map(|it| it.step.as_ref());
        if let Some(last) = steps.into_iter().find(|step| !step.is_used) {
            failing.retain(|it| !last.conditions.contains(it));
        }
        failing
    }
}

/// The operand of a command that names what is there when it is done: others only point to a file.
fn made_by(command: &str) -> Option<&'static str> {
    Some(match command {
        "set-content" | "add-content" | "clear-content" | "out-file" | "new-item"
        | "new-folder" | "export-clixml" | "export-csv" | "tee-object" | "new-itemproperty"
        | "set-itemproperty" => "path",
        "copy-item" | "move-item" => "destination",
        "install-chocolateyshortcut" => "shortcutfilepath",
        "[io.directory]::createdirectory" => "argument1",
        "[io.file]::copy" | "[io.file]::move" | "[io.directory]::move" => "argument2",
        _ => return None,
    })
}

/// Whether a text names one thing: it is no pattern, and all of it is known.
fn is_one_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?', '[', HOLE, STAR])
}

/// Comparisons by which a condition asks whether there is something.
const PLAIN: [&str; 7] = [
    "-eq$null", "$null-eq", "-ne$null", "$null-ne", "-eq$true", "-gt0", "-ge1",
];
/// Other ones may turn the answer around.
const COMPARED: [&str; 9] = [
    "-eq",
    "-ne",
    "-gt",
    "-ge",
    "-lt",
    "-le",
    "-isnot",
    "-notcontains",
    "-notin",
];

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
