//! `switch`: each clause that fits is run; where that is not known, both ways are taken and joined.

use tree_sitter::Node;

use super::doubt::{Doubt, negated};
use super::expression::EXPRESSION_COST;
use super::interpreter::{Bound, Flow, Interpreter, excerpt};
use super::syntax::{Source, children, named, peel};
use super::value::Value;

/// What a `switch` does with its clauses.
struct Switch<'s> {
    /// How the subject is compared.
    operator: &'s str,
    /// The statement without its clauses, for conditions.
    asks: &'s str,
    subject: &'s Value,
}

impl Interpreter<'_> {
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
        let mut asks = "switch".to_owned();
        if let Some(condition) = find("switch_condition") {
            asks = format!("switch {}", source.of(condition).trim());
            for part in named(condition) {
                let result = self.valued(source, part);
                subject.extend(self.inside(result));
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
                let switch = Switch {
                    operator,
                    asks: &asks,
                    subject: &subject,
                };
                let (output, flow) = this.bounded(Bound::Round, |this| {
                    this.clauses(source, &clauses, &switch, Some(false), Vec::new())
                });
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            }
            (outputs, Flow::Next)
        })
    }

    /// Whether a clause that is not the last resort fits the subject.
    fn clause_fits(&mut self, source: &Source, node: Node<'_>, switch: &Switch<'_>) -> Value {
        let (line, text) = (source.line(node), source.of(node));
        let condition = peel(node);
        let pattern = match condition.kind() {
            // The grammar takes strings in double quotes, and variables, for bare words.
            "switch_clause_condition" => match named(condition).first() {
                Some(inner) => self.expression(source, *inner),
                None => self.word_value(text.trim(), line),
            },
            "generic_token" | "simple_name" | "command_name" => self.word_value(text.trim(), line),
            _ => self.expression(source, condition),
        };
        match pattern {
            Value::Block(block) => Value::collapse(self.run_block(&block).0),
            _ if switch.operator == "-match" && !self.charge(EXPRESSION_COST) => {
                Value::unknown("the script applies too many regular expressions")
            }
            pattern if switch.operator == "-match" => {
                self.match_operator(switch.operator, switch.subject, &pattern)
            }
            pattern => self.apply(switch.operator, switch.subject.clone(), &pattern),
        }
    }

    /// Runs the clauses that fit; `matched` tells whether one of those before did, `open` what
    /// those ask of which that is not known.
    fn clauses(
        &mut self,
        source: &Source,
        clauses: &[(Node<'_>, Node<'_>)],
        switch: &Switch<'_>,
        matched: Option<bool>,
        mut open: Vec<Doubt>,
    ) -> (Vec<Value>, Flow) {
        let Some(((condition, block), others)) = clauses.split_first() else {
            return (Vec::new(), Flow::Next);
        };
        let line = source.line(*condition);
        if !self.enter(line) {
            return (Vec::new(), Flow::Next);
        }
        let text = source.of(*condition);
        let is_default = text.trim().eq_ignore_ascii_case("default");
        let (asked, fits) = if is_default {
            (Value::Null, matched.map(|it| !it))
        } else {
            let asked = self.clause_fits(source, *condition, switch);
            let fits = asked.truth();
            (asked, fits)
        };
        let doubt = match fits {
            Some(_) => None,
            None if is_default => {
                let none: Vec<Doubt> = open.iter().map(negated).collect();
                self.all_of(&none)
            }
            None => {
                let asks = format!("{} {text}", switch.asks);
                self.doubt(&asked, &asks, line)
            }
        };
        // What the clauses before ask decides the last one too.
        let fits = if is_default {
            fits
        } else {
            fits.or_else(|| self.decided(&doubt))
        };
        if fits.is_none() {
            open.push(doubt.clone());
        }
        let seen = match (matched, fits) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
        let result = match fits {
            Some(false) => self.clauses(source, others, switch, seen, open),
            Some(true) => {
                let (mut outputs, flow) = self.statements(source, *block);
                if flow == Flow::Next {
                    let (more, flow) = self.clauses(source, others, switch, seen, open);
                    outputs.extend(more);
                    (outputs, flow)
                } else {
                    (outputs, flow)
                }
            }
            None => {
                let (mut outputs, flow) = self.either(
                    line,
                    (&excerpt(text), doubt),
                    |this| this.statements(source, *block),
                    |_| (Vec::new(), Flow::Next),
                );
                if flow == Flow::Next {
                    let (more, flow) =
                        self.uncertainly(|this| this.clauses(source, others, switch, None, open));
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
}
