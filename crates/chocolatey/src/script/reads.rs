//! Commands that read what may not be there: where errors end the script, it ends without that.

use fleetmend_model::condition::FactKind;

use super::command::Invocation;
use super::failure::Needed;
use super::interpreter::Interpreter;
use super::parameters::{Bound, Parameter, bind, switch, value};
use super::path;
use super::value::Value;

/// What the commands take that read what lies at a path, as far as it says which path that is.
static AT_PATH: [Parameter; 22] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("name", Some(1), &["psproperty"]),
    value("filter", None, &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("credential", None, &[]),
    value("depth", None, &[]),
    value("attributes", None, &[]),
    value("stream", None, &[]),
    value("encoding", None, &[]),
    value("totalcount", None, &["first", "head"]),
    value("tail", None, &["last"]),
    value("readcount", None, &[]),
    value("delimiter", None, &[]),
    value("algorithm", None, &[]),
    value("header", None, &[]),
    switch("recurse", &["s"]),
    switch("force", &[]),
    switch("file", &["af"]),
    switch("directory", &["d", "ad"]),
    switch("hidden", &["ah", "h"]),
    switch("raw", &[]),
];

static BY_NAME: [Parameter; 8] = [
    value("name", Some(0), &["processname", "servicename"]),
    value("computername", None, &["cn"]),
    value("displayname", None, &[]),
    value("id", None, &["pid"]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("commandtype", None, &["type"]),
    switch("includeusername", &[]),
];

impl Interpreter<'_> {
    /// What a command must find that reads, where the script ends else.
    pub(super) fn needed_to_read(&mut self, command: &Invocation<'_>) -> Option<Needed> {
        let (parameters, piped): (&'static [Parameter], _) = match command.name {
            "get-process" | "get-service" | "get-command" => (&BY_NAME, "name"),
            "get-item"
            | "get-childitem"
            | "get-itemproperty"
            | "get-itempropertyvalue"
            | "get-content"
            | "get-acl"
            | "get-filehash"
            | "resolve-path"
            | "convert-path"
            | "import-csv"
            | "import-clixml" => (&AT_PATH, "path"),
            _ => return None,
        };
        let mut bound = bind(parameters, false, command.arguments.clone());
        // What was found is there; what is handed over by its name may not be.
        if let Some(input) = &command.input {
            let named = input.iter().filter(|it| matches!(it, Value::Text(_)));
            let named: Vec<Value> = named.cloned().collect();
            if named.is_empty() || bound.get(piped).is_some() {
                return None;
            }
            bound.add(piped, Value::array(named));
        }
        if bound.problem.is_some() {
            return None;
        }
        let needed = match command.name {
            "get-process" => self.needed_name(&bound, FactKind::Process),
            "get-service" => self.needed_name(&bound, FactKind::Service),
            "get-command" => self.needed_name(&bound, FactKind::Program),
            _ => self.needed_at_path(&bound, command.name),
        }?;
        self.errors_end(bound.get("erroraction")).then_some(needed)
    }

    fn needed_at_path(&mut self, bound: &Bound, command: &str) -> Option<Needed> {
        let path = bound.get("path")?.clone();
        let path = self.resolved_items(path);
        let reads_value = command.starts_with("get-itemproperty") && bound.get("name").is_some();
        if !reads_value {
            return self.needed_item(&path);
        }
        // What every Windows has of itself is read by names that every Windows has.
        let key = path.to_path().to_ascii_lowercase();
        if key
            .trim_end_matches('\\')
            .ends_with(r"\windows nt\currentversion")
        {
            return None;
        }
        self.needed_property(bound)
    }

    /// Paths as full ones, as far as the folder is known that they are taken from.
    fn resolved_items(&self, path: Value) -> Value {
        let items = path.into_items().into_iter().map(|item| match &item {
            Value::Text(text) if path::in_package(text).is_none() => {
                self.resolved(text).map_or(item.clone(), Value::text)
            }
            _ => item,
        });
        Value::collapse(items.collect())
    }
}
