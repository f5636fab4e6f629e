//! What a script's expressions come to: known data, or a value that says why it is not known.

use std::borrow::Cow;
use std::rc::Rc;

use fleetmend_model::condition::{Fact, FactKind};

use super::facts::FactsId;
pub(super) use super::place::{
    HOLE, INSTALL_LOCATION, PACKAGE_ROOT, PRODUCT_CODE, STAR, TEMP, UNINSTALL_STRING,
};

/// Names a table of [`super::state::State`]: tables are shared by all that refer to them.
pub(super) type TableId = u32;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    /// May hold the marks of `place`.
    Text(Rc<str>),
    Array(Rc<Items>),
    Table(TableId),
    /// A list object, which is shared by all that refer to it. It takes part in nothing but its own
    /// methods before [`super::interpreter::Interpreter::solid`] has made an array of it.
    List(TableId),
    Block(Rc<Block>),
    /// Up to four numbers.
    Version(Rc<[i64]>),
    File(Rc<FileItem>),
    /// A type's name in lower case, without brackets and `system.`.
    Type(Rc<str>),
    /// A regular expression that minds case.
    Regex(Rc<str>),
    /// An object of which some properties are known.
    Object(Object),
    /// What may be found on the device by a name: none, one or many.
    Sought(Rc<Sought>),
    /// Anything that depends on facts of the device alone: none, one or many.
    Asked(FactsId),
    /// Not known, and why.
    Unknown(Cow<'static, str>),
}

/// A list, with what it weighs.
#[derive(Debug, PartialEq)]
pub(super) struct Items {
    pub(super) all: Vec<Value>,
    weight: usize,
}

/// A script block: its text without braces, and its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) text: Rc<str>,
    pub(super) line: u32,
    /// The script that it stands in.
    pub(super) script: Rc<str>,
}

/// A file or folder as `Get-Item` and `Get-ChildItem` give it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileItem {
    /// Full path with marks.
    pub(super) path: String,
    pub(super) is_folder: bool,
    /// Whether its text is the full path: Windows PowerShell writes the name alone for what was
    /// found in a folder without wildcards.
    pub(super) is_text_full: bool,
}

/// Objects that describe the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// `[Environment]::OSVersion`.
    OsVersion,
    /// `Win32_OperatingSystem`.
    OperatingSystem,
    /// `Win32_Processor`.
    Processor,
    /// `HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion`.
    CurrentVersion,
    /// `$PSVersionTable`.
    PsVersionTable,
    /// A program that the script started.
    Started,
}

/// What is looked for on the device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sought {
    pub(super) kind: SoughtKind,
    /// The name, perhaps with wildcards.
    pub(super) name: String,
    pub(super) filter: Filter,
    /// Whether a pipeline gets a null where there is none: Chocolatey's helper returns what it has not
    /// found.
    pub(super) gives_null: bool,
}

/// What a filter that only the device can decide leaves of what is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// There is none: all of it.
    None,
    /// What fits the filter, as it can be told.
    Told(Rc<str>),
    /// Some of it, whichever.
    Open,
}

impl Sought {
    /// All that there is of a name.
    pub(super) fn all(kind: SoughtKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            filter: Filter::None,
            gives_null: false,
        }
    }

    /// The same without what a filter leaves out; `None`: what that asks cannot be told.
    pub(super) fn filtered(&self, filter: Option<String>) -> Self {
        let filter = match (&self.filter, filter) {
            (Filter::None, Some(new)) => Filter::Told(new.into()),
            (Filter::Told(old), Some(new)) => Filter::Told(format!("({old}) -and ({new})").into()),
            (Filter::Open, _) | (_, None) => Filter::Open,
        };
        Self {
            kind: self.kind,
            name: self.name.clone(),
            filter,
            gives_null: false,
        }
    }

    /// The fact that it is; `None`: which of it is meant cannot be told.
    pub(super) fn fact(&self) -> Option<Fact> {
        let filter = match &self.filter {
            Filter::None => None,
            Filter::Told(filter) => Some(filter.as_ref().to_owned()),
            Filter::Open => return None,
        };
        Some(Fact {
            kind: self.kind.fact(),
            name: self.name.clone(),
            property: None,
            filter,
            cuts: Vec::new(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SoughtKind {
    Process,
    Service,
    /// Keys of installed software in the registry.
    Software,
}

impl SoughtKind {
    /// The kind of fact that it is.
    pub(super) fn fact(self) -> FactKind {
        match self {
            Self::Process => FactKind::Process,
            Self::Service => FactKind::Service,
            Self::Software => FactKind::Software,
        }
    }
}

/// The most that a list may weigh, in bytes.
const MAX_LIST: usize = 1024 * 1024;

impl Value {
    pub(super) fn unknown(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(why.into())
    }

    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn array(all: Vec<Value>) -> Self {
        let weight = all
            .iter()
            .map(Self::weight)
            .fold(size_of::<Items>(), usize::saturating_add);
        if weight > MAX_LIST {
            return Self::unknown("the list is too long");
        }
        Self::Array(Rc::new(Items { all, weight }))
    }

    /// One value for what a pipeline gives, as PowerShell unrolls it.
    pub(super) fn collapse(mut outputs: Vec<Value>) -> Self {
        match outputs.len() {
            0 => Self::Null,
            1 => outputs.pop().unwrap_or(Self::Null),
            _ => Self::array(outputs),
        }
    }

    /// As the values that it gives to a pipeline.
    pub(super) fn into_items(self) -> Vec<Value> {
        match self {
            Self::Null => Vec::new(),
            Self::Array(items) => items.all.clone(),
            other => vec![other],
        }
    }

    /// As PowerShell puts it into a string; unknown parts become [`HOLE`].
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) | Self::Regex(text) => text.as_ref().to_owned(),
            Self::Array(items) => items
                .all
                .iter()
                .map(Self::to_text)
                .collect::<Vec<_>>()
                .join(" "),
            Self::Table(_) => "System.Collections.Hashtable".to_owned(),
            Self::Version(parts) => parts
                .iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join("."),
            Self::File(file) if file.is_text_full => file.path.clone(),
            Self::File(file) => super::path::leaf(&file.path),
            Self::Asked(facts) => super::place::asked_mark(*facts).to_string(),
            Self::List(_)
            | Self::Block(_)
            | Self::Type(_)
            | Self::Object(_)
            | Self::Sought(_)
            | Self::Unknown(_) => HOLE.to_string(),
        }
    }

    /// Truth as PowerShell takes it; `None` where it is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Int(number) => Some(*number != 0),
            Self::Real(number) => Some(*number != 0.0),
            Self::Text(text) => text_truth(text),
            Self::Array(items) => list_truth(&items.all),
            // What is looked for on the device, or by a pattern, may not be there.
            Self::File(_) if self.may_be_none() => None,
            Self::Table(_)
            | Self::Block(_)
            | Self::Version(_)
            | Self::File(_)
            | Self::Type(_)
            | Self::Regex(_) => Some(true),
            Self::Object(object) => (*object != Object::Started).then_some(true),
            Self::List(_) | Self::Sought(_) | Self::Asked(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether it stands for what may not be there, or may be more than one: its number is not
    /// known.
    pub(super) fn may_be_none(&self) -> bool {
        match self {
            Self::List(_) | Self::Sought(_) | Self::Asked(_) | Self::Unknown(_) => true,
            Self::File(file) => {
                file.path.contains([HOLE, STAR]) || super::path::in_package(&file.path).is_none()
            }
            // There are as many as there is software.
            Self::Text(text) => !text.is_empty() && text.chars().all(is_of_software),
            _ => false,
        }
    }

    /// About how many bytes it takes to look at all of it.
    pub(super) fn weight(&self) -> usize {
        let inside = match self {
            Self::Text(text) | Self::Regex(text) => text.len(),
            Self::Array(items) => items.weight,
            _ => 0,
        };
        size_of::<Self>() + inside
    }

    /// Whether every part of it is known, places on the device by name.
    pub(super) fn is_known(&self) -> bool {
        match self {
            Self::List(_) | Self::Sought(_) | Self::Asked(_) | Self::Unknown(_) => false,
            Self::Text(text) => !text.contains(is_open),
            Self::File(file) => !file.path.contains(is_open),
            Self::Array(items) => items.all.iter().all(Self::is_known),
            _ => true,
        }
    }

    /// Why a value is not known, in words.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Unknown(why) => why.to_string(),
            Self::Sought(sought) => format!("what {} finds is known only at run time", sought.name),
            Self::Array(items) => items
                .all
                .iter()
                .find(|item| !item.is_known())
                .map_or_else(|| "a part of it is not known".to_owned(), Self::why),
            _ => "a part of it is not known".to_owned(),
        }
    }

    /// Its text, where it is one without anything left to the device.
    pub(super) fn as_plain(&self) -> Option<&str> {
        match self {
            Self::Text(text) if super::place::is_plain(text) => Some(text),
            _ => None,
        }
    }

    /// What a parameter that takes a text is given: of a file its text, which may be its name alone.
    pub(super) fn into_argument(self) -> Self {
        match self {
            Self::File(file) if !file.is_text_full => Self::text(super::path::leaf(&file.path)),
            Self::Array(items) if items.all.iter().any(|it| matches!(it, Self::File(_))) => {
                Self::array(items.all.iter().cloned().map(Self::into_argument).collect())
            }
            other => other,
        }
    }

    /// The path that it stands for where a command takes a path.
    pub(super) fn to_path(&self) -> String {
        match self {
            // Files that come through a pipeline are bound by their full path.
            Self::File(file) => file.path.clone(),
            other => other.to_text(),
        }
    }
}

/// A list is true where more than one is in it, or one that is true.
fn list_truth(items: &[Value]) -> Option<bool> {
    let mut certain = items.iter().filter(|item| !item.may_be_none());
    match (items, certain.next(), certain.next()) {
        ([], ..) => Some(false),
        ([one], ..) => one.truth(),
        (_, Some(_), Some(_)) => Some(true),
        (_, Some(one), None) => one.truth().filter(|is_true| *is_true),
        _ => None,
    }
}

/// Whether a mark stands for a part that is not known.
fn is_open(c: char) -> bool {
    matches!(c, HOLE | STAR) || super::place::asked(c).is_some()
}

/// Whether a mark stands for what the registry has of the software that is looked for.
fn is_of_software(c: char) -> bool {
    matches!(c, INSTALL_LOCATION | UNINSTALL_STRING | PRODUCT_CODE)
}

/// A text of places is not empty, but the place of software that may not be there is.
fn text_truth(text: &str) -> Option<bool> {
    if text.is_empty() {
        return Some(false);
    }
    if text.chars().all(|c| is_of_software(c) || is_open(c)) {
        return None;
    }
    Some(true)
}
