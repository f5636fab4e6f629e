//! What an agent can do, beyond what every agent can: nothing is asked of one that it does not name.

use serde::{Deserialize, Serialize};

/// Something that an agent can do on its machine, by its own version and by what is installed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Upgrades by APT.
    Apt,
    /// Upgrades by DNF.
    Dnf,
    /// Upgrades by zypper.
    Zypper,
    /// Runs packages by an installed Chocolatey.
    Choco,
    /// Keeps to the times in an order between which alone it may start.
    StartTimes,
    /// Shows questions and warnings to whoever is logged on.
    Dialogs,
    /// Runs signed scripts before and after a deployment.
    Scripts,
    /// Restarts the machine.
    Restart,
    /// Serves files to other agents.
    Master,
    /// Goes back to an older version.
    Downgrade,
}

impl Ability {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Apt,
        Self::Dnf,
        Self::Zypper,
        Self::Choco,
        Self::StartTimes,
        Self::Dialogs,
        Self::Scripts,
        Self::Restart,
        Self::Master,
        Self::Downgrade,
    ];

    /// The word on the wire and in the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Zypper => "zypper",
            Self::Choco => "choco",
            Self::StartTimes => "start_times",
            Self::Dialogs => "dialogs",
            Self::Scripts => "scripts",
            Self::Restart => "restart",
            Self::Master => "master",
            Self::Downgrade => "downgrade",
        }
    }

    /// Reads [`Self::key`]. A word that a newer agent has is none.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}
