//! Statements run in order. Where one is left under a condition that is not known, its state waits
//! for the end of what it leaves, and what follows is uncertain until then.

use tree_sitter::Node;

use super::interpreter::{Bound, Flow, Interpreter, Weight, excerpt};
use super::state::State;
use super::syntax::{Source, children};
use super::value::Value;

/// Carries a value through a join of states.
const RESULT: &str = "\0result";

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
            "pipeline" => self.pipeline(source, node),
            "empty_statement" | "comment" | "label" => (Vec::new(), Flow::Next),
            "if_statement" => self.if_statement(source, node),
            "switch_statement" => self.switch_statement(source, node),
            "flow_control_statement" => self.flow_control(source, node),
            "foreach_statement" => self.foreach(source, node),
            "while_statement" | "do_statement" | "for_statement" => self.while_loop(source, node),
            "try_statement" => self.try_statement(source, node),
            "function_statement" => {
                self.define(source, node);
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

    fn pipeline(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let parts = children(node);
        if let [assignment] = parts[..]
            && assignment.kind() == "assignment_expression"
        {
            return (Vec::new(), self.assignment(source, assignment));
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
                let (output, flow) = self.chain(source, part);
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            } else {
                let (output, _) = self.uncertainly(|this| this.chain(source, part));
                outputs.extend(output);
            }
        }
        (outputs, Flow::Next)
    }

    fn chain(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let mut output: Option<Vec<Value>> = None;
        for part in children(node) {
            match part.kind() {
                "command" => {
                    let (found, flow) = self.command(source, part, output.take());
                    if flow != Flow::Next {
                        return (found, flow);
                    }
                    output = Some(found);
                }
                "|" => {}
                "redirections" if source.of(part).to_ascii_lowercase().contains("$null") => {}
                "redirections" | "verbatim_command_argument" => self.find(
                    Weight::Review,
                    source.line(part),
                    format!("is not analysed: {}", excerpt(source.of(part))),
                ),
                _ => {
                    let value = self.expression(source, part);
                    // Only an expression in front of a `|` is unrolled, else `,` would lose its array.
                    output = Some(match value {
                        Value::Null if node.child_count() == 1 => Vec::new(),
                        Value::Array(items) if node.child_count() > 1 => items.all.clone(),
                        other => vec![other],
                    });
                }
            }
        }
        (output.unwrap_or_default(), Flow::Next)
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
        // `return ,$list` and `return $list` both give the list's items.
        let output: Vec<Value> = output.into_iter().flat_map(Value::into_items).collect();
        match word.as_str() {
            "throw" => self.throw(source.line(node)),
            "return" => (output, Flow::Return),
            "break" => (Vec::new(), Flow::Break),
            "continue" => (Vec::new(), Flow::Continue),
            _ => (Vec::new(), Flow::Exit),
        }
    }

    /// `throw`, and commands that fail for good.
    pub(super) fn throw(&mut self, line: u32) -> (Vec<Value>, Flow) {
        let is_caught = self.bounds.contains(&Bound::Try);
        // A script that does nothing but refuse is explained: nothing is installed.
        let only_refuses = self.branches == 0 && self.effects.is_empty();
        if self.uncertain == 0 && !is_caught && self.calls.is_empty() && !only_refuses {
            let what = "the script refuses to install: it always throws here";
            self.find(Weight::Custom, line, what);
        }
        (Vec::new(), Flow::Throw)
    }

    /// Goes on behind two ways of which either may be taken, each with its state.
    pub(super) fn settle(
        &mut self,
        line: u32,
        condition: &str,
        left: (Vec<Value>, Flow, State),
        right: (Vec<Value>, Flow, State),
    ) -> (Vec<Value>, Flow) {
        let (left, right) = if rank(left.1) <= rank(right.1) {
            (left, right)
        } else {
            (right, left)
        };
        if left.1 == right.1 {
            let flow = left.1;
            let output = self.join_outputs(left.2, left.0, right.2, right.0);
            return (output, flow);
        }
        self.state = left.2;
        self.depart(right.1, right.2, right.0, line, condition);
        (left.0, left.1)
    }

    /// Keeps a state that left under a condition which is not known, for the end of what it left.
    pub(super) fn depart(
        &mut self,
        flow: Flow,
        state: State,
        outputs: Vec<Value>,
        line: u32,
        condition: &str,
    ) {
        let bound = match flow {
            Flow::Break | Flow::Continue => Some(Bound::Loop),
            Flow::Return => Some(Bound::Function),
            Flow::Throw => Some(Bound::Try),
            Flow::Exit | Flow::Next => None,
        };
        if bound.is_some_and(|bound| self.bounds.contains(&bound)) {
            self.early.push((flow, state, outputs));
            self.uncertain += 1;
        } else if self.calls.is_empty() {
            // Behind the installation, what is left out is no part of it: an effect there is a
            // finding, or an uncertain one, by itself.
            let what = format!("stops under a condition that is not known: {condition}");
            self.find(Weight::Review, line, what);
        } else {
            self.uncertain += 1;
        }
    }

    /// Runs something that can be left early; gives its output and flow with those that left it.
    pub(super) fn bounded(
        &mut self,
        bound: Bound,
        run: impl FnOnce(&mut Self) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        let uncertain = self.uncertain;
        let mark = self.early.len();
        self.bounds.push(bound);
        let (mut outputs, mut flow) = self.branch(run);
        self.bounds.pop();
        self.uncertain = uncertain;
        let takes = |flow: Flow| match bound {
            Bound::Function => flow == Flow::Return,
            Bound::Loop => matches!(flow, Flow::Break | Flow::Continue),
            Bound::Try => flow == Flow::Throw,
        };
        let mut left: Vec<_> = self.early.drain(mark.min(self.early.len())..).collect();
        let mut stay = Vec::new();
        for (its_flow, state, its_outputs) in left.drain(..) {
            if !takes(its_flow) {
                stay.push((its_flow, state, its_outputs));
            } else if flow == Flow::Next || takes(flow) {
                let here = std::mem::take(&mut self.state);
                outputs = self.join_outputs(here, outputs, state, its_outputs);
            } else {
                // The way that did not leave early ended for good: only the other goes on.
                self.state = state;
                outputs = its_outputs;
                flow = Flow::Next;
            }
        }
        if !stay.is_empty() {
            self.uncertain += 1;
        }
        self.early.extend(stay);
        if takes(flow) {
            flow = Flow::Next;
        }
        (outputs, flow)
    }

    /// Joins two states and what came out in each.
    pub(super) fn join_outputs(
        &mut self,
        mut left: State,
        left_outputs: Vec<Value>,
        mut right: State,
        right_outputs: Vec<Value>,
    ) -> Vec<Value> {
        for (state, outputs) in [(&mut left, left_outputs), (&mut right, right_outputs)] {
            if let Some(scope) = state.scopes.first_mut() {
                scope.insert(RESULT.into(), Value::collapse(outputs));
            }
        }
        self.join(left, right);
        let joined = self
            .state
            .scopes
            .first_mut()
            .and_then(|scope| scope.remove(RESULT));
        match joined {
            None | Some(Value::Null) => Vec::new(),
            Some(value) => vec![value],
        }
    }
}

/// Which of two ways is gone on with: the one that leaves least.
fn rank(flow: Flow) -> u8 {
    match flow {
        Flow::Next => 0,
        Flow::Continue => 1,
        Flow::Break => 2,
        Flow::Return => 3,
        Flow::Throw => 4,
        Flow::Exit => 5,
    }
}
