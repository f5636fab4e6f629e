//! Assignments: to variables, entries of tables, items of lists, and several at once.

use tree_sitter::Node;

use super::expression::type_name;
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::operator::operate;
use super::state::Table;
use super::syntax::{Source, children, named, peel};
use super::value::Value;

impl Interpreter<'_> {
    pub(super) fn assignment(&mut self, source: &Source, node: Node<'_>) -> Flow {
        let parts = children(node);
        let [target, operator, value] = parts[..] else {
            let what = format!("is not analysed: {}", excerpt(source.of(node)));
            self.find(Weight::Review, source.line(node), what);
            return Flow::Next;
        };
        let (values, flow) = self.valued(source, value);
        if flow != Flow::Next {
            return flow;
        }
        let value = Value::collapse(values);
        let operator = source.of(operator).to_owned();
        self.assign(source, peel(target), &operator, value);
        Flow::Next
    }

    pub(super) fn assign(
        &mut self,
        source: &Source,
        target: Node<'_>,
        operator: &str,
        value: Value,
    ) {
        let line = source.line(target);
        let text = source.of(target);
        if !self.enter(line) {
            return;
        }
        match target.kind() {
            "variable" | "braced_variable" => {
                let name = text.trim_start_matches('$').trim_matches(['{', '}']);
                let value = if operator == "=" {
                    value
                } else {
                    let old = self.variable(name);
                    self.combined(operator, old, &value)
                };
                self.set_variable(name, value, line);
            }
            "cast_expression" | "attributed_variable" | "expression_with_unary_operator" => {
                let parts = named(target);
                if let Some(inner) = parts.last() {
                    let value = match parts.first() {
                        Some(kind) if kind.kind() == "type_literal" && parts.len() > 1 => {
                            self.cast_to(&type_name(source.of(*kind)), value)
                        }
                        _ => value,
                    };
                    self.assign(source, peel(*inner), operator, value);
                }
            }
            "member_access" | "element_access" => {
                self.assign_entry(source, target, operator, value);
            }
            "array_literal_expression" => {
                let targets = named(target);
                let mut values = value.clone().into_items().into_iter();
                let is_known = value.is_known();
                let last = targets.len().saturating_sub(1);
                for (place, item) in targets.into_iter().enumerate() {
                    let value = if !is_known {
                        Value::unknown("it is assigned together with others")
                    } else if place == last {
                        Value::collapse(values.by_ref().collect())
                    } else {
                        values.next().unwrap_or(Value::Null)
                    };
                    self.assign(source, peel(item), "=", value);
                }
            }
            "parenthesized_expression" => {
                if let [inner] = named(target)[..] {
                    self.assign(source, peel(inner), operator, value);
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
        self.leave();
    }

    /// `+=` and its like.
    fn combined(&mut self, operator: &str, old: Value, value: &Value) -> Value {
        match operator {
            "=" => value.clone(),
            other => self.apply(other.trim_end_matches('='), old, value),
        }
    }

    /// Applies an operator, of tables too.
    pub(super) fn apply(&mut self, operator: &str, left: Value, right: &Value) -> Value {
        let left = self.solid(left);
        let right = &self.solid(right.clone());
        if let ("+", Value::Table(one), Value::Table(other)) = (operator, &left, right) {
            let get = |id| self.state.tables.get(id).cloned().unwrap_or_default();
            let mut entries: Table = get(one);
            for (key, value) in get(other) {
                super::state::set(&mut entries, &key, value);
            }
            return self.new_table(entries);
        }
        if let Some(cut) = self.cut_by_operator(operator, &left, right) {
            return cut;
        }
        if let Some(known) = self.compared_count(operator, &left, right) {
            return known;
        }
        if let Some(value) = self.contained_value(operator, &left, right) {
            return value;
        }
        let result = operate(operator, left.clone(), right);
        self.or_asked(result, &[&left, right])
    }

    /// `$table.key = …`, `$table['key'] = …` and `$list[0] = …`.
    fn assign_entry(&mut self, source: &Source, target: Node<'_>, operator: &str, value: Value) {
        let line = source.line(target);
        let parts = named(target);
        let [object, key] = parts[..] else { return };
        let object = peel(object);
        let text = source.of(target);
        if is_transfer_setting(text) {
            return;
        }
        let key = self.member_name(source, target.kind(), key);
        let owner = self.expression(source, object);
        match (&owner, &key) {
            (Value::Table(id), key) if key.is_known() => {
                let key = key.to_text();
                let value = if operator == "=" {
                    value
                } else {
                    let old = self.state.entry(*id, &key).cloned().unwrap_or(Value::Null);
                    self.combined(operator, old, &value)
                };
                self.state.set_entry(*id, &key, value);
            }
            (Value::Table(id), _) => {
                if let Some(entries) = self.state.tables.get_mut(id) {
                    for (_, value) in entries {
                        *value = Value::unknown("one of the table's keys is not known");
                    }
                }
            }
            (Value::Array(items), Value::Int(at)) if object.kind() == "variable" => {
                let name = source.of(object).trim_start_matches('$').to_owned();
                let weight = self.state.weight();
                self.charge(weight);
                let names = self.state.lose_shared(items);
                if names > 1 {
                    return;
                }
                let mut all = items.all.clone();
                let at = if *at < 0 { all.len() as i64 + at } else { *at };
                if let Some(item) = usize::try_from(at).ok().and_then(|at| all.get_mut(at)) {
                    *item = self.combined(operator, item.clone(), &value);
                }
                self.set_variable(&name, Value::array(all), line);
            }
            _ => {
                // A property of an object: it may be a shortcut, a registry key, a web client.
                let what = format!("sets a property that is not understood: {}", excerpt(text));
                self.find(Weight::Custom, line, what);
            }
        }
    }

    /// The name of a member, or the key in brackets.
    pub(super) fn member_name(&mut self, source: &Source, kind: &str, node: Node<'_>) -> Value {
        if kind == "member_access" || kind == "invokation_expression" {
            let inner = children(node).first().copied().unwrap_or(node);
            if matches!(node.kind(), "simple_name") || matches!(inner.kind(), "simple_name") {
                return Value::text(source.of(node));
            }
            if source
                .of(node)
                .starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                return Value::text(source.of(node));
            }
            return self.expression(source, inner);
        }
        self.expression(source, node)
    }
}

/// Settings of the process by which later downloads are made; they change nothing on the machine.
fn is_transfer_setting(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace("system.", "");
    text.starts_with("[net.servicepointmanager]::")
}
