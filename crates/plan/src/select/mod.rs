//! Which devices are meant: conditions on what is known of them, and who they fit.

mod error;
mod network;
mod pattern;

use core::net::IpAddr;
use std::fmt;

use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::unit::UnitPath;
use fleetmend_model::{DeviceId, GroupId};
use serde::{Deserialize, Serialize};

pub use error::SelectError;
pub use network::{Network, Range, address};
pub use pattern::{LONGEST_PATTERN, Pattern};

/// The most conditions of one kind in a scope.
pub const MOST_SELECTORS: usize = 200;

/// What conditions ask for of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub hostname: String,
    /// Its kind of operating system.
    pub os_family: OsFamily,
    /// Its operating system's name, e.g. `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: String,
    /// How careful approvals are with it.
    pub system_type: SystemType,
    /// Its time zone by IANA name; empty where it is not known.
    pub time_zone: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its default gateways.
    pub gateways: Vec<IpAddr>,
    /// The unit in which it is, of each tree at most one.
    pub units: Vec<Place>,
    /// The groups that it is in: see [`groups_of`].
    pub groups: Vec<GroupId>,
    /// The master agent that it fetches files from.
    pub master: Option<DeviceId>,
}

/// Where a device is in a tree of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tree's name.
    pub tree: String,
    /// The unit.
    pub path: UnitPath,
}

/// A condition that a device meets or not. What is not known of a device meets none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Selector {
    /// Every device.
    All,
    /// This one.
    Device {
        /// Its id.
        device: DeviceId,
    },
    /// Those in a group.
    Group {
        /// The group's id.
        group: GroupId,
    },
    /// Those in an organizational unit.
    Unit {
        /// The tree's name; case does not count.
        tree: String,
        /// The unit.
        path: UnitPath,
        /// Whether the units below it are meant as well.
        #[serde(default)]
        below: bool,
    },
    /// By the name of the machine.
    HostName {
        /// The pattern.
        pattern: Pattern,
    },
    /// By the kind of operating system.
    OsFamily {
        /// The kind.
        os_family: OsFamily,
    },
    /// By the operating system's name.
    OsName {
        /// The pattern.
        pattern: Pattern,
    },
    /// By how careful approvals are.
    SystemType {
        /// Which.
        system_type: SystemType,
    },
    /// Those with an address in a network.
    Address {
        /// The network.
        network: Network,
    },
    /// Those with an address in a range.
    Range {
        /// The range.
        range: Range,
    },
    /// Those with this default gateway.
    Gateway {
        /// Its address.
        gateway: IpAddr,
    },
    /// Those that fetch from a master agent.
    Site {
        /// The master.
        master: DeviceId,
    },
}

impl Selector {
    /// Whether a device meets it.
    pub fn fits(&self, device: &DeviceFacts) -> bool {
        match self {
            Self::All => true,
            Self::Device { device: id } => device.id == *id,
            Self::Group { group } => device.groups.contains(group),
            Self::Unit { tree, path, below } => device
                .units
                .iter()
                .filter(|it| it.tree.to_lowercase() == tree.to_lowercase())
                .any(|it| it.path.key() == path.key() || *below && it.path.is_within(path)),
            Self::HostName { pattern } => pattern.fits(&device.hostname),
            Self::OsFamily { os_family } => device.os_family == *os_family,
            Self::OsName { pattern } => pattern.fits(&device.os_name),
            Self::SystemType { system_type } => device.system_type == *system_type,
            Self::Address { network } => device.addresses.iter().any(|it| network.has(*it)),
            Self::Range { range } => device.addresses.iter().any(|it| range.has(*it)),
            Self::Gateway { gateway } => device.gateways.contains(&gateway.to_canonical()),
            Self::Site { master } => device.master == Some(*master),
        }
    }

    /// The group that it names.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Self::Group { group } => Some(*group),
            _ => None,
        }
    }

    /// The unit that it names, with its tree's name.
    pub fn unit(&self) -> Option<(&str, &UnitPath)> {
        match self {
            Self::Unit { tree, path, .. } => Some((tree, path)),
            _ => None,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all devices"),
            Self::Device { device } => write!(f, "device {device}"),
            Self::Group { group } => write!(f, "group {group}"),
            Self::Unit { tree, path, below } => {
                let more = if *below { " and below" } else { "" };
                write!(f, "unit {path}{more} of '{tree}'")
            }
            Self::HostName { pattern } => write!(f, "host name {pattern}"),
            Self::OsFamily { os_family } => match os_family {
                OsFamily::Windows => f.write_str("Windows"),
                OsFamily::Linux => f.write_str("Linux"),
            },
            Self::OsName { pattern } => write!(f, "operating system {pattern}"),
            Self::SystemType { system_type } => f.write_str(system_type.label()),
            Self::Address { network } => write!(f, "address in {network}"),
            Self::Range { range } => write!(f, "address from {range}"),
            Self::Gateway { gateway } => write!(f, "gateway {gateway}"),
            Self::Site { master } => write!(f, "site of master {master}"),
        }
    }
}

/// Devices that are meant: those that meet a condition of `include` and none of `exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawScope")]
pub struct Scope {
    include: Vec<Selector>,
    exclude: Vec<Selector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScope {
    #[serde(default)]
    include: Vec<Selector>,
    #[serde(default)]
    exclude: Vec<Selector>,
}

impl TryFrom<RawScope> for Scope {
    type Error = SelectError;

    fn try_from(raw: RawScope) -> Result<Self, SelectError> {
        Self::new(raw.include, raw.exclude)
    }
}

/// What a scope says of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit<'a> {
    /// It is meant, by this condition.
    Meant(&'a Selector),
    /// It would be, but for this one.
    Excluded(&'a Selector),
    /// It meets none.
    NotMeant,
}

impl Scope {
    /// Of so many conditions as a person can survey.
    pub fn new(include: Vec<Selector>, exclude: Vec<Selector>) -> Result<Self, SelectError> {
        if include.len().max(exclude.len()) > MOST_SELECTORS {
            return Err(SelectError::TooMany);
        }
        Ok(Self { include, exclude })
    }

    /// Every device.
    pub fn all() -> Self {
        Self {
            include: vec![Selector::All],
            exclude: Vec::new(),
        }
    }

    /// What it says of a device.
    pub fn judge(&self, device: &DeviceFacts) -> Fit<'_> {
        let Some(by) = self.include.iter().find(|it| it.fits(device)) else {
            return Fit::NotMeant;
        };
        let not_by = self.exclude.iter().find(|it| it.fits(device));
        not_by.map_or(Fit::Meant(by), Fit::Excluded)
    }

    /// Whether a device is meant.
    pub fn takes(&self, device: &DeviceFacts) -> bool {
        matches!(self.judge(device), Fit::Meant(_))
    }

    /// Conditions of which one must be met.
    pub fn include(&self) -> &[Selector] {
        &self.include
    }

    /// Conditions of which none may be met.
    pub fn exclude(&self) -> &[Selector] {
        &self.exclude
    }

    /// All conditions in it.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.include.iter().chain(&self.exclude)
    }

    /// The groups that it names. A group must name none: what is in it could depend on itself.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.selectors().filter_map(Selector::group)
    }

    /// The units that it names, each with its tree's name.
    pub fn units(&self) -> impl Iterator<Item = (&str, &UnitPath)> {
        self.selectors().filter_map(Selector::unit)
    }
}

/// The groups that a device is in, by what else is known of it.
pub fn groups_of<'a>(
    groups: impl IntoIterator<Item = (GroupId, &'a Scope)>,
    device: &DeviceFacts,
) -> Vec<GroupId> {
    let groups = groups.into_iter();
    let its = groups.filter(|(_, scope)| scope.takes(device));
    its.map(|(id, _)| id).collect()
}
