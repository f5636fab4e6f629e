//! Typed ids: a row's number in its table, so that a device's id cannot be given for a patch's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A managed machine.
    DeviceId,
    /// A Chocolatey repository or folder that the catalog is read from.
    SourceId,
    /// One version of one package in the catalog.
    PackageId,
    /// A newer version that devices lack.
    PatchId,
    /// A mirrored, verified, immutable package version.
    ReleaseId,
    /// One device's scan.
    ScanJobId,
    /// One device × one release.
    DeployJobId,
    /// One administrator's decision to deploy: the jobs it made share it.
    DeploymentId,
    /// A person who may sign in to the console.
    UserId,
    /// A tree of organizational units.
    UnitTreeId,
    /// An organizational unit of a tree.
    UnitId,
    /// Devices that meet conditions, under a name.
    GroupId,
    /// Settings for devices: when they are scanned, what is installed on them, and when.
    PolicyId,
}
