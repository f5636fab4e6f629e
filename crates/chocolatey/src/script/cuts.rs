//! What a script cuts off one text that only the device knows: the text stays a fact with a name, and
//! what is cut off it is a part of that.

use std::collections::BTreeSet;

use fleetmend_model::condition::Fact;
use fleetmend_model::cut::{Cut, Ends};

use super::facts::software_of;
use super::interpreter::Interpreter;
use super::value::Value;

/// The most that is cut off one text.
const MAX_CUTS: usize = 6;

/// The longest text that a cut looks for or writes, in bytes.
const MAX_PART: usize = 200;

impl Interpreter<'_> {
    /// A method of a text that only cuts it; `None`: it is none, or not of one fact alone.
    pub(super) fn cut_by_method(
        &mut self,
        target: &Value,
        name: &str,
        arguments: &[Value],
    ) -> Option<Value> {
        let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_plain).collect();
        let texts = texts?;
        let trim = |ends| Cut::Trim {
            set: texts.concat(),
            ends,
        };
        let cut = match (name, &texts[..]) {
            ("trim", _) => trim(Ends::Both),
            ("trimstart", _) => trim(Ends::Start),
            ("trimend", _) => trim(Ends::End),
            ("replace", [from, to]) => Cut::Replace {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
                any_case: false,
            },
            // .NET Framework splits at each of the characters.
            ("split", [at]) => Cut::Part {
                at: (*at).to_owned(),
                each: true,
                place: None,
            },
            _ => return None,
        };
        self.cut(target, cut)
    }

    /// The same of an operator.
    pub(super) fn cut_by_operator(
        &mut self,
        operator: &str,
        left: &Value,
        right: &Value,
    ) -> Option<Value> {
        let right = right.clone().into_items();
        let texts: Option<Vec<&str>> = right.iter().map(Value::as_plain).collect();
        let texts = texts?;
        let (pattern, to) = match texts[..] {
            [pattern] => (literal(pattern)?, ""),
            [pattern, to] => (literal(pattern)?, to),
            _ => return None,
        };
        let cut = match (operator, texts.len()) {
            ("-replace" | "-ireplace" | "-creplace", _) if !to.contains('$') => Cut::Replace {
                any_case: operator != "-creplace" && pattern.contains(|c: char| c.is_alphabetic()),
                from: pattern,
                to: to.to_owned(),
            },
            ("-split" | "-isplit", 1) => Cut::Part {
                at: pattern,
                each: false,
                place: None,
            },
            _ => return None,
        };
        self.cut(left, cut)
    }

    /// `Split-Path` of a path that the registry has.
    pub(super) fn folder_above(&mut self, path: &Value) -> Option<Value> {
        self.cut(path, Cut::Folder)
    }

    /// One of the parts that a text was split into. Of several entries of software all parts are in one
    /// list: which entry's it is, only the device knows.
    pub(super) fn part_of_split(&mut self, target: &Value, place: i64) -> Option<Value> {
        let mut fact = self.only_fact(target)?;
        let software = software_of(&fact);
        if software.is_some_and(|it| !self.is_taken_by_itself(&it) && !self.one_taken.contains(&it))
        {
            return None;
        }
        let Some(Cut::Part { at, each, .. }) = fact.cuts.pop().filter(Cut::is_list) else {
            return None;
        };
        fact.cuts.push(Cut::Part {
            at,
            each,
            place: Some(place),
        });
        self.fact_itself(fact)
    }

    fn cut(&mut self, target: &Value, cut: Cut) -> Option<Value> {
        let parts = match &cut {
            Cut::Replace { from, to, .. } => [from.as_str(), to],
            Cut::Trim { set, .. } => [set.as_str(), "x"],
            Cut::Part { at, .. } => [at.as_str(), "x"],
            Cut::Folder => ["x", "x"],
        };
        let is_ascii = parts.concat().is_ascii();
        let is_empty = parts[0].is_empty() && !matches!(cut, Cut::Trim { .. });
        if is_empty || !is_ascii || parts.concat().len() > MAX_PART {
            return None;
        }
        let mut fact = self.only_fact(target)?;
        if fact.cuts.len() >= MAX_CUTS || fact.cuts.iter().any(Cut::is_list) {
            return None;
        }
        fact.cuts.push(cut);
        self.fact_itself(fact)
    }

    /// The one text with a name that a value is, and nothing else.
    pub(super) fn only_fact(&self, value: &Value) -> Option<Fact> {
        let id = match value {
            Value::Asked(id) => *id,
            Value::Text(text) => {
                let mut marks = text.chars();
                let (Some(mark), None) = (marks.next(), marks.next()) else {
                    return None;
                };
                match super::place::asked(mark) {
                    Some(id) => id,
                    None => return self.facts.software_fact(mark),
                }
            }
            _ => return None,
        };
        let set = self.facts.get(id);
        let fact = set.first().filter(|_| set.len() == 1)?;
        let is_text = self.facts.is_one_value(id) || fact.is_list() && self.facts.is_fact(id);
        is_text.then(|| fact.clone())
    }

    fn fact_itself(&mut self, fact: Fact) -> Option<Value> {
        let id = self.facts.named(BTreeSet::from([fact]), true);
        id.map(Value::Asked)
    }
}

/// The text that a regular expression stands for, where it stands for one alone.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '*' | '+' | '?' | '|' | '{' | '[' | '(' | ')' | '^' | '$' | '.' => return None,
            c => text.push(c),
        }
    }
    (!text.is_empty()).then_some(text)
}
