//! A night for a person to read.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use fleetmend_model::{DeviceId, PatchId};

use super::{Entry, Night, What, World};
use crate::moment::Moment;
use crate::plan::one_line;

/// What the lines of a text stand below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Device by device.
    Device,
    /// Patch by patch.
    Patch,
}

impl Night {
    /// How many entries run.
    pub fn runs(&self) -> usize {
        let runs = |it: &&Entry| matches!(it.what, What::Runs(_));
        self.entries.iter().filter(runs).count()
    }

    /// For a person to read, one line an entry, with the names in the world that it was planned for. Control
    /// characters in names are shown escaped, so that a line stays a line.
    pub fn to_text(&self, world: &World<'_>, by: By) -> String {
        let devices = world.devices.iter();
        let devices: HashMap<DeviceId, String> = devices
            .map(|it| (it.facts.id, one_line(&it.facts.hostname)))
            .collect();
        let patches = world.patches.iter();
        let patches: HashMap<PatchId, String> = patches
            .map(|it| (it.id, one_line(&format!("{} {}", it.title, it.version))))
            .collect();
        let device = |id: DeviceId| devices.get(&id).map_or("", String::as_str);
        let patch = |id: PatchId| patches.get(&id).map_or("", String::as_str);
        let mut text = self.heading(world);
        let mut below: BTreeMap<(&str, i64), Vec<(&Entry, &str)>> = BTreeMap::new();
        for entry in &self.entries {
            let (device, patch) = (device(entry.device), patch(entry.patch));
            let (head, line) = match by {
                By::Device => ((device, entry.device.0), patch),
                By::Patch => ((patch, entry.patch.0), device),
            };
            below.entry(head).or_default().push((entry, line));
        }
        let kind = match by {
            By::Device => "device",
            By::Patch => "patch",
        };
        for ((name, id), lines) in below {
            let _ = writeln!(text, "{name} ({kind} {id})");
            for (entry, line) in lines {
                say(&mut text, entry, line);
            }
        }
        text
    }

    fn heading(&self, world: &World<'_>) -> String {
        let moment = |at| Moment::new(at, &world.zone, self.now);
        format!(
            "generation {}, {} to {}: {} of {} run\n",
            self.generation,
            moment(self.now),
            moment(self.until),
            self.runs(),
            self.entries.len()
        )
    }
}

fn say(text: &mut String, entry: &Entry, name: &str) {
    let _ = match &entry.what {
        What::Not(reason) => writeln!(text, "  - {name}: {}", one_line(&reason.to_string())),
        What::Runs(run) => {
            let ring = run.start.ring.iter().map(|ring| format!("ring {ring}"));
            let notes = run.start.notes.iter().map(ToString::to_string);
            let more: String = ring
                .chain(notes)
                .map(|it| format!("; {}", one_line(&it)))
                .collect();
            let (turn, said) = (run.position, &run.start.slot.said);
            writeln!(text, "  + {name}: {said}, turn {turn}{more}")
        }
    };
}
