//! Commands that look something up: in the package, which is known, or on the device, of which some
//! facts are.

use std::rc::Rc;

use fleetmend_model::condition::FactKind;

use super::arguments::plain;
use super::command::Invocation;
use super::facts::INSTALLED_WHERE;
use super::files::full_item;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::{Argument, Bound, Parameter, bind, switch, value};
use super::path;
use super::place::{self, TEMP, TOOLS_LOCATION};
use super::value::{Object, PACKAGE_ROOT, Sought, SoughtKind, Value};
use super::written::key_of;

static JOIN_PATH: [Parameter; 4] = [
    value("path", Some(0), &["pspath"]),
    value("childpath", Some(1), &[]),
    switch("resolve", &[]),
    value("credential", None, &[]),
];

static SPLIT_PATH: [Parameter; 8] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    switch("parent", &[]),
    switch("leaf", &[]),
    switch("qualifier", &[]),
    switch("noqualifier", &[]),
    switch("resolve", &[]),
    switch("isabsolute", &[]),
    switch("leafbase", &[]),
];

static NAMED: [Parameter; 9] = [
    value("name", Some(0), &["processname", "servicename"]),
    value("computername", Some(1), &["cn"]),
    value("displayname", None, &[]),
    value("id", None, &["pid"]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    switch("includeusername", &[]),
    switch("module", &[]),
    switch("fileversioninfo", &[]),
];

static SOFTWARE: [Parameter; 1] = [value("softwarename", Some(0), &[])];

static ITEM_PROPERTY: [Parameter; 6] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("name", Some(1), &["psproperty"]),
    value("filter", None, &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("credential", None, &[]),
];

static CLASS: [Parameter; 7] = [
    value("classname", Some(0), &["class"]),
    value("namespace", None, &[]),
    value("filter", None, &[]),
    value("query", None, &[]),
    value("property", None, &[]),
    value("computername", None, &["cn"]),
    switch("list", &[]),
];

static NEW_OBJECT: [Parameter; 5] = [
    value("typename", Some(0), &[]),
    value("argumentlist", Some(1), &["args"]),
    value("comobject", None, &[]),
    value("property", None, &[]),
    switch("strict", &[]),
];

impl Interpreter<'_> {
    pub(super) fn lookup(&mut self, command: &Invocation<'_>) -> Option<Vec<Value>> {
        let arguments = || command.arguments.clone();
        let piped = || command.input.clone().unwrap_or_default();
        let runtime =
            |what: &str| vec![Value::unknown(format!("{what} is known only at run time"))];
        Some(match command.name {
            "join-path" => self.joined_path(command),
            "split-path" => self.parted_path(command),
            "get-item" | "get-childitem" => self.get_files(command),
            "resolve-path" | "convert-path" => vec![self.resolved_path(command)],
            "get-packageparameters" => match command.arguments.iter().cloned().find_map(plain) {
                Some(value) if value.truth() != Some(false) => {
                    vec![Value::unknown(
                        "the package parameters are given in the script",
                    )]
                }
                _ => vec![self.new_table(Vec::new())],
            },
            "get-osarchitecturewidth" => {
                let bits = self.bits();
                match command.arguments.iter().cloned().find_map(plain) {
                    None if command.arguments.is_empty() => vec![Value::Int(bits)],
                    None => runtime(command.name),
                    Some(wanted) => match wanted.to_text().trim().parse::<i64>() {
                        Ok(wanted) => vec![Value::Bool(wanted == bits)],
                        Err(_) => runtime(command.name),
                    },
                }
            }
            "test-path" => vec![self.test_path(command)],
            // Fleetmend and Chocolatey install with an administrator's rights.
            "test-processadminrights" => vec![Value::Bool(true)],
            "get-chocolateypath" if names_package(&command.arguments) => {
                vec![Value::text(PACKAGE_ROOT.to_string())]
            }
            "get-toolslocation" => {
                self.note_tools_location(command.line);
                vec![Value::text(TOOLS_LOCATION.to_string())]
            }
            // It is the same before Chocolatey 2.0, which lacks it: of the two it is not known which.
            "get-binroot" => {
                self.note_tools_location(command.line);
                vec![Value::unknown(
                    "Chocolatey 2.0 and later have no Get-BinRoot",
                )]
            }
            "get-packagecachelocation" if command.arguments.is_empty() => {
                let part = |this: &mut Self, name| this.variable(name).to_text();
                let name = part(self, "env:ChocolateyPackageName");
                let version = part(self, "env:ChocolateyPackageVersion");
                vec![Value::text(format!("{TEMP}\\{name}\\{version}"))]
            }
            "get-appinstalllocation" => {
                // It looks further than in the registry, and there only for what fits alone.
                match self.sought_software_of(command) {
                    Value::Sought(sought) => {
                        let own = Some(INSTALLED_WHERE);
                        vec![self.fact_of(FactKind::Software, &sought.name, own)]
                    }
                    other => vec![other],
                }
            }
            "get-uninstallregistrykey" => {
                vec![match self.sought_software_of(command) {
                    Value::Sought(sought) => Value::Sought(Rc::new(Sought {
                        gives_null: true,
                        ..Sought::all(sought.kind, sought.name.as_str())
                    })),
                    other => other,
                }]
            }
            "get-process" => vec![self.sought_by_name(SoughtKind::Process, command)],
            "get-service" => vec![self.sought_by_name(SoughtKind::Service, command)],
            "get-itemproperty" | "get-itempropertyvalue" => {
                let bound = bind(&ITEM_PROPERTY, false, arguments());
                if let Some(nothing) = self.read_of_nothing(&bound, command.line) {
                    return Some(nothing);
                }
                let is_value = command.name == "get-itempropertyvalue";
                vec![self.item_property(&bound, &piped(), is_value)]
            }
            "get-ciminstance" | "get-wmiobject" => {
                let bound = bind(&CLASS, false, arguments());
                let class = bound.get("classname").and_then(Value::as_plain);
                match class.map(str::to_ascii_lowercase).as_deref() {
                    Some("win32_operatingsystem") => vec![Value::Object(Object::OperatingSystem)],
                    Some("win32_processor") => vec![Value::Object(Object::Processor)],
                    _ => vec![self.reading(FactKind::Windows, command)],
                }
            }
            "new-object" => vec![self.new_object(command)],
            _ => return None,
        })
    }

    fn joined_path(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let mut bound = bind(&JOIN_PATH, false, command.arguments.clone());
        if bound.get("path").is_none()
            && let Some([piped]) = command.input.as_deref()
        {
            bound.add("path", piped.clone());
        }
        if let Some(nothing) = self.read_of_nothing(&bound, command.line) {
            return nothing;
        }
        let parts: Vec<&Value> = bound.own().map(|(_, value)| value).collect();
        let joined = join_path(&bound).into_iter();
        joined.map(|it| self.or_asked(it, &parts)).collect()
    }

    fn parted_path(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let bound = bind(&SPLIT_PATH, false, command.arguments.clone());
        if let Some(nothing) = self.read_of_nothing(&bound, command.line) {
            return nothing;
        }
        let piped = command.input.clone().unwrap_or_default();
        let part = split_path(&bound, &piped);
        let path = bound.get("path").or(piped.first());
        let other = ["leaf", "qualifier", "noqualifier", "resolve", "isabsolute"];
        let is_parent = bound.problem.is_none() && !other.iter().any(|it| bound.is_on(it));
        if let Some(path) = path.filter(|_| is_parent)
            && let Some(folder) = self.folder_above(path)
        {
            return vec![folder];
        }
        vec![path.map_or(part.clone(), |path| self.or_asked(part, &[path]))]
    }

    /// `Resolve-Path`, which gives an object, and `Convert-Path`, which gives a text.
    fn resolved_path(&mut self, command: &Invocation<'_>) -> Value {
        let Some(path) = command.arguments.first().cloned().and_then(plain) else {
            return Value::unknown(format!("{} is known only at run time", command.name));
        };
        if path::in_package(&path.to_path()).is_none() || !path.is_known() {
            return self.fact_of_path(&path, None);
        }
        let path = path::normal(&path.to_path());
        match command.name {
            "resolve-path" => full_item(path, false),
            _ => Value::text(path),
        }
    }

    fn item_property(&mut self, bound: &Bound, piped: &[Value], is_value: bool) -> Value {
        let unknown = || Value::unknown("what the registry has is known only at run time");
        if bound.problem.is_some() {
            return unknown();
        }
        let Some(given) = bound.get("path") else {
            let from: Vec<&Value> = piped.iter().collect();
            return self.or_asked(unknown(), &from);
        };
        let given = given.clone();
        if key_of(&given.to_path()) != r"hklm:\software\microsoft\windows nt\currentversion" {
            return self.item_property_of(&given, bound, is_value);
        }
        match bound.get("name").and_then(Value::as_plain) {
            Some(name) if is_value => self.property(
                &Value::Object(Object::CurrentVersion),
                &name.to_ascii_lowercase(),
            ),
            _ => Value::Object(Object::CurrentVersion),
        }
    }

    /// What the registry has at a path, or what the script itself has written there.
    fn item_property_of(&mut self, path: &Value, bound: &Bound, is_value: bool) -> Value {
        let text = self.facts.written(&path.to_path());
        let name = bound.get("name").and_then(Value::as_plain);
        if let Some(name) = name.filter(|_| is_value)
            && let Some(written) = self.written_value(&text, name)
        {
            return written;
        }
        self.keep_read(&text);
        self.fact_of_path(path, None)
    }

    /// What is looked for among installed software by its name.
    fn sought_software_of(&mut self, command: &Invocation<'_>) -> Value {
        let found = sought(SoughtKind::Software, command);
        if let Value::Sought(sought) = &found {
            self.seek_software(&sought.name);
        }
        found
    }

    /// What is looked for among processes or services; one without a name is none.
    fn sought_by_name(&mut self, kind: SoughtKind, command: &Invocation<'_>) -> Value {
        let bound = bind(&NAMED, false, command.arguments.clone());
        if bound.get("name").is_some_and(is_nameless) {
            let what = format!("looks for what has no name: {}", excerpt(command.text));
            self.find(Weight::Review, command.line, what);
            return Value::unknown("it is looked for without a name");
        }
        sought(kind, command)
    }

    fn new_object(&mut self, command: &Invocation<'_>) -> Value {
        let bound = bind(&NEW_OBJECT, false, command.arguments.clone());
        let kind = bound
            .get("typename")
            .and_then(Value::as_plain)
            .map(super::expression::type_name)
            .unwrap_or_default();
        let items = bound
            .get("argumentlist")
            .cloned()
            .map(Value::into_items)
            .unwrap_or_default();
        if bound.problem.is_none() && bound.get("comobject").is_none() {
            let is_table = matches!(kind.as_str(), "psobject" | "pscustomobject");
            match bound.get("property") {
                Some(Value::Table(id)) if is_table => return Value::Table(*id),
                Some(other) if is_table => return Value::unknown(other.why()),
                Some(_) => {}
                None => {
                    if let Some(object) = self.constructed(&kind, &items) {
                        return object;
                    }
                }
            }
        }
        let class = bound.get("comobject").and_then(Value::as_plain);
        if class.is_some_and(|it| it.eq_ignore_ascii_case("wscript.shell")) {
            return self.new_shell();
        }
        let what = format!(
            "has effects that are not understood: {}",
            excerpt(command.text)
        );
        self.find(Weight::Custom, command.line, what);
        Value::unknown("it is an object that is not analysed")
    }
}

/// `Get-ChocolateyPath PackagePath`.
fn names_package(arguments: &[Argument]) -> bool {
    arguments
        .iter()
        .filter_map(|it| match it {
            Argument::Value(value) | Argument::Name(_, Some(value)) => value.as_plain(),
            _ => None,
        })
        .any(|it| it.eq_ignore_ascii_case("PackagePath"))
}

/// What is looked for on the device by its name.
fn sought(kind: SoughtKind, command: &Invocation<'_>) -> Value {
    let bound = match kind {
        SoughtKind::Software => bind(&SOFTWARE, true, command.arguments.clone()),
        SoughtKind::Process | SoughtKind::Service => bind(&NAMED, false, command.arguments.clone()),
    };
    let other = ["displayname", "id", "computername", "module"];
    let is_by_name = bound.problem.is_none() && other.iter().all(|name| bound.get(name).is_none());
    let first_input = command.input.as_ref().and_then(|it| it.first());
    let name = bound
        .get("name")
        .or(bound.get("softwarename"))
        .or(first_input);
    match name {
        // Without a name the helper fails.
        Some(name) if kind == SoughtKind::Software && name.to_text().is_empty() => {
            Value::unknown("it is looked for without a name")
        }
        Some(name) if is_by_name && name.is_known() => {
            let names = name.clone().into_items();
            let names: Vec<String> = names.iter().map(Value::to_text).collect();
            let names = place::written(&names.join(","));
            Value::Sought(Rc::new(Sought::all(kind, names)))
        }
        // All that there are.
        None if is_by_name && command.arguments.is_empty() && kind != SoughtKind::Software => {
            Value::Sought(Rc::new(Sought::all(kind, "*")))
        }
        _ => Value::unknown(format!("{} is known only at run time", command.name)),
    }
}

/// Whether a name is given that is none: nothing at all, or empty.
pub(super) fn is_nameless(name: &Value) -> bool {
    match name {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Array(items) => items.all.is_empty() || items.all.iter().any(is_nameless),
        _ => false,
    }
}

fn join_path(bound: &Bound) -> Vec<Value> {
    let unknown = || {
        vec![Value::unknown(
            "the arguments of Join-Path are not understood",
        )]
    };
    match (bound.get("path"), bound.get("childpath"), &bound.problem) {
        (Some(folder), Some(child), None) => {
            if matches!(child, Value::Array(_)) || matches!(folder, Value::Null) {
                return unknown();
            }
            let child = child.to_path();
            let folders = folder.clone().into_items();
            let joined = folders.iter().map(|folder| {
                let joined = path::join(&folder.to_path(), &child);
                Value::text(joined.replace('/', "\\"))
            });
            joined.collect()
        }
        _ => unknown(),
    }
}

fn split_path(bound: &Bound, piped: &[Value]) -> Value {
    let path = bound.get("path").or(piped.first());
    let Some(path) = path.filter(|it| !matches!(it, Value::Unknown(_) | Value::Array(_))) else {
        return Value::unknown("the path is not known");
    };
    let text = path.to_path();
    let other = ["resolve", "isabsolute", "leafbase"];
    if bound.problem.is_some() || other.iter().any(|name| bound.is_on(name)) {
        return Value::unknown("the arguments of Split-Path are not understood");
    }
    if bound.is_on("qualifier") || bound.is_on("noqualifier") {
        // `C:` of a path that begins with a drive.
        let drive = text.get(..2).filter(|it| it.ends_with(':'));
        return match drive {
            Some(drive) if bound.is_on("qualifier") => Value::text(drive),
            Some(_) => Value::text(&text[2..]),
            None => Value::unknown("the drive is not known"),
        };
    }
    Value::text(if bound.is_on("leaf") {
        path::leaf(&text)
    } else {
        path::parent(&text)
    })
}
