//! The decision for each device.

use std::collections::HashSet;
use std::fmt::Write as _;

use fleetmend_model::{DeviceId, Millis};

use crate::input::{Input, Patch};
use crate::judge::Case;
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
    /// The patch is deployed now.
    Deploy,
    /// It is not.
    Not(Reason),
}

/// Decides for every device in the input. A device that comes twice counts as it came first.
pub fn plan(input: &Input) -> Plan {
    let mut seen = HashSet::new();
    let mut entries: Vec<Entry> = input
        .devices
        .iter()
        .filter(|device| seen.insert(device.id))
        .map(|device| Entry {
            device: device.id,
            hostname: device.hostname.clone(),
            decision: match Case::asked(device, &input.readiness).reason() {
                None => Decision::Deploy,
                Some(reason) => Decision::Not(reason),
            },
        })
        .collect();
    entries.sort_by(|a, b| (&a.hostname, a.device).cmp(&(&b.hostname, b.device)));
    Plan {
        now: input.now,
        patch: input.patch.clone(),
        entries,
    }
}

impl Plan {
    /// The devices that the patch is deployed to.
    pub fn deploys(&self) -> impl Iterator<Item = DeviceId> {
        self.entries
            .iter()
            .filter(|entry| entry.decision == Decision::Deploy)
            .map(|entry| entry.device)
    }

    /// The plan for a person to read, one line a device. Control characters in names are shown
    /// escaped, so that a line stays a line.
    pub fn to_text(&self) -> String {
        let runs = self.deploys().count();
        let mut text = format!(
            "{} {}: {runs} of {} machines\n",
            one_line(&self.patch.title),
            one_line(&self.patch.version),
            self.entries.len()
        );
        for entry in &self.entries {
            let name = one_line(&entry.hostname);
            let _ = match &entry.decision {
                Decision::Deploy => writeln!(text, "+ {name} (device {}): deploy", entry.device),
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
