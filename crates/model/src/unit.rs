//! Organizational units: where a device belongs, by the branches of a tree that administrators keep.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The deepest unit.
pub const MOST_LEVELS: usize = 20;
/// The longest name of one unit, in characters.
pub const LONGEST_NAME: usize = 100;

/// A unit by the names from the top of its tree, with `/` between them: `Berlin/Office 2`. Names are
/// compared without case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitPath {
    text: String,
    key: String,
}

/// Why a text is no path of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitPathError {
    /// A name is missing.
    #[error("'{0}' names no unit: give the names from the top, with / between them")]
    Empty(String),
    /// Too many names.
    #[error("units lie at most {MOST_LEVELS} levels deep")]
    TooDeep,
    /// A name that no list could show.
    #[error("a unit's name has at most {LONGEST_NAME} characters, and no control characters")]
    Name,
}

impl FromStr for UnitPath {
    type Err = UnitPathError;

    fn from_str(text: &str) -> Result<Self, UnitPathError> {
        let names: Vec<&str> = text.split('/').map(str::trim).collect();
        if names.len() > MOST_LEVELS {
            return Err(UnitPathError::TooDeep);
        }
        if names.iter().any(|it| it.is_empty()) {
            let shown = text.chars().take(LONGEST_NAME).collect();
            return Err(UnitPathError::Empty(shown));
        }
        let is_bad =
            |name: &&str| name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control);
        if names.iter().any(is_bad) {
            return Err(UnitPathError::Name);
        }
        let text = names.join("/");
        Ok(Self {
            key: text.to_lowercase(),
            text,
        })
    }
}

impl TryFrom<String> for UnitPath {
    type Error = UnitPathError;

    fn try_from(text: String) -> Result<Self, UnitPathError> {
        text.parse()
    }
}

impl From<UnitPath> for String {
    fn from(path: UnitPath) -> Self {
        path.text
    }
}

impl fmt::Display for UnitPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl UnitPath {
    /// By which it is compared and found.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The unit's own name.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or(&self.text)
    }

    /// The unit above; `None` at the top of the tree.
    pub fn parent(&self) -> Option<Self> {
        let (text, _) = self.text.rsplit_once('/')?;
        let (key, _) = self.key.rsplit_once('/')?;
        Some(Self {
            text: text.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Whether it is `other`, or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let rest = self.key.strip_prefix(&other.key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
