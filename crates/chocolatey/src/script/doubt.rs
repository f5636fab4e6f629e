//! Conditions that are not known and stand around what is run. Where such a condition is asked of the
//! device alone, it is said as data; else nothing can be said of what stands under it.

use std::collections::BTreeSet;
use std::rc::Rc;

use fleetmend_model::condition::{Condition, FactKind};

use super::entries::Number;
use super::facts::{FactsId, fact};
use super::interpreter::Interpreter;
use super::path;
use super::value::{HOLE, Value};
use super::words::folded;

/// A condition that is not known; `None`: it depends on more than facts of the device.
pub(super) type Doubt = Option<Asked>;

/// A condition that depends on facts of the device alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) facts: FactsId,
    pub(super) condition: Rc<Condition>,
}

impl Asked {
    /// The same condition, failing where it held.
    fn negated(&self) -> Self {
        let condition = Condition {
            holds: !self.condition.holds,
            ..self.condition.as_ref().clone()
        };
        Self {
            facts: self.facts,
            condition: condition.into(),
        }
    }

    fn text(&self) -> String {
        let not = if self.condition.holds { "" } else { "-not " };
        format!("{not}({})", self.condition.text)
    }
}

/// What a set of facts depends on for a doubt, if anything is known of it.
pub(super) fn facts_of(doubt: &Doubt) -> Option<FactsId> {
    doubt.as_ref().map(|asked| asked.facts)
}

/// The doubt where the condition fails.
pub(super) fn negated(doubt: &Doubt) -> Doubt {
    doubt.as_ref().map(Asked::negated)
}

/// The most conditions that are told apart.
const MAX_DOUBTS: usize = 64;

/// How conditions begin that say that something is there, which no script has itself.
pub(super) const THERE_IS: &str = "there is ";

/// The longest text of a condition, in bytes: of a longer one nothing is said.
const MAX_SHOWN: usize = 4_000;

/// Whether a name is a pattern, whatever stands in what it names of the device.
fn is_pattern(name: &str) -> bool {
    let mut depth = 0_u32;
    name.chars().any(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '*' && depth == 0
    })
}

/// Keeps a doubt of what ended the script; of too many nothing is said.
fn keep_ending(endings: &mut Vec<Doubt>, rest: &Doubt) {
    if endings.contains(rest) {
        return;
    }
    if endings.len() < MAX_DOUBTS {
        endings.push(rest.clone());
    } else {
        *endings = vec![None];
    }
}

/// A condition's text on one line; `None`: it is too long.
fn shown(text: &str) -> Option<String> {
    (text.len() <= MAX_SHOWN).then(|| folded(text))
}

impl Interpreter<'_> {
    /// The doubt of a condition with that value and text, which must hold.
    pub(super) fn doubt(&mut self, value: &Value, text: &str, line: u32) -> Doubt {
        let facts = self.facts_behind(value)?;
        self.doubt_of(facts, text, line)
    }

    /// The doubt of a condition that depends on facts.
    pub(super) fn doubt_of(&self, facts: FactsId, text: &str, line: u32) -> Doubt {
        let condition = Condition {
            text: shown(text)?,
            holds: true,
            facts: self.facts.get(facts).iter().cloned().collect(),
            file: self.script.as_ref().to_owned(),
            line,
        };
        Some(Asked {
            facts,
            condition: condition.into(),
        })
    }

    /// The facts that decide what a value is.
    fn facts_behind(&mut self, value: &Value) -> Option<FactsId> {
        let facts = self.facts_in(&[value]);
        facts.or_else(|| self.facts_of_pattern(value))
    }

    /// What decides whether there is a file of the package's folder that fits a pattern: an archive may
    /// bring one.
    fn facts_of_pattern(&mut self, value: &Value) -> Option<FactsId> {
        let Value::File(file) = value else {
            return None;
        };
        if path::in_package(&file.path).is_none() || file.path.contains(HOLE) {
            return None;
        }
        let fact = fact(FactKind::File, &self.facts.written(&file.path));
        self.facts.id(BTreeSet::from([fact]))
    }

    /// How a condition that facts alone decide is assumed to be decided, if it is; in any case it is
    /// noted.
    pub(super) fn decided(&mut self, doubt: &Doubt) -> Option<bool> {
        self.meet_fork(&doubt.as_ref()?.condition)
    }

    /// Whether no condition that is not known stands around.
    pub(super) fn is_certain(&self) -> bool {
        self.doubts.is_empty() && self.endings.is_empty()
    }

    /// Whether what is around tells no files of a pattern apart: loops over all that it stands for,
    /// and conditions on other facts.
    pub(super) fn is_certain_but_patterns(&self) -> bool {
        let tells_apart = |doubt: &Doubt| match doubt {
            None => true,
            // Of all that there must be, none is left out.
            Some(Asked { condition, .. }) if Number::is_said_by(condition) => false,
            Some(Asked { condition, .. }) => condition
                .facts
                .iter()
                .any(|fact| fact.kind == FactKind::File && is_pattern(&fact.name)),
        };
        let telling = self.doubts.iter().filter(|it| tells_apart(it)).count();
        telling <= self.patterns && !self.endings.iter().any(tells_apart)
    }

    /// Runs something under a condition that is not known.
    pub(super) fn under<T>(&mut self, doubt: Doubt, run: impl FnOnce(&mut Self) -> T) -> T {
        let place = self.doubts.len();
        self.doubts.push(doubt);
        let result = run(self);
        // Those behind it are of what left early: they stand around what follows too.
        self.doubts.remove(place);
        result
    }

    /// Runs something under a condition of which nothing can be said.
    pub(super) fn uncertainly<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        self.under(None, run)
    }

    /// The doubt that holds where all doubts from a place on hold, and one more.
    pub(super) fn all_from(&mut self, place: usize, last: &Doubt) -> Doubt {
        if self.doubts.len() > MAX_DOUBTS {
            return None;
        }
        let mut all = self.doubts.get(place..).unwrap_or_default().to_vec();
        all.push(last.clone());
        self.all_of(&all)
    }

    /// The doubt that holds where all of some doubts hold.
    pub(super) fn all_of(&mut self, doubts: &[Doubt]) -> Doubt {
        let all: Option<Vec<Asked>> = doubts.iter().cloned().collect();
        let all = all?;
        let own = all.last()?;
        if all.len() == 1 {
            return Some(own.clone());
        }
        let mut set = BTreeSet::new();
        for asked in &all {
            set.extend(self.facts.get(asked.facts).iter().cloned());
        }
        let texts: Vec<String> = all.iter().map(Asked::text).collect();
        let facts = self.facts.id(set)?;
        let condition = Condition {
            text: shown(&texts.join(" -and "))?,
            holds: true,
            facts: self.facts.get(facts).iter().cloned().collect(),
            ..own.condition.as_ref().clone()
        };
        Some(Asked {
            facts,
            condition: condition.into(),
        })
    }

    /// Whether one of the conditions around is such a one.
    pub(super) fn is_around(&self, test: impl Fn(&Condition) -> bool) -> bool {
        let doubts = self.endings.iter().chain(&self.doubts);
        doubts.flatten().any(|asked| test(&asked.condition))
    }

    /// The doubt of a loop over what may be none.
    pub(super) fn loop_doubt(&mut self, item: &Value, line: u32) -> Doubt {
        let facts = self.facts_behind(item)?;
        let text = format!("{THERE_IS}{}", self.facts.label(facts));
        self.doubt_of(facts, &text, line)
    }

    /// Keeps the doubt that stands around all that follows, behind what ended the script. Behind what
    /// ended it without an error nothing can fail any more.
    pub(super) fn end_under(&mut self, rest: &Doubt, is_silent: bool) {
        if is_silent {
            keep_ending(&mut self.silent_endings, rest);
        }
        keep_ending(&mut self.endings, rest);
    }

    /// The doubt that holds where the script comes to this point and one more doubt holds: what ended
    /// it with an error before makes it fail in any case, and is said by itself.
    pub(super) fn all_to_here(&mut self, last: &Doubt) -> Doubt {
        let mut all = self.silent_endings.clone();
        for doubt in &self.doubts {
            if !all.contains(doubt) {
                all.push(doubt.clone());
            }
        }
        if all.len() > MAX_DOUBTS {
            return None;
        }
        all.push(last.clone());
        self.all_of(&all)
    }

    /// The conditions around as data; `None`: of one of them nothing can be said.
    pub(super) fn conditions(&self) -> Option<Vec<Condition>> {
        let mut conditions: Vec<Condition> = Vec::new();
        for doubt in self.endings.iter().chain(&self.doubts) {
            let condition = doubt.as_ref()?.condition.as_ref();
            if !conditions.contains(condition) {
                conditions.push(condition.clone());
            }
        }
        Some(conditions)
    }
}
