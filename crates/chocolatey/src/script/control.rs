//! `if`, `switch` and `try`: where a condition is not known, both ways are taken and joined.

use tree_sitter::Node;

use super::doubt::{Doubt, negated};
use super::expression::EXPRESSION_COST;
use super::interpreter::{Bound, Flow, Interpreter, excerpt};
use super::syntax::{Source, children, named, peel};
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
        let (value, flow) = self.statements(source, *condition);
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
        let (output, flow) = self.under(doubt.clone(), one);
        let after = std::mem::replace(&mut self.state, before);
        let one = (output, flow, after);
        let (output, flow) = self.under(negated(&doubt), other);
        let other = (output, flow, std::mem::take(&mut self.state));
        self.settle(line, (condition, doubt), one, other)
    }

    pub(super) fn switch_statement(
        &mut self,
        source: &Source,
        node: Node<'_>,
    ) -> (Vec<Value>, Flow) {
        let parts = children(node);
        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
        let flags = parts
            .iter()
            .filter(|part| part.kind().starts_with("switch_parameter") || part.kind() == "-regex")
            .map(|part| source.of(*part).to_ascii_lowercase())
            .collect::<String>();
        let operator = match flags.as_str() {
            "" | "-exact" => "-eq",
            "-regex" => "-match",
            "-wildcard" => "-like",
            _ => "",
        };
        let mut subject = Vec::new();
        if let Some(condition) = find("switch_condition") {
            for part in named(condition) {
                subject.extend(self.statements(source, part).0);
            }
        }
        let subjects: Vec<Value> = subject.into_iter().flat_map(Value::into_items).collect();
        let clauses: Vec<(Node<'_>, Node<'_>)> = find("switch_body")
            .into_iter()
            .flat_map(named)
            .flat_map(|part| match part.kind() {
                "switch_clauses" => named(part),
                _ => vec![part],
            })
            .filter_map(|clause| {
                let parts = children(clause);
                let block = parts.iter().find(|it| it.kind() == "statement_block")?;
                Some((*parts.first()?, *block))
            })
            .collect();
        self.bounded(Bound::Loop, |this| {
            let mut outputs = Vec::new();
            for subject in subjects {
                this.set_local("_", subject.clone());
                let (output, flow) =
                    this.clauses(source, &clauses, operator, &subject, Some(false));
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            }
            (outputs, Flow::Next)
        })
    }

    /// Runs the clauses that fit; `matched` tells whether one of those before did.
    fn clauses(
        &mut self,
        source: &Source,
        clauses: &[(Node<'_>, Node<'_>)],
        operator: &str,
        subject: &Value,
        matched: Option<bool>,
    ) -> (Vec<Value>, Flow) {
        let Some(((condition, block), others)) = clauses.split_first() else {
            return (Vec::new(), Flow::Next);
        };
        let line = source.line(*condition);
        if !self.enter(line) {
            return (Vec::new(), Flow::Next);
        }
        let text = source.of(*condition);
        let mut asked = Value::Null;
        let fits = if text.trim().eq_ignore_ascii_case("default") {
            matched.map(|it| !it)
        } else {
            let condition = peel(*condition);
            let pattern = match condition.kind() {
                "switch_clause_condition" => named(condition)
                    .first()
                    .map_or(Value::text(text.trim()), |it| self.expression(source, *it)),
                "generic_token" | "simple_name" => Value::text(text.trim()),
                _ => self.expression(source, condition),
            };
            match pattern {
                Value::Block(block) => {
                    asked = Value::collapse(self.run_block(&block).0);
                    asked.truth()
                }
                pattern if operator == "-match" => {
                    if self.charge(EXPRESSION_COST) {
                        asked = self.match_operator(operator, subject, &pattern);
                        asked.truth()
                    } else {
                        None
                    }
                }
                pattern => {
                    asked = self.apply(operator, subject.clone(), &pattern);
                    asked.truth()
                }
            }
        };
        let seen = match (matched, fits) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
        let result = match fits {
            Some(false) => self.clauses(source, others, operator, subject, seen),
            Some(true) => {
                let (mut outputs, flow) = self.statements(source, *block);
                if flow == Flow::Next {
                    let (more, flow) = self.clauses(source, others, operator, subject, seen);
                    outputs.extend(more);
                    (outputs, flow)
                } else {
                    (outputs, flow)
                }
            }
            None => {
                let doubt = self.doubt(&asked, text, line);
                let (mut outputs, flow) = self.either(
                    line,
                    (&excerpt(text), doubt),
                    |this| this.statements(source, *block),
                    |_| (Vec::new(), Flow::Next),
                );
                if flow == Flow::Next {
                    let (more, flow) = self
                        .uncertainly(|this| this.clauses(source, others, operator, subject, None));
                    outputs.extend(more);
                    (outputs, flow)
                } else {
                    (outputs, flow)
                }
            }
        };
        self.leave();
        result
    }

    pub(super) fn try_statement(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let mut result = (Vec::new(), Flow::Next);
        let mut threw = false;
        let has_catch = children(node)
            .iter()
            .any(|part| part.kind() == "catch_clauses");
        for part in children(node) {
            match part.kind() {
                "statement_block" if has_catch => {
                    let mut flow_inside = Flow::Next;
                    result = self.bounded(Bound::Try, |this| {
                        let (output, flow) = this.statements(source, part);
                        flow_inside = flow;
                        (output, flow)
                    });
                    threw = flow_inside == Flow::Throw && result.1 == Flow::Next;
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
                    for block in blocks {
                        self.state = after.clone();
                        let (_, flow) = self.uncertainly(|this| this.statements(source, block));
                        if flow == Flow::Next {
                            let caught = std::mem::take(&mut self.state);
                            let next = &mut self.next_table;
                            joined = joined.join(caught, next, &mut self.facts, None);
                        }
                    }
                    self.state = joined;
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
