//! What a package's scripts change on a machine beside the installation, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;

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

/// When an effect happens, seen from what the script installs or uninstalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not when this version is installed, but before it is upgraded or uninstalled:
    /// `chocolateyBeforeModify.ps1`.
    BeforeModify,
    /// Before the first step, or without one.
    Before,
    /// Between two steps.
    Between,
    /// After the last step.
    After,
}

/// Which machines an effect happens on.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Machines {
    /// On all.
    #[default]
    All,
    /// On those with a 32-bit Windows.
    X86,
    /// On those with a 64-bit Windows.
    X64,
}

impl Machines {
    /// Whether it happens on all.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// An effect of the script, explained. Chocolatey is a process of Windows' own bitness: paths and keys
/// of the registry are those that such a process sees. A 32-bit process on a 64-bit Windows is led
/// elsewhere from `System32` and from `HKLM\Software`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// What is changed.
    pub kind: EffectKind,
    /// The command of the script that does it, in lower case.
    pub command: String,
    /// The command's parameters in lower case, with their values.
    pub operands: BTreeMap<String, String>,
    /// Whether it always happens on its machines; else a condition decides that only the device
    /// knows.
    pub always: bool,
    /// What must hold for it, where that can be said. An effect that does not always happen and has
    /// none depends on more than that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// When it happens.
    pub phase: Phase,
    /// Where it happens.
    pub machines: Machines,
    /// The script's path inside the nupkg.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

impl Effect {
    /// Whether another is the same change, whenever and wherever each of them happens.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.command == other.command
            && self.operands == other.operands
            && self.file == other.file
            && self.line == other.line
    }
}
