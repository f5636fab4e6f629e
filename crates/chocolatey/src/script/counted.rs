//! How many there are of what the registry has, where that is no array: Windows `PowerShell` 5.1, which
//! Chocolatey hosts, counts none as 0 and several as they are, but the object that is just one of them
//! has no count (<https://github.com/chocolatey/choco/issues/460>). So `-eq 1` never holds.

use std::cmp::Ordering;

use fleetmend_model::condition::{Fact, FactKind};

use super::interpreter::Interpreter;
use super::value::{SoughtKind, Value};

/// Such a count, as a property: whoever reads the condition must see what it is for just one.
const COUNT: &str = "count (none for exactly one)";

impl Interpreter<'_> {
    /// The count of what `Get-UninstallRegistryKey` or `Get-ItemProperty` has found; `None`: it is
    /// something else.
    pub(super) fn count_of_objects(&mut self, target: &Value, name: &str) -> Option<Value> {
        if !matches!(name, "count" | "length") {
            return None;
        }
        let is_software =
            matches!(target, Value::Sought(sought) if sought.kind == SoughtKind::Software);
        if !is_software && !matches!(target, Value::Asked(_)) {
            return None;
        }
        let found = self.facts_in(&[target])?;
        let found = self.facts.get(found);
        let is_object = |it: &Fact| {
            it.property.is_none()
                && it.cuts.is_empty()
                && (is_software || it.kind == FactKind::Registry && self.is_read(&it.name))
        };
        if !found.iter().all(is_object) {
            return None;
        }
        let counted = found.iter().map(|it| Fact {
            property: Some(COUNT.to_owned()),
            ..it.clone()
        });
        self.facts.named(counted.collect(), true).map(Value::Asked)
    }

    /// What a comparison with such a count comes to, where that is the same whatever there is.
    pub(super) fn compared_count(
        &self,
        operator: &str,
        left: &Value,
        right: &Value,
    ) -> Option<Value> {
        let operator = operator.trim_start_matches('-').to_ascii_lowercase();
        let operator = operator.strip_prefix('i').unwrap_or(&operator);
        let (operator, number) = match (left, right) {
            (count, Value::Int(number)) if self.is_count(count) => (operator, *number),
            (Value::Int(number), count) if self.is_count(count) => (turned(operator), *number),
            _ => return None,
        };
        let of_none = holds(operator, 0.cmp(&number), false)?;
        // `$null` is less than every number but the negative ones, and equals none.
        let null = if number < 0 {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        let of_one = holds(operator, null, true)?;
        let of_more = match number {
            ..2 => holds(operator, Ordering::Greater, false)?,
            2 => match operator {
                "ge" => true,
                "lt" => false,
                _ => return None,
            },
            _ => return None,
        };
        (of_none == of_one && of_one == of_more).then_some(Value::Bool(of_one))
    }

    fn is_count(&self, value: &Value) -> bool {
        let Value::Asked(id) = value else {
            return false;
        };
        self.facts.is_fact(*id)
            && self
                .facts
                .get(*id)
                .iter()
                .all(|it| it.property.as_deref() == Some(COUNT))
    }
}

/// The operator that says the same with its operands in the other order.
fn turned(operator: &str) -> &str {
    match operator {
        "lt" => "gt",
        "le" => "ge",
        "gt" => "lt",
        "ge" => "le",
        other => other,
    }
}

/// Whether a comparison holds of operands in that order; `None`: it is no comparison.
fn holds(operator: &str, order: Ordering, is_null: bool) -> Option<bool> {
    Some(match operator {
        "eq" => !is_null && order.is_eq(),
        "ne" => is_null || order.is_ne(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        "ge" => order.is_ge(),
        _ => return None,
    })
}
