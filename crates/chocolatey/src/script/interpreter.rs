//! The abstract run of one script for one profile: what is known, what was installed, what was
//! changed besides, what was not explained. The run itself is split by what is run: `statement`,
//! `expression`, `command`, `helper`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use fleetmend_model::condition::{Condition, Fact};
use fleetmend_model::effect::Effect;
use fleetmend_model::recipe::Finding;
use fleetmend_model::shim::{AutoUninstaller, ShimMark};
use tree_sitter::{Node, Tree};

use super::alternatives::Fork;
use super::brought::Brought;
use super::doubt::Doubt;
use super::extension::{Extension, extension_of};
use super::facts::{Facts, FactsId};
use super::failure::Failure;
use super::installation::{Call, NotedEffect, UninstallCall};
use super::kinds::Kind;
use super::profile::{Asked, Profile};
use super::state::State;
use super::syntax::{self, Source};
use super::trees::Trees;
use super::value::{Block, TableId, Value};
use super::{Package, Script};

/// The deepest nesting of statements, expressions, functions and texts in texts.
const MAX_DEPTH: u32 = 80;

/// How many steps a run may take in all: some ten times what real scripts take, but for those that
/// call the largest extensions.
const MAX_STEPS: u32 = 20_000;

/// How many steps one call of an extension's function may take.
const MAX_EXTENSION_STEPS: u32 = 5_000;

/// The most findings kept, the most effects, and the most of what became of files.
pub(super) const MAX_FINDINGS: usize = 200;

/// How many bytes of values a run looks at in all. Values grow only out of variables, so this
/// bounds memory and time.
const MAX_COPIED: usize = 32 * 1024 * 1024;

/// The longest text that a run builds, in bytes.
pub(super) const MAX_TEXT: usize = 256 * 1024;

/// What a finding means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A person can settle it: an argument or a condition that is not known.
    Review,
    /// Only Chocolatey can do what the script does there.
    Custom,
}

/// Where a statement leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// To the end of the loop or switch.
    Break,
    /// To the next round of the loop.
    Continue,
    /// Out of the function or script.
    Return,
    /// Out of everything: the package is done.
    Exit,
    /// Out of everything, with an exit code that says that it failed.
    Fail,
    /// `throw`: the package refuses to install, unless it is caught.
    Throw,
}

pub(super) struct Interpreter<'p> {
    pub(super) package: &'p Package<'p>,
    pub(super) profile: Profile,
    pub(super) asked: Asked,
    /// The path inside of the package of the script that runs.
    pub(super) script: Rc<str>,
    pub(super) trees: &'p RefCell<Trees>,
    /// The place of the scope that functions see first: a function of an extension does not see the
    /// variables of the scripts that call it.
    pub(super) base: usize,
    /// The step at which the call of an extension's function must be done; `None`: what it does is
    /// not understood, and the rest of it does not matter.
    pub(super) extension_end: Option<u32>,
    pub(super) state: State,
    pub(super) next_table: TableId,
    /// The conditions that are not known and stand around the current statement.
    pub(super) doubts: Vec<Doubt>,
    /// The same of what ended the script under a condition: they stand around all that follows.
    pub(super) endings: Vec<Doubt>,
    /// Those of them that are no failure: behind `return` and `exit 0` nothing can fail any more.
    pub(super) silent_endings: Vec<Doubt>,
    /// How many of these are loops over all that a pattern of files stands for.
    pub(super) patterns: usize,
    /// How many bodies of pipelines are run for the null that stands for software which is not there.
    pub(super) nulls: usize,
    /// What is asked of the device.
    pub(super) facts: Facts,
    /// The conditions that facts alone decide, in the order in which they are met.
    pub(super) forks: Vec<Fork>,
    /// Some of them, as they are assumed to be decided.
    pub(super) assumptions: Vec<Condition>,
    /// What arguments depend on that are not known, and how many forks stand before them.
    pub(super) unsettled: BTreeSet<Fact>,
    pub(super) unsettled_at: usize,
    /// How many conditions, loops and functions stand around it at all.
    pub(super) branches: u32,
    /// Whether the script that runs is the one that uninstalls.
    pub(super) is_uninstalling: bool,
    /// What the install script has left in the package's folder before.
    pub(super) brought: Brought,
    /// States that left a function, loop or `try` under a condition that is not known.
    pub(super) early: Vec<Early>,
    /// The functions, loops and `try`s that run, innermost last, each with how many doubts stood
    /// around it.
    pub(super) bounds: Vec<(Bound, usize)>,
    pub(super) calls: Vec<Call>,
    /// The patterns for `DisplayName` that helpers were handed, whether they take them or not.
    pub(super) software_names: Vec<String>,
    pub(super) uninstalls: Vec<UninstallCall>,
    pub(super) effects: Vec<NotedEffect>,
    /// Marks for the shim generator.
    pub(super) shims: Vec<ShimMark>,
    /// The programs of those that it had removed before it marked them.
    pub(super) marked_anew: BTreeSet<String>,
    pub(super) skips_auto_uninstaller: AutoUninstaller,
    /// What values depend on of which some of several pass a filter.
    pub(super) picked: BTreeSet<FactsId>,
    /// Software of which the script takes one entry of those that it found.
    pub(super) one_taken: BTreeSet<Fact>,
    /// Patterns of files of which it takes one.
    pub(super) one_of_files: BTreeSet<String>,
    /// The patterns of files that it looks for outside of the package.
    pub(super) sought_on_device: BTreeSet<String>,
    /// What a command is handed by strings with variables in them: the texts of the last command's words.
    pub(super) in_strings: Vec<String>,
    /// What the patterns stand for by which it looks for files: by their keys.
    pub(super) kinds: BTreeMap<String, Kind>,
    pub(super) findings: Vec<(Weight, Finding)>,
    /// What depends on the version of Chocolatey.
    pub(super) notes: Vec<Finding>,
    pub(super) failure: Failure,
    /// Files of the package that helpers were handed for another kind of machine: their keys.
    pub(super) offered: BTreeSet<String>,
    /// The line at which the script refused last, if it does more than that.
    pub(super) refuses_at: Option<u32>,
    /// Where an expression leads that ends what it stands in.
    pub(super) pending: Option<Flow>,
    /// Whether the script looks at the exit code of a program that it started.
    pub(super) reads_exit_code: bool,
    /// Whether it starts a program that it brought, otherwise than as a silent installer.
    pub(super) starts_own_program: bool,
    depth: u32,
    steps: u32,
    copied: usize,
}

/// A state that left something early.
pub(super) struct Early {
    pub(super) flow: Flow,
    pub(super) state: State,
    pub(super) outputs: Vec<Value>,
    /// The doubt that stands around what it left out.
    pub(super) rest: Doubt,
}

/// What a statement can be left to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Function,
    /// All rounds of a loop, or all values of a `switch`.
    Loop,
    /// One of them.
    Round,
    /// The block of a `ForEach-Object`, which is no loop for `break` and `continue`.
    Pipeline,
    Try,
    /// A script that another one runs: `exit` leads back to that.
    Script,
}

impl Bound {
    /// Whether something that leaves by that goes on behind it.
    pub(super) fn takes(self, flow: Flow) -> bool {
        match self {
            Self::Function => flow == Flow::Return,
            Self::Loop => flow == Flow::Break,
            Self::Round => flow == Flow::Continue,
            Self::Pipeline => false,
            Self::Try => flow == Flow::Throw,
            Self::Script => matches!(flow, Flow::Exit | Flow::Fail),
        }
    }
}

impl<'p> Interpreter<'p> {
    pub(super) fn new(
        package: &'p Package<'p>,
        trees: &'p RefCell<Trees>,
        script: &str,
        profile: Profile,
    ) -> Self {
        Self {
            package,
            profile,
            asked: Asked::default(),
            script: script.into(),
            trees,
            base: 0,
            extension_end: None,
            state: State {
                scopes: vec![HashMap::new()],
                ..State::default()
            },
            next_table: 0,
            doubts: Vec::new(),
            endings: Vec::new(),
            silent_endings: Vec::new(),
            patterns: 0,
            nulls: 0,
            facts: Facts::default(),
            forks: Vec::new(),
            assumptions: Vec::new(),
            unsettled: BTreeSet::new(),
            unsettled_at: 0,
            branches: 0,
            is_uninstalling: false,
            brought: Brought::default(),
            early: Vec::new(),
            bounds: Vec::new(),
            calls: Vec::new(),
            software_names: Vec::new(),
            uninstalls: Vec::new(),
            effects: Vec::new(),
            shims: Vec::new(),
            marked_anew: BTreeSet::new(),
            skips_auto_uninstaller: AutoUninstaller::Runs,
            picked: BTreeSet::new(),
            one_taken: BTreeSet::new(),
            one_of_files: BTreeSet::new(),
            sought_on_device: BTreeSet::new(),
            in_strings: Vec::new(),
            kinds: BTreeMap::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            failure: Failure::default(),
            offered: BTreeSet::new(),
            refuses_at: None,
            pending: None,
            reads_exit_code: false,
            starts_own_program: false,
            depth: 0,
            steps: 0,
            copied: 0,
        }
    }

    /// Runs a whole script, prepared for parsing.
    pub(super) fn run(&mut self, text: Rc<str>) -> Flow {
        let source = Source {
            text,
            first_line: 1,
        };
        let body = Block {
            text: Rc::clone(&source.text),
            line: 1,
            script: Rc::clone(&self.script),
        };
        self.declare_own(&body);
        self.run_source(&source).1
    }

    /// Runs a text that stands in the script at the given line; gives its output.
    pub(super) fn run_source(&mut self, source: &Source) -> (Vec<Value>, Flow) {
        if !self.enter(source.first_line) {
            return (vec![Value::unknown("it is nested too deep")], Flow::Next);
        }
        if source.text.trim().is_empty() {
            self.leave();
            return (Vec::new(), Flow::Next);
        }
        let tree = self.tree(&source.text);
        let result = match tree {
            None => {
                self.find(
                    Weight::Review,
                    source.first_line,
                    "the text takes too long to parse",
                );
                (
                    vec![Value::unknown("it takes too long to parse")],
                    Flow::Next,
                )
            }
            Some(tree) => {
                self.find_error(source, tree.root_node());
                self.statements(source, tree.root_node())
            }
        };
        self.leave();
        result
    }

    /// Finds what of a text cannot be parsed.
    pub(super) fn find_error(&mut self, source: &Source, root: Node<'_>) {
        if let Some(error) = syntax::first_error(root) {
            let shown = excerpt(source.of(error));
            self.find(
                Weight::Review,
                source.line(error),
                format!("the script cannot be parsed at {shown:?}"),
            );
        }
    }

    /// Runs an expression's text; gives its value.
    pub(super) fn run_expression(&mut self, text: &str, line: u32) -> Value {
        let source = Source {
            text: text.into(),
            first_line: line,
        };
        let result = self.run_source(&source);
        Value::collapse(self.inside(result))
    }

    /// What something gives inside of an expression; where it leads waits for the statement around.
    pub(super) fn inside(&mut self, (outputs, flow): (Vec<Value>, Flow)) -> Vec<Value> {
        if flow != Flow::Next {
            self.pending.get_or_insert(flow);
        }
        outputs
    }

    /// The text of a script as it is parsed; `None` where it is not analysed.
    pub(super) fn prepared(&self, script: &Script) -> Option<Rc<str>> {
        self.prepared_as(&script.path, script)
    }

    /// The same of a script that has another name beside those of the package.
    pub(super) fn prepared_as(&self, name: &str, script: &Script) -> Option<Rc<str>> {
        self.trees.borrow_mut().prepared_as(name, script).ok()
    }

    /// The tree of a text that was run before or is run later.
    pub(super) fn tree(&self, text: &Rc<str>) -> Option<Rc<Tree>> {
        let extension = extension_of(self.package, &self.script);
        let shared = extension.map(Extension::trees);
        self.trees.borrow_mut().get(text, shared)
    }

    /// Runs something that sees none of the script's variables: it is a process of its own.
    pub(super) fn apart<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.state.scopes.len();
        self.state.scopes.push(HashMap::new());
        let base = std::mem::replace(&mut self.base, outside);
        let end = self.extension_end.replace(u32::MAX);
        let locations = std::mem::take(&mut self.state.locations);
        let result = run(self);
        self.state.locations = locations;
        self.extension_end = end;
        self.base = base;
        self.state.scopes.truncate(outside);
        result
    }

    /// Begins a call of an extension's function.
    pub(super) fn enter_extension(&mut self) {
        self.extension_end = Some(self.steps.saturating_add(MAX_EXTENSION_STEPS));
    }

    /// Goes one level deeper; `false` where a cap is reached, and then `leave` is not due.
    pub(super) fn enter(&mut self, line: u32) -> bool {
        self.steps += 1;
        if self.base > 0 {
            let Some(end) = self.extension_end else {
                return false;
            };
            if self.steps > end {
                let what = "the function of an extension is too long to analyse";
                self.find(Weight::Custom, line, what);
                return false;
            }
        }
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS || self.copied > MAX_COPIED {
            self.find(
                Weight::Review,
                line,
                "the script is nested too deep or too long to analyse",
            );
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts bytes that are looked at; `false`: there were too many.
    pub(super) fn charge(&mut self, bytes: usize) -> bool {
        self.copied = self.copied.saturating_add(bytes);
        self.copied <= MAX_COPIED
    }

    pub(super) fn find(&mut self, weight: Weight, line: u32, what: impl Into<Cow<'static, str>>) {
        let finding = Finding {
            file: self.script.as_ref().to_owned(),
            line,
            what: super::place::written(&what.into()),
        };
        let is_new = self.findings.iter().all(|(_, known)| *known != finding);
        if self.base > 0 && weight == Weight::Custom {
            self.extension_end = None;
        }
        if is_new && self.findings.len() < MAX_FINDINGS {
            self.findings.push((weight, finding));
        }
    }

    /// Notes an effect; too many of them are a finding.
    pub(super) fn note(&mut self, effect: Effect) {
        if self.effects.iter().any(|known| known.effect == effect) {
            return;
        }
        if self.effects.len() >= MAX_FINDINGS {
            let line = effect.line;
            self.find(Weight::Custom, line, "the script changes too many things");
            return;
        }
        self.effects.push(NotedEffect {
            effect,
            calls: self.calls.len(),
            uninstalls: self.uninstalls.len(),
        });
    }

    /// Notes what another Chocolatey does otherwise.
    pub(super) fn note_dialect(&mut self, what: String, line: u32) {
        let note = Finding {
            file: self.script.as_ref().to_owned(),
            line,
            what,
        };
        if !self.notes.contains(&note) && self.notes.len() < MAX_FINDINGS {
            self.notes.push(note);
        }
    }

    /// A variable by the name in the script, without `$`.
    pub(super) fn variable(&mut self, name: &str) -> Value {
        let (scope, key) = variable_key(name);
        let scopes = &self.state.scopes;
        let seen = scopes.get(self.base..).unwrap_or_default();
        if is_of_provider(&key) {
            return Value::unknown("it is no variable, but an item of a provider");
        }
        let found = match scope {
            _ if key.starts_with("env:") => scopes.first().and_then(|it| it.get(key.as_str())),
            Scope::Script => seen.first().and_then(|it| it.get(key.as_str())),
            Scope::Global => seen.first().and_then(|it| it.get(&*global(&key))),
            Scope::Current => {
                let own = seen.iter().rev().find_map(|it| it.get(key.as_str()));
                own.or_else(|| seen.first().and_then(|it| it.get(&*global(&key))))
            }
        };
        let Some(value) = found.cloned() else {
            return self.start_value(&key);
        };
        if !self.charge(value.weight()) {
            return Value::unknown("the script builds values that are too large");
        }
        value
    }

    pub(super) fn set_variable(&mut self, name: &str, value: Value, line: u32) {
        let (scope, key) = variable_key(name);
        if let Some(variable) = key.strip_prefix("env:")
            && variable != "chocolateyforcex86"
        {
            self.note_variable(variable, &value, line);
            self.find_override(variable, &value, line);
        }
        if is_of_provider(&key) {
            let what = format!("sets what is no variable: {}", excerpt(&key));
            self.find(Weight::Custom, line, what);
            return;
        }
        self.find_defaults(&key, line);
        let key = match scope {
            Scope::Global if !key.starts_with("env:") => global(&key),
            _ => key,
        };
        let scopes = &mut self.state.scopes;
        let scope = if key.starts_with("env:") {
            scopes.first_mut()
        } else if scope != Scope::Current {
            scopes.get_mut(self.base)
        } else {
            scopes.last_mut()
        };
        if let Some(scope) = scope {
            scope.insert(key.into(), value);
        }
    }

    /// Finds what gives parameters of commands that it does not name their values.
    pub(super) fn find_defaults(&mut self, key: &str, line: u32) {
        if key == "psdefaultparametervalues" {
            let what = "sets defaults for the parameters of commands";
            self.find(Weight::Custom, line, what);
        }
    }

    /// Sets a variable of the innermost function that is no environment variable.
    pub(super) fn set_local(&mut self, key: &str, value: Value) {
        if let Some(scope) = self.state.scopes.last_mut() {
            scope.insert(key.into(), value);
        }
    }

    /// A copy of the state, to go on with it in two ways.
    pub(super) fn fork(&mut self) -> State {
        let weight = self.state.weight();
        self.charge(weight);
        self.state.clone()
    }

    /// Goes on with what is known in either of two states; `why` is what decides between them.
    pub(super) fn join(&mut self, left: State, right: State, why: Option<FactsId>) {
        self.state = left.join(right, &mut self.next_table, &mut self.facts, why);
    }

    /// A table of its own.
    pub(super) fn new_table(&mut self, entries: super::state::Table) -> Value {
        let weight = entries.iter().map(|(key, it)| key.len() + it.weight());
        if !self.charge(weight.fold(64, usize::saturating_add)) {
            return Value::unknown("the script builds values that are too large");
        }
        let id = self.next_table;
        self.next_table += 1;
        self.state.tables.insert(id, entries);
        Value::Table(id)
    }

    /// A list object with those items.
    pub(super) fn new_list(&mut self, items: Vec<Value>) -> Value {
        let weight = items.iter().map(Value::weight);
        if !self.charge(weight.fold(64, usize::saturating_add)) {
            return Value::unknown("the script builds values that are too large");
        }
        let id = self.next_table;
        self.next_table += 1;
        self.state.lists.insert(id, Value::array(items));
        Value::List(id)
    }

    /// What a list object holds; other values are what they are.
    pub(super) fn solid(&self, value: Value) -> Value {
        let unknown = || Value::unknown("what the list holds is not known");
        match value {
            Value::List(id) => self.state.lists.get(&id).cloned().unwrap_or_else(unknown),
            other => other,
        }
    }

    /// The same for what goes through a pipeline: a list gives its items.
    pub(super) fn solid_items(&self, values: Vec<Value>) -> Vec<Value> {
        if !values.iter().any(|it| matches!(it, Value::List(_))) {
            return values;
        }
        let solid = values.into_iter().flat_map(|it| match it {
            list @ Value::List(_) => self.solid(list).into_items(),
            other => vec![other],
        });
        solid.collect()
    }

    /// Runs something that is not run in every case.
    pub(super) fn branch<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        self.branches += 1;
        let result = run(self);
        self.branches -= 1;
        result
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Current,
    Script,
    /// Around the script's own: Chocolatey runs it in a scope of its own.
    Global,
}

/// The name under which a global variable stands beside the script's own.
fn global(key: &str) -> String {
    format!("global:{key}")
}

/// A variable's scope and lower-case name.
fn variable_key(name: &str) -> (Scope, String) {
    let mut name = name.to_ascii_lowercase();
    if let Some(rest) = name.strip_prefix("variable:") {
        name = rest.to_owned();
    }
    if let Some(rest) = name.strip_prefix("global:") {
        return (Scope::Global, rest.to_owned());
    }
    if let Some(rest) = name.strip_prefix("script:") {
        return (Scope::Script, rest.to_owned());
    }
    for scope in ["local:", "private:", "using:"] {
        if let Some(rest) = name.strip_prefix(scope) {
            return (Scope::Current, rest.to_owned());
        }
    }
    (Scope::Current, name)
}

/// Whether a variable's name, without a scope, is a path of a provider (`function:f`, `c:\\x.txt`).
fn is_of_provider(key: &str) -> bool {
    key.contains(':') && !key.starts_with("env:")
}

/// The first words of a text, on one line, for findings.
pub(super) fn excerpt(text: &str) -> String {
    // A long text's beginning is enough to find its first words in.
    let text: String = text.chars().take(1_000).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 80 {
        return text;
    }
    text.chars().take(79).chain(['…']).collect()
}
