//! Loops: over known values they run round by round; else once, with what changes in them unknown.

use fleetmend_model::condition::Fact;
use tree_sitter::Node;

use super::doubt::{Doubt, facts_of, negated};
use super::facts::{Facts, FactsId};
use super::interpreter::{Bound, Flow, Interpreter, Weight};
use super::state::State;
use super::syntax::{Source, children, named};
use super::value::{HOLE, Value};

/// What a statement gives, and where it leads.
type Output = (Vec<Value>, Flow);

/// The most rounds of a loop over known values.
pub(super) const MAX_ROUNDS: usize = 64;

/// The most rounds that are run to find what changes in a loop.
const MAX_TRIALS: usize = 4;

impl Interpreter<'_> {
    pub(super) fn foreach(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let parts = children(node);
        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
        let (Some(variable), Some(list), Some(block)) =
            (find("variable"), find("pipeline"), find("statement_block"))
        else {
            let what = "a loop is not analysed";
            self.find(Weight::Review, source.line(node), what);
            return (vec![Value::unknown("the loop is not analysed")], Flow::Next);
        };
        let line = source.line(node);
        let name = source.of(variable).trim_start_matches('$').to_owned();
        let (values, flow) = self.valued(source, list);
        if flow != Flow::Next {
            return (Vec::new(), flow);
        }
        let items = Value::collapse(values).into_items();
        self.each(items, line, &mut |this, item| {
            this.set_variable(&name, item, line);
            this.statements(source, block)
        })
    }

    /// Runs a body for each of some values.
    pub(super) fn each(
        &mut self,
        items: Vec<Value>,
        line: u32,
        body: &mut dyn FnMut(&mut Self, Value) -> Output,
    ) -> (Vec<Value>, Flow) {
        let mut items = self.solid_items(items);
        for item in &mut items {
            if matches!(item, Value::Sought(sought) if sought.name == "*") {
                *item = Value::unknown("which of all there are it is is not known");
            }
        }
        if items.iter().all(Value::is_known) && items.len() <= MAX_ROUNDS {
            return self.rounds(items.len(), |this, round| body(this, items[round].clone()));
        }
        if let [item @ Value::Sought(sought)] = &items[..]
            && self.is_one(sought)
        {
            return self.rounds(1, |this, _| body(this, item.clone()));
        }
        if let [item @ Value::File(_)] = &items[..] {
            return self.each_of_pattern(&item.clone(), line, body);
        }
        let is_open = |it: &Value| matches!(it, Value::Unknown(_) | Value::Asked(_));
        if items.len() > MAX_ROUNDS || items.iter().any(is_open) {
            let item = match &items[..] {
                [one] => one.clone(),
                _ => Value::unknown("which values the loop runs over is not known"),
            };
            let doubt = self.loop_doubt(&item, line);
            return self.once_or_more(line, doubt, &mut |this| body(this, item.clone()));
        }
        // Some stand for others whose number is not known.
        let mut outputs = Vec::new();
        for item in items {
            let (output, flow) = if item.is_known() {
                self.rounds(1, |this, _| body(this, item.clone()))
            } else {
                self.each_of_pattern(&item, line, body)
            };
            outputs.extend(output);
            if flow != Flow::Next {
                return (outputs, flow);
            }
        }
        (outputs, Flow::Next)
    }

    /// Runs a body for all that a pattern stands for: what it gives, and what it changes, are patterns
    /// too.
    fn each_of_pattern(
        &mut self,
        item: &Value,
        line: u32,
        body: &mut dyn FnMut(&mut Self, Value) -> Output,
    ) -> Output {
        let is_pattern = matches!(item, Value::File(file) if !file.path.contains(HOLE));
        let mut last = Vec::new();
        let doubt = self.loop_doubt(item, line);
        let (unknown, flow) = self.once_or_more(line, doubt, &mut |this| {
            this.patterns += usize::from(is_pattern);
            let (outputs, flow) = body(this, item.clone());
            this.patterns -= usize::from(is_pattern);
            last.clone_from(&outputs);
            (outputs, flow)
        });
        let is_open = |it: &Value| matches!(it, Value::Unknown(_));
        if is_pattern && !last.iter().any(is_open) {
            return (last, flow);
        }
        (unknown, flow)
    }

    /// The doubt that there is nothing of what a pipeline gets, where it then gets a null; `None`: it gets
    /// none, or a condition around asks for what there is.
    pub(super) fn nothing_of(&mut self, input: &[Value], line: u32) -> Option<Doubt> {
        let [item @ Value::Sought(sought)] = input else {
            return None;
        };
        let fact = sought.fact().filter(|_| sought.gives_null)?;
        let is_it = |it: &Fact| it.kind == fact.kind && it.name == fact.name;
        if self.is_around(|it| it.facts.iter().any(is_it)) {
            return None;
        }
        Some(negated(&self.loop_doubt(item, line)))
    }

    /// Runs a body for the null that a pipeline gets under a doubt.
    pub(super) fn round_of_null(
        &mut self,
        nothing: Doubt,
        line: u32,
        body: &mut dyn FnMut(&mut Self, Value) -> Output,
    ) -> Flow {
        let condition = ("a pipeline that gets nothing", nothing);
        self.nulls += 1;
        let one = |this: &mut Self| this.rounds(1, |this, _| body(this, Value::Null));
        let other = |_: &mut Self| (Vec::new(), Flow::Next);
        let (_, flow) = self.either(line, condition, one, other);
        self.nulls -= 1;
        flow
    }

    /// Runs a known number of rounds.
    fn rounds(
        &mut self,
        count: usize,
        mut body: impl FnMut(&mut Self, usize) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        self.bounded(Bound::Loop, |this| {
            let mut outputs = Vec::new();
            for round in 0..count {
                let (output, flow) = this.bounded(Bound::Round, |this| body(this, round));
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
            }
            (outputs, Flow::Next)
        })
    }

    /// Where `break` or `continue` leads: out of the block of a `ForEach-Object` to the loop around it, and
    /// where there is none the script is done.
    pub(super) fn leaving(&mut self, flow: Flow, line: u32) -> Flow {
        let mut pipelines = 0_usize;
        let mut is_in_pipeline = false;
        let mut bounds = self.bounds.iter().rev().map(|it| it.0);
        let is_in_loop = bounds.any(|bound| match bound {
            Bound::Pipeline => {
                pipelines += 1;
                is_in_pipeline = true;
                false
            }
            // Each block has one of its own.
            Bound::Loop if pipelines > 0 => {
                pipelines -= 1;
                false
            }
            bound => bound == Bound::Loop,
        });
        if !is_in_pipeline {
            return flow;
        }
        if is_in_loop {
            let what = "leaves a loop out of a pipeline, which is not analysed";
            self.find(Weight::Review, line, what);
        }
        self.failure.line = line;
        Flow::Exit
    }

    /// A loop whose rounds are not known: its body may run never, once or often.
    pub(super) fn once_or_more(
        &mut self,
        line: u32,
        doubt: Doubt,
        body: &mut dyn FnMut(&mut Self) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        let why = facts_of(&doubt);
        let mut before = self.fork();
        let marks = self.marks();
        // The first rounds find what changes; what changes is unknown in the round that counts.
        let mut given = None;
        for trial in 1.. {
            let (outputs, flow) = self.once(&doubt, body);
            let after = self.fork();
            let (changed, is_new) = changed(&before, after, (why, &mut given), &mut self.facts);
            if trial > 1 && !is_new || trial >= MAX_TRIALS {
                let after = std::mem::take(&mut self.state);
                return self.behind_loop(line, doubt, before, (outputs, flow, after));
            }
            self.back_to(&marks);
            self.state = changed.clone();
            before = changed;
        }
        (Vec::new(), Flow::Next)
    }

    /// Goes on behind a loop that ran, or did not.
    fn behind_loop(
        &mut self,
        line: u32,
        doubt: Doubt,
        before: State,
        (outputs, flow, after): (Vec<Value>, Flow, State),
    ) -> (Vec<Value>, Flow) {
        let why = facts_of(&doubt);
        if flow == Flow::Next {
            self.join(before, after, why);
        } else {
            self.state = before;
            let condition = ("a loop that runs or not", doubt);
            self.depart(flow, after, Vec::new(), line, condition);
        }
        (self.loop_output(outputs, why), Flow::Next)
    }

    /// Runs one round of a loop, where the doubt holds.
    fn once(
        &mut self,
        doubt: &Doubt,
        body: &mut dyn FnMut(&mut Self) -> (Vec<Value>, Flow),
    ) -> (Vec<Value>, Flow) {
        self.under(doubt.clone(), |this| {
            this.bounded(Bound::Loop, |this| this.bounded(Bound::Round, body))
        })
    }

    /// What a loop gives of which it is not known how often it runs.
    fn loop_output(&mut self, outputs: Vec<Value>, why: Option<FactsId>) -> Vec<Value> {
        if outputs.is_empty() {
            return outputs;
        }
        let id = why.and_then(|why| self.facts.id_with(why, &outputs));
        let unknown = || Value::unknown("it comes from a loop");
        vec![id.map_or_else(unknown, Value::Asked)]
    }

    /// `while`, `do` and `for`.
    pub(super) fn while_loop(&mut self, source: &Source, node: Node<'_>) -> (Vec<Value>, Flow) {
        let parts = children(node);
        let find = |kind| parts.iter().copied().find(|it| it.kind() == kind);
        let inner = |kind| find(kind).and_then(|it| named(it).into_iter().next());
        let is_until = parts.iter().any(|part| part.kind() == "until");
        let runs_first = node.kind() == "do_statement";
        let condition = inner("while_condition").or_else(|| inner("for_condition"));
        let iterator = inner("for_iterator");
        let Some(block) = find("statement_block") else {
            return (vec![Value::unknown("the loop is not analysed")], Flow::Next);
        };
        if let Some(start) = inner("for_initializer") {
            self.statements(source, start);
        }
        let line = source.line(node);
        let go_on = |this: &mut Self| -> Option<bool> {
            let value = match condition {
                Some(condition) => Value::collapse(this.valued(source, condition).0).truth(),
                None => Some(true),
            };
            value.map(|it| it != is_until)
        };
        let mut is_known = true;
        let result = self.bounded(Bound::Loop, |this| {
            let mut outputs = Vec::new();
            for round in 0..MAX_ROUNDS {
                if round > 0 || !runs_first {
                    match go_on(this) {
                        Some(true) => {}
                        Some(false) => return (outputs, Flow::Next),
                        None => break,
                    }
                }
                let (output, flow) =
                    this.bounded(Bound::Round, |this| this.statements(source, block));
                outputs.extend(output);
                if flow != Flow::Next {
                    return (outputs, flow);
                }
                if let Some(iterator) = iterator {
                    this.statements(source, iterator);
                }
            }
            is_known = false;
            (outputs, Flow::Next)
        });
        if is_known {
            return result;
        }
        self.once_or_more(line, None, &mut |this| {
            let result = this.statements(source, block);
            if let Some(iterator) = iterator {
                this.statements(source, iterator);
            }
            go_on(this);
            result
        })
    }
}

/// The state before a loop, with all unknown that a round of it changes; and whether that is more
/// than what was not known before. Where facts alone decide how often it runs, and all that changes
/// comes of facts, that is what it depends on.
fn changed(
    before: &State,
    after: State,
    (why, given): (Option<FactsId>, &mut Option<Value>),
    facts: &mut Facts,
) -> (State, bool) {
    let mut changed = after;
    let is_open = |value: Option<&Value>| {
        matches!(value, Some(Value::Unknown(_))) || value.is_some() && value == given.as_ref()
    };
    let mut is_new = false;
    // A loop that does not run leaves the folder that the script was in.
    let locations = std::mem::take(&mut changed.locations);
    changed.locations = before.locations.clone().join(locations);
    let written = std::mem::take(&mut changed.written);
    changed.written = before.written.clone().join(written);
    let mut values: Vec<&mut Value> = Vec::new();
    for (place, scope) in changed.scopes.iter_mut().enumerate() {
        let old = before.scopes.get(place);
        for (name, value) in scope.iter_mut() {
            let old = old.and_then(|it| it.get(name));
            if old != Some(value) {
                is_new |= !is_open(old);
                values.push(value);
            }
        }
    }
    for (id, entries) in &mut changed.tables {
        let Some(old) = before.tables.get(id) else {
            continue;
        };
        for (key, value) in entries.iter_mut() {
            let old = old.iter().find(|it| it.0.eq_ignore_ascii_case(key));
            let old = old.map(|it| &it.1);
            if old != Some(value) {
                is_new |= !is_open(old);
                values.push(value);
            }
        }
    }
    for (id, list) in &mut changed.lists {
        let old = before.lists.get(id);
        if old.is_some_and(|old| old != list) {
            is_new |= !is_open(old);
            values.push(list);
        }
    }
    let id = why.and_then(|why| facts.id_with(why, values.iter().map(|it| &**it)));
    let unknown = || Value::unknown("it changes in a loop");
    let value = id.map_or_else(unknown, Value::Asked);
    for place in values {
        *place = value.clone();
    }
    *given = Some(value);
    (changed, is_new)
}
