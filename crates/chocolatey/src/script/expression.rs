//! Expressions: from a node of the tree to a value. None of them is a side effect, but for calls of
//! methods that are not known to be harmless.

use tree_sitter::Node;

use super::interpreter::{Interpreter, MAX_TEXT, Weight, excerpt};
use super::path;
use super::syntax::{Source, children, peel};
use super::value::{HOLE, PACKAGE_ROOT, Value};

impl Interpreter<'_> {
    pub(super) fn expression(&mut self, source: &Source, node: Node<'_>) -> Value {
        if !self.enter(source.line(node)) {
            return Value::unknown("it is nested too deep");
        }
        let value = self.expression_inside(source, peel(node));
        self.leave();
        value
    }

    fn expression_inside(&mut self, source: &Source, node: Node<'_>) -> Value {
        let text = source.of(node);
        let line = source.line(node);
        match node.kind() {
            "verbatim_string_characters" => verbatim(text),
            "expandable_string_literal" => match unquote(text, '"') {
                Some(inside) => self.expand(inside, line, true),
                None => Value::unknown("the string does not end"),
            },
            "verbatim_here_string_characters" => {
                here_string(text).map_or(Value::unknown("the string does not end"), Value::text)
            }
            "expandable_here_string_literal" => match here_string(text) {
                Some(inside) => self.expand(inside, line, false),
                None => Value::unknown("the string does not end"),
            },
            "decimal_integer_literal" | "hexadecimal_integer_literal" => integer(text),
            "variable" | "braced_variable" => {
                self.variable(text.trim_start_matches('$').trim_matches(['{', '}']))
            }
            "parenthesized_expression" | "sub_expression" => {
                Value::collapse(self.inner_statements(source, node))
            }
            "array_expression" => {
                let outputs = self.inner_statements(source, node);
                Value::Array(outputs.into_iter().flat_map(Value::into_items).collect())
            }
            "hash_literal_expression" => self.table(source, node),
            "array_literal_expression" => {
                let items = named(node)
                    .into_iter()
                    .map(|item| self.expression(source, item));
                Value::Array(items.collect())
            }
            "script_block_expression" => {
                let inside = text
                    .trim()
                    .strip_prefix('{')
                    .and_then(|it| it.strip_suffix('}'));
                Value::Block(inside.unwrap_or("").to_owned(), line)
            }
            "member_access" => self.member(source, node),
            "element_access" => self.element(source, node),
            "invokation_expression" => self.invocation(source, node),
            "cast_expression" => self.cast(source, node),
            "expression_with_unary_operator" => self.unary(source, node),
            "pipeline" | "pipeline_chain" | "statement_list" => {
                Value::collapse(self.statements(source, node).0)
            }
            _ if node.child_count() == 3 => self.binary(source, node),
            "type_literal" => Value::unknown("it is a type"),
            kind => Value::unknown(format!("{} ({kind}) is not analysed", excerpt(text))),
        }
    }

    /// The output of the statements inside of `( )`, `$( )`, `@( )`.
    fn inner_statements(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let mut outputs = Vec::new();
        for child in named(node) {
            outputs.extend(self.statements(source, child).0);
        }
        outputs
    }

    fn table(&mut self, source: &Source, node: Node<'_>) -> Value {
        let mut table = Value::Table(Vec::new());
        let bodies = named(node);
        for entry in bodies.into_iter().flat_map(named) {
            let parts = children(entry);
            let (Some(key), Some(value)) = (parts.first(), parts.get(2)) else {
                continue;
            };
            let key_node = peel(*key);
            let key = match key_node.kind() {
                "simple_name" => source.of(key_node).to_owned(),
                _ => self.expression(source, *key).to_text(),
            };
            if key.contains(HOLE) {
                return Value::unknown("a key of the table is not known");
            }
            let value = Value::collapse(self.statement(source, *value).0);
            table.set_entry(&key, value);
        }
        table
    }

    fn member(&mut self, source: &Source, node: Node<'_>) -> Value {
        let text = source.of(node);
        let lower = text.to_ascii_lowercase();
        let lower = lower.replacen("$script:", "$", 1);
        if let Some(rest) = lower.strip_prefix("$myinvocation.") {
            let script = format!("{PACKAGE_ROOT}\\{}", self.script.replace('/', "\\"));
            return match rest {
                "mycommand.definition"
                | "mycommand.path"
                | "mycommand.source"
                | "pscommandpath" => Value::Text(script),
                "psscriptroot" => Value::Text(path::parent(&script)),
                "mycommand.name" => Value::Text(path::leaf(&script)),
                _ => Value::unknown(format!("{} is known only at run time", excerpt(text))),
            };
        }
        let parts = children(node);
        let (Some(target), Some(name)) = (parts.first(), parts.last()) else {
            return Value::unknown("a part of the expression is missing");
        };
        let target = self.expression(source, *target);
        let name = match children(*name).first() {
            Some(inner) if inner.kind() != "simple_name" => {
                self.expression(source, *inner).to_text()
            }
            _ => source.of(*name).to_owned(),
        };
        property(&target, &name)
    }

    fn element(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = named(node);
        let [target, index] = parts[..] else {
            return Value::unknown("a part of the expression is missing");
        };
        let target = self.expression(source, target);
        let index = self.expression(source, index);
        match (&target, &index) {
            (Value::Table(_), Value::Text(key)) if index.is_known() => {
                target.entry(key).cloned().unwrap_or(Value::Null)
            }
            (Value::Array(items), Value::Int(at)) => {
                let at = if *at < 0 {
                    items.len() as i64 + at
                } else {
                    *at
                };
                let found = usize::try_from(at)
                    .ok()
                    .and_then(|at| items.get(at).cloned());
                found.unwrap_or(Value::Null)
            }
            _ => Value::unknown(format!("{} is not known", excerpt(source.of(node)))),
        }
    }

    fn invocation(&mut self, source: &Source, node: Node<'_>) -> Value {
        let text = source.of(node);
        let parts = children(node);
        let (Some(target), Some(arguments)) = (parts.first(), parts.last()) else {
            return Value::unknown("a part of the expression is missing");
        };
        let is_static = parts.iter().any(|part| part.kind() == "::");
        let name = parts
            .iter()
            .find(|part| part.kind() == "member_name")
            .map(|part| source.of(*part).to_ascii_lowercase())
            .unwrap_or_default();
        let arguments: Vec<Value> = named(*arguments)
            .into_iter()
            .flat_map(named)
            .map(|argument| self.expression(source, argument))
            .collect();
        if is_static {
            let type_name = source.of(*target).to_ascii_lowercase();
            return self.static_call(&type_name, &name, &arguments, text, source.line(node));
        }
        let target_value = self.expression(source, *target);
        let harmless = HARMLESS_METHODS.contains(&name.as_str());
        if !harmless {
            self.find(
                Weight::Custom,
                source.line(node),
                format!("calls a method that is not understood: {}", excerpt(text)),
            );
        }
        match (&target_value, name.as_str(), &arguments[..]) {
            (Value::Text(it), "tolower" | "tolowerinvariant", []) => Value::Text(it.to_lowercase()),
            (Value::Text(it), "toupper" | "toupperinvariant", []) => Value::Text(it.to_uppercase()),
            (Value::Text(_) | Value::Int(_), "tostring", []) => Value::Text(target_value.to_text()),
            (Value::Text(it), "trim", []) => Value::text(it.trim()),
            (Value::Text(it), "replace", [Value::Text(from), Value::Text(to)])
                if target_value.is_known() && !from.is_empty() && !from.contains(HOLE) =>
            {
                let growth = it.matches(from.as_str()).count().saturating_mul(to.len());
                if growth > MAX_TEXT {
                    return Value::unknown("the text is too long");
                }
                Value::Text(it.replace(from.as_str(), to))
            }
            (Value::Table(_), "containskey" | "contains", [Value::Text(key)]) => {
                Value::Bool(target_value.entry(key).is_some())
            }
            _ => Value::unknown(format!("{} is not analysed", excerpt(text))),
        }
    }

    fn static_call(
        &mut self,
        type_name: &str,
        name: &str,
        arguments: &[Value],
        text: &str,
        line: u32,
    ) -> Value {
        let type_name = type_name
            .trim_matches(['[', ']'])
            .trim_start_matches("system.");
        if type_name == "io.path"
            && name == "combine"
            && let [first, rest @ ..] = arguments
        {
            let joined = rest.iter().fold(first.to_text(), |folder, child| {
                path::join(&folder, &child.to_text())
            });
            return Value::Text(joined);
        }
        let harmless = matches!(
            type_name,
            "io.path"
                | "string"
                | "version"
                | "int"
                | "int32"
                | "convert"
                | "math"
                | "regex"
                | "text.regularexpressions.regex"
                | "datetime"
                | "guid"
                | "uri"
        ) || (type_name == "environment" && name.starts_with("get"))
            || (type_name == "io.file" && name == "exists");
        if !harmless {
            self.find(
                Weight::Custom,
                line,
                format!("calls a method that is not understood: {}", excerpt(text)),
            );
        }
        Value::unknown(format!("{} is not analysed", excerpt(text)))
    }

    fn cast(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = named(node);
        let [type_node, operand] = parts[..] else {
            return Value::unknown("a part of the expression is missing");
        };
        let value = self.expression(source, operand);
        let type_name = source.of(type_node).to_ascii_lowercase();
        match type_name.trim_matches(['[', ']']) {
            "string" if value.is_known() => Value::Text(value.to_text()),
            "array" | "object[" | "string[" => Value::Array(value.into_items()),
            "bool" | "switch" => value.truth().map_or(value, Value::Bool),
            "void" => Value::Null,
            "int" | "int32" | "int64" | "long" => match &value {
                Value::Text(text) => integer(text.trim()),
                Value::Int(_) => value,
                _ => Value::unknown("it is cast to a number"),
            },
            "hashtable" | "pscustomobject" | "ordered" => value,
            other => Value::unknown(format!("it is cast to {other}")),
        }
    }

    fn unary(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = children(node);
        let [operator, operand] = parts[..] else {
            let inner = parts.first().copied();
            return inner.map_or(Value::Null, |inner| match inner.kind() {
                "cast_expression" => self.expression(source, inner),
                _ => Value::unknown(format!("{} is not analysed", excerpt(source.of(node)))),
            });
        };
        let value = self.expression(source, operand);
        match source.of(operator).to_ascii_lowercase().as_str() {
            "!" | "-not" => match value.truth() {
                Some(truth) => Value::Bool(!truth),
                None => value,
            },
            "-" => match value {
                Value::Int(number) => Value::Int(number.saturating_neg()),
                _ => Value::unknown("it is negated"),
            },
            "+" if matches!(value, Value::Int(_)) => value,
            "," => Value::Array(vec![value]),
            other => Value::unknown(format!("the operator {other} is not analysed")),
        }
    }

    fn binary(&mut self, source: &Source, node: Node<'_>) -> Value {
        let parts = children(node);
        let [left, operator, right] = parts[..] else {
            return Value::unknown(format!("{} is not analysed", excerpt(source.of(node))));
        };
        let operator = source.of(operator).to_ascii_lowercase();
        let left = self.expression(source, left);
        let right = self.expression(source, right);
        operate(&operator, left, &right)
    }
}

/// Methods that only compute.
const HARMLESS_METHODS: [&str; 24] = [
    "tolower",
    "toupper",
    "tolowerinvariant",
    "toupperinvariant",
    "tostring",
    "trim",
    "trimstart",
    "trimend",
    "replace",
    "split",
    "substring",
    "startswith",
    "endswith",
    "contains",
    "containskey",
    "indexof",
    "lastindexof",
    "equals",
    "gettype",
    "compareto",
    "getvalue",
    "padleft",
    "padright",
    "getenumerator",
];

/// Applies an operator of two operands.
pub(super) fn operate(operator: &str, left: Value, right: &Value) -> Value {
    match operator {
        "-and" => match (left.truth(), right.truth()) {
            (Some(false), _) | (_, Some(false)) => Value::Bool(false),
            (Some(true), Some(true)) => Value::Bool(true),
            _ => Value::unknown("a part of the condition is not known"),
        },
        "-or" => match (left.truth(), right.truth()) {
            (Some(true), _) | (_, Some(true)) => Value::Bool(true),
            (Some(false), Some(false)) => Value::Bool(false),
            _ => Value::unknown("a part of the condition is not known"),
        },
        "+" => add(left, right),
        "-f" => format(&left, right),
        "-eq" | "-ieq" => equal(&left, right).map_or(unknown_operand(), Value::Bool),
        "-ne" | "-ine" => equal(&left, right).map_or(unknown_operand(), |it| Value::Bool(!it)),
        "-lt" | "-le" | "-gt" | "-ge" => match (&left, right) {
            (Value::Int(left), Value::Int(right)) => Value::Bool(match operator {
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                _ => left >= right,
            }),
            _ => unknown_operand(),
        },
        _ => Value::unknown(format!("the operator {operator} is not analysed")),
    }
}

fn unknown_operand() -> Value {
    Value::unknown("what it compares is not known")
}

/// `-eq` of single values, without letter case.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Text(_), Value::Text(_)) if !left.is_known() || !right.is_known() => None,
        (Value::Text(left), Value::Text(right)) => {
            Some(left.to_lowercase() == right.to_lowercase())
        }
        (Value::Int(left), Value::Int(right)) => Some(left == right),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Table(_))
        | (Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Table(_), Value::Null) => {
            Some(false)
        }
        _ => None,
    }
}

pub(super) fn add(left: Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Text(left), right) => Value::Text(left + &right.to_text()),
        (Value::Int(left), Value::Int(right)) => left
            .checked_add(*right)
            .map_or(Value::unknown("the number is too large"), Value::Int),
        (Value::Array(mut items), right) => {
            items.extend(right.clone().into_items());
            Value::Array(items)
        }
        (mut table @ Value::Table(_), Value::Table(entries)) => {
            for (key, value) in entries {
                table.set_entry(key, value.clone());
            }
            table
        }
        (Value::Null, right) => right.clone(),
        (left @ Value::Unknown(_), _) => left,
        _ => Value::unknown("what is added is not known"),
    }
}

/// `-f` with plain places `{0}`.
fn format(left: &Value, right: &Value) -> Value {
    let Value::Text(pattern) = left else {
        return Value::unknown("the format is not known");
    };
    let arguments = match right {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let mut result = String::new();
    let mut rest = pattern.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            result.push_str(&rest[..1]);
            rest = behind;
            continue;
        }
        let place = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let argument = place.and_then(|(n, _)| arguments.get(n.parse::<usize>().ok()?));
        let (Some((_, behind)), Some(argument)) = (place, argument) else {
            return Value::unknown("the format is not analysed");
        };
        result.push_str(&argument.to_text());
        if result.len() > MAX_TEXT {
            return Value::unknown("the text is too long");
        }
        rest = behind;
    }
    result.push_str(rest);
    Value::Text(result)
}

/// A property of a value.
fn property(target: &Value, name: &str) -> Value {
    match (target, name.to_ascii_lowercase().as_str()) {
        (Value::Table(_), key) => match target.entry(key) {
            Some(value) => value.clone(),
            None if matches!(key, "count" | "keys" | "values") => {
                Value::unknown("the table's size or keys are not analysed")
            }
            None => Value::Null,
        },
        (Value::Null, _) => Value::Null,
        (Value::Array(items), "count" | "length") => Value::Int(items.len() as i64),
        (Value::Text(text), "fullname") if text.starts_with(PACKAGE_ROOT) => {
            Value::Text(text.clone())
        }
        (Value::Text(text), "name") if text.starts_with(PACKAGE_ROOT) => {
            Value::Text(path::leaf(text))
        }
        (Value::Text(text), "directoryname") if text.starts_with(PACKAGE_ROOT) => {
            Value::Text(path::parent(text))
        }
        _ => Value::unknown(format!("the property {} is not known", excerpt(name))),
    }
}

fn named(node: Node<'_>) -> Vec<Node<'_>> {
    let mut all = children(node);
    all.retain(Node::is_named);
    all
}

fn verbatim(text: &str) -> Value {
    unquote(text, '\'').map_or(Value::unknown("the string does not end"), |inside| {
        Value::Text(inside.replace("''", "'"))
    })
}

fn unquote(text: &str, quote: char) -> Option<&str> {
    text.trim().strip_prefix(quote)?.strip_suffix(quote)
}

fn here_string(text: &str) -> Option<&str> {
    let (_, inside) = text.split_once('\n')?;
    let (inside, _) = inside.rsplit_once('\n').unwrap_or(("", ""));
    Some(inside.strip_suffix('\r').unwrap_or(inside))
}

pub(super) fn integer(text: &str) -> Value {
    let lower = text.to_ascii_lowercase();
    let parsed = match lower.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => lower.parse().ok(),
    };
    parsed.map_or(
        Value::unknown(format!("the number {} is not analysed", excerpt(text))),
        Value::Int,
    )
}
