//! What a package tells Chocolatey's shim generator.

use serde::{Deserialize, Serialize};

use crate::effect::Machines;

/// A mark for Chocolatey's shim generator, which makes a program in its `bin` folder for each
/// program (`.exe`) that lies in the package's folder after its installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShimMark {
    /// The marked program's path inside of the package, with `/` between its parts. `*` and `**` stand
    /// for names and folders that the script does not name.
    pub program: String,
    /// What the mark says.
    pub kind: ShimKind,
    /// Whether it is always made on its machines; else a condition decides that.
    pub always: bool,
    /// Which machines it is made on.
    #[serde(default, skip_serializing_if = "Machines::is_all")]
    pub machines: Machines,
}

/// What a mark says of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShimKind {
    /// It gets no shim (`NAME.exe.ignore`).
    None,
    /// Its shim does not wait for it (`NAME.exe.gui`).
    Gui,
}

/// What Chocolatey's automatic uninstaller does when the package is removed: it runs what its installation
/// put into the registry for that, unless a file in the package's folder keeps it from doing so.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AutoUninstaller {
    /// It runs.
    #[default]
    Runs,
    /// A condition decides whether there is such a file (`.skipAutoUninstall`).
    MaySkip,
    /// It does not run.
    Skipped,
}

impl AutoUninstaller {
    /// What a file that is made means.
    pub fn skipped(always: bool) -> Self {
        if always { Self::Skipped } else { Self::MaySkip }
    }

    /// What holds where either of two machines is meant.
    #[must_use]
    pub fn on_either(self, other: Self) -> Self {
        if self == other { self } else { Self::MaySkip }
    }

    /// Whether nothing is said that would not be so anyway.
    pub fn is_default(&self) -> bool {
        *self == Self::Runs
    }
}

/// With one file and another: what the stronger says.
impl std::ops::BitOr for AutoUninstaller {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.max(other)
    }
}

impl std::ops::BitOrAssign for AutoUninstaller {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
