//! Statements run in order. Where one is left under a condition that is not known, its state waits
//! for the end of what it leaves, and what follows is uncertain until then.

use tree_sitter::Node;

use super::doubt::{Doubt, facts_of, negated};
use super::facts::FactsId;
use super::interpreter::{Bound, Early, Flow, Interpreter, Weight, excerpt};
use super::marks::take_from;
use super::state::State;
use super::syntax::{Source, children, peel};
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
        let (outputs, flow) = self.statement_inside(source, node);
        self.leave();
        (outputs, self.pending.take().unwrap_or(flow))
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

    /// Runs what stands where a value is wanted: an assignment there has the value that it assigns.
    pub(super) fn valued(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let inner = peel_statements(node);
        // `$i++` gives its value where one is wanted, and nothing as a statement.
        let step = peel(inner);
        if step.kind().ends_with("crement_expression") {
            return (vec![self.expression(source, step)], Flow::Next);
        }
        if let [assignment] = children(inner)[..]
            && assignment.kind() == "assignment_expression"
        {
            let (output, flow) = self.statements(source, inner);
            return match children(assignment).first() {
                Some(target) if flow == Flow::Next => {
                    let value = self.expression(source, *target);
                    (vec![value], Flow::Next)
                }
                _ => (output, flow),
            };
        }
        self.statements(source, node)
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
                    let mut value = self.expression(source, part);
                    // `$i++` as a statement gives nothing.
                    let is_step = peel(part).kind().ends_with("crement_expression");
                    if is_step && node.child_count() == 1 {
                        value = Value::Null;
                    }
                    if node.child_count() > 1 {
                        value = self.solid(value);
                    }
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
            let result = self.statements(source, part);
            output.extend(self.inside(result));
        }
        // `return ,$list` and `return $list` both give the list's items.
        let output = self.solid_items(output);
        let output: Vec<Value> = output.into_iter().flat_map(Value::into_items).collect();
        match word.as_str() {
            "throw" => self.throw(source.line(node)),
            "return" => {
                self.failure.line = source.line(node);
                (output, Flow::Return)
            }
            "break" => (Vec::new(), self.leaving(Flow::Break, source.line(node))),
            "continue" => (Vec::new(), self.leaving(Flow::Continue, source.line(node))),
            _ => {
                // Without a code it is 0.
                let is_success = matches!(&output[..], [] | [Value::Null | Value::Int(0)]);
                self.failure.line = source.line(node);
                if is_success {
                    return (Vec::new(), Flow::Exit);
                }
                self.refuse(source.line(node));
                (Vec::new(), Flow::Fail)
            }
        }
    }

    /// `throw`, and commands that fail for good.
    pub(super) fn throw(&mut self, line: u32) -> (Vec<Value>, Flow) {
        self.refuse(line);
        self.failure.line = line;
        (Vec::new(), Flow::Throw)
    }

    /// A script that does nothing but refuse is explained: nothing is installed.
    fn refuse(&mut self, line: u32) {
        // What lacks a helper does not mean to refuse.
        let only_refuses =
            self.branches == 0 && self.effects.is_empty() && !self.failure.lacks_helper;
        self.refuses_at = (!only_refuses).then_some(line);
    }

    /// Finds that the script refuses to install on every machine, where it came to that.
    pub(super) fn find_refusal(&mut self, flow: Flow) {
        if let Some(line) = self.refuses_at
            && Self::ends_failing(flow)
            && self.calls.is_empty()
        {
            let what = match flow {
                Flow::Throw => "the script refuses to install: it always throws here",
                _ => "the script refuses to install: it always fails here",
            };
            self.find(Weight::Custom, line, what);
        }
    }

    /// Goes on behind two ways of which either may be taken, each with its state.
    pub(super) fn settle(
        &mut self,
        line: u32,
        (condition, doubt): (&str, Doubt),
        one: (Vec<Value>, Flow, State),
        other: (Vec<Value>, Flow, State),
    ) -> (Vec<Value>, Flow) {
        if one.1 == other.1 {
            let flow = one.1;
            let why = facts_of(&doubt);
            let output = self.join_outputs((one.2, one.0), (other.2, other.0), why);
            return (output, flow);
        }
        let (stays, leaves, doubt) = if rank(one.1) <= rank(other.1) {
            (one, other, negated(&doubt))
        } else {
            (other, one, doubt)
        };
        self.state = stays.2;
        self.depart(leaves.1, leaves.2, leaves.0, line, (condition, doubt));
        (stays.0, stays.1)
    }

    /// Keeps a state that left under a condition which is not known, for the end of what it left.
    pub(super) fn depart(
        &mut self,
        flow: Flow,
        state: State,
        outputs: Vec<Value>,
        line: u32,
        (condition, doubt): (&str, Doubt),
    ) {
        let left = self.bounds.iter().rev().find(|it| it.0.takes(flow));
        let outside = left.map(|it| it.1);
        if outside.is_none() && Self::ends_failing(flow) {
            self.note_failure(condition, &doubt, line);
        }
        // What is left out runs where not all of the conditions hold that stand around here, inside
        // of what is left.
        let rest = negated(&self.all_from(outside.unwrap_or(0), &doubt));
        if outside.is_some() {
            self.early.push(Early {
                flow,
                state,
                outputs,
                rest: rest.clone(),
            });
            self.doubts.push(rest);
        } else if rest.is_some() || !self.calls.is_empty() {
            // Behind the installation, what is left out is no part of it: an effect there is a
            // finding, or an uncertain one, by itself.
            self.end_under(&rest, !Self::ends_failing(flow));
        } else {
            let what = format!("stops under a condition that is not known: {condition}");
            self.find(Weight::Review, line, what);
        }
    }

    /// Runs something that can be left early; gives its output and flow with those that left it.
    pub(super) fn bounded(
        &mut self,
        bound: Bound,
        run: impl FnOnce(&mut Self) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        let doubts = self.doubts.len();
        let mark = self.early.len();
        self.bounds.push((bound, doubts));
        let (mut outputs, mut flow) = self.branch(run);
        self.bounds.pop();
        self.doubts.truncate(doubts);
        let left = take_from(&mut self.early, mark);
        let (mut back, stay): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|early| bound.takes(early.flow));
        let rests = stay.iter().map(|early| early.rest.clone());
        self.doubts.extend(rests);
        self.early.extend(stay);
        if bound.takes(flow) {
            flow = Flow::Next;
        }
        if flow != Flow::Next && !back.is_empty() {
            // The way that did not leave early ends for good: only the others go on.
            let rests: Vec<Doubt> = back.iter().map(|early| early.rest.clone()).collect();
            let rest = self.all_of(&rests);
            let first = back.remove(0);
            let state = std::mem::replace(&mut self.state, first.state);
            let ended = std::mem::replace(&mut outputs, first.outputs);
            let why = ("what is left by another way", rest);
            self.depart(flow, state, ended, self.failure.line, why);
            flow = Flow::Next;
        }
        for early in back {
            let here = std::mem::take(&mut self.state);
            let why = facts_of(&early.rest);
            outputs = self.join_outputs((here, outputs), (early.state, early.outputs), why);
        }
        (outputs, flow)
    }

    /// Joins two states and what came out in each.
    pub(super) fn join_outputs(
        &mut self,
        (mut left, left_outputs): (State, Vec<Value>),
        (mut right, right_outputs): (State, Vec<Value>),
        why: Option<FactsId>,
    ) -> Vec<Value> {
        for (state, outputs) in [(&mut left, left_outputs), (&mut right, right_outputs)] {
            if let Some(scope) = state.scopes.first_mut() {
                scope.insert(RESULT.into(), Value::collapse(outputs));
            }
        }
        self.join(left, right, why);
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

/// The statement inside of lists that hold no other.
fn peel_statements(mut node: Node<'_>) -> Node<'_> {
    while node.kind() == "statement_list" && node.named_child_count() == 1 {
        match node.named_child(0) {
            Some(child) => node = child,
            None => break,
        }
    }
    node
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
        Flow::Fail => 6,
    }
}
