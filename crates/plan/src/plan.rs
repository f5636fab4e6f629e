//! One patch that a person deploys, on a number of devices.

use std::collections::HashSet;
use std::fmt::Write as _;

use fleetmend_model::{DeviceId, Millis, PatchId};

use crate::night::{Known, Patch, Start, World, judge};
use crate::reason::Reason;

/// What runs where, and why not elsewhere. Never changed; a later look is another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The time that it is for.
    pub now: Millis,
    /// What is to be installed.
    pub patch: Patch,
    /// One entry a device, by host name, then by id.
    pub entries: Vec<Entry>,
}

/// The decision for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which device.
    pub device: DeviceId,
    /// Its name.
    pub hostname: String,
    /// What is done.
    pub decision: Decision,
}

/// What is done on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The patch is deployed, as soon as it may start there.
    Deploy(Start),
    /// It is not.
    Not(Reason),
}

impl Decision {
    /// When and how it is deployed, where it is.
    pub fn start(&self) -> Option<&Start> {
        match self {
            Self::Deploy(start) => Some(start),
            Self::Not(_) => None,
        }
    }
}

/// Decides for the devices named, each once; `None` where the world does not have the patch. One that it
/// does not have is a device whose agent was removed.
pub fn plan(world: &World<'_>, patch: PatchId, devices: &[DeviceId]) -> Option<Plan> {
    let known = Known::of(world);
    let mut seen = HashSet::new();
    let mut entries: Vec<Entry> = devices
        .iter()
        .filter(|device| seen.insert(**device))
        .map(|device| Entry {
            device: *device,
            hostname: known.hostname(*device).to_owned(),
            decision: match judge(*device, patch, &known) {
                Ok(start) => Decision::Deploy(start),
                Err(reason) => Decision::Not(reason),
            },
        })
        .collect();
    entries.sort_by(|a, b| (&a.hostname, a.device).cmp(&(&b.hostname, b.device)));
    Some(Plan {
        now: world.now,
        patch: world.patches.iter().find(|it| it.id == patch)?.clone(),
        entries,
    })
}

impl Plan {
    /// The devices that the patch is deployed to, each with when.
    pub fn starts(&self) -> impl Iterator<Item = (DeviceId, &Start)> {
        let all = self.entries.iter();
        all.filter_map(|entry| Some((entry.device, entry.decision.start()?)))
    }

    /// The plan for a person to read, one line a device. Control characters in names are shown
    /// escaped, so that a line stays a line.
    pub fn to_text(&self) -> String {
        let runs = self.starts().count();
        let mut text = format!(
            "{} {}: {runs} of {} machines\n",
            one_line(&self.patch.title),
            one_line(&self.patch.version),
            self.entries.len()
        );
        for entry in &self.entries {
            let name = one_line(&entry.hostname);
            let _ = match &entry.decision {
                Decision::Deploy(start) => {
                    let later = start.slot.later(self.now);
                    let when = later.map_or(String::new(), |it| format!(", {it}"));
                    writeln!(text, "+ {name} (device {}): deploy{when}", entry.device)
                }
                Decision::Not(reason) => {
                    let reason = one_line(&reason.to_string());
                    writeln!(text, "- {name} (device {}): {reason}", entry.device)
                }
            };
        }
        text
    }
}

pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut line, c| {
            if c.is_control() {
                line.extend(c.escape_default());
            } else {
                line.push(c);
            }
            line
        })
}
