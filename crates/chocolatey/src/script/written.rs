//! What the script itself has written into the registry: what reads it later is told that, and not what
//! the device had before.

use std::collections::{BTreeMap, BTreeSet};

use fleetmend_model::effect::EffectKind;

use super::command::Invocation;
use super::effect_files::is_registry;
use super::interpreter::Interpreter;
use super::parameters::Bound;
use super::path;
use super::recipe_file::below;
use super::state::MAX_FILES;
use super::value::Value;

/// Keys and values of the registry by their names in lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Written {
    /// The keys that were made, and whether that is certain.
    keys: BTreeMap<String, bool>,
    /// The values, and how much was run before them that might change them.
    values: BTreeMap<(String, String), (Value, usize)>,
    /// The keys of which values were read before the script wrote one.
    read: BTreeSet<String>,
}

fn unsettled() -> Value {
    Value::unknown("a condition decides whether the script writes it")
}

impl Written {
    /// What was written where either of two states may be the case.
    pub(super) fn join(mut self, other: Self) -> Self {
        for (key, is_sure) in &mut self.keys {
            *is_sure &= other.keys.get(key) == Some(&true);
        }
        for key in other.keys.into_keys() {
            self.keys.entry(key).or_insert(false);
        }
        for (name, written) in &mut self.values {
            if other.values.get(name) != Some(written) {
                written.0 = unsettled();
            }
        }
        for (name, (_, runs)) in other.values {
            let open = || (unsettled(), runs);
            self.values.entry(name).or_insert_with(open);
        }
        self.read.extend(other.read);
        self
    }

    /// About how many bytes a copy of it takes.
    pub(super) fn weight(&self) -> usize {
        let values = self.values.values().map(|(value, _)| 128 + value.weight());
        let keys = (self.keys.len() + self.read.len()) * 96;
        values.fold(keys, usize::saturating_add)
    }

    fn write(&mut self, key: String, name: Option<String>, value: Value, runs: usize) {
        if self.keys.len() + self.values.len() >= MAX_FILES {
            return;
        }
        if let Some(name) = name {
            self.values.insert((key.clone(), name), (value, runs));
        }
        self.keys.insert(key, true);
    }

    /// Forgets a key and all below it.
    fn remove(&mut self, key: &str) {
        let is_gone = |it: &str| it == key || below(it, key).is_some() || key.contains(['*', '?']);
        self.keys.retain(|it, _| !is_gone(it));
        self.values.retain(|(it, _), _| !is_gone(it));
    }
}

/// The name of a key, whichever way it is written.
pub(super) fn key_of(path: &str) -> String {
    let lower = path.to_lowercase().replace('/', "\\");
    let lower = lower.rsplit("registry::").next().unwrap_or_default();
    let lower = lower
        .replace("hkey_local_machine", "hklm:")
        .replace("hkey_current_user", "hkcu:")
        .replace("::", ":");
    lower.trim_end_matches('\\').to_owned()
}

/// What the registry gives back of a value that was written with a type.
fn as_typed(value: &Value, kind: Option<&str>) -> Value {
    let open = || Value::unknown("what the registry makes of it is not known");
    let kind = kind.map(str::to_ascii_lowercase);
    match (kind.as_deref(), value) {
        (None | Some("dword" | "qword"), Value::Int(_)) => value.clone(),
        (Some("dword" | "qword"), Value::Text(text)) => {
            text.trim().parse().map_or_else(|_| open(), Value::Int)
        }
        (None | Some("string"), Value::Text(_)) if value.is_known() => value.clone(),
        (Some("string"), Value::Int(number)) => Value::text(number.to_string()),
        _ => open(),
    }
}

impl Interpreter<'_> {
    /// Keeps in mind what a command writes into the registry or removes there.
    pub(super) fn keep_written(&mut self, bound: &Bound, command: &Invocation<'_>) {
        let paths = bound.get("path").cloned().map(Value::into_items);
        let name = bound.get("name").map(Value::to_text);
        for given in paths.unwrap_or_default() {
            let given = given.to_path();
            if !is_registry(&given) {
                continue;
            }
            let key = key_of(&self.facts.written(&given));
            let runs = self.runs();
            match command.name {
                "new-item" => {
                    let inside = name.as_deref().map(|name| path::join(&key, name));
                    let key = inside.map_or(key, |it| key_of(&it));
                    self.state.written.write(key, None, Value::Null, runs);
                }
                "set-itemproperty" | "new-itemproperty" => {
                    let kind = bound.get("propertytype").map(Value::to_text);
                    let value = bound.get("value").cloned().unwrap_or(Value::Null);
                    let value = as_typed(&value, kind.as_deref());
                    let name = name.as_ref().map(|it| it.to_lowercase());
                    self.state.written.write(key, name, value, runs);
                }
                "remove-itemproperty" | "rename-itemproperty" => {
                    let values = &mut self.state.written.values;
                    values.retain(|(it, _), _| *it != key);
                }
                "remove-item" | "clear-item" | "rename-item" | "move-item" => {
                    self.state.written.remove(&key);
                }
                _ => {}
            }
        }
    }

    /// Keeps in mind what a helper sets an environment variable to: for this script too.
    pub(super) fn keep_variable(&mut self, bound: &Bound, command: &Invocation<'_>) {
        let is_set = match command.name {
            "install-chocolateyenvironmentvariable" => true,
            "uninstall-chocolateyenvironmentvariable" => false,
            _ => return,
        };
        let Some(name) = bound.get("variablename").and_then(Value::as_plain) else {
            return;
        };
        let key = format!("env:{}", name.to_ascii_lowercase());
        let value = bound.get("variablevalue").filter(|_| is_set).cloned();
        if let Some(scope) = self.state.scopes.first_mut() {
            scope.insert(key.into(), value.unwrap_or(Value::Null));
        }
    }

    /// Keeps in mind that values of a key are read, if the script has written none of them yet.
    pub(super) fn keep_read(&mut self, path: &str) {
        let written = &mut self.state.written;
        let key = key_of(path);
        if written.read.len() < MAX_FILES && !written.values.keys().any(|(it, _)| *it == key) {
            written.read.insert(key);
        }
    }

    /// Whether values of a key are read.
    pub(super) fn is_read(&self, path: &str) -> bool {
        self.state.written.read.contains(&key_of(path))
    }

    /// What the script has written as a value of a key; `None`: it has not.
    pub(super) fn written_value(&self, path: &str, name: &str) -> Option<Value> {
        let key = key_of(path);
        let place = (key, name.to_lowercase());
        let (value, runs) = self.state.written.values.get(&place)?;
        if *runs != self.runs() {
            return Some(Value::unknown(
                "a program that the script runs may have changed it",
            ));
        }
        if self.state.written.read.contains(&place.0) {
            return Some(Value::unknown(
                "whether it is read before the script writes it is not known",
            ));
        }
        Some(value.clone())
    }

    /// Whether the script has made a key of the registry; `None`: it has not. It is not known where a
    /// condition decides that.
    pub(super) fn written_key(&self, path: &str) -> Option<Value> {
        let key = key_of(path);
        let keys = &self.state.written.keys;
        let at = |(it, _): &(&String, &bool)| **it == key || below(it, &key).is_some();
        let mut all = keys.iter().filter(at).peekable();
        all.peek()?;
        let is_sure = all.any(|(_, is_sure)| *is_sure);
        Some(if is_sure {
            Value::Bool(true)
        } else {
            unsettled()
        })
    }

    /// How much was run that may change the registry.
    fn runs(&self) -> usize {
        let is_run = |kind: EffectKind, command: &str| match kind {
            EffectKind::Program | EffectKind::Uninstall => true,
            EffectKind::Registry => !command.contains("-item"),
            _ => false,
        };
        let effects = self.effects.iter().map(|it| &it.effect);
        let effects = effects.filter(|it| is_run(it.kind, &it.command)).count();
        self.calls.len() + self.uninstalls.len() + effects
    }
}
