//! What a package tells Chocolatey's shim generator.

use serde::{Deserialize, Serialize};

/// A mark for Chocolatey's shim generator, which makes a program in its `bin` folder for each
/// program (`.exe`) that lies in the package's folder after its installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShimMark {
    /// The marked program's path inside of the package, with `/` between its parts. `*` and `**` stand
    /// for names and folders that the script does not name.
    pub program: String,
    /// What the mark says.
    pub kind: ShimKind,
    /// Whether it is always made; else a condition decides that.
    pub always: bool,
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
