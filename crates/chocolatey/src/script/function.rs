//! Functions of the package: defined in the script or in a file that it dot-sources.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::function_parameters::{FunctionParameter, absent, read_parameters};
use super::interpreter::{Bound, Flow, Interpreter, Weight, excerpt};
use super::parameters::Argument;
use super::statics::cast_value;
use super::syntax::{Source, children, named};
use super::value::{Block, Value};

/// The deepest nesting of functions that call each other.
const MAX_CALLS: usize = 24;

/// A function, as it stands in a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<FunctionParameter>,
    body: Rc<Block>,
}

impl Interpreter<'_> {
    /// Takes a function's definition.
    pub(super) fn define(&mut self, source: &Source, node: Node<'_>) {
        let parts = children(node);
        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
        let Some(name) = find("function_name") else {
            return;
        };
        let name = source.of(name).trim().to_ascii_lowercase();
        let name = name.rsplit(':').next().unwrap_or(&name).to_owned();
        let text = source.of(node);
        // The body stands between the brace behind the parameters and the last one.
        let behind = find("function_parameter_declaration")
            .or(find("function_name"))
            .map_or(0, |it| it.end_byte() - node.start_byte());
        let open = text[behind..].find('{').map(|at| behind + at + 1);
        let (Some(open), Some(close)) = (open, text.rfind('}')) else {
            return;
        };
        let body = text.get(open..close).unwrap_or("");
        let line = source.line(node)
            + u32::try_from(text[..open].matches('\n').count()).unwrap_or(u32::MAX / 2);
        let block = Block {
            text: "".into(),
            line,
            script: Rc::clone(&self.script),
        };
        let mut parameters = Vec::new();
        if let Some(declared) = find("function_parameter_declaration") {
            read_parameters(source, declared, &mut parameters);
        }
        let is_filter = parts.iter().any(|part| part.kind() == "filter");
        // The grammar knows `begin`, `process` and `end` in functions only.
        let text = if is_filter {
            format!("function f {{process {{{body}}}}}")
        } else {
            format!("function f {{{body}}}")
        };
        let body = Block {
            text: text.into(),
            ..block
        };
        self.read_declared(&body, &mut parameters);
        self.state.functions.insert(
            name.as_str().into(),
            Rc::new(Function {
                name,
                parameters,
                body: Rc::new(body),
            }),
        );
    }

    /// Calls a function.
    pub(super) fn call_function(
        &mut self,
        function: &Rc<Function>,
        arguments: Vec<Argument>,
        input: Option<Vec<Value>>,
        line: u32,
    ) -> (Vec<Value>, Flow) {
        if self.state.scopes.len() > MAX_CALLS {
            self.find(
                Weight::Review,
                line,
                format!("calls itself too deep: {}", excerpt(&function.name)),
            );
            return (vec![Value::unknown("it calls itself too deep")], Flow::Next);
        }
        let mut variables = HashMap::new();
        let rest = self.bind_function(function, arguments, &mut variables, line);
        variables.insert("args".into(), Value::array(rest));
        self.run_body(function, variables, input)
    }

    fn run_body(
        &mut self,
        function: &Rc<Function>,
        variables: HashMap<Rc<str>, Value>,
        input: Option<Vec<Value>>,
    ) -> (Vec<Value>, Flow) {
        let (base, outside) = (self.base, self.state.scopes.len());
        let is_extension = self.is_of_extension(&function.body.script);
        if is_extension && !self.is_of_extension(&self.script) {
            self.state.scopes.push(HashMap::new());
            self.base = outside;
            self.enter_extension();
        }
        let script = std::mem::replace(&mut self.script, Rc::clone(&function.body.script));
        for name in variables.keys() {
            self.find_defaults(name, function.body.line);
        }
        self.state.scopes.push(variables);
        self.set_defaults(&function.parameters);
        let source = Source {
            text: Rc::clone(&function.body.text),
            first_line: function.body.line,
        };
        let result = self.bounded(Bound::Function, |this| {
            this.blocks(&source, function, input)
        });
        self.state.scopes.truncate(outside);
        self.base = base;
        self.script = script;
        let was_extension = is_extension && base == 0;
        if was_extension && self.extension_end.is_none() {
            let unknown = Value::unknown(format!("{} is not analysed", excerpt(&function.name)));
            return (vec![unknown], Flow::Next);
        }
        result
    }

    /// Gives parameters that no argument was given for their defaults. They are computed inside of
    /// the function, where earlier parameters are known.
    fn set_defaults(&mut self, parameters: &[FunctionParameter]) {
        for parameter in parameters {
            let is_bound = self
                .state
                .scopes
                .last()
                .is_some_and(|scope| scope.contains_key(parameter.name.as_str()));
            if !is_bound {
                let value = match &parameter.default {
                    Some((text, line)) => self.run_expression(text, *line),
                    None => absent(&parameter.kind),
                };
                let value = cast_value(&parameter.kind, value);
                self.find_defaults(&parameter.name, 1);
                self.set_local(&parameter.name, value);
            }
        }
    }

    /// Sets the parameters that a script declares itself; Chocolatey gives it none.
    pub(super) fn declare_own(&mut self, body: &Block) {
        let mut parameters = Vec::new();
        self.read_declared(body, &mut parameters);
        if let Some(scope) = self.state.scopes.last_mut() {
            scope.retain(|name, _| !parameters.iter().any(|it| *it.name == **name));
        }
        self.set_defaults(&parameters);
    }

    /// Runs a body: `begin`, then `process` for each input, then `end`; or all of it once.
    fn blocks(
        &mut self,
        source: &Source,
        function: &Function,
        input: Option<Vec<Value>>,
    ) -> (Vec<Value>, Flow) {
        let Some(tree) = self.tree(&source.text) else {
            return self.run_source(source);
        };
        self.find_error(source, tree.root_node());
        let Some(definition) = find_definition(tree.root_node()) else {
            return (
                vec![Value::unknown("the function cannot be parsed")],
                Flow::Next,
            );
        };
        let blocks = named_blocks(source, definition);
        let piped = input.clone().unwrap_or_default();
        if blocks.is_empty() {
            // Without `process`, the last input is what a parameter from the pipeline holds.
            self.set_local("input", Value::array(piped.clone()));
            if let Some(last) = piped.last() {
                self.bind_input(function, last);
            }
            let mut outputs = Vec::new();
            for part in named(definition) {
                if matches!(
                    part.kind(),
                    "function_name" | "function_parameter_declaration"
                ) {
                    continue;
                }
                let (output, flow) = self.statements(source, part);
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            }
            return (outputs, Flow::Next);
        }
        let mut outputs = Vec::new();
        for name in ["begin", "process", "end"] {
            for (kind, node) in &blocks {
                if kind != name {
                    continue;
                }
                if name == "process" && input.is_some() {
                    let line = source.line(*node);
                    let (output, flow) = self.each(piped.clone(), line, &mut |this, item| {
                        this.bind_input(function, &item);
                        this.set_local("_", item);
                        this.statements(source, *node)
                    });
                    outputs.extend(output);
                    if flow != Flow::Next {
                        return (outputs, flow);
                    }
                    continue;
                }
                let (output, flow) = self.statements(source, *node);
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            }
        }
        (outputs, Flow::Next)
    }

    fn bind_input(&mut self, function: &Function, item: &Value) {
        let piped = function.parameters.iter().find(|it| it.from_pipeline);
        if let Some(parameter) = piped {
            let value = cast_value(&parameter.kind, item.clone());
            self.set_local(&parameter.name, value);
        }
    }

    /// Runs a script block in the scope that it is called from.
    pub(super) fn run_block(&mut self, block: &Rc<Block>) -> (Vec<Value>, Flow) {
        let script = std::mem::replace(&mut self.script, Rc::clone(&block.script));
        let result = self.run_source(&Source {
            text: Rc::clone(&block.text),
            first_line: block.line,
        });
        self.script = script;
        result
    }

    /// `& { … }`: a script block with a scope and arguments of its own.
    pub(super) fn call_block(
        &mut self,
        block: &Rc<Block>,
        arguments: Vec<Argument>,
        line: u32,
    ) -> (Vec<Value>, Flow) {
        let body = Block {
            text: format!("function f {{{}}}", block.text).into(),
            line: block.line,
            script: Rc::clone(&block.script),
        };
        let mut parameters = Vec::new();
        self.read_declared(&body, &mut parameters);
        let function = Rc::new(Function {
            name: "a script block".to_owned(),
            parameters,
            body: Rc::new(body),
        });
        self.call_function(&function, arguments, None, line)
    }

    /// `. script.ps1`, and `& script.ps1`, of the package.
    pub(super) fn run_script(
        &mut self,
        path: &str,
        arguments: Vec<Argument>,
        is_sourced: bool,
        line: u32,
    ) -> Option<(Vec<Value>, Flow)> {
        let script = self
            .package
            .scripts
            .iter()
            .find(|script| script.path.eq_ignore_ascii_case(path))?;
        if !self.is_as_packed(&script.path) {
            let what = format!("runs a file that it changes first: {}", excerpt(path));
            self.find(Weight::Custom, line, what);
            let unknown = Value::unknown("it comes from a file that the script changes");
            return Some((vec![unknown], Flow::Next));
        }
        let text = self.prepared(script)?;
        if self.state.scopes.len() > MAX_CALLS || !self.enter(line) {
            return None;
        }
        let before = std::mem::replace(&mut self.script, script.path.as_str().into());
        let block = Rc::new(Block {
            text,
            line: 1,
            script: Rc::clone(&self.script),
        });
        let result = self.bounded(Bound::Script, |this| {
            if is_sourced && arguments.is_empty() {
                this.declare_own(&block);
                this.bounded(Bound::Function, |this| this.run_block(&block))
            } else {
                this.call_block(&block, arguments, line)
            }
        });
        self.script = before;
        self.leave();
        Some(result)
    }
}

/// The function that a body was wrapped into.
fn find_definition(root: Node<'_>) -> Option<Node<'_>> {
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match node.kind() {
            "function_statement" => return Some(node),
            "program" | "statement_list" => queue.extend(children(node)),
            _ => {}
        }
    }
    None
}

/// `begin`, `process` and `end` of a body.
fn named_blocks<'t>(source: &Source, root: Node<'t>) -> Vec<(String, Node<'t>)> {
    let mut found = Vec::new();
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match node.kind() {
            "named_block" => {
                let parts = children(node);
                let block = parts.iter().find(|it| it.kind() == "statement_block");
                if let (Some(name), Some(block)) = (parts.first(), block) {
                    found.push((source.of(*name).trim().to_ascii_lowercase(), *block));
                }
            }
            "program" | "script_block" | "script_block_body" | "named_block_list"
            | "function_statement" => {
                let mut inner = children(node);
                inner.reverse();
                queue.extend(inner);
            }
            _ => {}
        }
    }
    found
}
