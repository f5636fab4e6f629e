//! Facts of the device that have a name: what a value that is not known depends on. A value that
//! depends on nothing else is *asked*: which way a script takes by it can be said as data.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use fleetmend_model::condition::{Fact, FactKind};

use super::interpreter::Interpreter;
use super::path;
use super::place;
use super::value::{HOLE, INSTALL_LOCATION, Object, PRODUCT_CODE, STAR, UNINSTALL_STRING, Value};

/// Names a set of facts of a run.
pub(super) type FactsId = u16;

/// The most sets of a run, and the most facts of one.
const MAX_SETS: usize = 1_000;
const MAX_FACTS: usize = 24;

/// What is asked.
struct Set {
    facts: Rc<BTreeSet<Fact>>,
    /// Whether it is a fact itself, and not something that is computed from facts.
    is_fact: bool,
}

/// The sets of facts of a run.
#[derive(Default)]
pub(super) struct Facts {
    sets: Vec<Set>,
    /// The names of all software that was looked for, in order. The marks for its places stand for
    /// those of the first.
    software: Vec<String>,
}

/// The marks for what the registry has of the software that was looked for first, and the property
/// that each is.
const OF_SOFTWARE: [(char, &str); 3] = [
    (INSTALL_LOCATION, "installlocation"),
    (UNINSTALL_STRING, "uninstallstring"),
    (PRODUCT_CODE, "pschildname"),
];

/// The folder in which `Get-AppInstallLocation` finds software, as a property of it.
pub(super) const INSTALLED_WHERE: &str = "Get-AppInstallLocation";

/// Whether a text names what the registry has of the software that was looked for first.
pub(super) fn names_software(text: &str) -> bool {
    text.contains(|c| OF_SOFTWARE.iter().any(|(mark, _)| *mark == c))
}

impl Facts {
    /// The name of what is computed from facts; `None`: there are too many.
    pub(super) fn id(&mut self, set: BTreeSet<Fact>) -> Option<FactsId> {
        self.named(set, false)
    }

    pub(super) fn named(&mut self, facts: BTreeSet<Fact>, is_fact: bool) -> Option<FactsId> {
        if facts.is_empty() || facts.len() > MAX_FACTS {
            return None;
        }
        let is_same = |it: &Set| *it.facts == facts && it.is_fact == is_fact;
        let place = match self.sets.iter().position(is_same) {
            Some(place) => place,
            None if self.sets.len() >= MAX_SETS => return None,
            None => {
                let facts = Rc::new(facts);
                self.sets.push(Set { facts, is_fact });
                self.sets.len() - 1
            }
        };
        u16::try_from(place).ok()
    }

    pub(super) fn get(&self, id: FactsId) -> Rc<BTreeSet<Fact>> {
        let set = self.sets.get(usize::from(id));
        set.map(|it| Rc::clone(&it.facts)).unwrap_or_default()
    }

    /// Whether it is a fact itself, and not something that is computed from facts.
    pub(super) fn is_fact(&self, id: FactsId) -> bool {
        self.sets.get(usize::from(id)).is_some_and(|it| it.is_fact)
    }

    /// Whether it is one value that a person finds by its name: a variable, a value of the registry.
    pub(super) fn is_one_value(&self, id: FactsId) -> bool {
        self.is_fact(id)
            && self.get(id).iter().all(|fact| match fact.kind {
                _ if fact.is_list() => false,
                FactKind::Variable | FactKind::Windows => true,
                FactKind::Registry | FactKind::Software => fact.property.is_some(),
                _ => false,
            })
    }

    /// Whether a name says all of what it is: a fact itself, or what is cut off one.
    pub(super) fn is_told(&self, id: FactsId) -> bool {
        self.is_fact(id) && !self.get(id).iter().any(Fact::is_list)
    }

    /// Whether a text says all of what it is, each part that only the device knows by its name.
    pub(super) fn is_all_told(&self, text: &str) -> bool {
        let mut asked = text.chars().filter_map(place::asked);
        asked.all(|id| self.is_told(id))
    }

    /// Whether it is something that the registry has of software.
    pub(super) fn is_of_software(&self, id: FactsId) -> bool {
        let is_software = |fact: &Fact| fact.kind == FactKind::Software;
        self.is_one_value(id) && self.get(id).iter().all(is_software)
    }

    /// What all of some values depend on; `None`: one of them depends on more than facts.
    pub(super) fn collect_all<'v>(
        &self,
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Option<BTreeSet<Fact>> {
        let mut set = BTreeSet::new();
        let mut values = values.into_iter();
        values
            .all(|value| self.collect(value, &mut set))
            .then_some(set)
    }

    /// The name of what comes of values and of what decides between them.
    pub(super) fn id_with<'v>(
        &mut self,
        why: FactsId,
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Option<FactsId> {
        let mut set = self.collect_all(values)?;
        set.extend(self.get(why).iter().cloned());
        self.id(set)
    }

    /// Adds what a value depends on; `false`: on more than facts.
    fn collect(&self, value: &Value, set: &mut BTreeSet<Fact>) -> bool {
        match value {
            Value::Unknown(_)
            | Value::Table(_)
            | Value::List(_)
            | Value::Object(Object::Started) => false,
            Value::Asked(id) => {
                set.extend(self.get(*id).iter().cloned());
                true
            }
            Value::Sought(sought) => sought.fact().is_some_and(|fact| {
                set.insert(fact);
                true
            }),
            Value::Text(text) => self.collect_text(text, set),
            Value::File(file) => {
                if path::is_passing(&file.path) {
                    return !file.path.contains([HOLE, STAR]);
                }
                if file.path.contains(HOLE) || !self.collect_text(&starless(&file.path), set) {
                    return false;
                }
                set.insert(fact(FactKind::File, &self.written(&file.path)));
                true
            }
            Value::Array(items) => items.all.iter().all(|item| self.collect(item, set)),
            _ => true,
        }
    }

    fn collect_text(&self, text: &str, set: &mut BTreeSet<Fact>) -> bool {
        for c in text.chars() {
            if let Some(id) = place::asked(c) {
                set.extend(self.get(id).iter().cloned());
                continue;
            }
            match c {
                HOLE | STAR | place::VERSION => return false,
                INSTALL_LOCATION | UNINSTALL_STRING | PRODUCT_CODE => {
                    let Some(fact) = self.software_fact(c) else {
                        return false;
                    };
                    set.insert(fact);
                }
                c if place::has_mark(c.encode_utf8(&mut [0; 4])) => {
                    let folder = || {
                        let name = place::written(&c.to_string());
                        fact(FactKind::Windows, &format!("the folder {name}"))
                    };
                    let variable = place::variable_of(c);
                    let variable = variable.map(|it| fact(FactKind::Variable, it));
                    set.insert(variable.unwrap_or_else(folder));
                }
                _ => {}
            }
        }
        true
    }

    /// The fact that a mark for something of software stands for.
    pub(super) fn software_fact(&self, mark: char) -> Option<Fact> {
        let (_, property) = OF_SOFTWARE.iter().find(|it| it.0 == mark)?;
        Some(Fact {
            property: Some((*property).to_owned()),
            ..fact(FactKind::Software, self.software.first()?)
        })
    }

    /// The software of which a text names something that the registry has.
    pub(super) fn software_in(&self, text: &str) -> BTreeSet<Fact> {
        let asked = text.chars().filter_map(place::asked);
        let asked = asked.flat_map(|id| self.get(id).iter().cloned().collect::<Vec<_>>());
        let first = text.chars().filter_map(|c| self.software_fact(c));
        let all = first.chain(asked);
        all.filter_map(|fact| software_of(&fact)).collect()
    }

    /// A text for results, with the facts that parts of it depend on.
    pub(super) fn written(&self, text: &str) -> String {
        if !names_software(text) {
            return self.written_of_one(text);
        }
        let mut named = String::with_capacity(text.len() + 32);
        for c in text.chars() {
            match self.software_fact(c) {
                Some(fact) => named.extend(["<", &fact.label(), ">"]),
                None => named.push(c),
            }
        }
        self.written_of_one(&named)
    }

    /// The same for what says itself which software it is about.
    pub(super) fn written_of_one(&self, text: &str) -> String {
        if !place::has_asked(text) {
            return place::written(text);
        }
        let mut named = String::with_capacity(text.len() + 32);
        for c in text.chars() {
            match place::asked(c) {
                Some(id) => named.push_str(&self.label(id)),
                None => named.push(c),
            }
        }
        place::written(&named)
    }

    /// What a set is, in words.
    pub(super) fn label(&self, id: FactsId) -> String {
        let names: Vec<String> = self.get(id).iter().map(Fact::label).collect();
        let from = if self.is_fact(id) { "" } else { "from " };
        format!("<{from}{}>", names.join(", "))
    }
}

/// A fact of which nothing but its name is said.
pub(super) fn fact(kind: FactKind, name: &str) -> Fact {
    Fact {
        kind,
        name: name.to_owned(),
        property: None,
        filter: None,
        cuts: Vec::new(),
    }
}

fn starless(text: &str) -> String {
    text.replace(STAR, "")
}

impl Interpreter<'_> {
    /// What values depend on, where at least one is asked and none is not known otherwise.
    pub(super) fn facts_in(&mut self, values: &[&Value]) -> Option<FactsId> {
        let set = self.facts.collect_all(values.iter().copied())?;
        self.facts.id(set)
    }

    /// What is computed from values: where it is not known, it may still be asked.
    pub(super) fn or_asked(&mut self, result: Value, from: &[&Value]) -> Value {
        let result = self.canonical(result);
        let is_open = match &result {
            Value::Unknown(_) => true,
            Value::Text(text) => text.contains(HOLE),
            _ => false,
        };
        if !is_open {
            return result;
        }
        self.facts_in(from).map_or(result, Value::Asked)
    }

    /// A path in the package's own folder by the mark for that, however it was named.
    pub(super) fn canonical(&self, value: Value) -> Value {
        match &value {
            Value::Text(text) if text.starts_with(place::CHOCOLATEY_INSTALL) => {
                match path::canonical(text, &self.package.nuspec.id) {
                    Cow::Owned(own) => Value::text(own),
                    Cow::Borrowed(_) => value,
                }
            }
            _ => value,
        }
    }

    /// A fact by its name, which may hold places and what is asked itself.
    pub(super) fn fact(&mut self, kind: FactKind, name: &str) -> Value {
        self.fact_of(kind, name, None)
    }

    /// The same of one property.
    pub(super) fn fact_of(&mut self, kind: FactKind, name: &str, property: Option<&str>) -> Value {
        let unknown = || Value::unknown("what is on the device is known only at run time");
        let mut set = BTreeSet::new();
        if name.trim().is_empty() || !self.facts.collect_asked(name, &mut set) {
            return unknown();
        }
        set.insert(Fact {
            property: property.map(str::to_owned),
            ..fact(kind, &self.facts.written(name))
        });
        let is_fact = set.len() == 1;
        let id = self.facts.named(set, is_fact);
        id.map_or_else(unknown, Value::Asked)
    }

    /// A property of what is asked: where that is one thing, of that thing.
    pub(super) fn property_asked(&mut self, target: &Value, name: &str) -> Option<Value> {
        let derived = self.facts_in(&[target])?;
        let set = self.facts.get(derived);
        let only = set.first().filter(|_| set.len() == 1)?;
        if only.property.is_some() {
            return Some(Value::Asked(derived));
        }
        if only.kind == FactKind::Registry
            && only.cuts.is_empty()
            && let Some(written) = self.written_value(&only.name, name)
        {
            return Some(written);
        }
        let fact = Fact {
            property: Some(name.to_owned()),
            ..only.clone()
        };
        let is_fact = match target {
            Value::Asked(id) => self.facts.sets.get(usize::from(*id))?.is_fact,
            _ => true,
        };
        let id = self.facts.named(BTreeSet::from([fact]), is_fact);
        id.map(Value::Asked)
    }

    /// Whether a value depends on one thing alone, whatever of it is asked.
    pub(super) fn is_of_one(&self, values: &[&Value]) -> bool {
        let Some(set) = self.facts.collect_all(values.iter().copied()) else {
            return false;
        };
        let mut things = set.iter().map(|it| (it.kind, &it.name, &it.filter));
        let first = things.next();
        first.is_some() && things.all(|it| Some(it) == first)
    }

    /// The software that is looked for, where it is one.
    pub(super) fn only_software(&self) -> Option<&str> {
        match &self.facts.software[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The software that the marks stand for.
    pub(super) fn first_software(&self) -> Option<&str> {
        self.facts.software.first().map(String::as_str)
    }

    /// Keeps in mind that software is looked for.
    pub(super) fn seek_software(&mut self, name: &str) {
        let software = &mut self.facts.software;
        if software.len() < MAX_FACTS && !software.iter().any(|it| it == name) {
            software.push(name.to_owned());
        }
    }

    /// Something that the registry has of software: of the first that was looked for by its mark.
    pub(super) fn of_software(&mut self, name: &str, mark: char) -> Value {
        if self.first_software() == Some(name) {
            return Value::text(mark.to_string());
        }
        let property = OF_SOFTWARE.iter().find(|it| it.0 == mark).map(|it| it.1);
        self.fact_of(FactKind::Software, name, property)
    }

    /// The text of a value in a text.
    pub(super) fn text_of(&mut self, value: &Value) -> String {
        match value {
            Value::Sought(_) => match self.facts_in(&[value]) {
                Some(id) => Value::Asked(id).to_text(),
                None => HOLE.to_string(),
            },
            Value::List(_) => {
                let solid = self.solid(value.clone());
                self.text_of(&solid)
            }
            other => other.to_text(),
        }
    }

    /// Why a value is not known, with the facts that it depends on.
    pub(super) fn why(&mut self, value: &Value) -> String {
        match self.facts_in(&[value]) {
            Some(id) if !value.is_known() => {
                format!(
                    "it depends on what the device has: {}",
                    self.facts.label(id)
                )
            }
            _ => value.why(),
        }
    }
}

impl Facts {
    /// Adds what the asked parts of a name depend on; `false`: a part is not known otherwise.
    fn collect_asked(&self, name: &str, set: &mut BTreeSet<Fact>) -> bool {
        for c in name.chars() {
            match place::asked(c) {
                Some(id) => set.extend(self.get(id).iter().cloned()),
                None if c == HOLE => return false,
                None => {}
            }
        }
        true
    }
}

/// The software of which a fact is something that the registry has.
pub(super) fn software_of(fact: &Fact) -> Option<Fact> {
    let is_of_registry =
        fact.kind == FactKind::Software && fact.property.as_deref() != Some(INSTALLED_WHERE);
    is_of_registry.then(|| Fact {
        property: None,
        cuts: Vec::new(),
        ..fact.clone()
    })
}
