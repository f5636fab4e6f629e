//! Policies: which one a device has, and what it sets.

mod error;
mod settings;

use std::fmt;

use fleetmend_model::PolicyId;

pub use error::SettingsError;
pub use settings::{
    AFTER_INSTALLER, Caps, CoolDown, Deploy, Keep, MOST_RINGS, MOST_TIMES, Ring, Scan, Settings,
};

use crate::select::{DeviceFacts, Fit, Scope, Selector};

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Whether devices can have it.
    pub is_enabled: bool,
    /// Whose it is.
    pub scope: Scope,
    /// Raised with each change.
    pub generation: i64,
    /// What it sets.
    pub settings: Settings,
}

/// All policies, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// The first of them that is enabled and takes a device is the device's.
    pub ranked: Vec<Policy>,
    /// The policy of all other devices: neither its scope nor its being enabled counts.
    pub rest: Policy,
}

/// Why a device has its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// It meets this condition, and no policy before takes it.
    Meets(&'a Selector),
    /// No other policy takes it.
    Rest,
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meets(selector) => selector.fmt(f),
            Self::Rest => f.write_str("no other policy takes it"),
        }
    }
}

impl Policies {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Policy> {
        self.ranked.iter().chain([&self.rest])
    }

    /// The policy that a device has: exactly one.
    pub fn of(&self, device: &DeviceFacts) -> (&Policy, Why<'_>) {
        let enabled = self.ranked.iter().filter(|it| it.is_enabled);
        let mut taking = enabled.filter_map(|policy| match policy.scope.judge(device) {
            Fit::Meant(by) => Some((policy, Why::Meets(by))),
            Fit::Excluded(_) | Fit::NotMeant => None,
        });
        taking.next().unwrap_or((&self.rest, Why::Rest))
    }
}
