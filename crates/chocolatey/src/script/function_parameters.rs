//! Parameters of a package's own functions: how they are declared, and how arguments get to them.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::expression::type_name;
use super::function::Function;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::Argument;
use super::syntax::{Source, children, named};
use super::value::{Block, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FunctionParameter {
    /// In lower case.
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) default: Option<(Rc<str>, u32)>,
    aliases: Vec<String>,
    pub(super) from_pipeline: bool,
    takes_rest: bool,
}

impl Interpreter<'_> {
    /// Reads the `param( )` of a body.
    pub(super) fn read_declared(&self, body: &Block, parameters: &mut Vec<FunctionParameter>) {
        let source = Source {
            text: Rc::clone(&body.text),
            first_line: body.line,
        };
        if let Some(tree) = self.tree(&body.text)
            && let Some(declared) = find_parameters(tree.root_node())
        {
            read_parameters(&source, declared, parameters);
        }
    }

    /// Puts arguments at a function's parameters; gives those that are left over.
    pub(super) fn bind_function(
        &mut self,
        function: &Function,
        arguments: Vec<Argument>,
        variables: &mut HashMap<Rc<str>, Value>,
        line: u32,
    ) -> Vec<Value> {
        let mut positional = Vec::new();
        let mut named: Vec<(String, Value)> = Vec::new();
        let mut problem = false;
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            match argument {
                Argument::Value(value) => positional.push(value),
                Argument::Entries(entries) => {
                    for (key, value) in entries {
                        match function.find(&key) {
                            Some(parameter) => named.push((parameter.name.clone(), value)),
                            None => problem = true,
                        }
                    }
                }
                Argument::Splat(Value::Array(items)) => {
                    positional.extend(items.all.iter().cloned());
                }
                Argument::Splat(Value::Null) => {}
                Argument::Splat(_) => problem = true,
                Argument::Name(name, attached) => match function.find(&name) {
                    Some(parameter) if parameter.kind == "switch" => named.push((
                        parameter.name.clone(),
                        attached.unwrap_or(Value::Bool(true)),
                    )),
                    Some(parameter) => {
                        let next =
                            || match arguments.next_if(|next| matches!(next, Argument::Value(_))) {
                                Some(Argument::Value(value)) => Some(value),
                                _ => None,
                            };
                        match attached.or_else(next) {
                            Some(value) => named.push((parameter.name.clone(), value)),
                            None => problem = true,
                        }
                    }
                    None if is_common(&name) => {}
                    None => problem = true,
                },
            }
        }
        let mut values = positional.into_iter();
        for parameter in &function.parameters {
            let key: Rc<str> = parameter.name.as_str().into();
            let given = named.iter().rev().find(|(name, _)| *name == parameter.name);
            let value = match given {
                Some((_, value)) => Some(value.clone()),
                None if parameter.takes_rest => {
                    Some(Value::array(values.by_ref().collect::<Vec<_>>()))
                }
                None if parameter.kind == "switch" => Some(Value::Bool(false)),
                None => values.next(),
            };
            if let Some(value) = value {
                let value = if problem {
                    Value::unknown("the arguments of its function are not known")
                } else {
                    self.cast_to(&parameter.kind, value)
                };
                variables.insert(key, value);
            }
        }
        if problem {
            self.find(
                Weight::Review,
                line,
                format!(
                    "the arguments of the function {} are not understood",
                    excerpt(&function.name)
                ),
            );
        }
        values.collect()
    }
}

impl Function {
    fn find(&self, name: &str) -> Option<&FunctionParameter> {
        let name = name.to_ascii_lowercase();
        let exact = self
            .parameters
            .iter()
            .find(|it| it.name == name || it.aliases.contains(&name));
        exact.or_else(|| {
            let mut begins = self
                .parameters
                .iter()
                .filter(|it| it.name.starts_with(&name));
            begins.next().filter(|_| begins.next().is_none())
        })
    }
}

/// Parameters that every function with attributes has.
fn is_common(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "erroraction",
        "ea",
        "verbose",
        "debug",
        "warningaction",
        "wa",
    ]
    .contains(&name.as_str())
}

/// The value of a parameter that is not given and has no default.
pub(super) fn absent(kind: &str) -> Value {
    match kind {
        "string" => Value::text(""),
        "switch" | "bool" => Value::Bool(false),
        "int" | "int32" => Value::Int(0),
        _ => Value::Null,
    }
}

/// The `param( )` of a body, not of what is nested in it.
fn find_parameters(root: Node<'_>) -> Option<Node<'_>> {
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match node.kind() {
            "param_block" => return Some(node),
            "program" | "script_block" | "script_block_body" | "statement_list"
            | "function_statement" => {
                queue.extend(children(node));
            }
            _ => {}
        }
    }
    None
}

pub(super) fn read_parameters(source: &Source, node: Node<'_>, found: &mut Vec<FunctionParameter>) {
    let mut queue = vec![node];
    while let Some(node) = queue.pop() {
        if node.kind() != "script_parameter" {
            let mut inner = named(node);
            inner.reverse();
            queue.extend(
                inner
                    .into_iter()
                    .filter(|it| matches!(it.kind(), "parameter_list" | "script_parameter")),
            );
            continue;
        }
        let mut parameter = FunctionParameter {
            name: String::new(),
            kind: String::new(),
            default: None,
            aliases: Vec::new(),
            from_pipeline: false,
            takes_rest: false,
        };
        for part in children(node) {
            match part.kind() {
                "attribute_list" => {
                    for attribute in children(part) {
                        read_attribute(source.of(attribute), &mut parameter);
                    }
                }
                "variable" => {
                    let name = source.of(part).trim_start_matches('$');
                    parameter.name = name.trim_matches(['{', '}']).to_ascii_lowercase();
                }
                "script_parameter_default" => {
                    if let Some(value) = named(part).first() {
                        parameter.default = Some((source.of(*value).into(), source.line(*value)));
                    }
                }
                _ => {}
            }
        }
        if !parameter.name.is_empty() {
            found.push(parameter);
        }
    }
}

fn read_attribute(text: &str, parameter: &mut FunctionParameter) {
    let lower = text.to_ascii_lowercase();
    if !lower.contains('(') {
        parameter.kind = type_name(text);
        return;
    }
    let is_on = |name: &str| {
        lower
            .split_once(name)
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with("=$false"))
    };
    if lower.starts_with("[parameter") {
        parameter.from_pipeline |= is_on("valuefrompipeline");
        parameter.takes_rest |= is_on("valuefromremainingarguments");
    }
    if lower.starts_with("[alias") {
        let inside = lower.split(['(', ')']).nth(1).unwrap_or("");
        let names = inside
            .split(',')
            .map(|it| it.trim().trim_matches(['"', '\'']).to_owned());
        parameter.aliases.extend(names);
    }
}
