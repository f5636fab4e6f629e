//! Packages that stay as they are on some devices, by an administrator's word.
//!
//! A device that is pinned lacks the patch all the same: it is shown as missing, with the pin as the reason
//! why it does not run.

use std::fmt;

use fleetmend_model::{DeviceId, GroupId, Millis};

use crate::select::DeviceFacts;
use crate::version::Scheme;

/// A package that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin {
    /// The package's id; case does not count.
    pub package: String,
    /// Where.
    pub on: On,
    /// How.
    pub keeps: Keeps,
    /// Why, in the administrator's words.
    pub reason: String,
    /// From when on it does not count any more.
    pub until: Option<Millis>,
}

/// The devices that a pin is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// All.
    All,
    /// Those in a group.
    Group {
        /// Which.
        group: GroupId,
        /// Its name.
        name: String,
    },
    /// One.
    Device(DeviceId),
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all machines"),
            Self::Group { name, .. } => write!(f, "group '{name}'"),
            Self::Device(_) => f.write_str("this machine"),
        }
    }
}

/// What a pin lets through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeps {
    /// No version at all.
    Out,
    /// None that is newer than this.
    At(String),
}

impl Pin {
    /// Whether it keeps a version of its package from a device, until it ends.
    pub fn keeps_back(&self, version: &str, scheme: Scheme, device: &DeviceFacts) -> bool {
        let is_on = match &self.on {
            On::All => true,
            On::Group { group, .. } => device.groups.contains(group),
            On::Device(id) => *id == device.id,
        };
        is_on
            && match &self.keeps {
                Keeps::Out => true,
                Keeps::At(highest) => scheme.compare(version, highest).is_gt(),
            }
    }

    /// Whether it counts at a moment.
    pub fn is_in_force(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Of the pins of a package that count at `now`, the one that keeps a version from a device longest; of
/// several the one that lets less through.
pub fn judge<'a>(
    pins: impl IntoIterator<Item = &'a Pin>,
    version: &str,
    scheme: Scheme,
    device: &DeviceFacts,
    now: Millis,
) -> Option<&'a Pin> {
    let pins = pins.into_iter();
    pins.filter(|pin| pin.is_in_force(now) && pin.keeps_back(version, scheme, device))
        .min_by(|a, b| {
            let ends = |pin: &Pin| pin.until.unwrap_or(Millis(i64::MAX));
            (ends(b), &a.keeps, *a).cmp(&(ends(a), &b.keeps, *b))
        })
}
