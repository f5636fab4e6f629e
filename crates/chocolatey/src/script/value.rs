//! What a script's expressions come to: known data, or a value that says why it is not known.

use std::borrow::Cow;

/// Stands in texts for the package's folder on the device.
pub(super) const PACKAGE_ROOT: char = '\u{F8F0}';
/// Stands in texts for a part that is not known.
pub(super) const HOLE: char = '\u{F8F1}';
/// Stands in texts for the folder for temporary files.
pub(super) const TEMP: char = '\u{F8F2}';

/// Whether a text holds one of the marks above; a script that does is not analysed.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains([PACKAGE_ROOT, HOLE, TEMP])
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// May hold the marks of this module.
    Text(String),
    Array(Vec<Value>),
    /// Keys as written, in order; they are compared without letter case.
    Table(Vec<(String, Value)>),
    /// A script block: its text without braces, and its first line.
    Block(String, u32),
    /// Not known, and why.
    Unknown(Cow<'static, str>),
}

impl Value {
    pub(super) fn unknown(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(why.into())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// One value for what a pipeline gives, as PowerShell unrolls it.
    pub(super) fn collapse(mut outputs: Vec<Value>) -> Self {
        match outputs.len() {
            0 => Self::Null,
            1 => outputs.pop().unwrap_or(Self::Null),
            _ => Self::Array(outputs),
        }
    }

    /// As the values that it gives to a pipeline.
    pub(super) fn into_items(self) -> Vec<Value> {
        match self {
            Self::Null => Vec::new(),
            Self::Array(items) => items,
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
            Self::Text(text) => text.clone(),
            Self::Array(items) => items
                .iter()
                .map(Self::to_text)
                .collect::<Vec<_>>()
                .join(" "),
            Self::Table(_) => "System.Collections.Hashtable".to_owned(),
            Self::Block(..) | Self::Unknown(_) => HOLE.to_string(),
        }
    }

    /// Truth as PowerShell takes it; `None` where it is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Int(number) => Some(*number != 0),
            Self::Text(text) if text.chars().all(|c| c == HOLE) && !text.is_empty() => None,
            Self::Text(text) => Some(!text.is_empty()),
            Self::Array(items) => match &items[..] {
                [] => Some(false),
                [one] => one.truth(),
                _ => Some(true),
            },
            Self::Table(_) | Self::Block(..) => Some(true),
            Self::Unknown(_) => None,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let inside = match self {
            Self::Text(text) | Self::Block(text, _) => text.len(),
            Self::Array(items) => items.iter().map(Self::weight).sum(),
            Self::Table(entries) => entries
                .iter()
                .map(|(key, value)| key.len() + value.weight())
                .sum(),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Unknown(_) => 0,
        };
        size_of::<Self>() + inside
    }

    /// Whether every part of it is known.
    pub(super) fn is_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Text(text) => !text.contains(HOLE),
            Self::Array(items) => items.iter().all(Self::is_known),
            Self::Table(entries) => entries.iter().all(|(_, value)| value.is_known()),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Block(..) => true,
        }
    }

    /// A table's entry.
    pub(super) fn entry(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Table(entries) => entries
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, it)| it),
            _ => None,
        }
    }

    /// Sets a table's entry.
    pub(super) fn set_entry(&mut self, key: &str, value: Value) {
        if let Self::Table(entries) = self {
            match entries
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
            {
                Some((_, old)) => *old = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
    }

    /// What is known where either of two values may be the case.
    pub(super) fn join(self, other: Value) -> Value {
        if self == other {
            return self;
        }
        match (self, other) {
            (Self::Table(left), Self::Table(right)) => {
                let mut joined = Vec::new();
                let right = Self::Table(right);
                let left_table = Self::Table(left.clone());
                for (key, value) in left {
                    let other = right.entry(&key).cloned().unwrap_or(Self::Null);
                    joined.push((key, value.join(other)));
                }
                if let Self::Table(right) = right {
                    for (key, value) in right {
                        if left_table.entry(&key).is_none() {
                            joined.push((key, value.join(Self::Null)));
                        }
                    }
                }
                Self::Table(joined)
            }
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            _ => Self::unknown("it depends on a condition that is not known"),
        }
    }
}
