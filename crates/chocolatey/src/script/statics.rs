//! Static members of .NET types, and casts.

use std::collections::BTreeMap;

use fleetmend_model::condition::FactKind;
use fleetmend_model::effect::EffectKind;
use tree_sitter::Node;

use super::expression::{EXPRESSION_COST, integer, type_name};
use super::interpreter::{Interpreter, Weight, excerpt};
use super::path;
use super::pattern;
use super::place::{self, has_mark};
use super::syntax::{Source, named};
use super::text;
use super::value::{HOLE, Object, STAR, Value};

/// Types whose static methods only compute.
const HARMLESS_TYPES: [&str; 20] = [
    "io.path",
    "string",
    "version",
    "int",
    "int32",
    "int64",
    "double",
    "convert",
    "math",
    "regex",
    "text.regularexpressions.regex",
    "datetime",
    "guid",
    "uri",
    "char",
    "enum",
    "text.encoding",
    "security.principal.windowsidentity",
    "globalization.cultureinfo",
    "diagnostics.fileversioninfo",
];

impl Interpreter<'_> {
    pub(super) fn static_property(&mut self, type_name: &str, name: &str) -> Value {
        match (type_name, name) {
            ("environment", "osversion") => Value::Object(Object::OsVersion),
            ("environment", "is64bitoperatingsystem" | "is64bitprocess") => {
                // Chocolatey runs as a 64-bit process on 64-bit machines.
                Value::Bool(self.bits() == 64)
            }
            ("environment", "newline") => Value::text("\r\n"),
            ("environment", "username") => named_place("username"),
            ("environment", "machinename") => named_place("computername"),
            ("environment", "systemdirectory") => folder("system"),
            ("intptr", "size") => Value::Int(self.bits() / 8),
            ("string", "empty") => Value::text(""),
            ("io.path", "directoryseparatorchar") => Value::text("\\"),
            ("environment.specialfolder" | "environmentvariabletarget", folder) => {
                Value::text(folder)
            }
            _ => Value::unknown(format!(
                "[{}]::{} is known only at run time",
                excerpt(type_name),
                excerpt(name)
            )),
        }
    }

    pub(super) fn static_call(
        &mut self,
        type_name: &str,
        name: &str,
        arguments: &[Value],
        whole: &str,
        line: u32,
    ) -> Value {
        if type_name.ends_with("regex") && !self.charge(EXPRESSION_COST) {
            return Value::unknown("the script applies too many regular expressions");
        }
        self.run_handed(arguments, line);
        let known = match (type_name, name, arguments) {
            ("io.path", "combine", [first, rest @ ..]) => {
                let joined = rest.iter().fold(first.to_path(), |folder, child| {
                    path::join(&folder, &child.to_path())
                });
                Some(Value::text(joined))
            }
            ("io.path", _, [of]) => path::part(name, &of.to_path()),
            ("environment", "getfolderpath", [which]) => {
                let which = which.as_plain().map(str::to_ascii_lowercase);
                which.map(|which| match which.strip_suffix("filesx86") {
                    // Windows of 32 bits has one of these.
                    Some(begin) if self.bits() == 32 => folder(&format!("{begin}files")),
                    _ => folder(&which),
                })
            }
            ("environment", "getenvironmentvariable", [variable, ..]) => variable
                .as_plain()
                .map(str::to_owned)
                .map(|variable| self.variable(&format!("env:{variable}"))),
            ("string", "isnullorempty" | "isnullorwhitespace", [value]) => is_empty(value, name),
            ("string", "join", [separator, items @ ..]) => {
                let items: Vec<Value> = items.iter().cloned().flat_map(Value::into_items).collect();
                Some(super::operator::operate(
                    "-join",
                    Value::array(items),
                    separator,
                ))
            }
            ("string", "format", [pattern, rest @ ..]) => Some(super::operator::operate(
                "-f",
                pattern.clone(),
                &Value::array(rest.to_vec()),
            )),
            ("string", "concat", parts) => Some(Value::text(
                parts.iter().map(Value::to_text).collect::<String>(),
            )),
            (_, "new", _) => return self.made(type_name, arguments, whole, line),
            ("version" | "int" | "int32" | "uri", "parse", [text]) => {
                Some(cast_value(type_name, text.clone()))
            }
            ("regex" | "text.regularexpressions.regex", "escape", [text]) => {
                // A place stays one: what is escaped of it only the device can say.
                Some(text.to_text())
                    .filter(|it| !it.contains([HOLE, STAR]))
                    .map(|it| Value::text(pattern::escape(&it)))
            }
            (
                "regex" | "text.regularexpressions.regex",
                "replace",
                [subject, pattern, replacement],
            ) => Some(pattern::replace(subject, pattern, replacement, true)),
            ("uri", "unescapedatastring" | "escapedatastring", _) => None,
            _ => None,
        };
        if let Some(value) = known {
            let from: Vec<&Value> = arguments.iter().collect();
            return self.or_asked(value, &from);
        }
        if let ("environment", "setenvironmentvariable", [name, value, rest @ ..]) =
            (type_name, name, arguments)
        {
            return self.set_environment(name, value, rest, whole, line);
        }
        let changes_files = matches!(
            (type_name, name),
            ("io.directory", "createdirectory" | "delete" | "move")
                | ("io.file", "delete" | "copy" | "move")
        );
        if changes_files && self.note_files(&format!("[{type_name}]::{name}"), arguments, line) {
            return Value::Null;
        }
        let is_harmless = HARMLESS_TYPES.contains(&type_name)
            || (type_name == "environment" && name.starts_with("get"))
            || (matches!(type_name, "io.file" | "io.directory")
                && (name == "exists" || name.starts_with("get") || name.starts_with("read")));
        if !is_harmless {
            let what = format!("calls a method that is not understood: {}", excerpt(whole));
            self.find(Weight::Custom, line, what);
        }
        let result = Value::unknown(format!("{} is not analysed", excerpt(whole)));
        if !is_harmless {
            return result;
        }
        match (type_name, arguments) {
            ("io.file" | "io.directory" | "diagnostics.fileversioninfo", [path, ..]) => {
                self.fact(FactKind::File, &path.to_path())
            }
            ("environment", [name, ..]) => self.fact(FactKind::Variable, &name.to_text()),
            _ => {
                let from: Vec<&Value> = arguments.iter().collect();
                self.or_asked(result, &from)
            }
        }
    }

    /// `[type]::new(…)`.
    fn made(&mut self, kind: &str, arguments: &[Value], whole: &str, line: u32) -> Value {
        self.constructed(kind, arguments).unwrap_or_else(|| {
            let what = format!("calls a method that is not understood: {}", excerpt(whole));
            self.find(Weight::Custom, line, what);
            Value::unknown("it is an object that is not analysed")
        })
    }

    /// `[Environment]::SetEnvironmentVariable`: for the process, or for good.
    fn set_environment(
        &mut self,
        name: &Value,
        value: &Value,
        rest: &[Value],
        whole: &str,
        line: u32,
    ) -> Value {
        let is_process = match rest {
            [] => true,
            [target, ..] => target
                .as_plain()
                .is_some_and(|it| it.eq_ignore_ascii_case("process")),
        };
        if let (true, Some(name)) = (is_process, name.as_plain()) {
            let name = format!("env:{name}");
            self.set_variable(&name, value.clone(), line);
            return Value::Null;
        }
        let mut operands = BTreeMap::new();
        let parts = [
            ("name", Some(name)),
            ("value", Some(value)),
            ("scope", rest.first()),
        ];
        for (key, part) in parts {
            let Some(part) = part else { continue };
            let Some(text) = self.operand(part, true) else {
                let what = format!(
                    "sets an environment variable to what is not known: {}",
                    excerpt(whole)
                );
                self.find(Weight::Review, line, what);
                return Value::Null;
            };
            operands.insert(key.to_owned(), text);
        }
        let kind = EffectKind::EnvironmentVariable;
        self.note_operands(
            kind,
            "[environment]::setenvironmentvariable",
            operands,
            line,
        );
        Value::Null
    }

    pub(super) fn cast(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = named(node);
        let [type_node, operand] = parts[..] else {
            return Value::unknown("a part of the expression is missing");
        };
        let value = self.expression(source, operand);
        let kind = type_name(source.of(type_node));
        if matches!(value, Value::Block(_)) && !keeps_block(&kind) {
            // As a delegate it is called by what it is handed to.
            self.run_handed(std::slice::from_ref(&value), source.line(node));
        }
        if let (Value::Table(id), "ordered") = (&value, kind.as_str()) {
            self.state.ordered.insert(*id);
        }
        self.cast_to(&kind, value)
    }

    /// A value as the given type, whose name is in lower case without brackets.
    pub(super) fn cast_to(&mut self, kind: &str, value: Value) -> Value {
        if is_list(kind) {
            return match value {
                Value::List(_) | Value::Unknown(_) | Value::Asked(_) => value,
                other => self.new_list(other.into_items()),
            };
        }
        if matches!(kind, "" | "object" | "psobject" | "collections.ilist") {
            return value;
        }
        let value = self.solid(value);
        let result = cast_value(kind, value.clone());
        self.or_asked(result, &[&value])
    }
}

/// Whether a block that is cast to that type is still the block.
fn keeps_block(kind: &str) -> bool {
    matches!(
        kind,
        "" | "object" | "psobject" | "scriptblock" | "string" | "array" | "void"
    ) || kind.ends_with("[]")
}

/// Whether a type is of list objects, which are shared.
pub(super) fn is_list(kind: &str) -> bool {
    matches!(kind, "collections.arraylist" | "arraylist")
        || kind.starts_with("collections.generic.list")
}

/// A value as the given type, whose name is in lower case without brackets.
pub(super) fn cast_value(kind: &str, value: Value) -> Value {
    if let Value::Unknown(_) = value {
        return value;
    }
    match kind {
        "string" => match &value {
            Value::Text(_) => value,
            Value::Block(_) | Value::Type(_) | Value::Object(_) => {
                Value::unknown("it is an object that is used as a text")
            }
            other => Value::text(other.to_text()),
        },
        // An array of any objects is itself: what is changed in it is changed under all its names.
        "array" | "object[]" if matches!(value, Value::Array(_)) => value,
        "array" => Value::array(value.into_items()),
        _ if kind.strip_suffix("[]").is_some_and(is_element) => Value::array(value.into_items()),
        "bool" | "boolean" | "switch" => value.truth().map_or(value, Value::Bool),
        "void" => Value::Null,
        "int" | "int32" | "int64" | "long" | "uint32" => match &value {
            Value::Text(text) if !has_mark(text) => integer(text.trim()),
            Value::Int(_) => value,
            Value::Null => Value::Int(0),
            Value::Bool(it) => Value::Int(i64::from(*it)),
            _ => Value::unknown("it is cast to a number"),
        },
        "regex" | "text.regularexpressions.regex" => match &value {
            Value::Regex(_) => value,
            other => pattern::object(other),
        },
        "version" => match &value {
            Value::Version(_) => value,
            Value::Text(text) => version(text),
            _ => Value::unknown("it is cast to a version"),
        },
        ""
        | "object"
        | "psobject"
        | "hashtable"
        | "pscustomobject"
        | "ordered"
        | "collections.hashtable"
        | "collections.idictionary"
        | "io.fileinfo"
        | "scriptblock"
        | "validatenotnullorempty"
        | "allownull" => value,
        "environment.specialfolder" | "environmentvariabletarget" | "char" => match &value {
            Value::Text(_) => value,
            _ => Value::unknown(format!("it is cast to {kind}")),
        },
        other => Value::unknown(format!("it is cast to {}", excerpt(other))),
    }
}

/// Whether a list of items of that type takes plain values as they are.
fn is_element(kind: &str) -> bool {
    matches!(
        kind,
        "object"
            | "string"
            | "int"
            | "int32"
            | "int64"
            | "byte"
            | "char"
            | "psobject"
            | "hashtable"
    )
}

/// `[version]'1.2.3'`: two to four numbers.
pub(super) fn version(text: &str) -> Value {
    let parts: Option<Vec<i64>> = text
        .trim()
        .split('.')
        .map(|part| part.parse().ok().filter(|it: &i64| *it >= 0))
        .collect();
    match parts {
        Some(parts) if (2..=4).contains(&parts.len()) => Value::Version(parts.into()),
        _ => Value::unknown("it is no version"),
    }
}

fn folder(lower: &str) -> Value {
    match place::of_folder(lower) {
        Some(text) => Value::text(text),
        None => Value::unknown(format!("the folder {} is not known", excerpt(lower))),
    }
}

fn named_place(variable: &str) -> Value {
    match place::of_variable(variable) {
        Some(text) => Value::text(text),
        None => Value::unknown("it differs between machines"),
    }
}

fn is_empty(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Null => Some(Value::Bool(true)),
        Value::Text(text) if name == "isnullorwhitespace" && text.trim().is_empty() => {
            Some(Value::Bool(true))
        }
        Value::Text(_) => value.truth().map(|it| Value::Bool(!it)),
        Value::Unknown(_) => None,
        other => text::method(other, "tostring", &[])?
            .truth()
            .map(|it| Value::Bool(!it)),
    }
}
