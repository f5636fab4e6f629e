//! What a device is.

use serde::{Deserialize, Serialize};

/// How careful approvals are with a device: auto approval never covers critical systems.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SystemType {
    /// `Normal Systems`
    #[default]
    Normal,
    /// `Critical Systems`
    Critical,
}

impl SystemType {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Critical];

    /// The label that administrators see.
    pub fn label(self) -> &'static str {
        match self {
            Self::Normal => "Normal Systems",
            Self::Critical => "Critical Systems",
        }
    }

    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// The kind of operating system, which decides where patches come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsFamily {
    /// Patches come from Chocolatey catalogs.
    Windows,
    /// Patches come from the machine's own package manager.
    Linux,
}

impl OsFamily {
    /// The value in URLs, the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Linux => "linux",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Windows, Self::Linux]
            .into_iter()
            .find(|it| it.key() == key)
    }
}

/// What the agent says about its machine. Every text is the device's own word and is shown, never
/// interpreted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The machine's name.
    pub hostname: String,
    /// The kind of operating system.
    pub os_family: OsFamily,
    /// E.g. `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: String,
    /// E.g. `12` or `10.0.19045`.
    pub os_version: String,
    /// `x86_64`, `aarch64`, `x86`.
    pub architecture: String,
}

/// Where a machine is in the network, as its agent says it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// The machine's own addresses, IPv4 and IPv6, without loopback and link-local ones.
    pub addresses: Vec<String>,
    /// The addresses of its default gateways.
    pub gateways: Vec<String>,
}
