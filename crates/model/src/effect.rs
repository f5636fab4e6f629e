//! What a package's scripts change on a machine beside the installation, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A change to the machine beside the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A shortcut is made.
    Shortcut,
    /// A folder is put into the search path, or taken out of it.
    SearchPath,
    /// An environment variable is set or removed.
    EnvironmentVariable,
    /// A program of Chocolatey's that starts another one is made or removed.
    Shim,
    /// A program is registered under App Paths.
    AppPath,
    /// The registry is changed.
    Registry,
    /// A kind of file is opened by a program from now on.
    FileAssociation,
    /// An entry of a menu of the desktop.
    MenuItem,
    /// Files or folders are made, written, copied, moved or removed.
    Files,
    /// Running programs are ended.
    StopProcess,
    /// A service is started, stopped or changed.
    Service,
    /// An extension is put into an editor, which fetches it itself.
    EditorExtension,
    /// Other software, or an older version, is uninstalled.
    Uninstall,
    /// A program is started with a command line that is known: of the package, or of software that
    /// is installed.
    Program,
    /// A task of Windows' scheduler is made, changed, run or removed.
    ScheduledTask,
    /// Rules of Windows' firewall.
    Firewall,
    /// Rights to files or folders, or their owner.
    Rights,
    /// A certificate is put into a store of Windows, or taken out of it.
    Certificate,
    /// A driver is put into Windows' store, or taken out of it.
    Driver,
    /// A library registers itself with Windows, or unregisters.
    Component,
    /// A feature or capability of Windows is switched on or off.
    WindowsFeature,
    /// An app package is removed, or kept for new users.
    AppPackage,
    /// A font is installed or removed.
    Font,
}

/// An effect of the script, explained.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// What is changed.
    pub kind: EffectKind,
    /// The command of the script that does it, in lower case.
    pub command: String,
    /// The command's parameters in lower case, with their values.
    pub operands: BTreeMap<String, String>,
    /// Whether it always happens; else a condition decides that only the device knows.
    pub always: bool,
    /// The script's path inside the nupkg.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

impl Effect {
    /// Whether another is the same change, whenever each of them happens.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.command == other.command
            && self.operands == other.operands
            && self.file == other.file
            && self.line == other.line
    }
}
