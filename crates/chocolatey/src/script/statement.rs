//! Statements: they run in order; where a condition is not known, both ways are taken and joined.

use tree_sitter::Node;

use super::expression::{add, operate};
use super::interpreter::{Flow, Interpreter, Weight, excerpt, join};
use super::syntax::{Source, children, peel};
use super::value::Value;

/// The most rounds of a loop over known values.
const MAX_ROUNDS: usize = 64;

impl Interpreter<'_> {
    /// Runs all statements below a node; gives their output.
    pub(super) fn statements(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        match node.kind() {
            "program" | "statement_list" | "statement_block" | "script_block"
            | "script_block_body" | "named_block_list" | "named_block" => {}
            _ => return self.statement(source, node),
        }
        let mut outputs = Vec::new();
        for child in children(node) {
            if !child.is_named() || child.kind() == "param_block" || child.kind() == "block_name" {
                continue;
            }
            let (output, flow) = self.statements(source, child);
            outputs.extend(output);
            if flow != Flow::Next {
                return (outputs, flow);
            }
        }
        (outputs, Flow::Next)
    }

    /// Runs one statement; gives its output.
    pub(super) fn statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        if !self.enter(source.line(node)) {
            return (vec![Value::unknown("it is nested too deep")], Flow::Next);
        }
        let result = self.statement_inside(source, node);
        self.leave();
        result
    }

    fn statement_inside(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        match node.kind() {
            "pipeline" => (self.pipeline(source, node), Flow::Next),
            "empty_statement" | "comment" | "label" => (Vec::new(), Flow::Next),
            "if_statement" => self.if_statement(source, node),
            "flow_control_statement" => self.flow_control(source, node),
            "foreach_statement" => (self.foreach(source, node), Flow::Next),
            "while_statement" | "do_statement" | "for_statement" | "switch_statement" => {
                (self.other_loop(source, node), Flow::Next)
            }
            "try_statement" => self.try_statement(source, node),
            "function_statement" => {
                let name = children(node)
                    .into_iter()
                    .find(|it| it.kind() == "function_name");
                if let Some(name) = name {
                    self.functions
                        .insert(source.of(name).trim().to_ascii_lowercase());
                }
                (Vec::new(), Flow::Next)
            }
            "ERROR" => (vec![Value::unknown("it cannot be parsed")], Flow::Next),
            "trap_statement"
            | "class_statement"
            | "enum_statement"
            | "data_statement"
            | "inlinescript_statement"
            | "parallel_statement"
            | "sequence_statement"
            | "background_operator" => {
                self.find(
                    Weight::Review,
                    source.line(node),
                    format!("is not analysed: {}", excerpt(source.of(node))),
                );
                (vec![Value::unknown("it is not analysed")], Flow::Next)
            }
            _ => (vec![self.expression(source, node)], Flow::Next),
        }
    }

    fn pipeline(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let parts = children(node);
        if let [assignment] = parts[..]
            && assignment.kind() == "assignment_expression"
        {
            self.assignment(source, assignment);
            return Vec::new();
        }
        let mut outputs = Vec::new();
        for (place, part) in parts.into_iter().enumerate() {
            if part.kind() == "pipeline_chain_tail" {
                self.find(
                    Weight::Review,
                    source.line(part),
                    "commands joined by && or || are not analysed",
                );
            } else if place == 0 {
                outputs.extend(self.chain(source, part));
            } else {
                outputs.extend(self.uncertainly(|this| this.chain(source, part)));
            }
        }
        outputs
    }

    fn chain(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let mut output: Option<Vec<Value>> = None;
        for part in children(node) {
            match part.kind() {
                "command" => {
                    let input = output.take();
                    output = Some(self.command(source, part, input));
                }
                "|" => {}
                "redirections" | "verbatim_command_argument" => self.find(
                    Weight::Review,
                    source.line(part),
                    format!("is not analysed: {}", excerpt(source.of(part))),
                ),
                _ => {
                    let value = self.expression(source, part);
                    // Only an expression in front of a `|` is unrolled, else `,` would lose its array.
                    output = Some(match value {
                        Value::Null => Vec::new(),
                        Value::Array(items) if node.child_count() > 1 => items,
                        other => vec![other],
                    });
                }
            }
        }
        output.unwrap_or_default()
    }

    fn assignment(&mut self, source: &Source, node: Node<'_>) {
        let parts = children(node);
        let [target, operator, value] = parts[..] else {
            let what = format!("is not analysed: {}", excerpt(source.of(node)));
            self.find(Weight::Review, source.line(node), what);
            return;
        };
        let value = Value::collapse(self.statement(source, value).0);
        let operator = source.of(operator).to_owned();
        self.assign(source, peel(target), &operator, value);
    }

    fn assign(&mut self, source: &Source, target: Node<'_>, operator: &str, value: Value) {
        let line = source.line(target);
        let text = source.of(target);
        match target.kind() {
            "variable" | "braced_variable" => {
                let name = text.trim_start_matches('$').trim_matches(['{', '}']);
                let value = self.combined(name, operator, value);
                self.set_variable(name, value, line);
            }
            "cast_expression" | "attributed_variable" | "expression_with_unary_operator" => {
                let Some(inner) = children(target).into_iter().next_back() else {
                    return;
                };
                let type_name = text.split(']').next().unwrap_or("").to_ascii_lowercase();
                let value = match type_name.trim_start_matches('[') {
                    "string" | "array" | "hashtable" | "object" | "int" | "bool" | "string[" => {
                        value
                    }
                    _ if target.kind() == "expression_with_unary_operator" => value,
                    other => Value::unknown(format!("it is cast to {other}")),
                };
                if self.enter(line) {
                    self.assign(source, peel(inner), operator, value);
                    self.leave();
                }
            }
            "member_access" | "element_access" => {
                self.assign_entry(source, target, operator, value);
            }
            "array_literal_expression" => {
                for item in children(target).into_iter().filter(Node::is_named) {
                    let value = Value::unknown("it is assigned together with others");
                    self.assign(source, peel(item), "=", value);
                }
            }
            _ => {
                let what = format!(
                    "assigns to something that is not analysed: {}",
                    excerpt(text)
                );
                self.find(Weight::Review, line, what);
            }
        }
    }

    fn combined(&mut self, name: &str, operator: &str, value: Value) -> Value {
        match operator {
            "=" => value,
            "+=" => add(self.variable(name), &value),
            other => operate(other, self.variable(name), &value),
        }
    }

    /// `$table.key = …` and `$table['key'] = …`.
    fn assign_entry(&mut self, source: &Source, target: Node<'_>, operator: &str, value: Value) {
        let parts: Vec<_> = children(target)
            .into_iter()
            .filter(Node::is_named)
            .collect();
        let [table, key] = parts[..] else { return };
        let table = peel(table);
        let key = match (target.kind(), source.of(key)) {
            ("member_access", name) if !name.starts_with(['$', '"', '\'', '(']) => {
                Value::text(name)
            }
            _ => self.expression(source, children(key).first().copied().unwrap_or(key)),
        };
        let name = source.of(table).trim_start_matches('$').to_owned();
        if table.kind() != "variable" {
            let what = format!(
                "assigns to something that is not analysed: {}",
                excerpt(source.of(target))
            );
            self.find(Weight::Custom, source.line(target), what);
            return;
        }
        let mut current = self.variable(&name);
        if !matches!(current, Value::Table(_)) {
            // A property of an object: it may be a shortcut, a registry key, a web client.
            let what = format!(
                "sets a property that is not understood: {}",
                excerpt(source.of(target))
            );
            self.find(Weight::Custom, source.line(target), what);
            return;
        }
        if key.is_known() {
            let key = key.to_text();
            let old = current.entry(&key).cloned().unwrap_or(Value::Null);
            let value = match operator {
                "=" => value,
                "+=" => add(old, &value),
                other => operate(other, old, &value),
            };
            current.set_entry(&key, value);
        } else {
            current = Value::unknown("one of its keys is not known");
        }
        self.set_variable(&name, current, source.line(target));
    }

    fn if_statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        // (condition, block) pairs, then perhaps a block without a condition.
        let mut ways: Vec<(Option<Node<'_>>, Node<'_>)> = Vec::new();
        let mut condition = None;
        for part in children(node) {
            match part.kind() {
                "pipeline" => condition = Some(part),
                "statement_block" => ways.push((condition.take(), part)),
                "elseif_clauses" => {
                    for clause in children(part) {
                        let parts = children(clause);
                        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
                        if let Some(block) = find("statement_block") {
                            ways.push((find("pipeline"), block));
                        }
                    }
                }
                "else_clause" => {
                    if let Some(block) = children(part).into_iter().next_back() {
                        ways.push((None, block));
                    }
                }
                _ => {}
            }
        }
        self.take_ways(source, &ways)
    }

    fn take_ways(
        &mut self,
        source: &Source,
        ways: &[(Option<Node<'_>>, Node<'_>)],
    ) -> (Vec<Value>, Flow) {
        let Some(((condition, block), others)) = ways.split_first() else {
            return (Vec::new(), Flow::Next);
        };
        let Some(condition) = condition else {
            return self.statements(source, *block);
        };
        match Value::collapse(self.statements(source, *condition).0).truth() {
            Some(true) => return self.statements(source, *block),
            Some(false) => return self.take_ways(source, others),
            None => {}
        }
        let line = source.line(*condition);
        if !self.enter(line) {
            return (Vec::new(), Flow::Next);
        }
        let result = self.take_both_ways(source, *condition, *block, others);
        self.leave();
        result
    }

    fn take_both_ways(
        &mut self,
        source: &Source,
        condition: Node<'_>,
        block: Node<'_>,
        others: &[(Option<Node<'_>>, Node<'_>)],
    ) -> (Vec<Value>, Flow) {
        let line = source.line(condition);
        let installs_before = self.installs.len();
        let before = self.fork();
        let (taken, taken_flow) = self.uncertainly(|this| this.statements(source, block));
        let after_taken = std::mem::replace(&mut self.variables, before);
        let (other, other_flow) = self.uncertainly(|this| this.take_ways(source, others));
        let after_other = std::mem::take(&mut self.variables);
        // Behind the installation, what is left out is no part of it: an effect there is a finding
        // by itself.
        if taken_flow != other_flow && installs_before == 0 {
            let what = format!(
                "stops under a condition that is not known: {}",
                excerpt(source.of(condition))
            );
            self.find(Weight::Review, line, what);
        }
        let flow = match (taken_flow, other_flow) {
            (Flow::Next, _) | (_, Flow::Next) => Flow::Next,
            (Flow::Refuse, Flow::Refuse) => Flow::Refuse,
            _ => Flow::Leave,
        };
        self.variables = match (taken_flow, other_flow) {
            (Flow::Next, Flow::Leave | Flow::Refuse) => after_taken,
            (Flow::Leave | Flow::Refuse, Flow::Next) => after_other,
            _ => join(after_taken, after_other),
        };
        let joined = Value::collapse(taken).join(Value::collapse(other));
        (
            if joined == Value::Null {
                Vec::new()
            } else {
                vec![joined]
            },
            flow,
        )
    }

    fn flow_control(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let parts = children(node);
        let word = parts
            .first()
            .map(|it| source.of(*it).to_ascii_lowercase())
            .unwrap_or_default();
        let mut output = Vec::new();
        for part in parts.into_iter().skip(1).filter(Node::is_named) {
            output.extend(self.statements(source, part).0);
        }
        if word == "throw" {
            if self.uncertain == 0 {
                let what = "the script refuses to install: it always throws here";
                self.find(Weight::Custom, source.line(node), what);
            }
            return (Vec::new(), Flow::Refuse);
        }
        (
            if word == "return" { output } else { Vec::new() },
            Flow::Leave,
        )
    }

    fn foreach(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let parts = children(node);
        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
        let (Some(variable), Some(list), Some(block)) =
            (find("variable"), find("pipeline"), find("statement_block"))
        else {
            return vec![Value::unknown("the loop is not analysed")];
        };
        let name = source.of(variable).trim_start_matches('$').to_owned();
        let items = Value::collapse(self.statements(source, list).0).into_items();
        if items.iter().all(Value::is_known) && items.len() <= MAX_ROUNDS {
            let mut outputs = Vec::new();
            for item in items {
                self.set_variable(&name, item, source.line(variable));
                let (output, flow) = self.statements(source, block);
                outputs.extend(output);
                if flow != Flow::Next {
                    let what = "leaves a loop, which is not analysed";
                    self.find(Weight::Review, source.line(node), what);
                    break;
                }
            }
            return outputs;
        }
        let item = items.into_iter().reduce(Value::join).unwrap_or(Value::Null);
        self.set_variable(&name, item, source.line(variable));
        self.once_or_more(source, block)
    }

    /// A loop whose rounds are not known: its body may run never, once or often.
    fn once_or_more(&mut self, source: &Source, block: Node<'_>) -> Vec<Value> {
        let before = self.fork();
        // The first round finds what changes; what changes is unknown in the round that counts.
        let findings = self.findings.len();
        let installs = self.installs.len();
        self.uncertainly(|this| this.statements(source, block));
        self.findings.truncate(findings);
        self.installs.truncate(installs);
        let mut changed = before.clone();
        for (name, value) in &self.variables {
            if before.get(name) != Some(value) {
                changed.insert(name.clone(), Value::unknown("it changes in a loop"));
            }
        }
        self.variables.clone_from(&changed);
        self.uncertainly(|this| this.statements(source, block));
        self.variables = join(changed, std::mem::take(&mut self.variables));
        vec![Value::unknown("it comes from a loop")]
    }

    fn other_loop(&mut self, source: &Source, node: Node<'_>) -> Vec<Value> {
        let mut blocks = Vec::new();
        let mut queue = children(node);
        while let Some(part) = queue.pop() {
            match part.kind() {
                "statement_block" => blocks.push(part),
                "switch_body" | "switch_clauses" | "switch_clause" => queue.extend(children(part)),
                "pipeline" | "switch_condition" | "while_condition" | "for_initializer"
                | "for_condition" | "for_iterator" => {
                    for inner in children(part).into_iter().filter(Node::is_named) {
                        self.uncertainly(|this| this.statements(source, inner));
                    }
                }
                _ => {}
            }
        }
        for block in blocks {
            self.once_or_more(source, block);
        }
        vec![Value::unknown("it comes from a loop or a switch")]
    }

    fn try_statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let mut result = (Vec::new(), Flow::Next);
        for part in children(node) {
            match part.kind() {
                "statement_block" => result = self.statements(source, part),
                "catch_clauses" => {
                    let before = self.fork();
                    for clause in children(part) {
                        for block in children(clause) {
                            if block.kind() == "statement_block" {
                                self.uncertainly(|this| this.statements(source, block));
                            }
                        }
                    }
                    self.variables = join(before, std::mem::take(&mut self.variables));
                }
                "finally_clause" => {
                    for block in children(part) {
                        if block.kind() == "statement_block" {
                            result.0.extend(self.statements(source, block).0);
                        }
                    }
                }
                _ => {}
            }
        }
        result
    }
}
