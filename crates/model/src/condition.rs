//! Conditions that only a device can decide, as data: what they ask of it.

use serde::{Deserialize, Serialize};

use crate::cut::Cut;

/// What a fact of a device is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Installed software whose `DisplayName` fits the name.
    Software,
    /// A file or folder at the path: whether it is there, what it is.
    File,
    /// A key or value of the registry.
    Registry,
    /// Processes of that name.
    Process,
    /// A service of that name.
    Service,
    /// An environment variable.
    Variable,
    /// A command that may be in the search path.
    Program,
    /// A property of Windows or of the machine.
    Windows,
}

impl FactKind {
    /// The kind in words, in front of a name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::File => "file",
            Self::Registry => "registry",
            Self::Process => "process",
            Self::Service => "service",
            Self::Variable => "variable",
            Self::Program => "program",
            Self::Windows => "Windows",
        }
    }
}

/// Something that a device knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// Its name: a pattern, a path, a key. Folders of the device are written as in a recipe.
    pub name: String,
    /// What of it is asked, where that is one property: `DisplayVersion`, a value of a key. Of software
    /// `Get-AppInstallLocation` is the folder that this function of `chocolatey-core.extension` finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Which of the things that fit the name are meant, where not all are: the filter as the script has
    /// it, its own variables by their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What is cut off it, in this order, where the script does not take it as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
}

impl Fact {
    /// Whether it is a list of texts that one text was split into.
    pub fn is_list(&self) -> bool {
        self.cuts.last().is_some_and(Cut::is_list)
    }

    /// It in words.
    pub fn label(&self) -> String {
        let mut of = format!("{} {}", self.kind.label(), self.name);
        if let Some(filter) = &self.filter {
            of.extend([" where ", filter]);
        }
        let mut label = match &self.property {
            Some(property) => format!("{property} of {of}"),
            None => of,
        };
        let cuts: Vec<String> = self.cuts.iter().map(Cut::label).collect();
        if !cuts.is_empty() {
            label.extend([" (", &cuts.join("; "), ")"]);
        }
        label
    }
}

/// A condition under which a step of an installation is done. It depends on nothing else than its
/// facts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked, as the script has it.
    pub text: String,
    /// Whether it must hold, or must not.
    pub holds: bool,
    /// What of the device it depends on.
    pub facts: Vec<Fact>,
    /// The script's path inside the nupkg.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}
