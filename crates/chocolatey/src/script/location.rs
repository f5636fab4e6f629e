//! The folder that a script is in, and the paths that it takes from there.

use std::rc::Rc;

use super::command::Invocation;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::{Bound, Parameter, bind, switch, value};
use super::path;
use super::place;
use super::value::{HOLE, STAR, Value};

static LOCATION: [Parameter; 3] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("stackname", None, &[]),
    switch("passthru", &[]),
];

/// A folder that a script may be in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Location {
    /// Where Chocolatey starts it, which is not promised.
    #[default]
    Start,
    Known(Rc<str>),
    Unknown,
}

/// The folder that a script is in, and those that it has put aside, the last one last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Locations {
    pub(super) current: Location,
    aside: Vec<Location>,
    /// Whether more may have been put aside.
    is_open: bool,
}

impl Locations {
    /// Where either of two may be the case.
    pub(super) fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        let is_same = self.current == other.current;
        let length = self.aside.len().max(other.aside.len());
        let is_open = self.is_open || other.is_open || self.aside.len() != other.aside.len();
        let both = self.aside.into_iter().zip(other.aside);
        let mut aside: Vec<Location> = both
            .filter(|_| !is_open)
            .map(|(one, other)| if one == other { one } else { Location::Unknown })
            .collect();
        aside.resize(length, Location::Unknown);
        Self {
            is_open,
            current: if is_same {
                self.current
            } else {
                Location::Unknown
            },
            aside,
        }
    }

    /// Goes to a folder, and puts the one before aside.
    fn push(&mut self, new: Location) {
        if self.aside.len() >= MAX_ASIDE {
            self.aside.fill(Location::Unknown);
            self.current = Location::Unknown;
            self.is_open = true;
            return;
        }
        let old = std::mem::replace(&mut self.current, new);
        self.aside.push(old);
    }

    /// Goes back to the folder that was put aside last.
    fn pop(&mut self) {
        match self.aside.pop() {
            Some(last) => self.current = last,
            // With nothing put aside it stays where it is.
            None if self.is_open => self.current = Location::Unknown,
            None => {}
        }
    }
}

/// The most folders that are put aside.
const MAX_ASIDE: usize = 40;

impl Interpreter<'_> {
    /// `Set-Location`, `Push-Location` and `Pop-Location`.
    pub(super) fn move_to(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let bound = bind(&LOCATION, false, command.arguments.clone());
        let piped = command.input.as_ref().and_then(|it| it.first());
        let target = bound.get("path").or(piped).cloned();
        let new = match (&bound.problem, bound.get("stackname"), &target) {
            (None, None, Some(target)) => self.location_of(target),
            (None, None, None) if command.name != "set-location" => {
                self.state.locations.current.clone()
            }
            _ => Location::Unknown,
        };
        let target = target.filter(|_| command.name != "pop-location");
        let is_there = target.as_ref().is_none_or(|it| self.is_there_to_go(it));
        if is_there || self.errors_end(bound.get("erroraction")) {
            let needed = target.filter(|_| !is_there);
            let needed = needed.map(|target| self.needed_folder(&target));
            self.with(needed, command.line, |this| this.go(command.name, new));
        } else {
            // Where it is missing, the script goes on in the folder that it is in.
            let mut stays = self.state.locations.clone();
            if command.name == "push-location" {
                stays.push(stays.current.clone());
            }
            self.go(command.name, new);
            let goes = std::mem::take(&mut self.state.locations);
            self.state.locations = stays.join(goes);
        }
        output(&bound)
    }

    fn go(&mut self, command: &str, new: Location) {
        let locations = &mut self.state.locations;
        match command {
            "pop-location" => locations.pop(),
            "push-location" => locations.push(new),
            _ => locations.current = new,
        }
    }

    /// Whether the folder is there wherever the script comes to this.
    fn is_there_to_go(&mut self, target: &Value) -> bool {
        match target {
            Value::Text(_) | Value::File(_) if target.is_known() => {
                let path = self.resolved(&target.to_path());
                path.is_some_and(|path| self.is_surely_there(&path))
            }
            _ => false,
        }
    }

    fn location_of(&self, target: &Value) -> Location {
        let text = target.to_path();
        let is_open = !matches!(target, Value::Text(_) | Value::File(_) | Value::Asked(_))
            || text.contains([HOLE, STAR, '*', '?']);
        match self.resolved(&text) {
            Some(path) if !is_open && !path.is_empty() => Location::Known(path.into()),
            _ => Location::Unknown,
        }
    }

    /// A path as a full one; `None`: the folder that it is taken from is not known.
    pub(super) fn resolved(&self, path: &str) -> Option<String> {
        if !is_relative(path) {
            return Some(path.to_owned());
        }
        match &self.state.locations.current {
            Location::Known(folder) => Some(path::normal(&path::join(folder, path))),
            _ => None,
        }
    }

    /// A program or script as it is called: with a folder in front it is a path, else a name.
    pub(super) fn resolved_program(&self, path: &str) -> String {
        let whole = self.resolved(path).filter(|_| path.contains(['\\', '/']));
        whole.unwrap_or_else(|| path.to_owned())
    }

    /// Makes paths among a command's arguments full ones; a finding where that cannot be done, and
    /// then `false`.
    pub(super) fn resolve(
        &mut self,
        bound: &mut Bound,
        names: &[&'static str],
        command: &Invocation<'_>,
    ) -> bool {
        for name in names {
            let Some(given) = bound.get(name) else {
                continue;
            };
            let mut is_changed = false;
            let mut all = Vec::new();
            for item in given.clone().into_items() {
                let text = match &item {
                    Value::Text(_) | Value::File(_) => item.to_path(),
                    _ => String::new(),
                };
                if !is_relative(&text) || is_bare_mark(&text) {
                    all.push(item);
                    continue;
                }
                let Some(full) = self.resolved(&text) else {
                    let what = format!(
                        "which folder {} is taken from is not known: {}",
                        excerpt(&place::written(&text)),
                        excerpt(command.text)
                    );
                    self.find(Weight::Review, command.line, what);
                    return false;
                };
                is_changed = true;
                all.push(Value::text(full));
            }
            if is_changed {
                bound.add(name, Value::collapse(all));
            }
        }
        true
    }
}

fn output(bound: &Bound) -> Vec<Value> {
    if bound.is_on("passthru") {
        vec![Value::unknown("it is the folder that the script is in")]
    } else {
        Vec::new()
    }
}

/// Whether a path is taken from the folder that the script is in. One that begins with `\\` says itself
/// that it is of the drive's root.
pub(super) fn is_relative(path: &str) -> bool {
    let path = path.trim_start_matches('"');
    !path.is_empty()
        && !path::is_full(path)
        && !path.starts_with(['\\', '/'])
        // Behind another text, a full path is none that there could be.
        && !place::has_folder(path)
        && !path.contains(':')
        && !path.starts_with('~')
        && !super::effect_files::is_registry(path)
}

/// Whether a path is that of a mark for the shim generator without the program that it is for.
fn is_bare_mark(path: &str) -> bool {
    path.eq_ignore_ascii_case(".ignore") || path.eq_ignore_ascii_case(".gui")
}
