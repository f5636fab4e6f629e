//! Which values a key of the registry has: `.PSObject.Properties` of what `Get-ItemProperty` gives.

use std::collections::BTreeSet;

use fleetmend_model::condition::{Fact, FactKind};

use super::interpreter::Interpreter;
use super::value::Value;

/// An object as `PowerShell` sees it, as a property of what it is.
const OBJECT: &str = "psobject";
/// Its properties.
const NAMES: &str = "names of values";

impl Interpreter<'_> {
    /// On the way from what the registry has to the names of its values; `None`: it is something else.
    pub(super) fn names_of_values(&mut self, target: &Value, name: &str) -> Option<Value> {
        let of = self.key_of_registry(target)?;
        let property = match (of.property.as_deref(), name) {
            (None, OBJECT) => OBJECT,
            (Some(OBJECT), "properties") | (Some(NAMES), "name") => NAMES,
            _ => return None,
        };
        self.value_of_key(of, property)
    }

    /// `-contains 'X'` of the names, and the like: the value of that name, which is there or not.
    pub(super) fn contained_value(
        &mut self,
        operator: &str,
        left: &Value,
        right: &Value,
    ) -> Option<Value> {
        let operator = operator.trim_start_matches('-').to_ascii_lowercase();
        match operator.strip_prefix('i').unwrap_or(&operator) {
            "contains" | "notcontains" => self.named_value(left, right),
            // The `i` of the operator itself is gone too.
            "n" | "notin" => self.named_value(right, left),
            _ => None,
        }
    }

    /// The value of a name, of all that a key has.
    pub(super) fn named_value(&mut self, names: &Value, name: &Value) -> Option<Value> {
        let of = self.key_of_registry(names)?;
        let name = name.as_plain()?.to_owned();
        (of.property.as_deref() == Some(NAMES))
            .then(|| self.value_of_key(of, &name))
            .flatten()
    }

    /// The only key that a value is, or is something of.
    fn key_of_registry(&mut self, value: &Value) -> Option<Fact> {
        if !matches!(value, Value::Asked(_) | Value::Sought(_)) {
            return None;
        }
        let facts = self.facts_in(&[value])?;
        let facts = self.facts.get(facts);
        let only = facts.first().filter(|_| facts.len() == 1)?;
        let is_key = matches!(only.kind, FactKind::Registry | FactKind::Software);
        (is_key && only.cuts.is_empty()).then(|| only.clone())
    }

    fn value_of_key(&mut self, of: Fact, property: &str) -> Option<Value> {
        let fact = Fact {
            property: Some(property.to_owned()),
            ..of
        };
        let id = self.facts.named(BTreeSet::from([fact]), true);
        id.map(Value::Asked)
    }
}
