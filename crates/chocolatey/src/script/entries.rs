//! How many of what is looked for on the device must be there for a command that takes something of it:
//! of several `PowerShell` makes a list, which is no program and no product, and a string joins them.

use std::collections::BTreeSet;

use fleetmend_model::condition::{Condition, Fact, FactKind};

use super::doubt::{Doubt, THERE_IS};
use super::facts::fact;
use super::interpreter::Interpreter;
use super::value::Sought;

/// How many there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// It is taken as it is.
    One,
    /// A string takes several, one behind the other, and is empty without any.
    Some,
}

impl Number {
    const ALL: [Self; 2] = [Self::One, Self::Some];

    /// How a condition begins that says so, which no script has itself.
    fn words(self) -> &'static str {
        match self {
            Self::One => "there is exactly one",
            Self::Some => "there is at least one",
        }
    }

    /// Whether a condition says how many there must be.
    pub(super) fn is_said_by(condition: &Condition) -> bool {
        Self::ALL
            .iter()
            .any(|it| condition.text.starts_with(it.words()))
    }
}

/// Whether a condition asks one thing alone, whatever of it.
fn is_about(condition: &Condition, thing: &Fact) -> bool {
    let Condition { facts, .. } = condition;
    matches!(&facts[..], [fact] if Fact { property: None, ..fact.clone() } == *thing)
}

impl Interpreter<'_> {
    /// Runs what takes something of software or files in texts, of which there must be so many. Where a
    /// condition says so already, or a loop takes each by itself, nothing is to be said.
    pub(super) fn of_entries<T>(
        &mut self,
        texts: [Option<&str>; 2],
        number: Number,
        line: u32,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        match self.entries(texts, number, line) {
            Some(all) => self.under(all, run),
            None => run(self),
        }
    }

    /// The same of what fails where there are not so many.
    pub(super) fn only_of_entries<T>(
        &mut self,
        texts: [Option<&str>; 2],
        number: Number,
        line: u32,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        match self.entries(texts, number, line) {
            Some(all) => self.or_throw(&all, number.words(), line, run),
            None => run(self),
        }
    }

    /// The doubt that there are so many of all software and files of which texts take something; `None`:
    /// that need not be said.
    fn entries(&mut self, texts: [Option<&str>; 2], number: Number, line: u32) -> Option<Doubt> {
        let texts = texts.into_iter().flatten();
        let mut things: BTreeSet<Fact> = texts
            .flat_map(|text| match self.file_of_device(text) {
                Some(file) => BTreeSet::from([file]),
                None => self.facts.software_in(text),
            })
            .collect();
        things.retain(|fact| !self.is_said(fact, number));
        let mut doubts = Vec::new();
        for fact in things {
            let text = format!("{} <{}>", number.words(), fact.label());
            let facts = self.facts.id(BTreeSet::from([fact]));
            doubts.push(facts.and_then(|it| self.doubt_of(it, &text, line)));
        }
        (!doubts.is_empty()).then(|| self.all_of(&doubts))
    }

    /// Whether a condition around says that exactly one is found of what is looked for.
    pub(super) fn is_one(&self, sought: &Sought) -> bool {
        sought.fact().is_some_and(|fact| self.is_one_fact(&fact))
    }

    fn is_one_fact(&self, sought: &Fact) -> bool {
        let says_one = |condition: &Condition| {
            let text: String = condition.text.split_whitespace().collect();
            let text = text.to_ascii_lowercase();
            let wanted = if condition.holds { "-eq1" } else { "-ne1" };
            let is_count = text
                .strip_prefix('$')
                .and_then(|it| it.strip_suffix(wanted))
                .and_then(|it| it.strip_suffix(".count").or(it.strip_suffix(".length")))
                .is_some_and(|it| it.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'));
            is_count && is_about(condition, sought)
        };
        self.is_around(says_one)
    }

    /// Whether a condition around says that there is just one of what is looked for, or a loop takes each
    /// by itself.
    pub(super) fn is_taken_by_itself(&self, sought: &Fact) -> bool {
        self.is_said(sought, Number::One)
    }

    /// Whether that there are so many need not be said: a condition around does, or a loop takes each.
    fn is_said(&self, sought: &Fact, number: Number) -> bool {
        let is_of_loop = |it: &Condition| match sought.kind {
            FactKind::File => it.facts.contains(sought),
            _ => is_about(it, sought),
        };
        let may_be_more =
            |it: &Condition| number == Number::One && it.text.starts_with(Number::Some.words());
        let is_each =
            |it: &Condition| it.text.starts_with(THERE_IS) && !may_be_more(it) && is_of_loop(it);
        self.is_one_fact(sought) || self.is_around(is_each)
    }

    /// What a text is that stands for all files which were looked for outside of the package: there may
    /// be none, or several.
    fn file_of_device(&self, text: &str) -> Option<Fact> {
        let is_all = self.sought_on_device.contains(text) && !self.is_one_of_files(text);
        is_all.then(|| fact(FactKind::File, &self.facts.written(text)))
    }
}
