//! `if`, `switch` and `try`: where a condition is not known, both ways are taken and joined.

use tree_sitter::Node;

use super::doubt::{Doubt, facts_of, negated};
use super::interpreter::{Bound, Early, Flow, Interpreter, excerpt};
use super::marks::{Marks, take_from};
use super::syntax::{Source, children};
use super::value::Value;

/// A condition and its block; without one it is `else`.
type Way<'t> = (Option<Node<'t>>, Node<'t>);

impl Interpreter<'_> {
    pub(super) fn if_statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let mut ways: Vec<Way<'_>> = Vec::new();
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

    fn take_ways(&mut self, source: &Source, ways: &[Way<'_>]) -> (Vec<Value>, Flow) {
        let Some(((condition, block), others)) = ways.split_first() else {
            return (Vec::new(), Flow::Next);
        };
        let Some(condition) = condition else {
            return self.statements(source, *block);
        };
        let (value, flow) = self.valued(source, *condition);
        if flow != Flow::Next {
            return (Vec::new(), flow);
        }
        let value = self.solid(Value::collapse(value));
        match value.truth() {
            Some(true) => return self.branch(|this| this.statements(source, *block)),
            Some(false) => return self.branch(|this| this.take_ways(source, others)),
            None => {}
        }
        let line = source.line(*condition);
        if !self.enter(line) {
            return (Vec::new(), Flow::Next);
        }
        let text = source.of(*condition);
        let doubt = self.doubt(&value, text, line);
        if let Some(holds) = self.decided(&doubt) {
            self.leave();
            return self.branch(|this| {
                if holds {
                    this.statements(source, *block)
                } else {
                    this.take_ways(source, others)
                }
            });
        }
        let result = self.either(
            line,
            (&excerpt(text), doubt),
            |this| this.statements(source, *block),
            |this| this.take_ways(source, others),
        );
        self.leave();
        result
    }

    /// Takes two ways of which either may be the case, and goes on with both. The doubt holds where
    /// the first is taken.
    pub(super) fn either(
        &mut self,
        line: u32,
        (condition, doubt): (&str, Doubt),
        one: impl FnOnce(&mut Self) -> (Vec<Value>, Flow),
        other: impl FnOnce(&mut Self) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        let before = self.fork();
        let start = self.silent_endings.len();
        let (output, flow) = self.under(doubt.clone(), one);
        let after = std::mem::replace(&mut self.state, before);
        let one = (output, flow, after);
        let ended = take_from(&mut self.silent_endings, start);
        let (output, flow) = self.under(negated(&doubt), other);
        let other = (output, flow, std::mem::take(&mut self.state));
        let ended_there = take_from(&mut self.silent_endings, start);
        // What ended on the other way is nothing that a failing one comes behind.
        let (ahead, behind) = if Self::ends_failing(one.1) && !Self::ends_failing(other.1) {
            (ended, ended_there)
        } else {
            (ended_there, ended)
        };
        self.silent_endings.extend(ahead);
        let result = self.settle(line, (condition, doubt), one, other);
        self.silent_endings.extend(behind);
        result
    }

    pub(super) fn try_statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let mut result = (Vec::new(), Flow::Next);
        let mut threw = false;
        let mut ended = false;
        // The conditions under which something was thrown to be caught here.
        let mut caught: Vec<Doubt> = Vec::new();
        let around = self.marks();
        let has_catch = children(node)
            .iter()
            .any(|part| part.kind() == "catch_clauses");
        for part in children(node) {
            match part.kind() {
                "statement_block" if has_catch => {
                    let mut flow_inside = Flow::Next;
                    let mark = self.early.len();
                    result = self.bounded(Bound::Try, |this| {
                        let (output, flow) = this.statements(source, part);
                        flow_inside = flow;
                        let early = this.early.iter().skip(mark);
                        let thrown = early.filter(|early| early.flow == Flow::Throw);
                        caught.extend(thrown.map(|early| negated(&early.rest)));
                        (output, flow)
                    });
                    ended = flow_inside != Flow::Next && result.1 == Flow::Next;
                    threw = ended && flow_inside == Flow::Throw;
                }
                "statement_block" => result = self.statements(source, part),
                "catch_clauses" => {
                    let blocks: Vec<Node<'_>> = children(part)
                        .into_iter()
                        .flat_map(children)
                        .filter(|block| block.kind() == "statement_block")
                        .collect();
                    if threw && blocks.len() == 1 {
                        result = self.statements(source, blocks[0]);
                        continue;
                    }
                    // What the `try` computes is known to be computed; what may fail is what it does.
                    let mut joined = self.fork();
                    let after = joined.clone();
                    let mut flows: Vec<Flow> = Vec::new();
                    for block in blocks {
                        self.state = after.clone();
                        let (_, flow) = self.uncertainly(|this| this.statements(source, block));
                        flows.push(flow);
                        if flow == Flow::Next {
                            let caught = std::mem::take(&mut self.state);
                            let next = &mut self.next_table;
                            joined = joined.join(caught, next, &mut self.facts, None);
                        }
                    }
                    self.state = joined;
                    let line = source.line(part);
                    match flows.iter().find(|flow| **flow != Flow::Next) {
                        Some(flow) if ended && !flows.contains(&Flow::Next) => result.1 = *flow,
                        Some(flow) => self.leave_caught(*flow, &flows, &caught, line),
                        None => {}
                    }
                }
                "finally_clause" => {
                    for block in children(part) {
                        if block.kind() == "statement_block" {
                            let (output, flow) = self.finally(source, block, &around);
                            result.0.extend(output);
                            if flow != Flow::Next {
                                result.1 = flow;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        result
    }

    /// Runs a `finally`: whatever left the `try`, of whose begin it is told how much there was.
    fn finally(&mut self, source: &Source, block: Node<'_>, around: &Marks) -> (Vec<Value>, Flow) {
        let left: Vec<Early> = take_from(&mut self.early, around.early);
        for early in &left {
            let here = std::mem::take(&mut self.state);
            self.join(here, early.state.clone(), facts_of(&early.rest));
        }
        let inside = take_from(&mut self.doubts, around.doubts);
        let ended = take_from(&mut self.endings, around.endings);
        let silent = take_from(&mut self.silent_endings, around.silent_endings);
        self.early.extend(left);
        let result = self.statements(source, block);
        self.doubts.extend(inside);
        self.endings.extend(ended);
        self.silent_endings.extend(silent);
        result
    }

    /// Goes on behind a `try` whose `catch` leaves: not where something was thrown to it.
    fn leave_caught(&mut self, flow: Flow, flows: &[Flow], caught: &[Doubt], line: u32) {
        for doubt in caught {
            // Which of the blocks catches it is not told apart.
            let same = flows.iter().all(|it| *it == flow);
            let doubt = doubt.clone().filter(|_| same);
            let state = self.fork();
            self.depart(flow, state, Vec::new(), line, ("it is caught", doubt));
        }
    }
}
