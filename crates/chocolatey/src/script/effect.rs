//! Commands that change the machine in a way that is understood: what they change is noted as data.
//! Where an operand is not known, the change is a finding.

use std::collections::BTreeMap;
use std::rc::Rc;

use fleetmend_model::condition::FactKind;
use fleetmend_model::effect::{Effect, EffectKind, Machines, Phase};

use super::command::Invocation;
use super::effect_commands::{COMMANDS, EffectCommand, default_scope};
use super::entries::Number;
use super::failure::Needed;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::kinds::Kind;
use super::lookup::is_nameless;
use super::parameters::{Bound, bind};
use super::path;
use super::value::{Filter, HOLE, STAR, Sought, SoughtKind, Value};

impl Interpreter<'_> {
    /// Notes what a command changes; `None`: it is none of these.
    pub(super) fn effect(&mut self, command: &Invocation<'_>) -> Option<Vec<Value>> {
        let known = COMMANDS
            .iter()
            .find(|it| it.names.contains(&command.name))?;
        let mut bound = bind(
            known.parameters,
            known.takes_rest,
            command.arguments.clone(),
        );
        if self.is_handed_nothing(&bound, needs_text(command.name)) {
            return Some(self.ended_by_error(command.line));
        }
        // All that these take by its place is known, but not all of their parameters.
        let is_of_files = matches!(known.kind, EffectKind::Files | EffectKind::Registry);
        if is_of_files && bound.has_more() {
            return Some(self.ended_by_error(command.line));
        }
        bind_piped(known, &mut bound, command);
        if let Some(problem) = &bound.problem {
            let what = format!("{}: {problem}", excerpt(command.text));
            self.find(Weight::Custom, command.line, what);
            return Some(vec![Value::unknown("its arguments are not understood")]);
        }
        if !self.resolve_operands(known.kind, &mut bound, command) {
            return Some(vec![Value::unknown("its path is not known")]);
        }
        if is_of_nothing(known.kind, &bound) {
            let what = format!("changes what has no name: {}", excerpt(command.text));
            self.find(Weight::Review, command.line, what);
            return Some(Vec::new());
        }
        let needed = if is_of_logged_fonts(&bound, command) {
            // It throws without the log, whatever errors do else.
            let log = self.fact_of(FactKind::File, FONT_LOG, Some("existence"));
            Some(Needed::there_is(log, FONT_LOG))
        } else {
            self.needed(&bound, command)
        };
        let mut output = self.taking_texts(known, &bound, command.line, |this| {
            this.with(needed, command.line, |this| {
                this.change(known.kind, &bound, command)
            })
        });
        if known.kind == EffectKind::Service && bound.is_on("passthru") {
            let passed = bound.get("inputobject").or(bound.get("name"));
            let passed = passed.cloned().map(Value::into_items).unwrap_or_default();
            output = passed.into_iter().map(as_service).collect();
        }
        Some(output)
    }

    /// Runs a helper that asks for texts: what the registry has of several entries of software is a list,
    /// of none it is empty, and neither is taken. That ends the script where errors do.
    fn taking_texts<T>(
        &mut self,
        known: &EffectCommand,
        bound: &Bound,
        line: u32,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mandatory = known.parameters.iter().filter(|it| it.is_mandatory);
        let sought = mandatory
            .filter_map(|it| bound.get(it.name))
            // In a text of more than that, several are put one behind the other.
            .filter(|it| match it {
                Value::File(_) => true,
                Value::Asked(_) => it.may_be_none(),
                Value::Text(text) => it.may_be_none() || text.contains(STAR),
                _ => false,
            })
            .map(Value::to_path);
        let texts: Vec<String> = sought.filter(|it| !self.is_one_taken(it)).collect();
        let of = |number: Number| {
            let is_wanted = |text: &&str| self.is_joined(text, bound) == (number == Number::Some);
            let mut texts = texts.iter().map(String::as_str).filter(is_wanted);
            [texts.next(), texts.next()]
        };
        let (one, some) = (of(Number::One), of(Number::Some));
        if self.errors_leave() {
            self.only_of_entries(one, Number::One, line, |this| {
                this.only_of_entries(some, Number::Some, line, run)
            })
        } else {
            self.of_entries(one, Number::One, line, |this| {
                this.of_entries(some, Number::Some, line, run)
            })
        }
    }

    /// Whether a text joins all that there is of something: each time that a command is handed it, it
    /// stands in a string.
    fn is_joined(&self, text: &str, bound: &Bound) -> bool {
        let handed = bound.own().filter(|(_, it)| it.to_path() == text).count();
        let in_strings = self.in_strings.iter().filter(|it| *it == text).count();
        (1..=in_strings).contains(&handed)
    }

    fn change(&mut self, kind: EffectKind, bound: &Bound, command: &Invocation<'_>) -> Vec<Value> {
        let mut output = self.returned(bound, command);
        match (kind, command.name) {
            (_, "uninstall-chocolateyzippackage")
                if self.is_uninstalling && !self.brought.may_lie_elsewhere => {}
            (EffectKind::Files, "copy-item" | "move-item" | "rename-item") => {
                self.move_files(bound, command);
            }
            (EffectKind::Files, name) if name != "uninstall-chocolateyzippackage" => {
                output = self.change_files(bound, command);
            }
            (kind, _) => self.note_effect(kind, bound, command),
        }
        self.keep_written(bound, command);
        self.keep_variable(bound, command);
        output
    }

    /// What a command gives to the script beside what it changes, where it gives something.
    fn returned(&mut self, bound: &Bound, command: &Invocation<'_>) -> Vec<Value> {
        let is_silent = match command.name {
            // How many fonts, or whether it failed: it throws nothing where it did.
            "install-chocolateyfont" | "uninstall-chocolateyfont" | "add-font" | "remove-font" => {
                return vec![self.fact_of(FactKind::Program, command.name, Some("result"))];
            }
            "new-itemproperty" | "new-service" | "new-netfirewallrule" => false,
            "tee-object" => return command.input.clone().unwrap_or_default(),
            _ => !bound.is_on("passthru"),
        };
        if is_silent {
            return Vec::new();
        }
        vec![Value::unknown(format!(
            "what {} returns is not known",
            command.name
        ))]
    }

    /// Makes the paths of files and keys full ones.
    fn resolve_operands(
        &mut self,
        kind: EffectKind,
        bound: &mut Bound,
        command: &Invocation<'_>,
    ) -> bool {
        if !matches!(kind, EffectKind::Files | EffectKind::Registry) {
            return true;
        }
        match command.name {
            "uninstall-chocolateyzippackage" => true,
            "rename-item" => self.resolve(bound, &["path"], command),
            "new-item" | "new-folder" if bound.get("path").is_none() => {
                bound.add("path", Value::text("."));
                self.resolve(bound, &["path"], command)
            }
            _ => self.resolve(bound, &["path", "destination"], command),
        }
    }

    /// An operand as a text for results; `None` where a part of it is not known.
    pub(super) fn operand(&self, value: &Value, is_certain: bool) -> Option<String> {
        let texts: Option<Vec<String>> = value
            .clone()
            .into_items()
            .iter()
            .map(|item| match item {
                Value::Unknown(_) | Value::Block(_) => None,
                Value::Sought(sought) => sought_name(sought),
                // That something comes of facts somehow does not say what it is.
                Value::Asked(facts) => {
                    let is_told = self.facts.is_told(*facts);
                    is_told.then(|| self.facts.label(*facts))
                }
                // Under a condition, a pattern says too little about which of the files it is.
                other => Some(other.to_path())
                    .filter(|it| !it.contains(HOLE) && self.facts.is_all_told(it))
                    .filter(|it| !is_certain_only(it) || is_certain)
                    .and_then(|it| self.matching(other, it)),
            })
            .collect();
        Some(self.facts.written(&texts?.join(", ")))
    }

    /// A path as a text for results, which says what it stands for where it is a pattern; `None`: that is
    /// not known.
    fn matching(&self, value: &Value, path: String) -> Option<String> {
        let folder = path.trim_end_matches(['\\', '/']);
        let text = match (self.kind_of(value, &path), self.is_one_of_files(&path)) {
            (Kind::Folders, true) => format!("<one of the folders matching {folder}>"),
            (Kind::Folders, false) => format!("<folders matching {folder}>"),
            (Kind::All, true) => format!("<one of {path}>"),
            (Kind::All, false) => path,
            (Kind::Either, _) => return None,
        };
        Some(text)
    }

    /// Notes an effect with all its operands, or finds that one of them is not known.
    pub(super) fn note_effect(
        &mut self,
        kind: EffectKind,
        bound: &Bound,
        command: &Invocation<'_>,
    ) {
        let mut operands = BTreeMap::new();
        if is_of_logged_fonts(bound, command) {
            let fonts = format!("<the fonts that {FONT_LOG} names>");
            operands.insert("paths".to_owned(), fonts);
        }
        for (name, value) in bound.own() {
            let is_certain = self.is_certain_but_patterns() || kind == EffectKind::Files;
            let Some(text) = self.operand(value, is_certain) else {
                let why = self.why(value);
                let what = format!(
                    "{} with {name} that is not known ({why}): {}",
                    command.name,
                    excerpt(command.text)
                );
                self.find(Weight::Review, command.line, what);
                return;
            };
            operands.insert(name.to_owned(), text);
            if self.is_picked(value) {
                let what = format!(
                    "{} with {name}: which of several values it is is not known",
                    command.name
                );
                self.find(Weight::Review, command.line, what);
            }
        }
        if matches!(command.name, "new-itemproperty" | "set-itemproperty")
            && let Some(kind) = bound.get("value").and_then(registry_type)
        {
            // A value that is there keeps its own type.
            let may_be_there = command.name == "set-itemproperty" || bound.is_on("force");
            let kind = if may_be_there {
                format!("{kind} where it is new")
            } else {
                kind.to_owned()
            };
            operands.entry("propertytype".to_owned()).or_insert(kind);
        }
        if let Some((name, scope)) = default_scope(command.name) {
            let scope = || scope.to_owned();
            operands.entry(name.to_owned()).or_insert_with(scope);
        }
        self.note_operands(kind, command.name, operands, command.line);
    }

    /// `$env:NAME = …`: for this script and what it starts.
    pub(super) fn note_variable(&mut self, variable: &str, value: &Value, line: u32) {
        let Some(text) = self.operand(value, true) else {
            let what = format!(
                "sets the environment variable {} to what is not known: {}",
                excerpt(variable),
                self.why(value)
            );
            let weight = match self.facts_in(&[value]) {
                Some(_) => Weight::Review,
                None => Weight::Custom,
            };
            self.find(weight, line, what);
            return;
        };
        let operands = BTreeMap::from([
            ("name".to_owned(), variable.to_owned()),
            ("value".to_owned(), text),
        ]);
        self.note_operands(EffectKind::EnvironmentVariable, "$env:", operands, line);
    }

    /// What Chocolatey's helpers read of the environment changes the arguments of an installer.
    pub(super) fn find_override(&mut self, variable: &str, value: &Value, line: u32) {
        let is_read = matches!(
            variable,
            "chocolateyinstallarguments" | "chocolateyinstalloverride"
        );
        if is_read && value.truth() != Some(false) {
            let what = format!("sets {variable}, by which Chocolatey changes the arguments");
            self.find(Weight::Review, line, what);
        }
    }

    /// Ends programs by a method of theirs.
    pub(super) fn note_stop(&mut self, sought: &Sought, method: &str, line: u32) {
        let Some(name) = sought_name(sought) else {
            let what = "ends programs of which it is not known which they are";
            self.find(Weight::Review, line, what);
            return;
        };
        let operands = BTreeMap::from([("name".to_owned(), name)]);
        self.note_operands(EffectKind::StopProcess, method, operands, line);
    }

    pub(super) fn note_operands(
        &mut self,
        kind: EffectKind,
        command: &str,
        operands: BTreeMap<String, String>,
        line: u32,
    ) {
        let conditions = self.conditions();
        if conditions.is_none() {
            let what = format!("changes something under a condition that is not known: {command}");
            self.find(Weight::Review, line, what);
        }
        self.note(Effect {
            kind,
            command: command.to_owned(),
            operands,
            always: self.is_certain(),
            conditions: conditions.unwrap_or_default(),
            // Both are known when all runs are done.
            phase: Phase::Before,
            machines: Machines::All,
            file: self.script.as_ref().to_owned(),
            line,
        });
    }
}

/// Where `Install-ChocolateyFont` notes for `Uninstall-ChocolateyFont` what it has installed.
const FONT_LOG: &str = r"%ChocolateyPackageFolder%\FontFilesInstalled.log";

/// Whether a command removes the fonts that the package has noted: it is handed none.
fn is_of_logged_fonts(bound: &Bound, command: &Invocation<'_>) -> bool {
    matches!(command.name, "uninstall-chocolateyfont" | "remove-font")
        && bound.get("paths").is_none_or(is_nameless)
}

/// The service of a name.
fn as_service(named: Value) -> Value {
    match &named {
        Value::Text(name) if named.is_known() => Value::Sought(Rc::new(Sought::all(
            SoughtKind::Service,
            super::place::written(name),
        ))),
        _ => named,
    }
}

/// What a command that changes files or the registry takes no empty text for.
fn needs_text(command: &str) -> &'static [&'static str] {
    match command {
        "rename-item" => &["path", "destination"],
        "new-itemproperty" | "set-itemproperty" | "remove-itemproperty" | "rename-itemproperty" => {
            &["path", "name"]
        }
        "remove-item" | "set-content" | "add-content" | "clear-content" | "out-file"
        | "new-item" | "clear-item" | "copy-item" | "move-item" => &["path"],
        _ => &[],
    }
}

/// Whether a change of services or processes names none.
fn is_of_nothing(kind: EffectKind, bound: &Bound) -> bool {
    let names = [
        "name",
        "displayname",
        "id",
        "inputobject",
        "namefilter",
        "pathfilter",
    ];
    let mut given = names.iter().filter_map(|name| bound.get(name)).peekable();
    matches!(kind, EffectKind::Service | EffectKind::StopProcess)
        && (given.peek().is_none() || given.any(is_nameless))
}

/// Whether a path stands for files that the script tells apart by their names.
fn is_certain_only(path: &str) -> bool {
    path::leaf(path).contains(super::value::STAR)
}

/// The type that PowerShell gives a new value of the registry by what it is set to, where no type is
/// named; a value that is there keeps its own.
fn registry_type(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Text(_) => "String",
        Value::Int(number) if i32::try_from(*number).is_ok() => "DWord",
        Value::Int(_) => "QWord",
        _ => return None,
    })
}

/// What is looked for, as an operand; `None`: which of it is meant cannot be told.
fn sought_name(sought: &Sought) -> Option<String> {
    let name = match sought.kind {
        SoughtKind::Process | SoughtKind::Service => sought.name.clone(),
        SoughtKind::Software => format!("the software {}", sought.name),
    };
    match &sought.filter {
        Filter::None => Some(name),
        Filter::Told(filter) => Some(format!("<{name} where {filter}>")),
        Filter::Open => None,
    }
}

/// Binds what the pipeline hands over.
fn bind_piped(known: &EffectCommand, bound: &mut Bound, command: &Invocation<'_>) {
    let (Some(name), Some(input)) = (known.piped, &command.input) else {
        return;
    };
    // `Set-Content` and its like take their text from the pipeline, their path by name.
    let takes_text = matches!(
        command.name,
        "set-content" | "add-content" | "out-file" | "export-clixml" | "export-csv"
    );
    if takes_text {
        if bound.get("value").is_none() {
            bound.add("value", Value::collapse(input.clone()));
        }
    } else if bound.get(name).is_none() {
        bound.add(name, Value::array(input.clone()));
    }
}
