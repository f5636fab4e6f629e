//! What an order says beside what to run: when, in which order, and what is done about people and
//! programs that are in the way.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::restart::RestartRule;

/// The rules of one deployment on one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRules {
    /// Before this it must not start; files may be fetched.
    pub not_before: Option<Millis>,
    /// From this on it must not start.
    pub not_after: Option<Millis>,
    /// Lower numbers go first: 0 for what is exploited, 1 for security, 2 for others.
    pub priority: u8,
    /// Its place among the orders of its priority on the device; lower numbers go first.
    pub rank: u32,
    /// What is done while the application is open.
    pub open_applications: OpenRule,
    /// The names of the application's programs, where an administrator gave them; without any the
    /// device finds out by itself.
    pub programs: Vec<String>,
    /// What is done about a restart that it makes due.
    pub restart: RestartRule,
    /// The most bytes a second that the device fetches its files at; `None` is no limit.
    pub bytes_s: Option<NonZeroU64>,
    /// What is done about an installation that is a user's own.
    pub per_user: PerUser,
    /// The device's master fetches the files first, and its reports are the job's 4 and 5.
    pub via_master: bool,
}

impl RunRules {
    /// The priority of what nothing makes urgent.
    pub const ORDINARY: u8 = 2;

    /// Whether they say nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for RunRules {
    fn default() -> Self {
        Self {
            not_before: None,
            not_after: None,
            priority: Self::ORDINARY,
            rank: 0,
            open_applications: OpenRule::default(),
            programs: Vec::new(),
            restart: RestartRule::default(),
            bytes_s: None,
            per_user: PerUser::default(),
            via_master: false,
        }
    }
}

/// What is done while the application that is to be upgraded is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenRule {
    /// Nothing: the installer decides.
    #[default]
    Ignore,
    /// Waits until it is closed.
    Skip,
    /// Asks whoever uses it, then closes it.
    Ask(AskRule),
}

/// How a person is asked to close an application. It is never closed without a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AskRule {
    /// How often it may be put off.
    pub times: u32,
    /// For how many minutes each time.
    pub minutes: u32,
    /// How many hours after the first question it is not put off any more.
    pub deadline_hours: u32,
    /// How many minutes lie between the warning and the end of the application.
    pub warning_minutes: u32,
}

/// What is done about an installation that is a user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PerUser {
    /// Nothing; it is shown.
    #[default]
    Leave,
    /// Upgraded as that user, while they are logged on.
    InUserContext,
    /// Installed for the machine, then removed for the user.
    Convert,
}
