//! What is installed on a device, as its agent found it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::device::Host;

/// Everything that one scan found. Its digest is the SHA-256 of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The machine.
    pub host: Host,
    /// Installed software, in the order of `(place, key)`.
    pub software: Vec<Software>,
    /// What Chocolatey itself says that it installed.
    #[serde(default)]
    pub chocolatey: Vec<ChocolateyRecord>,
    /// What the machine's own package manager would upgrade; absent on Windows.
    #[serde(default)]
    pub updates: Option<UpdateScan>,
    /// Why a restart is due, in words; absent when none is.
    #[serde(default)]
    pub restart_pending: Option<String>,
    /// What a deployment on this machine needs that it does not have, e.g. root.
    #[serde(default)]
    pub cannot_deploy: Option<String>,
    /// Which of the rows of [`Place::User`] are whose: of each user whose hive was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hives: Vec<Hive>,
    /// What the scan did not read. What was known of it stays as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// The rows of one user's hive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hive {
    /// The user's security identifier (`S-1-5-21-…`).
    pub user: String,
    /// Their indices in [`Inventory::software`]. What several users have is one row.
    pub software: Vec<u32>,
}

/// Something that a scan did not read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unread {
    /// Of what.
    pub part: Part,
    /// Whose hive, by security identifier; empty for those of all users that are not told of.
    #[serde(default)]
    pub user: String,
    /// Which entry: an Uninstall key's name, or the folder of a package of Chocolatey's. Empty for all
    /// that the scan does not have.
    #[serde(default)]
    pub key: String,
    /// Why.
    pub cause: String,
}

/// What a scan reads one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// [`Place::Machine64`].
    Machine64,
    /// [`Place::Machine32`].
    Machine32,
    /// [`Place::User`].
    User,
    /// [`Place::Dpkg`].
    Dpkg,
    /// Chocolatey's own records.
    Chocolatey,
}

impl From<Place> for Part {
    fn from(place: Place) -> Self {
        match place {
            Place::Machine64 => Self::Machine64,
            Place::Machine32 => Self::Machine32,
            Place::User => Self::User,
            Place::Dpkg => Self::Dpkg,
        }
    }
}

impl Part {
    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Machine64 => "applications of the machine",
            Self::Machine32 => "32-bit applications of the machine",
            Self::User => "applications of users",
            Self::Dpkg => "packages",
            Self::Chocolatey => "Chocolatey's records",
        }
    }
}

/// Where an installed application is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `HKLM` Uninstall, 64-bit view.
    Machine64,
    /// `HKLM` Uninstall, 32-bit view (`WOW6432Node`).
    Machine32,
    /// A user's own `HKCU` Uninstall.
    User,
    /// dpkg's status file.
    Dpkg,
}

impl Place {
    /// The value in the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Machine64 => "machine64",
            Self::Machine32 => "machine32",
            Self::User => "user",
            Self::Dpkg => "dpkg",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Machine64, Self::Machine32, Self::User, Self::Dpkg]
            .into_iter()
            .find(|it| it.key() == key)
    }
}

/// One installed application or package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Software {
    /// Where it is registered.
    pub place: Place,
    /// The Uninstall key's name, or the package's name with its architecture (`libc6:amd64`).
    pub key: String,
    /// `DisplayName`, or the package's name.
    pub name: String,
    /// `DisplayVersion`, or the package's version. Empty when there is none.
    #[serde(default)]
    pub version: String,
    /// `Publisher`, or the package's maintainer.
    #[serde(default)]
    pub publisher: String,
    /// An MSI's product code: upper case, in braces.
    #[serde(default)]
    pub product_code: Option<String>,
    /// An MSI's upgrade code: upper case, in braces.
    #[serde(default)]
    pub upgrade_code: Option<String>,
}

/// An entry of Chocolatey's `lib` folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChocolateyRecord {
    /// The package's id as Chocolatey wrote it.
    pub id: String,
    /// The installed version.
    pub version: String,
    /// Whether Chocolatey was told to leave it as it is (`choco pin`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

/// What the package manager would upgrade, with holds, pins and phasing already respected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateScan {
    /// `apt`.
    pub provider: String,
    /// The sources that could not be read, so the answer may lack patches. Clears nothing.
    #[serde(default)]
    pub unreachable: Vec<UnreachableSource>,
    /// The upgrades on offer, in the order of their names.
    pub updates: Vec<AvailableUpdate>,
    /// Upgrades that exist and are not offered, each with why (held, phased, pinned).
    #[serde(default)]
    pub withheld: Vec<WithheldUpdate>,
}

/// A package source that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreachableSource {
    /// Its address as the package manager names it, without credentials.
    pub source: String,
    /// What was wrong.
    pub cause: String,
}

/// One upgrade that the package manager offers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AvailableUpdate {
    /// The package's name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// The version installed now.
    pub installed: String,
    /// The version on offer.
    pub candidate: String,
    /// Whether a security archive offers it.
    #[serde(default)]
    pub security: bool,
    /// The archive that offers it, e.g. `Debian-Security:12/stable-security`.
    #[serde(default)]
    pub origin: String,
}

/// An upgrade that exists and is not offered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WithheldUpdate {
    /// The package's name.
    pub package: String,
    /// The version installed now.
    pub installed: String,
    /// The version that is withheld; empty when the package manager does not name it.
    #[serde(default)]
    pub candidate: String,
    /// [`HELD`], `phased`, `kept back`.
    pub why: String,
}

/// Why an upgrade is withheld of which somebody said on the machine that it stays as it is.
pub const HELD: &str = "held";

/// Which boot a machine is in; changes with every restart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Boot {
    /// Opaque; equal as long as the machine did not restart.
    pub id: String,
    /// When the machine started, where that is known.
    #[serde(default)]
    pub at: Option<Millis>,
}
