//! The state of an abstract run: what is known about each variable, what was installed, what was not
//! explained. The run itself is split by what is run: `statement`, `expression`, `command`.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use fleetmend_model::recipe::Finding;
use tree_sitter::Parser;

use super::syntax::{self, Source};
use super::value::{PACKAGE_ROOT, TEMP, Value};
use super::{Package, installer::Install, path};

/// The deepest nesting of statements, expressions and texts in texts.
const MAX_DEPTH: u32 = 60;

/// How many steps a run may take in all.
const MAX_STEPS: u32 = 100_000;

/// The most findings kept.
const MAX_FINDINGS: usize = 200;

/// How many bytes of values a run copies in all. Values grow only by copies of variables, so this
/// bounds memory and time.
const MAX_COPIED: usize = 16 * 1024 * 1024;

/// The longest text that a run builds, in bytes.
pub(super) const MAX_TEXT: usize = 256 * 1024;

/// What Chocolatey's `chocolateyScriptRunner.ps1` sets and a package's script inherits, besides the
/// values that are the same on every device.
const CHOCOLATEY_VARIABLES: [&str; 25] = [
    "packagescript",
    "prerunhookscripts",
    "postrunhookscripts",
    "verbosity",
    "verbosepreference",
    "debugpreference",
    "currentthread",
    "culture",
    "runnote",
    "warning",
    "errorcolor",
    "note",
    "helperspath",
    "nugetchocolateypath",
    "nugetpath",
    "nugetexepath",
    "nugetlibpath",
    "badlibpath",
    "extensionspath",
    "chocoinstallvariablename",
    "chocotools",
    "nugetexe",
    "7zip",
    "shimgen",
    "checksumexe",
];

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
    /// `return`, `exit`, `break` and `continue`: what follows does not run.
    Leave,
    /// `throw`: the package refuses to install.
    Refuse,
}

pub(super) struct Interpreter<'p> {
    pub(super) package: &'p Package<'p>,
    /// The script's path inside of the package.
    pub(super) script: String,
    pub(super) parser: Parser,
    pub(super) variables: HashMap<String, Value>,
    /// Lower-case names of functions that the script defines.
    pub(super) functions: HashSet<String>,
    /// How many conditions that are not known stand around the current statement.
    pub(super) uncertain: u32,
    pub(super) installs: Vec<Install>,
    pub(super) findings: Vec<(Weight, Finding)>,
    depth: u32,
    steps: u32,
    copied: Cell<usize>,
}

impl<'p> Interpreter<'p> {
    /// `None` where the grammar does not fit the parser, which a test rules out.
    pub(super) fn new(package: &'p Package<'p>, script: &str) -> Option<Self> {
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_powershell::LANGUAGE.into())
            .ok()?;
        let mut this = Self {
            package,
            script: script.to_owned(),
            parser,
            variables: HashMap::new(),
            functions: HashSet::new(),
            uncertain: 0,
            installs: Vec::new(),
            findings: Vec::new(),
            depth: 0,
            steps: 0,
            copied: Cell::new(0),
        };
        this.set_start_values();
        Some(this)
    }

    /// What Chocolatey (`chocolateyScriptRunner.ps1`) and `PowerShell` set before the script starts.
    fn set_start_values(&mut self) {
        let id = Value::text(self.package.nuspec.id.clone());
        let version = self.version_value();
        let root = Value::text(PACKAGE_ROOT.to_string());
        let script = format!("{PACKAGE_ROOT}\\{}", self.script.replace('/', "\\"));
        for (name, value) in [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("packagename", id.clone()),
            ("packageversion", version.clone()),
            ("version", version.clone()),
            ("env:chocolateypackagetitle", self.title_value()),
            ("packagefolder", root.clone()),
            ("env:chocolateypackagename", id.clone()),
            ("env:packagename", id.clone()),
            ("env:chocolateypackageversion", version.clone()),
            ("env:packageversion", version),
            ("env:chocolateypackagefolder", root.clone()),
            ("env:packagefolder", root),
            // Fleetmend installs with neither package parameters nor arguments of its own.
            ("env:chocolateypackageparameters", Value::Null),
            ("env:packageparameters", Value::Null),
            ("packageparameters", Value::text("")),
            ("installarguments", Value::text("")),
            ("overrideargs", Value::Bool(false)),
            ("forcex86", Value::Bool(false)),
            ("env:chocolateyinstallarguments", Value::Null),
            ("env:installarguments", Value::Null),
            ("env:chocolateyinstalloverride", Value::Null),
            ("env:chocolateyforcex86", Value::Null),
            ("env:temp", Value::text(TEMP.to_string())),
            ("env:tmp", Value::text(TEMP.to_string())),
            ("psscriptroot", Value::text(path::parent(&script))),
            ("pscommandpath", Value::text(script)),
        ] {
            self.variables.insert(name.to_owned(), value);
        }
        for name in CHOCOLATEY_VARIABLES {
            let why = format!("${name} is set by Chocolatey on the device");
            self.variables.insert(name.to_owned(), Value::unknown(why));
        }
    }

    fn title_value(&self) -> Value {
        match &self.package.nuspec.title {
            Some(title) => Value::text(title.clone()),
            None => Value::unknown("the package has no title"),
        }
    }

    /// Chocolatey 1.x hands the version to scripts as written, 2.x normalised.
    fn version_value(&self) -> Value {
        let nuspec = self.package.nuspec;
        if nuspec.normalised.to_string() == nuspec.version {
            Value::text(nuspec.version.clone())
        } else {
            Value::unknown("Chocolatey 1 and 2 write this package's version differently")
        }
    }

    /// Runs a script's text.
    pub(super) fn run(&mut self, text: &str) -> Flow {
        let source = Source {
            text: text.to_owned(),
            first_line: 1,
        };
        self.run_source(&source).1
    }

    /// Runs a text that stands in the script at the given line; gives its output.
    pub(super) fn run_source(&mut self, source: &Source) -> (Vec<Value>, Flow) {
        if !self.enter(source.first_line) {
            return (vec![Value::unknown("it is nested too deep")], Flow::Next);
        }
        let result = match syntax::parse(&mut self.parser, &source.text) {
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
                if let Some(error) = syntax::first_error(tree.root_node()) {
                    let shown = excerpt(source.of(error));
                    self.find(
                        Weight::Review,
                        source.line(error),
                        format!("the script cannot be parsed at {shown:?}"),
                    );
                }
                self.statements(source, tree.root_node())
            }
        };
        self.leave();
        result
    }

    /// Runs an expression's text; gives its value.
    pub(super) fn run_expression(&mut self, text: &str, line: u32) -> Value {
        let source = Source {
            text: text.to_owned(),
            first_line: line,
        };
        Value::collapse(self.run_source(&source).0)
    }

    /// Goes one level deeper; `false` where a cap is reached, and then `leave` is not due.
    pub(super) fn enter(&mut self, line: u32) -> bool {
        self.steps += 1;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS || self.copied.get() > MAX_COPIED {
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

    pub(super) fn find(&mut self, weight: Weight, line: u32, what: impl Into<Cow<'static, str>>) {
        let finding = Finding {
            file: self.script.clone(),
            line,
            what: what.into().into_owned(),
        };
        let is_new = self.findings.iter().all(|(_, known)| *known != finding);
        if is_new && self.findings.len() < MAX_FINDINGS {
            self.findings.push((weight, finding));
        }
    }

    /// A variable by the name in the script, without `$`.
    pub(super) fn variable(&self, name: &str) -> Value {
        let name = variable_key(name);
        if let Some(value) = self.variables.get(&name) {
            self.copied
                .set(self.copied.get().saturating_add(value.weight()));
            if self.copied.get() > MAX_COPIED {
                return Value::unknown("the script builds values that are too large");
            }
            return value.clone();
        }
        if name.starts_with("env:") {
            return Value::unknown(format!("${name} differs between machines"));
        }
        match name.as_str() {
            "_" | "psitem" | "args" | "input" | "matches" | "error" | "?" | "$" | "^" | "host"
            | "home" | "pshome" | "psversiontable" | "pscmdlet" | "executioncontext" | "pid"
            | "lastexitcode" | "profile" | "psculture" | "psuiculture" | "myinvocation" => {
                Value::unknown(format!("${name} is known only at run time"))
            }
            _ => Value::Null,
        }
    }

    /// All variables, to go on with them in two ways.
    pub(super) fn fork(&self) -> HashMap<String, Value> {
        let weight: usize = self.variables.values().map(Value::weight).sum();
        self.copied.set(self.copied.get().saturating_add(weight));
        self.variables.clone()
    }

    pub(super) fn set_variable(&mut self, name: &str, value: Value, line: u32) {
        let key = variable_key(name);
        if let Some(name) = key.strip_prefix("env:") {
            self.find(
                Weight::Custom,
                line,
                format!("sets the environment variable {}", excerpt(name)),
            );
        }
        self.variables.insert(key, value);
    }

    /// Runs something under a condition that is not known.
    pub(super) fn uncertainly<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        self.uncertain += 1;
        let result = run(self);
        self.uncertain -= 1;
        result
    }
}

/// Lower case, without the scopes that name the script's own variables.
fn variable_key(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    for scope in ["global:", "local:", "private:", "script:", "variable:"] {
        if let Some(rest) = name.strip_prefix(scope) {
            return rest.to_owned();
        }
    }
    name
}

/// What is known after either of two ways was taken.
pub(super) fn join(
    left: HashMap<String, Value>,
    mut right: HashMap<String, Value>,
) -> HashMap<String, Value> {
    let mut joined = HashMap::with_capacity(left.len());
    for (name, value) in left {
        let other = right.remove(&name).unwrap_or(Value::Null);
        joined.insert(name, value.join(other));
    }
    for (name, value) in right {
        joined.insert(name, value.join(Value::Null));
    }
    joined
}

/// The first words of a text, on one line, for findings.
pub(super) fn excerpt(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 80 {
        return text;
    }
    text.chars().take(79).chain(['…']).collect()
}
