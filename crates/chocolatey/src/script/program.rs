//! Programs that a script starts: `Start-Process`, `Start-ChocolateyProcessAsAdmin`, `& program` and a
//! program by its name. What they are told is data where all of it is known: tools of Windows by what
//! they change (`tools`), installers as steps of the recipe, others by their command line.

use std::collections::BTreeMap;
use std::rc::Rc;

use fleetmend_model::condition::FactKind;
use fleetmend_model::effect::EffectKind;
use fleetmend_model::recipe::{FileOrigin, InstallerKind, RecipeKind};

use super::command::Invocation;
use super::entries::Number;
use super::helper::Result;
use super::installation::Step;
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::location::Location;
use super::parameters::{Argument, Parameter, bind, switch, value};
use super::path;
use super::place;
use super::syntax::{Source, prepare};
use super::tools::{self, Tool};
use super::value::{HOLE, Object, STAR, UNINSTALL_STRING, Value};

static START_PROCESS: [Parameter; 15] = [
    value("filepath", Some(0), &["pspath"]),
    value("argumentlist", Some(1), &["args"]),
    value("credential", None, &["runas"]),
    value("workingdirectory", None, &[]),
    value("verb", None, &[]),
    value("windowstyle", None, &[]),
    value("redirectstandarderror", None, &["rse"]),
    value("redirectstandardinput", None, &["rsi"]),
    value("redirectstandardoutput", None, &["rso"]),
    switch("wait", &[]),
    switch("nonewwindow", &["nnw"]),
    switch("passthru", &[]),
    switch("loaduserprofile", &["lup"]),
    switch("usenewenvironment", &[]),
    switch("usenewprofile", &[]),
];

static START_AS_ADMIN: [Parameter; 8] = [
    value("statements", Some(0), &[]),
    value("exetorun", Some(1), &[]),
    value("validexitcodes", None, &[]),
    value("workingdirectory", None, &[]),
    value("sensitivestatements", None, &[]),
    switch("elevated", &[]),
    switch("minimized", &[]),
    switch("nosleep", &[]),
];

/// A program's start.
pub(super) struct Start<'t> {
    /// As written, for findings.
    pub(super) text: &'t str,
    pub(super) line: u32,
    /// The command of the script.
    pub(super) command: &'t str,
    /// What is started.
    pub(super) file: Value,
    /// The command line behind it; `None`: it is not known, or no text.
    pub(super) arguments: Option<String>,
    /// The exit codes that the script takes for success; empty: it takes all.
    pub(super) exit_codes: Option<Vec<i64>>,
    pub(super) folder: Option<Value>,
}

impl Interpreter<'_> {
    /// Starts a program by a command of `PowerShell` or Chocolatey; `None`: the command is none.
    pub(super) fn start(&mut self, command: &Invocation<'_>) -> Option<Result> {
        match command.name {
            "start-process" => Some(self.start_process(command)),
            "start-chocolateyprocessasadmin" | "invoke-chocolateyprocess" => {
                Some(self.start_as_admin(command))
            }
            name => {
                let is_program = tools::find(name).is_some() || has_program_extension(name);
                is_program.then(|| self.start_by_name(command))
            }
        }
    }

    fn start_process(&mut self, command: &Invocation<'_>) -> Result {
        let bound = bind(&START_PROCESS, false, command.arguments.clone());
        let redirects = [
            "redirectstandardoutput",
            "redirectstandarderror",
            "credential",
        ];
        if bound.problem.is_some() || redirects.iter().any(|name| bound.get(name).is_some()) {
            return self.not_started(command.text, command.line);
        }
        let arguments = bound.get("argumentlist").cloned().unwrap_or(Value::Null);
        let texts: Vec<String> = arguments
            .into_items()
            .iter()
            .map(|item| self.text_of(item))
            .collect();
        self.run_program(&Start {
            text: command.text,
            line: command.line,
            command: command.name,
            file: bound.get("filepath").cloned().unwrap_or(Value::Null),
            arguments: Some(texts.join(" ")),
            exit_codes: Some(Vec::new()),
            folder: bound.get("workingdirectory").cloned(),
        })
    }

    fn start_as_admin(&mut self, command: &Invocation<'_>) -> Result {
        let bound = bind(&START_AS_ADMIN, true, command.arguments.clone());
        if bound.problem.is_some() || bound.get("sensitivestatements").is_some() {
            return self.not_started(command.text, command.line);
        }
        let statements = bound.get("statements").cloned().unwrap_or(Value::Null);
        let texts: Vec<String> = statements
            .into_items()
            .iter()
            .map(|item| self.text_of(item))
            .collect();
        let statements = texts.join(" ");
        let program = bound.get("exetorun").cloned().unwrap_or(Value::Null);
        let is_shell = matches!(&program, Value::Null)
            || program
                .as_plain()
                .is_some_and(|it| matches!(stem(it).as_str(), "" | "powershell"));
        if is_shell {
            return self.run_statements(&statements, command);
        }
        let exit_codes = self.exit_codes(&bound, command.line);
        self.run_program(&Start {
            text: command.text,
            line: command.line,
            command: command.name,
            file: program,
            arguments: Some(statements),
            exit_codes,
            folder: bound.get("workingdirectory").cloned(),
        })
    }

    /// What another `PowerShell` is told: the same commands, with Chocolatey's loaded.
    fn run_statements(&mut self, statements: &str, command: &Invocation<'_>) -> Result {
        let is_open = |c: char| match place::asked(c) {
            Some(id) => !self.facts.is_one_value(id),
            None => c == HOLE,
        };
        if statements.contains(is_open) {
            return self.not_started(command.text, command.line);
        }
        if !self.enter(command.line) {
            return (Vec::new(), Flow::Next);
        }
        let source = Source {
            text: prepare(statements).into(),
            first_line: command.line,
        };
        self.apart(|this| this.run_source(&source));
        self.leave();
        (Vec::new(), Flow::Next)
    }

    /// A program by its name alone, as in `regsvr32.exe /s x.dll`.
    fn start_by_name(&mut self, command: &Invocation<'_>) -> Result {
        let arguments = self.native_arguments(&command.arguments);
        self.run_program(&Start {
            text: command.text,
            line: command.line,
            command: "&",
            file: Value::text(command.name),
            arguments,
            exit_codes: Some(Vec::new()),
            folder: None,
        })
    }

    /// The command line that `PowerShell` makes of a native program's arguments.
    pub(super) fn native_arguments(&mut self, arguments: &[Argument]) -> Option<String> {
        let mut texts: Vec<String> = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Name(name, None) => texts.push(format!("-{name}")),
                Argument::Name(name, Some(value)) => {
                    texts.push(format!("-{name}:{}", self.text_of(value)));
                }
                Argument::Value(Value::Array(items)) | Argument::Splat(Value::Array(items)) => {
                    let items: Vec<String> = items.all.iter().map(|it| self.text_of(it)).collect();
                    texts.extend(items);
                }
                Argument::Value(Value::Null) | Argument::Splat(Value::Null) => {}
                Argument::Value(value) => texts.push(self.text_of(value)),
                Argument::Entries(_) | Argument::Splat(_) => return None,
            }
        }
        let quoted = texts.into_iter().map(|text| {
            let is_bare = text.contains(char::is_whitespace) && !text.starts_with('"');
            if is_bare { format!("\"{text}\"") } else { text }
        });
        Some(quoted.collect::<Vec<_>>().join(" "))
    }

    /// Explains what a program does, as far as its command line says so.
    pub(super) fn run_program(&mut self, start: &Start<'_>) -> Result {
        let file = match self.command_found(&start.file) {
            Some(name) => name,
            None => self.text_of(&start.file),
        };
        let file = self.resolved_program(file.trim().trim_matches(['"', '\'']));
        let arguments = match &start.arguments {
            Some(arguments) if !arguments.contains([HOLE, STAR]) && !file.contains(HOLE) => {
                arguments.clone()
            }
            _ => return self.not_started(start.text, start.line),
        };
        if !self.facts.is_all_told(&file) || !self.facts.is_all_told(&arguments) {
            let what = format!(
                "starts a program with what comes of facts in a way that is not told: {}",
                excerpt(start.text)
            );
            self.find(Weight::Review, start.line, what);
            return started();
        }
        if let Some(tool) = tools::find(&stem(&file)).filter(|_| is_of_windows(&file)) {
            return self.run_tool(tool, &file, &arguments, start);
        }
        if file.starts_with("https://") || file.starts_with("http://") {
            self.note_program(EffectKind::Program, &file, &arguments, start);
            return started();
        }
        let extension = file.rsplit_once('.').map_or("", |(_, end)| end);
        let is_exe = extension.eq_ignore_ascii_case("exe");
        let is_uninstaller = self.is_uninstaller(&file);
        if !is_exe && !is_uninstaller || tools::takes_scripts(&stem(&file)) {
            return self.not_started(start.text, start.line);
        }
        if path::is_full(&file) {
            if is_uninstaller {
                return self.run_uninstaller(&file, &arguments, start);
            }
            if let Some(result) = self.run_own_program(&file, &arguments, start) {
                return result;
            }
            if !path::is_passing(&file) {
                self.note_program(EffectKind::Program, &file, &arguments, start);
                return started();
            }
        }
        self.not_started(start.text, start.line)
    }

    /// The name of the program that `Get-Command` was asked for, where its result is started.
    fn command_found(&self, file: &Value) -> Option<String> {
        let id = match file {
            Value::Asked(id) => *id,
            Value::Text(text) => {
                let mut chars = text.chars();
                let id = place::asked(chars.next()?)?;
                chars.next().is_none().then_some(id)?
            }
            _ => return None,
        };
        let set = self.facts.get(id);
        let only = set.first().filter(|_| set.len() == 1)?;
        (only.kind == FactKind::Program).then(|| only.name.clone())
    }

    /// A program that the script itself brought: an installer where it is told to be silent.
    fn run_own_program(
        &mut self,
        file: &str,
        arguments: &str,
        start: &Start<'_>,
    ) -> Option<Result> {
        let located = match self.locate(file) {
            Ok(located) => located,
            Err(_) if !path::is_passing(file) => return None,
            Err(why) => {
                let what = format!("the program: {why}");
                self.find(Weight::Review, start.line, what);
                return Some(started());
            }
        };
        if self.conditions().is_none() {
            let what = "starts a program under a condition that is not known";
            self.find(Weight::Review, start.line, what);
        }
        let is_download =
            matches!(&located.origin, FileOrigin::Url { .. }) && located.inside.is_none();
        if is_download && arguments.trim().is_empty() {
            let what = "the installer has no silent arguments: it would wait for a person";
            self.find(Weight::Review, start.line, what);
        }
        if self.is_uninstalling || !(is_download || tools::is_silent(arguments)) {
            // What it does is not installing, or waits for a person.
            self.starts_own_program = true;
            self.note_program(EffectKind::Program, file, arguments, start);
            return Some(started());
        }
        let named = super::temporary::name_job_folder(arguments);
        let arguments = named.unwrap_or_else(|| arguments.to_owned());
        let is_known = !place::has_asked(&arguments);
        let is_remote = matches!(&located.origin, FileOrigin::Url { .. });
        let exit_codes = start.exit_codes.clone().filter(|_| is_known);
        if exit_codes.is_none() {
            let what = "the arguments of the program are not known";
            self.find(Weight::Review, start.line, what);
        }
        let step = exit_codes.map(|exit_codes| Step {
            has_neighbours: !is_remote,
            names_places: !place::is_plain(&arguments),
            arguments: self.facts.written(&arguments),
            exit_codes,
            ..Step::new(RecipeKind::Exe, located)
        });
        self.call_done(start.line, step);
        Some(started())
    }

    /// Whether a program is what the registry has for uninstalling, or named like it.
    fn is_uninstaller(&self, file: &str) -> bool {
        file.contains(UNINSTALL_STRING)
            || self.facts.written(file).contains("uninstallstring")
            || stem(file).starts_with("unins") && !stem(file).contains('.')
    }

    fn run_uninstaller(&mut self, file: &str, arguments: &str, start: &Start<'_>) -> Result {
        let exit_codes = start.exit_codes.clone().unwrap_or_default();
        self.of_entries(
            [Some(file), Some(arguments)],
            Number::One,
            start.line,
            |this| {
                let kind = InstallerKind::Exe;
                let step = this.uninstall_step(kind, Some(file), arguments, exit_codes);
                this.uninstall_done(Some(step), start.command, start.line);
            },
        );
        started()
    }

    fn run_tool(&mut self, tool: Tool, file: &str, arguments: &str, start: &Start<'_>) -> Result {
        let words = tools::words(arguments);
        match tool.does(&words) {
            tools::Does::Change(kind) => {
                for path in tools::written(tool.name, kind, &words) {
                    self.overwrite(path);
                }
                let program = if is_of_small(file) { file } else { tool.name };
                self.note_program(kind, program, arguments, start);
                started()
            }
            tools::Does::Read => {
                let name = format!("{} {arguments}", tool.name);
                (vec![self.fact(FactKind::Windows, name.trim())], Flow::Next)
            }
            tools::Does::Command(command) if self.enter(start.line) => {
                let mut words = tools::words(&command);
                let program = if words.is_empty() {
                    String::new()
                } else {
                    words.remove(0)
                };
                let result = self.run_program(&Start {
                    file: Value::text(program),
                    arguments: Some(tools::rest(&command)),
                    exit_codes: Some(Vec::new()),
                    folder: start.folder.clone(),
                    ..*start
                });
                self.leave();
                result
            }
            tools::Does::Install {
                kind,
                file,
                arguments,
            } => self.run_windows_installer(kind, &file, &arguments, start),
            tools::Does::Uninstall { product, arguments } => {
                if self.is_uninstalling {
                    let exit_codes = start.exit_codes.clone().unwrap_or_default();
                    let arguments = format!("{product} {arguments}");
                    let kind = InstallerKind::Msi;
                    let step = self.uninstall_step(kind, None, &arguments, exit_codes);
                    self.uninstall_done(Some(step), tool.name, start.line);
                } else {
                    let operands = BTreeMap::from([
                        ("file".to_owned(), self.facts.written(&product)),
                        ("silentargs".to_owned(), self.facts.written(&arguments)),
                    ]);
                    let kind = EffectKind::Uninstall;
                    self.note_operands(kind, tool.name, operands, start.line);
                }
                started()
            }
            tools::Does::Command(_) | tools::Does::Unknown => {
                self.not_started(start.text, start.line)
            }
        }
    }

    /// `msiexec /i` and `wusa` of a file that the script brought.
    fn run_windows_installer(
        &mut self,
        kind: RecipeKind,
        file: &str,
        arguments: &str,
        start: &Start<'_>,
    ) -> Result {
        let located = match self.locate(file) {
            Ok(located) => located,
            Err(why) => {
                let what = format!("the installer: {why}");
                self.find(Weight::Review, start.line, what);
                return started();
            }
        };
        self.find_unknown_condition(start.line);
        let named = super::temporary::name_job_folder(arguments);
        let arguments = named.unwrap_or_else(|| arguments.to_owned());
        let is_known = !place::has_asked(&arguments);
        if !is_known || !tools::is_silent(&arguments) {
            let what = "the installer has no silent arguments: it would wait for a person";
            self.find(Weight::Review, start.line, what);
        }
        if self.is_uninstalling {
            return self.not_started(start.text, start.line);
        }
        let step = Step {
            has_neighbours: matches!(&located.origin, FileOrigin::Embedded { .. }),
            names_places: !place::is_plain(&arguments),
            arguments: self.facts.written(&arguments),
            exit_codes: start.exit_codes.clone().unwrap_or_default(),
            ..Step::new(kind, located)
        };
        self.call_done(start.line, Some(step));
        started()
    }

    fn note_program(&mut self, kind: EffectKind, file: &str, arguments: &str, start: &Start<'_>) {
        let mut operands = BTreeMap::from([("file".to_owned(), self.facts.written(file))]);
        if !arguments.trim().is_empty() {
            operands.insert("arguments".to_owned(), self.facts.written(arguments.trim()));
        }
        let moved = match &self.state.locations.current {
            Location::Start => None,
            Location::Known(folder) => Some(Value::Text(Rc::clone(folder))),
            Location::Unknown => Some(Value::unknown("where it is started is not known")),
        };
        if let Some(folder) = start.folder.as_ref().or(moved.as_ref()) {
            let Some(folder) = self.operand(folder, true) else {
                self.not_started(start.text, start.line);
                return;
            };
            operands.insert("workingdirectory".to_owned(), folder);
        }
        self.note_operands(kind, start.command, operands, start.line);
    }

    /// A start of which nothing can be said.
    pub(super) fn not_started(&mut self, text: &str, line: u32) -> Result {
        let what = format!("starts a program: {}", excerpt(text));
        self.find(Weight::Custom, line, what);
        (
            vec![Value::unknown("it comes from another script or program")],
            Flow::Next,
        )
    }
}

fn started() -> Result {
    (vec![Value::Object(Object::Started)], Flow::Next)
}

/// A program's name in lower case without its folder and `.exe`.
pub(super) fn stem(file: &str) -> String {
    let leaf = path::leaf(file).to_ascii_lowercase();
    leaf.strip_suffix(".exe").unwrap_or(&leaf).to_owned()
}

/// Whether a program is the one that 64-bit Windows has for 32-bit libraries and their part of the registry.
fn is_of_small(file: &str) -> bool {
    let folder = place::written(&path::parent(file)).to_ascii_lowercase();
    folder.ends_with("\\syswow64") || folder == "%syswow64%"
}

/// Whether a program is named alone, or lies in Windows' own folder.
fn is_of_windows(file: &str) -> bool {
    let folder = path::parent(file);
    if !file.contains(['\\', '/']) {
        return true;
    }
    let written = place::written(&folder).to_ascii_lowercase();
    let written = written.trim_end_matches('\\');
    matches!(
        written,
        "%systemroot%"
            | "%systemroot%\\system32"
            | "%systemroot%\\sysnative"
            | "%systemroot%\\syswow64"
            | "%system32%"
            | "%syswow64%"
            | "c:\\windows"
            | "c:\\windows\\system32"
            | "c:\\windows\\syswow64"
    )
}

fn has_program_extension(name: &str) -> bool {
    name.strip_suffix(".exe").is_some_and(|it| !it.is_empty())
}
