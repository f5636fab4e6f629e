//! How many devices install at one time: those of one policy, and those behind one master.
//!
//! How long a device takes is not known. A night says who goes first; the rest begin when places come free.

use std::collections::{HashMap, HashSet};

use fleetmend_model::{DeviceId, PolicyId};

use super::known::{Known, Seen};

/// The places that are taken.
#[derive(Debug, Default)]
pub(crate) struct Places {
    devices: HashSet<DeviceId>,
    taken: HashMap<Queue, u32>,
    /// How many stand in line.
    line: HashMap<Queue, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Queue {
    Policy(PolicyId),
    Site(DeviceId),
}

/// That no place is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) places: u32,
    pub(crate) position: usize,
    pub(crate) of_site: bool,
}

impl Places {
    /// With those that are taken by devices that have an order.
    pub(crate) fn taken(known: &Known<'_>) -> Self {
        let mut places = Self::default();
        for job in known.world.open_jobs.iter().filter(|job| job.is_out) {
            if let Some(seen) = known.device(job.device) {
                places.occupy(seen);
            }
        }
        places
    }

    /// Takes a place for a device; one that has one needs no other.
    pub(super) fn take(&mut self, seen: &Seen<'_>) -> Result<(), Full> {
        if self.devices.contains(&seen.device.facts.id) {
            return Ok(());
        }
        let caps = &seen.policy.settings.caps;
        let site = seen.device.facts.master.map(Queue::Site);
        let limits = [
            (Some(Queue::Policy(seen.policy.id)), caps.devices_at_once),
            (site, caps.devices_per_site),
        ];
        for (queue, cap) in limits {
            let (Some(queue), Some(places)) = (queue, cap) else {
                continue;
            };
            if self.taken.get(&queue).copied().unwrap_or(0) >= places {
                let line = self.line.entry(queue).or_default();
                *line += 1;
                return Err(Full {
                    places,
                    position: *line,
                    of_site: matches!(queue, Queue::Site(_)),
                });
            }
        }
        self.occupy(seen);
        Ok(())
    }

    fn occupy(&mut self, seen: &Seen<'_>) {
        let facts = &seen.device.facts;
        if self.devices.insert(facts.id) {
            *self.taken.entry(Queue::Policy(seen.policy.id)).or_default() += 1;
            if let Some(master) = facts.master {
                *self.taken.entry(Queue::Site(master)).or_default() += 1;
            }
        }
    }
}
