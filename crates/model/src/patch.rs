//! Patches and the decisions on them.

use serde::{Deserialize, Serialize};

/// Where a patch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchType {
    /// From Chocolatey catalogs.
    ThirdParty,
    /// From the machine's own package manager.
    Os,
}

impl PatchType {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::ThirdParty, Self::Os];

    /// The label that administrators see.
    pub fn label(self) -> &'static str {
        match self {
            Self::ThirdParty => "Third Party Patches",
            Self::Os => "OS Patches",
        }
    }

    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::ThirdParty => "third_party",
            Self::Os => "os",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// The decision on a patch for a system type.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody decided.
    #[default]
    NotApproved,
    /// May be deployed.
    Approved,
    /// Must not be deployed.
    Disapproved,
}

impl Approval {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::NotApproved, Self::Approved, Self::Disapproved];

    /// The label of a decision.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotApproved => "Not Approved",
            Self::Approved => "Approved",
            Self::Disapproved => "Disapproved",
        }
    }

    /// The label of the list of patches with this decision.
    pub fn list_label(self) -> &'static str {
        match self {
            Self::NotApproved => "Not Approved Patches",
            Self::Approved => "Approved Patches",
            Self::Disapproved => "Disapproved Patches",
        }
    }

    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotApproved => "not_approved",
            Self::Approved => "approved",
            Self::Disapproved => "disapproved",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// What a match of installed software to a package rests on, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// An administrator said so.
    Override,
    /// Chocolatey's own record says that it installed the package.
    ChocolateyRecord,
    /// The MSI's product code is known from the mirror.
    ProductCode,
    /// The MSI's upgrade code is known from the mirror.
    UpgradeCode,
    /// The package's own pattern for the software's name fits.
    SoftwareName,
    /// Its name and publisher, without version, architecture and language, are the package's.
    Name,
    /// The machine's package manager offers it.
    PackageManager,
}

impl Evidence {
    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::ChocolateyRecord => "chocolatey_record",
            Self::ProductCode => "product_code",
            Self::UpgradeCode => "upgrade_code",
            Self::SoftwareName => "software_name",
            Self::Name => "name",
            Self::PackageManager => "package_manager",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [
            Self::Override,
            Self::ChocolateyRecord,
            Self::ProductCode,
            Self::UpgradeCode,
            Self::SoftwareName,
            Self::Name,
            Self::PackageManager,
        ]
        .into_iter()
        .find(|it| it.key() == key)
    }
}

/// How sure a match is. Weak matches never become missing patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Could be wrong; a person looks.
    Weak,
    /// Not proven, and nothing speaks against it.
    Strong,
    /// Proven.
    Certain,
}

impl Confidence {
    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Strong => "strong",
            Self::Certain => "certain",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Weak, Self::Strong, Self::Certain]
            .into_iter()
            .find(|it| it.key() == key)
    }
}
