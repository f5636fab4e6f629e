//! Sites: which master a device fetches from, and what a master serves.

use fleetmend_model::DeviceId;
use fleetmend_model::throttle::Throttle;
use serde::{Deserialize, Serialize};

/// Where a device fetches files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Another number than before says that something changed. Above 0.
    pub generation: i64,
    /// The master; none is the server itself.
    #[serde(default)]
    pub master: Option<MasterAddress>,
    /// Over how many seconds the members come to the server while the master is away.
    #[serde(default)]
    pub spread_seconds: u32,
}

/// Where a master listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterAddress {
    /// Which device it is.
    pub device: DeviceId,
    /// Its addresses, the best first.
    pub addresses: Vec<String>,
    /// The port for files.
    pub port: u16,
    /// The port of its APT proxy, if it has one.
    #[serde(default)]
    pub apt_port: Option<u16>,
    /// The name that its certificate is for.
    pub name: String,
}

/// What a device serves as a master.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// Another number than before says that something changed. Above 0.
    pub generation: i64,
    /// SHA-256 of the certificates of those that it serves; nobody else is.
    #[serde(default)]
    pub members: Vec<String>,
    /// How many bytes of files it may keep. 0 ends it: it serves nobody and removes them.
    pub cap: u64,
    /// How fast it may fetch by its own clock; the first that covers the time counts.
    #[serde(default)]
    pub throttle: Vec<Throttle>,
    /// Whether it is the APT proxy of its members.
    #[serde(default)]
    pub apt: bool,
}

/// A file that a master is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedFile {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
}

/// How a master stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterState {
    /// The [`Serve::generation`] that it keeps to.
    pub generation: i64,
    /// Where it listens.
    pub port: u16,
    /// Where its APT proxy listens, if it has one.
    #[serde(default)]
    pub apt_port: Option<u16>,
    /// Bytes that it keeps.
    pub used: u64,
    /// Bytes that it may keep.
    pub cap: u64,
    /// Bytes that are free on its disk.
    pub free: u64,
}

/// How far a master is with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteFileState {
    /// It is being fetched.
    Started,
    /// All of it is there, and its digest is right.
    Here,
    /// It cannot be had.
    Failed,
}

/// Where a file came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchedFrom {
    /// The server.
    Server,
    /// The device's master.
    Master,
}
