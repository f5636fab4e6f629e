//! `Set-Variable`, `New-Variable` and `Remove-Variable`.

use super::command::Invocation;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::{Parameter, bind, switch, value};
use super::value::Value;

static VARIABLE: [Parameter; 9] = [
    value("name", Some(0), &[]),
    value("value", Some(1), &[]),
    value("scope", None, &[]),
    value("option", None, &[]),
    value("visibility", None, &[]),
    value("description", None, &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    switch("force", &[]),
];

/// Which variable of a name a command is about.
enum Place {
    /// A scope by its place among those of the run.
    Scope(usize),
    Global,
    /// It is not known which.
    Any,
}

impl Interpreter<'_> {
    /// `Set-Variable` and `New-Variable`.
    pub(super) fn variable_command(&mut self, command: Invocation<'_>) {
        let bound = bind(&VARIABLE, false, command.arguments);
        let (Some(name), None) = (bound.get("name").and_then(Value::as_plain), &bound.problem)
        else {
            let what = format!(
                "sets a variable that is not known: {}",
                excerpt(command.text)
            );
            return self.find(Weight::Review, command.line, what);
        };
        let name = name.to_ascii_lowercase();
        self.find_defaults(&name, command.line);
        let given = bound.get("value").cloned();
        let value = given.unwrap_or_else(|| Value::collapse(command.input.unwrap_or_default()));
        match self.place_of(bound.get("scope")) {
            Place::Scope(at) => self.set_in(at, &name, value),
            Place::Global => self.set_variable(&format!("global:{name}"), value, command.line),
            Place::Any => self.lose_variable(&name),
        }
    }

    /// `Remove-Variable`: what is behind it is seen then.
    pub(super) fn remove_variable(&mut self, command: Invocation<'_>) {
        let bound = bind(&VARIABLE, false, command.arguments);
        let names = bound.get("name").cloned().unwrap_or(Value::Null);
        let names = names.into_items();
        let plain: Option<Vec<&str>> = names.iter().map(Value::as_plain).collect();
        let plain = plain.filter(|names| !names.iter().any(|it| it.contains(['*', '?', '['])));
        let (Some(names), None) = (plain, &bound.problem) else {
            let what = format!(
                "removes a variable that is not known: {}",
                excerpt(command.text)
            );
            return self.find(Weight::Review, command.line, what);
        };
        for name in names {
            let name = name.to_ascii_lowercase();
            match self.place_of(bound.get("scope")) {
                Place::Scope(at) if at + 1 == self.state.scopes.len() => {
                    self.state.scopes[at].remove(name.as_str());
                    let behind = self.variable(&name);
                    self.set_in(at, &name, behind);
                }
                Place::Global => {
                    let name = format!("global:{name}");
                    self.set_variable(&name, Value::Null, command.line);
                }
                Place::Scope(_) | Place::Any => self.lose_variable(&name),
            }
        }
    }

    /// The scope that `-Scope` names: by its name, or by how far it is outside.
    fn place_of(&self, scope: Option<&Value>) -> Place {
        let last = self.state.scopes.len().saturating_sub(1);
        let Some(scope) = scope else {
            return Place::Scope(last);
        };
        let outside = |by: i64| {
            let at = usize::try_from(by).ok().and_then(|by| last.checked_sub(by));
            let at = at.filter(|at| *at >= self.base);
            at.map_or(Place::Any, Place::Scope)
        };
        match scope {
            Value::Int(by) => outside(*by),
            other => match other.as_plain().map(str::to_ascii_lowercase).as_deref() {
                Some("local" | "private") => Place::Scope(last),
                Some("script") => Place::Scope(self.base),
                Some("global") => Place::Global,
                Some(by) => by.parse().map_or(Place::Any, outside),
                None => Place::Any,
            },
        }
    }

    fn set_in(&mut self, at: usize, name: &str, value: Value) {
        if let Some(scope) = self.state.scopes.get_mut(at) {
            scope.insert(name.into(), value);
        }
    }

    /// Makes a variable unknown in every scope that may be meant.
    fn lose_variable(&mut self, name: &str) {
        let base = self.base;
        for scope in self.state.scopes.iter_mut().skip(base) {
            let value = Value::unknown("which variable of its name is changed is not known");
            scope.insert(name.into(), value);
        }
    }
}
