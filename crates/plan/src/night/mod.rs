//! What runs in a night, when, and why not elsewhere: one entry for each patch that a device lacks.
//!
//! A night is a plan for a time to come. [`night`] reads nothing but its [`World`], in any order, so a
//! preview and the run that it foretells come to the same.

mod aged;
mod judge;
mod known;
mod note;
mod places;
mod text;
mod when;
mod world;

use std::collections::BTreeMap;

use fleetmend_model::{DeviceId, Millis, PatchId};

pub use aged::aged;
pub(crate) use judge::Ask;
pub use judge::{Start, judge};
pub use known::Known;
pub use note::Note;
pub(crate) use places::{Full, Places};
pub use text::By;
pub use when::Slot;
pub use world::{Decided, Device, Held, Missing, Occasion, OpenJob, Patch, World};

use crate::queue::{self, Waiting};
use crate::reason::Reason;

/// What runs in a night, and what does not. Never changed; a later look is another night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Night {
    /// The decisions that it goes by.
    pub generation: i64,
    /// The time that it was planned at.
    pub now: Millis,
    /// The first moment that is not planned.
    pub until: Millis,
    /// One for each patch that a device lacks; by device, by host name and then by id, and there in the order
    /// in which they run, and what does not run by title.
    pub entries: Vec<Entry>,
}

/// What is done about a patch on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The device.
    pub device: DeviceId,
    /// The patch.
    pub patch: PatchId,
    /// What is done.
    pub what: What,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It runs.
    Runs(Run),
    /// It does not.
    Not(Reason),
}

/// That a patch runs on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When.
    pub start: Start,
    /// Its turn among what starts on the device then, counted from 1: one thing is deployed at a time.
    pub position: usize,
    /// How urgent it is: see [`queue::priority`].
    pub priority: u8,
}

impl Run {
    /// The first moment at which it may start.
    pub fn at(&self) -> Millis {
        self.start.slot.at
    }

    /// The first moment at which it may not any more, where that is near.
    pub fn window_end(&self) -> Option<Millis> {
        self.start.slot.window_end
    }
}

/// Plans a night. What the world names and does not have is left out.
pub fn night(world: &World<'_>) -> Night {
    let known = Known::of(world);
    let mut devices: Vec<&Device> = world.devices.iter().collect();
    devices.sort_by_key(|it| (&it.facts.hostname, it.facts.id));
    let mut entries = Vec::with_capacity(world.missing.len());
    for device in devices {
        of_device(&known, device.facts.id, &mut entries);
    }
    share_places(&known, &mut entries);
    Night {
        generation: world.generation,
        now: world.now,
        until: world.until,
        entries,
    }
}

fn of_device(known: &Known<'_>, device: DeviceId, entries: &mut Vec<Entry>) {
    let Some(seen) = known.device(device) else {
        return;
    };
    let occasion = known.world.occasion;
    let except = None;
    let mut patches: Vec<_> = known.lacking(device).iter().map(|it| it.missing).collect();
    patches.sort_by_key(|it| it.patch);
    patches.dedup_by_key(|it| it.patch);
    let first = entries.len();
    // What starts at one time stands in one queue.
    let mut queues: BTreeMap<Millis, Vec<Waiting<(PatchId, usize)>>> = BTreeMap::new();
    let mut nots = Vec::new();
    for missing in patches {
        let Some(offered) = known.patch(missing.patch) else {
            continue;
        };
        let what = match known.judge_seen(seen, offered, Ask { occasion, except }) {
            Err(reason) => What::Not(reason),
            Ok(start) => What::Runs(Run {
                start,
                position: 0,
                priority: offered.priority(),
            }),
        };
        let entry = Entry {
            device,
            patch: missing.patch,
            what,
        };
        match &entry.what {
            What::Not(_) => nots.push((offered.patch, entry)),
            What::Runs(run) => {
                queues.entry(run.at()).or_default().push(Waiting {
                    id: (missing.patch, entries.len()),
                    priority: run.priority,
                    since: missing.since,
                    is_started: false,
                });
                entries.push(entry);
            }
        }
    }
    let running = entries.split_off(first);
    line_up(known, running, queues, first, entries);
    nots.sort_by_key(|(patch, _)| (&patch.title, patch.id));
    entries.extend(nots.into_iter().map(|(_, entry)| entry));
}

/// Gives what runs on a device its turn.
fn line_up(
    known: &Known<'_>,
    running: Vec<Entry>,
    queues: BTreeMap<Millis, Vec<Waiting<(PatchId, usize)>>>,
    first: usize,
    entries: &mut Vec<Entry>,
) {
    let mut running: Vec<Option<Entry>> = running.into_iter().map(Some).collect();
    for turn in queues.into_values().flat_map(queue::order) {
        let place = turn.id.1 - first;
        let Some(mut entry) = running.get_mut(place).and_then(Option::take) else {
            continue;
        };
        if let What::Runs(run) = &mut entry.what {
            run.position = turn.position;
            let before = turn.after.and_then(|(patch, _)| known.patch(patch));
            run.start.notes.extend(before.map(|it| Note::After {
                title: it.patch.title.clone(),
            }));
        }
        entries.push(entry);
    }
}

/// Says which devices wait for a place: of those that could start at one time the most urgent go first, then
/// those that have waited longest.
fn share_places(known: &Known<'_>, entries: &mut [Entry]) {
    let mut policies = known.world.policies.all();
    if !policies.any(|it| it.settings.caps.limit_devices()) {
        return;
    }
    // The first of each device at each time; what else it has to do follows there.
    let mut firsts = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        if let What::Runs(run) = &entry.what
            && run.position == 1
        {
            let missing = known.lacking(entry.device).iter();
            let since = missing
                .filter(|it| it.missing.patch == entry.patch)
                .map(|it| it.missing.since)
                .min();
            firsts.push((run.at(), run.priority, since, place));
        }
    }
    // Entries stand by host name and id.
    firsts.sort_unstable();
    for at_once in firsts.chunk_by(|a, b| a.0 == b.0) {
        let is_now = at_once.first().is_some_and(|it| it.0 <= known.now());
        let mut places = if is_now {
            Places::taken(known)
        } else {
            Places::default()
        };
        for (_, _, _, place) in at_once {
            let Some(entry) = entries.get_mut(*place) else {
                continue;
            };
            if let Some(seen) = known.device(entry.device)
                && let Err(full) = places.take(seen)
                && let What::Runs(run) = &mut entry.what
            {
                let Full {
                    places,
                    position,
                    of_site,
                } = full;
                run.start.notes.push(Note::Place {
                    places,
                    position,
                    of_site,
                });
            }
        }
    }
}
