//! Chocolatey's helpers that install: their parameters, from their own source, and what they do with
//! them.

use std::collections::HashSet;
use std::rc::Rc;

use fleetmend_model::arguments::JOB_FOLDER;
use fleetmend_model::condition::{Condition, Fact, FactKind};
use fleetmend_model::recipe::{FileOrigin, RecipeKind};

use super::command::Invocation;
use super::facts::FactsId;
use super::installation::{Call, Step};
use super::interpreter::{Flow, Interpreter, MAX_FINDINGS, Weight, excerpt};
use super::parameters::{Argument, Bound, Parameter, bind, mandatory, switch, value};
use super::path;
use super::place::{self, PACKAGE_ROOT, VERSION, is_plain};
use super::recipe_file::{Located, archive_run};
use super::state::MAX_FILES;
use super::temporary;
use super::value::{HOLE, STAR, Value};

/// Most helpers swallow arguments that they do not know.
pub(super) const TAKES_REST: bool = true;

static PACKAGE: [Parameter; 16] = [
    mandatory("packagename", Some(0), &[]),
    value("filetype", Some(1), &["installertype", "installtype"]),
    value("silentargs", Some(2), &[]),
    value("url", Some(3), &[]),
    value("url64bit", Some(4), &["url64"]),
    value("validexitcodes", None, &[]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("checksum64", None, &[]),
    value("checksumtype64", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
    switch("useoriginallocation", &[]),
    value("beforeinstall", None, &[]),
];

static INSTALL_PACKAGE: [Parameter; 7] = [
    mandatory("packagename", Some(0), &[]),
    value("filetype", Some(1), &["installertype", "installtype"]),
    value("silentargs", Some(2), &[]),
    value("file", Some(3), &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    value("validexitcodes", None, &[]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
];

/// What a helper gives to the script.
pub(super) type Result = (Vec<Value>, Flow);

/// Whether a condition asks what lies in the package's own folder when the script comes to it.
fn is_of_package(condition: &Condition) -> bool {
    let is_own = |fact: &Fact| {
        fact.kind == FactKind::File && fact.name.starts_with("%ChocolateyPackageFolder%")
    };
    condition.facts.iter().any(is_own)
}

impl Interpreter<'_> {
    /// Runs a helper that installs; `None`: the command is none.
    pub(super) fn helper(&mut self, command: &Invocation<'_>) -> Option<Result> {
        Some(match command.name {
            "install-chocolateypackage" | "install-chocolateyinstallpackage" => {
                self.install(command)
            }
            "install-chocolateyvsixpackage" => self.install_vsix_package(command),
            "install-visualstudiovsixextension" => self.install_vsix_extension(command),
            "install-chocolateyzippackage" => self.install_archive(command),
            "install-chocolateyisoinstallpackage" | "install-chocolateyisopackage" => {
                self.install_from_image(command)
            }
            "get-chocolateyunzip" | "expand-archive" => self.unpack(command),
            "get-chocolateywebfile" | "get-webfile" => self.download(command),
            "invoke-webrequest" | "start-bitstransfer" => self.web_command(command),
            "add-appxpackage" | "add-appxprovisionedpackage" | "add-provisionedappxpackage" => {
                self.add_app_package(command)
            }
            "get-checksumvalid" | "get-checksum" => self.verify(command),
            "uninstall-chocolateypackage" => self.uninstall(command),
            _ => return None,
        })
    }

    fn install(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let is_download = command.name == "install-chocolateypackage";
        let (parameters, names): (&'static [Parameter], _) = if is_download {
            (&PACKAGE, ["url", "url64bit"])
        } else {
            (&INSTALL_PACKAGE, ["file", "file64"])
        };
        // `softwareName` is no parameter of the helpers; templates hand it to them all the same.
        let software_name = software_name(&command.arguments);
        let bound = self.bind_helper(command, parameters);
        if let Some(Value::Block(block)) = bound.get("beforeinstall") {
            let block = Rc::clone(block);
            let result = self.run_block(&block);
            self.inside(result);
        }
        let is_copied = is_download && !bound.is_on("useoriginallocation");
        let file = match self.file_and_path(&bound, line, names) {
            Ok(Some((file, path))) => {
                if !is_copied {
                    // The helper marks what it runs below Chocolatey's folder: no shim for installers.
                    self.mark_shim(&format!("{path}.ignore"));
                }
                Some(file)
            }
            Ok(None) => return self.no_file(line),
            Err(()) => None,
        };
        let step = self.installing(&bound, file, !is_copied, software_name, line);
        self.call_done(line, step);
        (Vec::new(), Flow::Next)
    }

    /// The run of an installer, as the arguments of its helper say it. `None` where anything about it
    /// is not known.
    pub(super) fn installing(
        &mut self,
        bound: &Bound,
        file: Option<Located>,
        has_neighbours: bool,
        software_name: Option<String>,
        line: u32,
    ) -> Option<Step> {
        let kind = self.kind(bound, file.as_ref(), line);
        let arguments = self.silent_arguments(bound, kind, line);
        let exit_codes = self.exit_codes(bound, line);
        if let Some(archive) = file.as_ref().and_then(archive_run) {
            let what = format!("runs an archive as an installer: {}", excerpt(archive));
            self.find(Weight::Review, line, what);
        }
        if bound.problem.is_some() {
            return None;
        }
        let (arguments, names_places) = arguments?;
        Some(Step {
            has_neighbours,
            arguments,
            names_places,
            exit_codes: exit_codes?,
            software_name,
            ..Step::new(kind?, file?)
        })
    }

    /// A helper without a file for this machine refuses it.
    pub(super) fn no_file(&mut self, line: u32) -> Result {
        if self.profile.bits == 64 {
            self.find(
                Weight::Review,
                line,
                "the installer has neither a file nor an address",
            );
            self.call_done(line, None);
            return (Vec::new(), Flow::Next);
        }
        (Vec::new(), Flow::Throw)
    }

    /// Binds a helper's arguments; what cannot be bound is a finding.
    pub(super) fn bind_helper(
        &mut self,
        command: &Invocation<'_>,
        parameters: &'static [Parameter],
    ) -> Bound {
        let bound = bind(parameters, TAKES_REST, command.arguments.clone());
        self.helper_bound(&bound, command);
        bound
    }

    /// Finds what of a helper's arguments cannot be bound, and takes the name of the software from them.
    pub(super) fn helper_bound(&mut self, bound: &Bound, command: &Invocation<'_>) {
        self.software_names
            .extend(software_name(&command.arguments));
        let line = command.line;
        if let Some(problem) = &bound.problem {
            let what = format!("an argument of the installer: {problem}");
            self.find(Weight::Review, line, what);
        }
        self.find_unknown_condition(line);
    }

    /// Finds where something is installed under a condition that is not known.
    pub(super) fn find_unknown_condition(&mut self, line: u32) {
        let conditions = self.conditions();
        if conditions.is_none_or(|it| it.iter().any(is_of_package)) {
            let what = "installs under a condition that is not known";
            self.find(Weight::Review, line, what);
        }
    }

    /// Notes a helper's call.
    pub(super) fn call_done(&mut self, line: u32, step: Option<Step>) -> usize {
        if self.calls.len() >= MAX_FINDINGS {
            self.find(Weight::Custom, line, "the script installs too many things");
            return self.calls.len() - 1;
        }
        let nth = self
            .calls
            .iter()
            .filter(|call| call.site.0 == self.script && call.site.1 == line)
            .count();
        if let Some(Step { file, .. }) = &step
            && let Some(used) = file.call
        {
            self.mark_used(used);
        }
        let site = (Rc::clone(&self.script), line, nth);
        let conditions = self.conditions().unwrap_or_default();
        let step = step.map(|step| Step { conditions, ..step });
        self.calls.push(Call { site, step });
        self.calls.len() - 1
    }

    /// A step whose result another one takes is none of its own, unless it leaves something behind.
    fn mark_used(&mut self, call: usize) {
        if let Some(Call {
            step: Some(step), ..
        }) = self.calls.get_mut(call)
        {
            let passes = step
                .destination
                .as_deref()
                .is_some_and(|it| it.starts_with("%TEMP%") || it.starts_with("%Chocolatey"));
            step.is_used |= passes;
        }
    }

    /// A text argument: absent, known, or not known with a finding.
    pub(super) fn text(
        &mut self,
        bound: &Bound,
        name: &str,
        line: u32,
    ) -> std::result::Result<Option<String>, ()> {
        match bound.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) if value.is_known() && !matches!(value, Value::Table(_)) => {
                let text = value.to_text();
                if text.contains(HOLE) {
                    self.not_known(name, "it is an object that is used as a text", line);
                    return Err(());
                }
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
            Some(value) => {
                let value = value.clone();
                let why = self.why(&value);
                self.unsettle(&[&value]);
                self.not_known(name, &why, line);
                Err(())
            }
        }
    }

    /// A text argument that may name what only the device knows.
    pub(super) fn text_or_asked(
        &mut self,
        bound: &Bound,
        name: &str,
        line: u32,
    ) -> std::result::Result<Option<String>, ()> {
        let value = bound.get(name).cloned().unwrap_or(Value::Null);
        match self.facts_in(&[&value]) {
            Some(id) if !value.is_known() && self.is_told_in(&value, id) => {
                Ok(Some(self.text_of(&value)))
            }
            _ => self.text(bound, name, line),
        }
    }

    /// Whether a text of a value says all of what it is.
    fn is_told_in(&self, value: &Value, depends: FactsId) -> bool {
        match value {
            Value::Text(text) => self.facts.is_all_told(text),
            Value::Asked(id) => self.facts.is_told(*id),
            _ => self.facts.is_told(depends),
        }
    }

    /// The same where each part that only the device knows is one value with a name.
    pub(super) fn text_of_facts(
        &mut self,
        bound: &Bound,
        name: &str,
        line: u32,
    ) -> std::result::Result<Option<String>, ()> {
        let asked = match bound.get(name) {
            Some(Value::Asked(id)) if self.facts.is_of_software(*id) => {
                Some(Value::Asked(*id).to_text())
            }
            Some(Value::Text(text)) => Some(text.as_ref().to_owned()),
            _ => None,
        };
        if let Some(text) = asked
            && place::has_asked(&text)
            && !text.contains([HOLE, STAR])
            && text
                .chars()
                .filter_map(place::asked)
                .all(|id| self.facts.is_one_value(id))
        {
            return Ok(Some(text));
        }
        self.text(bound, name, line)
    }

    fn not_known(&mut self, name: &str, why: &str, line: u32) {
        let what = format!("the argument {name} is not known: {why}");
        self.find(Weight::Review, line, what);
    }

    pub(super) fn kind(
        &mut self,
        bound: &Bound,
        file: Option<&Located>,
        line: u32,
    ) -> Option<RecipeKind> {
        let extension = file.map(extension).unwrap_or_default();
        let given = match self.text(bound, "filetype", line) {
            Err(()) => return None,
            // An empty type is taken from the file; without the argument it is `exe`.
            Ok(None) if bound.get("filetype").is_some() => extension.clone(),
            Ok(None) => "exe".to_owned(),
            Ok(Some(text)) => text.trim().trim_start_matches('.').to_ascii_lowercase(),
        };
        let is_other = |kind: &str| {
            ["msi", "exe", "msu", "msp"].contains(&extension.as_str()) && extension != kind
        };
        if is_other(&given) {
            let what = format!(
                "fileType is {} and the file is an {extension}",
                excerpt(&given)
            );
            self.find(Weight::Review, line, what);
            return None;
        }
        match given.as_str() {
            "msi" => Some(RecipeKind::Msi),
            "exe" => Some(RecipeKind::Exe),
            "msu" => Some(RecipeKind::Msu),
            "msp" => Some(RecipeKind::Msp),
            other => {
                let what = format!("installers of the type {} are not run", excerpt(other));
                self.find(Weight::Custom, line, what);
                None
            }
        }
    }

    /// The arguments, and whether they name what only the device knows.
    pub(super) fn silent_arguments(
        &mut self,
        bound: &Bound,
        kind: Option<RecipeKind>,
        line: u32,
    ) -> Option<(String, bool)> {
        let text = self
            .text_of_facts(bound, "silentargs", line)
            .ok()?
            .unwrap_or_default();
        let needs_none = kind == Some(RecipeKind::Msu);
        if text.trim().is_empty() && !needs_none {
            let what = "the installer has no silent arguments: it would wait for a person";
            self.find(Weight::Review, line, what);
        }
        if text.contains(JOB_FOLDER) {
            let what = "the silent arguments hold a word that means something else to Fleetmend";
            self.find(Weight::Review, line, what);
            return None;
        }
        self.fill(&text);
        // What cannot be put into the job's folder stays a place that is named.
        let text = temporary::name_job_folder(&text).unwrap_or(text);
        if text.chars().any(|c| matches!(c, '\0' | '\n' | '\r')) {
            self.find(
                Weight::Review,
                line,
                "the silent arguments have more than one line",
            );
            return None;
        }
        let text = self.name_version(&text);
        let names_places = !is_plain(&text);
        Some((self.facts.written(&text), names_places))
    }

    /// Keeps in mind the folders of the package that an installer is told of: it may put files there.
    fn fill(&mut self, arguments: &str) {
        if !self.charge(arguments.len()) {
            return;
        }
        let mut is_quoted = false;
        let mut done = 0;
        let mut known = HashSet::new();
        for (at, mark) in arguments.match_indices(PACKAGE_ROOT) {
            is_quoted ^= arguments[done..at].matches('"').count() % 2 == 1;
            done = at + mark.len();
            let rest = &arguments[done..];
            // Where another one begins, the first has ended.
            let ends = |c| c == '"' || c == PACKAGE_ROOT || !is_quoted && char::is_whitespace(c);
            let folder = &rest[..rest.find(ends).unwrap_or(rest.len())];
            done += folder.len();
            if self.state.filled.len() >= MAX_FILES || known.len() >= MAX_FILES {
                break;
            }
            if known.insert(folder) {
                let key = path::key(&format!("{PACKAGE_ROOT}{folder}"));
                self.state
                    .filled
                    .push(key.trim_end_matches('\\').to_owned());
            }
        }
    }

    /// Writes the version into the names of files in the job's folder, where any name will do.
    fn name_version(&self, text: &str) -> String {
        // As Chocolatey 2.x names it.
        let version = self.package.nuspec.normalised.to_string();
        let mut named = String::with_capacity(text.len());
        for word in text.split_inclusive(['"', ' ', '\t']) {
            let at = word.find(JOB_FOLDER).unwrap_or(word.len());
            named.push_str(&word[..at]);
            named.push_str(&word[at..].replace(VERSION, &version));
        }
        named
    }

    pub(super) fn exit_codes(&mut self, bound: &Bound, line: u32) -> Option<Vec<i64>> {
        let Some(value) = bound.get("validexitcodes") else {
            return Some(vec![0]);
        };
        match numbers(value) {
            Some(codes) if !codes.is_empty() => Some(codes),
            _ => {
                self.find(
                    Weight::Review,
                    line,
                    "the argument validExitCodes is not known",
                );
                None
            }
        }
    }
}

/// The exit codes in a list or a single value. `None` where one is not known.
pub(super) fn numbers(value: &Value) -> Option<Vec<i64>> {
    let items = value.clone().into_items();
    let number = |item: &Value| match item {
        Value::Int(code) => Some(*code),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    items.iter().map(number).collect()
}

/// The extension of a file's name in lower case.
fn extension(file: &Located) -> String {
    let name = match (&file.inside, &file.origin) {
        (Some(inside), _) => inside.as_str(),
        (None, FileOrigin::Embedded { path }) => path.as_str(),
        (None, FileOrigin::Url { url }) => url.split(['?', '#']).next().unwrap_or(url),
    };
    name.rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase())
        .unwrap_or_default()
}

pub(super) fn software_name(arguments: &[Argument]) -> Option<String> {
    let value = arguments
        .iter()
        .enumerate()
        .find_map(|(place, argument)| match argument {
            Argument::Entries(entries) => entries
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case("softwareName"))
                .map(|(_, value)| value.clone()),
            Argument::Name(name, attached) if name.eq_ignore_ascii_case("softwareName") => {
                attached.clone().or_else(|| match arguments.get(place + 1) {
                    Some(Argument::Value(value)) => Some(value.clone()),
                    _ => None,
                })
            }
            _ => None,
        })?;
    let text = value.to_text().trim().to_owned();
    let is_name = value.is_known() && !text.is_empty() && is_plain(&text);
    is_name.then_some(text)
}
