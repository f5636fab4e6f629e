//! Restarts of a machine that a deployment asks for: what the agent may do about one, and where it
//! stands.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// What an agent does about a restart that is due.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartRule {
    /// Whether it does anything.
    pub mode: RestartMode,
    /// After how many minutes a person may ask to be reminded again.
    pub snooze_minutes: Vec<u32>,
    /// How often a person may put it off.
    pub max_snoozes: u32,
    /// How many hours after it became due it is not put off any more; 0 is never.
    pub deadline_hours: u32,
    /// How long before the restart whoever is logged on is warned.
    pub warning_minutes: u32,
    /// Only where nobody is logged on.
    pub only_without_users: bool,
    /// When it may be; at any time where there are none.
    pub windows: Vec<Span>,
}

/// How far an agent may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartMode {
    /// No warning and no restart.
    #[default]
    Off,
    /// Asks, and restarts where a person agrees.
    Remind,
    /// Asks, and restarts at the deadline.
    Force,
}

/// Where a restart stands on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartState {
    /// It is due, and nobody was asked.
    Due,
    /// Somebody is being asked.
    Asked,
    /// Somebody put it off.
    Snoozed,
    /// It comes, and whoever is logged on was told.
    Warned,
    /// The machine goes down.
    Started,
    /// It is not made, though it is due: another would change nothing, or the system refused.
    HeldBack,
    /// The machine is in another boot.
    Done,
}
