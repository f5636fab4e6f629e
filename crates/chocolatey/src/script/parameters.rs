//! Binds a command's arguments to its parameters, as PowerShell does: by name, by the unambiguous
//! beginning of a name, by alias, by position, from a splatted table or array.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::Value;

/// One argument of a command.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    /// `-Name` or `-Name:value`.
    Name(String, Option<Value>),
    /// A value by itself.
    Value(Value),
    /// `@table`: its entries.
    Entries(Vec<(Rc<str>, Value)>),
    /// `@array`, or what is no table.
    Splat(Value),
}

impl Argument {
    /// The values in it.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        let (one, entries) = match self {
            Self::Name(_, value) => (value.as_ref(), &[][..]),
            Self::Value(value) | Self::Splat(value) => (Some(value), &[][..]),
            Self::Entries(entries) => (None, entries.as_slice()),
        };
        one.into_iter().chain(entries.iter().map(|it| &it.1))
    }
}

/// One parameter of a command.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) is_switch: bool,
    /// Whether the command asks for it where it is not given, or empty: there is nobody to answer, and
    /// the command fails.
    pub(super) is_mandatory: bool,
    pub(super) position: Option<u8>,
}

/// A parameter with a value, with or without a position.
pub(super) const fn value(
    name: &'static str,
    position: Option<u8>,
    aliases: &'static [&'static str],
) -> Parameter {
    Parameter {
        name,
        aliases,
        is_switch: false,
        is_mandatory: false,
        position,
    }
}

/// The same of one without which the command fails.
pub(super) const fn mandatory(
    name: &'static str,
    position: Option<u8>,
    aliases: &'static [&'static str],
) -> Parameter {
    Parameter {
        is_mandatory: true,
        ..value(name, position, aliases)
    }
}

/// A parameter that is on where it is named.
pub(super) const fn switch(name: &'static str, aliases: &'static [&'static str]) -> Parameter {
    Parameter {
        name,
        aliases,
        is_switch: true,
        is_mandatory: false,
        position: None,
    }
}

/// The parameters of every advanced function and cmdlet.
const COMMON: [Parameter; 13] = [
    value("erroraction", None, &["ea"]),
    value("warningaction", None, &["wa"]),
    value("informationaction", None, &["infa"]),
    value("errorvariable", None, &["ev"]),
    value("warningvariable", None, &["wv"]),
    value("informationvariable", None, &["iv"]),
    value("outvariable", None, &["ov"]),
    value("outbuffer", None, &["ob"]),
    value("pipelinevariable", None, &["pv"]),
    switch("verbose", &["vb"]),
    switch("debug", &["db"]),
    switch("confirm", &["cf"]),
    switch("whatif", &["wi"]),
];

/// What is wrong where arguments are left without a parameter.
const MORE: &str = "it has more arguments than it takes";

/// Arguments at their parameters.
#[derive(Debug, Default)]
pub(super) struct Bound {
    values: BTreeMap<&'static str, Value>,
    /// What could not be bound, for a finding.
    pub(super) problem: Option<String>,
}

impl Bound {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The parameters that were given, with their values, without those that every command has.
    pub(super) fn own(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let common = |name: &str| COMMON.iter().any(|it| it.name == name);
        self.values
            .iter()
            .filter(move |(name, _)| !common(name))
            .map(|(name, value)| (*name, value))
    }

    /// Whether it surely fails because arguments are left.
    pub(super) fn has_more(&self) -> bool {
        self.problem.as_deref() == Some(MORE)
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|value| value.truth() != Some(false))
    }

    /// Binds what the pipeline hands over.
    pub(super) fn add(&mut self, name: &'static str, value: Value) {
        self.values.insert(name, value);
    }

    fn put(&mut self, parameter: &Parameter, value: Value) {
        let value = match parameter.name {
            "inputobject" => value,
            _ => value.into_argument(),
        };
        if self.values.insert(parameter.name, value).is_some() {
            self.problem = Some(format!("the parameter {} is given twice", parameter.name));
        }
    }
}

enum Match<'p> {
    One(&'p Parameter),
    None,
    Several,
}

fn find<'p>(parameters: &'p [Parameter], name: &str) -> Match<'p> {
    let name = name.to_ascii_lowercase();
    let all = || parameters.iter().chain(&COMMON);
    let names = |parameter: &Parameter| {
        std::iter::once(parameter.name)
            .chain(parameter.aliases.iter().copied())
            .collect::<Vec<_>>()
    };
    if let Some(exact) = all().find(|it| names(it).contains(&name.as_str())) {
        // `parameters` outlives the chain's temporary borrow of COMMON, which is static.
        return Match::One(exact);
    }
    let mut begins = all().filter(|it| names(it).iter().any(|it| it.starts_with(&name)));
    match (begins.next(), begins.next()) {
        (Some(one), None) => Match::One(one),
        (None, _) => Match::None,
        _ => Match::Several,
    }
}

/// Binds arguments. With `takes_rest` the command swallows arguments that it does not know.
pub(super) fn bind(
    parameters: &'static [Parameter],
    takes_rest: bool,
    arguments: Vec<Argument>,
) -> Bound {
    let mut bound = Bound::default();
    let mut positional = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        match argument {
            Argument::Value(value) => positional.push(value),
            Argument::Entries(entries) => {
                for (key, value) in entries {
                    match find(parameters, &key) {
                        Match::One(parameter) => bound.put(parameter, value),
                        Match::None if takes_rest => {}
                        Match::None | Match::Several => {
                            bound.problem = Some(format!("the parameter {key} is not known"));
                        }
                    }
                }
            }
            Argument::Splat(Value::Array(items)) => positional.extend(items.all.iter().cloned()),
            Argument::Splat(Value::Null) => {}
            Argument::Splat(_) => {
                bound.problem = Some("the table of its arguments is not known".to_owned());
            }
            Argument::Name(name, attached) => match find(parameters, &name) {
                Match::One(parameter) if parameter.is_switch => {
                    bound.put(parameter, attached.unwrap_or(Value::Bool(true)));
                }
                Match::One(parameter) => {
                    let value = attached.or_else(|| {
                        match arguments.next_if(|next| matches!(next, Argument::Value(_))) {
                            Some(Argument::Value(value)) => Some(value),
                            _ => None,
                        }
                    });
                    match value {
                        Some(value) => bound.put(parameter, value),
                        None => {
                            bound.problem = Some(format!("the parameter {name} has no value"));
                        }
                    }
                }
                Match::None | Match::Several => {
                    bound.problem = Some(format!("the parameter {name} is not known"));
                }
            },
        }
    }
    bind_positional(&mut bound, parameters, takes_rest, positional);
    if bound.problem.is_none() {
        let mut mandatory = parameters.iter().filter(|it| it.is_mandatory);
        bound.problem = mandatory.find_map(|it| lacking(it.name, bound.get(it.name)));
    }
    bound
}

/// What is wrong with a mandatory parameter's value: it is not there, or empty.
fn lacking(name: &str, value: Option<&Value>) -> Option<String> {
    let lack = match value {
        None => "missing",
        Some(Value::Null) => "empty",
        Some(Value::Text(text)) if text.is_empty() => "empty",
        Some(_) => return None,
    };
    Some(format!(
        "the mandatory parameter {name} is {lack}, without which it fails"
    ))
}

fn bind_positional(
    bound: &mut Bound,
    parameters: &'static [Parameter],
    takes_rest: bool,
    values: Vec<Value>,
) {
    let mut free: Vec<&Parameter> = parameters
        .iter()
        .filter(|it| it.position.is_some() && !bound.values.contains_key(it.name))
        .collect();
    free.sort_by_key(|it| it.position);
    let mut free = free.into_iter();
    for value in values {
        match free.next() {
            Some(parameter) => bound.put(parameter, value),
            None if takes_rest => {}
            // With a table that is not known there may be room for it.
            None => {
                bound.problem.get_or_insert_with(|| MORE.to_owned());
            }
        }
    }
}
