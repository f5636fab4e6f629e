//! What is asked of the device: whether paths are there, and what commands read.

use fleetmend_model::condition::{Fact, FactKind};

use super::command::Invocation;
use super::effect_files::is_registry;
use super::interpreter::{Interpreter, excerpt};
use super::parameters::{Argument, Parameter, bind, switch, value};
use super::path;
use super::place;
use super::value::{HOLE, STAR, Value};

static TEST_PATH: [Parameter; 6] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("pathtype", None, &["type"]),
    value("filter", None, &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    switch("isvalid", &[]),
];

fn unknown() -> Value {
    Value::unknown("what is on the device is known only at run time")
}

impl Interpreter<'_> {
    /// `Test-Path`: the package's own files are known to be there as long as the script leaves them
    /// alone; other paths are facts of the device.
    pub(super) fn test_path(&mut self, command: &Invocation<'_>) -> Value {
        let bound = bind(&TEST_PATH, false, command.arguments.clone());
        if let Some(nothing) = self.read_of_nothing(&bound, command.line) {
            return Value::collapse(nothing);
        }
        let narrows = ["filter", "include", "exclude", "isvalid"];
        let is_narrow = narrows.iter().any(|name| bound.get(name).is_some());
        let piped = command.input.as_ref().and_then(|it| it.first());
        let (Some(path), None) = (bound.get("path").or(piped), &bound.problem) else {
            return unknown();
        };
        let path = path.clone();
        if is_narrow {
            return unknown();
        }
        if let Some(known) = self.test_function(&path) {
            return known.map_or_else(unknown, Value::Bool);
        }
        let Some(text) = self.resolved(&path.to_path()) else {
            return unknown();
        };
        if !path::is_passing(&text) {
            if is_registry(&text)
                && let Some(made) = self.written_key(&self.facts.written(&text))
            {
                return made;
            }
            return self.fact_of_path(&path, Some("existence"));
        }
        let kind = bound.get("pathtype").map(Value::to_text);
        let wants_folder = kind.map(|kind| kind.eq_ignore_ascii_case("container"));
        // What a folder of sources lacks and is put in when it is packed are files.
        let is_put_in = !self.package.is_complete && self.state.brought_into().next().is_none();
        if wants_folder == Some(true) && is_put_in && text.contains(STAR) {
            return Value::Bool(false);
        }
        let is_pattern = text.contains([HOLE, STAR, '*', '?', '[']);
        if is_pattern || !path.is_known() {
            let is_left_alone = self.state.removed.is_empty()
                && self.state.unsure.is_empty()
                && self.state.brought_into().next().is_none();
            if is_left_alone && !is_pattern && path::in_package(&text).is_some() {
                return self.or_asked(unknown(), &[&path]);
            }
            return unknown();
        }
        match self.is_there(&text, wants_folder) {
            Some(is_there) => Value::Bool(is_there),
            None if self.is_of_device(&text) || self.is_from_install(&text) => {
                self.fact_of(FactKind::File, &text, Some("existence"))
            }
            None => unknown(),
        }
    }

    /// Whether the device alone knows what lies at a path: the script has not touched that, or an
    /// archive may have brought it.
    fn is_of_device(&self, text: &str) -> bool {
        match path::in_package(text) {
            Some(inside) => self.is_as_brought(text, &inside),
            None => !self.is_touched(text),
        }
    }

    /// Whether a path in the package's folder, or the one for temporary files, is there.
    fn is_there(&mut self, text: &str, wants_folder: Option<bool>) -> Option<bool> {
        let key = path::key(text);
        if self.state.is_unsure(&key) {
            return None;
        }
        let is_download = self.state.downloads.iter().any(|(path, _)| *path == key);
        if is_download {
            return Some(wants_folder != Some(true));
        }
        let inside = path::in_package(text)?;
        if self.is_folder(&inside) {
            return Some(wants_folder != Some(false));
        }
        let is_listed = self.listed(&inside).is_some();
        let is_untouched = !self.is_removed(&inside) && self.state.brought_into().next().is_none();
        if is_listed && is_untouched {
            return Some(wants_folder != Some(true));
        }
        // What a folder of sources lacks may be put in when it is packed.
        (wants_folder == Some(true) && is_untouched && !is_listed).then_some(false)
    }

    /// Whether nothing but an archive has changed what lies at a path in the package's folder.
    fn is_as_brought(&self, text: &str, inside: &str) -> bool {
        self.is_touched(text) && !self.is_removed(inside) && !self.state.is_unsure(&path::key(text))
    }

    /// Whether the script has written below a path, or unpacked something there.
    pub(super) fn is_touched(&self, text: &str) -> bool {
        let key = path::key(text);
        let is_below = |folder: &str| super::recipe_file::below(&key, folder).is_some();
        let unpacked = &self.state.unpacked;
        unpacked
            .iter()
            .any(|(folder, _)| *folder == key || is_below(folder))
            || self.state.copies.iter().any(|(path, _)| *path == key)
    }

    /// `Test-Path Function:\\name`: whether a function is defined, if that is known.
    #[expect(clippy::option_option, reason = "no function at all, or not known")]
    fn test_function(&self, path: &Value) -> Option<Option<bool>> {
        let (drive, name) = path.as_plain()?.split_once(':')?;
        if !drive.eq_ignore_ascii_case("function") {
            return None;
        }
        let name = name.trim_matches(['\\', '/']).to_ascii_lowercase();
        if self.state.functions.contains_key(name.as_str()) {
            return Some(Some(true));
        }
        // What the updater of packages defines is not there when one is installed.
        Some(name.starts_with("au_").then_some(false))
    }

    /// What is at a path of the device: a file, or a key of the registry; or one property of it.
    pub(super) fn fact_of_path(&mut self, path: &Value, property: Option<&str>) -> Value {
        let paths = path.clone().into_items();
        let mut found = Vec::new();
        for path in &paths {
            let text = match path {
                Value::Unknown(_) | Value::Sought(_) => {
                    return self.or_asked(
                        Value::unknown("what is on the device is known only at run time"),
                        &[path],
                    );
                }
                other => other.to_path(),
            };
            let Some(text) = self.resolved(&text) else {
                return Value::unknown("which folder it is taken from is not known");
            };
            if path::is_passing(&text) {
                return Value::unknown("what the script leaves there is not known");
            }
            let kind = match text.split_once(':') {
                _ if is_registry(&text) || self.is_below_found_key(&text) => FactKind::Registry,
                Some((drive, _)) if drive.eq_ignore_ascii_case("env") => FactKind::Variable,
                Some((drive, _)) if drive.eq_ignore_ascii_case("cert") => FactKind::Windows,
                _ => FactKind::File,
            };
            found.push(self.fact_of(kind, &text, property));
        }
        match &found[..] {
            [one] => one.clone(),
            all => {
                let open = Value::unknown("what is on the device is known only at run time");
                let all: Vec<&Value> = all.iter().collect();
                self.or_asked(open, &all)
            }
        }
    }

    /// Whether a path begins with that of a key which was found in the registry: its `PSPath`.
    fn is_below_found_key(&self, text: &str) -> bool {
        let Some(id) = text.chars().next().and_then(place::asked) else {
            return false;
        };
        let is_path_of_key = |it: &Fact| {
            let is_key = matches!(it.kind, FactKind::Registry | FactKind::Software);
            is_key && it.property.as_deref() == Some("pspath")
        };
        self.facts.is_fact(id) && self.facts.get(id).iter().all(is_path_of_key)
    }

    /// What a command reads of the device, named by its arguments; where one of them is not known,
    /// nothing can be said of it.
    pub(super) fn reading(&mut self, kind: FactKind, command: &Invocation<'_>) -> Value {
        let unknown = || {
            Value::unknown(format!(
                "{} is known only at run time",
                excerpt(command.name)
            ))
        };
        let mut name = match kind {
            FactKind::Program => String::new(),
            _ => command.name.trim_start_matches("get-").to_owned(),
        };
        let mut is_common = false;
        let mut values: Vec<Value> = command.input.clone().unwrap_or_default();
        for argument in &command.arguments {
            match argument {
                Argument::Name(switch, None) => {
                    let lower = switch.to_ascii_lowercase();
                    is_common = lower == "ea" || lower.starts_with("error");
                    if !is_common && !"name".starts_with(&lower) {
                        name = format!("{name} -{switch}");
                    }
                }
                // How errors are shown says nothing about what is read.
                Argument::Value(_) if std::mem::take(&mut is_common) => {}
                Argument::Name(_, Some(value)) | Argument::Value(value) => {
                    name = format!("{name} {}", self.text_of(value));
                    values.push(value.clone());
                }
                Argument::Entries(_) | Argument::Splat(_) => return unknown(),
            }
        }
        if self.facts.collect_all(&values).is_none() {
            return unknown();
        }
        self.fact(kind, name.trim())
    }
}
