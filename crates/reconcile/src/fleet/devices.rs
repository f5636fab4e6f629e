//! Which devices there are and what each has, as little of it as is needed to tell what changed.

use std::collections::HashMap;

use fleetmend_model::{DeviceId, id_list};

/// What one device has: numbers, sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) applications: Vec<u32>,
    pub(super) records: Vec<u32>,
}

impl Held {
    pub(super) fn new(applications: Vec<u32>, records: Vec<u32>) -> Self {
        let sorted = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        Self {
            applications: sorted(applications),
            records: sorted(records),
        }
    }
}

/// [`Held`] in a few bytes.
#[derive(Debug, Default)]
struct Packed {
    applications: Box<[u8]>,
    records: Box<[u8]>,
}

impl Packed {
    fn of(held: &Held) -> Self {
        let packed = |ids: &[u32]| id_list::encode(ids).into_boxed_slice();
        Self {
            applications: packed(&held.applications),
            records: packed(&held.records),
        }
    }

    fn unpacked(&self) -> Held {
        let unpacked = |bytes| id_list::decode(bytes).unwrap_or_default();
        Held {
            applications: unpacked(&self.applications),
            records: unpacked(&self.records),
        }
    }
}

/// Devices by a number of their own, which sets are made of.
#[derive(Debug, Default)]
pub(super) struct Devices {
    numbers: HashMap<DeviceId, u32>,
    /// By number. The numbers of devices that are gone are given away again.
    ids: Vec<DeviceId>,
    held: Vec<Packed>,
    free: Vec<u32>,
}

impl Devices {
    /// Puts what a device has in the place of what it had; gives its number and both.
    pub(super) fn replace(&mut self, device: DeviceId, new: Option<Held>) -> (u32, Held, Held) {
        let number = self.number(device);
        let Some(place) = self.held.get_mut(number as usize) else {
            return (number, Held::default(), Held::default());
        };
        let old = std::mem::take(place).unpacked();
        if let Some(new) = new {
            *place = Packed::of(&new);
            return (number, old, new);
        }
        self.numbers.remove(&device);
        self.free.push(number);
        (number, old, Held::default())
    }

    fn number(&mut self, device: DeviceId) -> u32 {
        let Self {
            numbers,
            ids,
            held,
            free,
        } = self;
        *numbers.entry(device).or_insert_with(|| {
            let number = free.pop().unwrap_or_else(|| {
                ids.push(device);
                held.push(Packed::default());
                ids.len() as u32 - 1
            });
            ids[number as usize] = device;
            number
        })
    }

    /// Leaves of what all devices have the applications for which it holds.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(u32) -> bool) {
        for it in &mut self.held {
            let mut ids = id_list::decode(&it.applications).unwrap_or_default();
            let count = ids.len();
            ids.retain(|id| is_kept(*id));
            if ids.len() < count {
                it.applications = id_list::encode(&ids).into_boxed_slice();
            }
        }
    }

    /// Tells each device's number and an application that it has, by device.
    pub(super) fn each_held(&self, mut tell: impl FnMut(u32, u32)) {
        for (number, held) in (0..).zip(&self.held) {
            let applications = id_list::decode(&held.applications).unwrap_or_default();
            for it in applications {
                tell(number, it);
            }
        }
    }

    pub(super) fn number_of(&self, device: DeviceId) -> Option<u32> {
        self.numbers.get(&device).copied()
    }

    pub(super) fn id(&self, number: u32) -> Option<DeviceId> {
        self.ids.get(number as usize).copied()
    }
}

/// Tells what is in one sorted list and not in the other: `true` where it is in the new one.
pub(super) fn differences(old: &[u32], new: &[u32], mut tell: impl FnMut(u32, bool)) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (old.peek().copied(), new.peek().copied()) {
            (Some(a), Some(b)) if a == b => {
                old.next();
                new.next();
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => {
                tell(*a, false);
                old.next();
            }
            (_, Some(b)) => {
                tell(*b, true);
                new.next();
            }
            (None | Some(_), None) => return,
        }
    }
}
