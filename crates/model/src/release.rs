//! A release: what may ever run on a device, as data that a person or the server signs.

use serde::{Deserialize, Serialize};

use crate::detection::Detection;
use crate::recipe::{Bitness, InstallerKind};

/// An immutable package version that may be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The package's id, or the name of a Linux package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What a person calls it.
    pub title: String,
    /// What is done on the device.
    pub action: Action,
}

/// What is done on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Start a Windows installer.
    RunInstaller(RunInstaller),
    /// Let APT upgrade one package to one version.
    AptUpgrade(AptUpgrade),
}

/// A Windows installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInstaller {
    /// How the file is started.
    pub kind: InstallerKind,
    /// The file for each bitness.
    pub files: Vec<ReleaseFile>,
    /// The raw command line behind the file's name; [`crate::arguments`] fills in what only the
    /// device knows.
    pub arguments: String,
    /// Exit codes that mean success, restart codes included.
    pub exit_codes: Vec<i64>,
    /// How to tell whether it is installed.
    pub detection: Detection,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// The name it must have on the device: one path component.
    pub name: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
    /// Which machines it is for.
    pub bitness: Bitness,
}

impl RunInstaller {
    /// The file for a machine: the 64-bit one where there is one and the machine is 64-bit.
    pub fn file_for(&self, x64: bool) -> Option<&ReleaseFile> {
        let of = |bitness| self.files.iter().find(|file| file.bitness == bitness);
        if x64 {
            of(Bitness::X64).or_else(|| of(Bitness::Any))
        } else {
            of(Bitness::Any)
        }
    }
}

/// An APT upgrade. APT itself checks the archive's signature; this names what may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AptUpgrade {
    /// The package's name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// The exact version to reach.
    pub version: String,
}

/// Exit codes by which Windows Installer and many others say that a restart is due.
///
/// Source: Windows Installer, error codes `ERROR_SUCCESS_REBOOT_INITIATED` and
/// `ERROR_SUCCESS_REBOOT_REQUIRED`.
pub const RESTART_EXIT_CODES: [i64; 2] = [1641, 3010];
