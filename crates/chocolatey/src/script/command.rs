//! Commands: which of them only compute or print, which install, which change the machine in a way
//! that is understood, and which do what is not.

use std::rc::Rc;

use fleetmend_model::condition::FactKind;
use tree_sitter::Node;

use super::arguments::plain;
use super::command_names::{
    full, is_alias, is_harmless, is_module, is_pure, is_silent, read_fact, removed,
};
use super::function::Function;
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::parameters::{Argument, Parameter, bind, switch, value};
use super::path;
use super::place::CHOCOLATEY_INSTALL;
use super::program::{Start, stem};
use super::syntax::Source;
use super::value::Value;
use super::words;

static WRITE_ERROR: [Parameter; 4] = [
    value("message", Some(0), &["msg"]),
    value("exception", None, &[]),
    value("category", None, &[]),
    value("errorid", None, &[]),
];

static IMPORT_MODULE: [Parameter; 6] = [
    value("name", Some(0), &[]),
    value("scope", None, &[]),
    switch("force", &[]),
    switch("global", &[]),
    switch("disablenamechecking", &[]),
    switch("passthru", &[]),
];

/// One command as it is run.
pub(super) struct Invocation<'t> {
    /// Full name in lower case.
    pub(super) name: &'t str,
    /// As written, for findings.
    pub(super) text: &'t str,
    pub(super) line: u32,
    pub(super) arguments: Vec<Argument>,
    /// What the pipeline hands to it.
    pub(super) input: Option<Vec<Value>>,
}

impl Interpreter<'_> {
    /// Runs a command on what the pipeline hands to it; gives its output.
    pub(super) fn command(
        &mut self,
        source: &Source,
        node: Node<'_>,
        input: Option<Vec<Value>>,
    ) -> (Vec<Value>, Flow) {
        let line = source.line(node);
        let text = source.text.get(node.start_byte()..).unwrap_or("");
        let (found, length) = words::split(text);
        let is_blank = |c: char| c.is_whitespace() || c == '`';
        if length != source.of(node).trim_end_matches(is_blank).len() {
            let what = format!(
                "the command is not read reliably: {}",
                excerpt(source.of(node))
            );
            self.find(Weight::Review, line, what);
        }
        let words: Vec<&str> = found.into_iter().map(|word| word.text).collect();
        let Some((first, rest)) = words.split_first() else {
            return (Vec::new(), Flow::Next);
        };
        let text = &text[..length];
        if *first == "&" || *first == "." {
            return self.call(first, rest, text, input, line);
        }
        self.named_command(first, rest, text, input, line)
    }

    fn named_command(
        &mut self,
        word: &str,
        words: &[&str],
        text: &str,
        input: Option<Vec<Value>>,
        line: u32,
    ) -> (Vec<Value>, Flow) {
        // `Name(argument)` and `Name{block}` are the name and its first argument.
        let (word, attached) = match word.find(['(', '{']) {
            Some(at) if at > 0 => word.split_at(at),
            _ => (word, ""),
        };
        let words: Vec<&str> = std::iter::once(attached)
            .filter(|it| !it.is_empty())
            .chain(words.iter().copied())
            .collect();
        let words = &words[..];
        let lower = word.to_ascii_lowercase();
        // A module in front of the name changes nothing about what it is.
        let lower = match lower.rsplit_once('\\') {
            Some((module, name)) if is_module(module) => name.to_owned(),
            _ => lower,
        };
        if let Some(function) = self.function_named(&lower) {
            let arguments = self.arguments(words, line);
            return self.call_function(&function, arguments, input, line);
        }
        let name = full(&lower);
        if let Some((shown, version)) = removed(&lower) {
            let what = format!(
                "Chocolatey {version} and later have no {shown}: there this line is an error"
            );
            self.note_dialect(what, line);
            // A command that is not found is an error that a `try` takes, and that ends the script where
            // errors do.
            if self.errors_leave() {
                self.failure.lacks_helper = true;
                return self.throw(line);
            }
        }
        let arguments = self.arguments(words, line);
        self.known_command(Invocation {
            name,
            text,
            line,
            arguments,
            input,
        })
    }

    /// The function that a name in lower case calls: an alias of that name comes before it.
    fn function_named(&self, lower: &str) -> Option<Rc<Function>> {
        let function = self.state.functions.get(lower).filter(|_| !is_alias(lower));
        function.map(Rc::clone)
    }

    /// `& …` and `. …`.
    fn call(
        &mut self,
        operator: &str,
        words: &[&str],
        text: &str,
        input: Option<Vec<Value>>,
        line: u32,
    ) -> (Vec<Value>, Flow) {
        let target = words.first().copied().unwrap_or("");
        let value = self.word_value(target, line);
        let arguments = self.arguments(words.get(1..).unwrap_or_default(), line);
        if let Value::Block(block) = &value {
            return match operator {
                "." => self.run_block(block),
                _ => self.call_block(block, arguments, line),
            };
        }
        let target = value.to_text();
        let whole = self.resolved_program(&target);
        if let Some(path) = path::in_package(&whole)
            && let Some(result) = self.run_script(&path, arguments.clone(), operator == ".", line)
        {
            return result;
        }
        // A command by its name in quotes.
        if let Some(name) = value.as_plain()
            && !name.contains(['\\', '/', '.'])
            && (name.contains('-') || self.state.functions.contains_key(name))
        {
            let lower = name.to_ascii_lowercase();
            if let Some(function) = self.function_named(&lower) {
                return self.call_function(&function, arguments, input, line);
            }
            return self.known_command(Invocation {
                name: full(&lower),
                text,
                line,
                arguments,
                input,
            });
        }
        let is_program = stem(&target) != path::leaf(&target).to_ascii_lowercase()
            || super::tools::find(&stem(&target)).is_some();
        if operator == "&" || is_program {
            let arguments = self.native_arguments(&arguments);
            return self.run_program(&Start {
                text,
                line,
                command: "&",
                file: value,
                arguments,
                exit_codes: Some(Vec::new()),
                folder: None,
            });
        }
        let what = format!(
            "runs another script, which is not analysed: {}",
            excerpt(text)
        );
        self.find(Weight::Custom, line, what);
        (
            vec![Value::unknown("it comes from another script or program")],
            Flow::Next,
        )
    }

    fn known_command(&mut self, mut command: Invocation<'_>) -> (Vec<Value>, Flow) {
        for argument in &mut command.arguments {
            self.solidify(argument);
        }
        command.input = command.input.map(|input| self.solid_items(input));
        let unexplained = self.run_handed_to(&command);
        let (line, known) = (command.line, self.findings.len());
        let result = self.explained_command(command);
        if let Some(what) = unexplained.filter(|_| self.findings.len() == known) {
            self.find(Weight::Review, line, what);
        }
        result
    }

    fn explained_command(&mut self, command: Invocation<'_>) -> (Vec<Value>, Flow) {
        let name = command.name;
        if let Some(result) = self.helper(&command) {
            return result;
        }
        if let Some(result) = self.start(&command) {
            return result;
        }
        if let Some(output) = self.effect(&command) {
            return (output, Flow::Next);
        }
        if let Some(needed) = self.needed_to_read(&command) {
            let output = self.with(Some(needed), command.line, |this| this.read(&command));
            return (output, Flow::Next);
        }
        if let Some(output) = self.lookup(&command) {
            return (output, Flow::Next);
        }
        if let Some(result) = self.pipeline_command(&command) {
            return result;
        }
        if let Some(nothing) = self.misused_printing(&command) {
            return (nothing, Flow::Next);
        }
        if is_harmless(name) {
            let output = if is_silent(name) {
                Vec::new()
            } else {
                vec![self.harmless(&command)]
            };
            return (output, Flow::Next);
        }
        let output = match name {
            "write-output" => command.arguments.into_iter().filter_map(plain).collect(),
            "write-error" if !self.written_errors_end(&command) => Vec::new(),
            "write-error" => return self.throw(command.line),
            // Where it does not end the script, it is an error that is written, and no more.
            "write-chocolateyfailure" => Vec::new(),
            "set-location" | "push-location" | "pop-location" => self.move_to(&command),
            "set-variable" | "new-variable" => {
                self.variable_command(command);
                Vec::new()
            }
            "remove-variable" => {
                self.remove_variable(command);
                Vec::new()
            }
            "invoke-expression" => {
                let text = command.arguments.into_iter().find_map(plain);
                match text.as_ref().and_then(Value::as_plain) {
                    Some(text) if self.enter(command.line) => {
                        let source = Source {
                            text: super::syntax::prepare(text).into(),
                            first_line: command.line,
                        };
                        let result = self.run_source(&source);
                        self.leave();
                        return result;
                    }
                    _ => {
                        let what = "runs a text that is not known as a script";
                        self.find(Weight::Custom, command.line, what);
                        vec![Value::unknown("it comes from a text that is run")]
                    }
                }
            }
            "set-executionpolicy" if names_process(&command.arguments) => Vec::new(),
            "import-module" => return (self.import_module(command), Flow::Next),
            "add-type" if names_assembly(&command.arguments) => Vec::new(),
            _ => {
                if let Some(function) = self.extension_function(name) {
                    let Invocation {
                        arguments, input, ..
                    } = command;
                    return self.call_function(&function, arguments, input, command.line);
                }
                let what = format!(
                    "has effects that are not understood: {}",
                    excerpt(command.text)
                );
                self.find(Weight::Custom, command.line, what);
                vec![Value::unknown(format!("{} is not analysed", excerpt(name)))]
            }
        };
        (output, Flow::Next)
    }

    /// The output of a command that reads.
    fn read(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let found = self.lookup(command);
        found.unwrap_or_else(|| vec![self.harmless(command)])
    }

    fn written_errors_end(&mut self, command: &Invocation<'_>) -> bool {
        let bound = bind(&WRITE_ERROR, true, command.arguments.clone());
        self.errors_end(bound.get("erroraction"))
    }

    /// Makes arrays of list objects in an argument.
    fn solidify(&self, argument: &mut Argument) {
        let solid = |value: &mut Value| {
            if matches!(value, Value::List(_)) {
                *value = self.solid(value.clone());
            }
        };
        match argument {
            Argument::Name(_, None) => {}
            Argument::Name(_, Some(value)) | Argument::Value(value) | Argument::Splat(value) => {
                solid(value);
            }
            Argument::Entries(entries) => entries.iter_mut().for_each(|(_, it)| solid(it)),
        }
    }

    /// The output of a command that only reads or computes.
    fn harmless(&mut self, command: &Invocation<'_>) -> Value {
        if let Some(kind) = read_fact(command.name) {
            if kind == FactKind::File {
                let path = command.arguments.iter().cloned().find_map(plain);
                let path = path.or_else(|| command.input.as_ref()?.first().cloned());
                if let Some(path) = path {
                    let property = command.name.trim_start_matches("get-");
                    return self.fact_of_path(&path, Some(property));
                }
            }
            return self.reading(kind, command);
        }
        let unknown = Value::unknown(format!("{} is known only at run time", command.name));
        // Without input it reads files.
        let reads = command.name == "select-string" && command.input.is_none();
        if reads || !is_pure(command.name) {
            return unknown;
        }
        let arguments = command.arguments.iter().cloned().filter_map(plain);
        let all: Vec<Value> = command.input.clone().unwrap_or_default();
        let all: Vec<Value> = all.into_iter().chain(arguments).collect();
        let from: Vec<&Value> = all.iter().collect();
        self.or_asked(unknown, &from)
    }

    /// Chocolatey's own modules are loaded already; the package's own are run.
    fn import_module(&mut self, command: Invocation<'_>) -> Vec<Value> {
        let bound = bind(&IMPORT_MODULE, false, command.arguments);
        let modules = bound.get("name").cloned().map(Value::into_items);
        let modules = modules.unwrap_or_default();
        let mut is_understood = bound.problem.is_none() && !modules.is_empty();
        for module in modules {
            let module = self.resolved_program(&module.to_path());
            let own = path::in_package(&module)
                .and_then(|path| self.run_script(&path, Vec::new(), true, command.line));
            is_understood &= own.is_some() || is_loaded(&module);
        }
        if !is_understood {
            let what = format!(
                "loads a module that is not analysed: {}",
                excerpt(command.text)
            );
            self.find(Weight::Custom, command.line, what);
        }
        Vec::new()
    }
}

/// Whether a module is Chocolatey's or Windows's: loading it changes nothing.
fn is_loaded(module: &str) -> bool {
    let lower = module.to_lowercase().replace('/', "\\");
    let name = path::normal(&lower);
    let is_helper = |folder: &str| {
        let below = name.strip_prefix(folder);
        below.is_some_and(|it| it.starts_with("\\helpers\\"))
    };
    is_module(&lower)
        || WINDOWS_MODULES.contains(&lower.as_str())
        || is_helper(&CHOCOLATEY_INSTALL.to_string())
        || is_helper("c:\\programdata\\chocolatey")
}

/// Modules that Windows brings: loading them changes nothing.
const WINDOWS_MODULES: [&str; 12] = [
    "appx",
    "bitstransfer",
    "cimcmdlets",
    "defender",
    "dism",
    "netsecurity",
    "nettcpip",
    "pki",
    "scheduledtasks",
    "servermanager",
    "smbshare",
    "storage",
];

/// `-Scope Process`: nothing outlasts the script.
fn names_process(arguments: &[Argument]) -> bool {
    arguments.windows(2).any(|pair| {
        matches!(pair, [Argument::Name(name, None), Argument::Value(value)]
            if "scope".starts_with(&name.to_ascii_lowercase())
                && value.as_plain().is_some_and(|it| it.eq_ignore_ascii_case("process")))
    })
}

/// `Add-Type -AssemblyName …` loads what Windows has.
fn names_assembly(arguments: &[Argument]) -> bool {
    matches!(arguments.first(), Some(Argument::Name(name, _))
        if "assemblyname".starts_with(&name.to_ascii_lowercase()) && name.len() > 1)
}
