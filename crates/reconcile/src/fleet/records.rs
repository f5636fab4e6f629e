//! Chocolatey's own records, each distinct one once, with the devices that have it.

use std::collections::HashMap;

use fleetmend_model::inventory::ChocolateyRecord;

use super::by_copy::ByCopy;
use super::device_set::DeviceSet;
use crate::device::copy_of;

/// One package in one version.
#[derive(Debug)]
pub(super) struct Record {
    /// The package's id, lower case.
    pub(super) package: String,
    pub(super) version: String,
    pub(super) pinned: bool,
    pub(super) devices: DeviceSet,
}

#[derive(Debug, Default)]
pub(super) struct Records {
    /// By number. The numbers of those that nobody has are given away again.
    all: Vec<Option<Record>>,
    free: Vec<u32>,
    numbers: HashMap<(String, String, bool), u32>,
    by_copy: ByCopy,
}

impl Records {
    /// The number of a record, a new one where no device has it.
    pub(super) fn intern(&mut self, record: &ChocolateyRecord) -> u32 {
        let key = (
            record.id.to_lowercase(),
            record.version.clone(),
            record.pinned,
        );
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let record = Some(Record {
            package: key.0.clone(),
            version: key.1.clone(),
            pinned: key.2,
            devices: DeviceSet::default(),
        });
        let number = self.free.pop().unwrap_or(self.all.len() as u32);
        match self.all.get_mut(number as usize) {
            Some(free) => *free = record,
            None => self.all.push(record),
        }
        self.by_copy.join(copy_of(&key.0), number);
        self.numbers.insert(key, number);
        number
    }

    /// Notes that a device has a record or has it no more. One that nobody has is forgotten.
    pub(super) fn set(&mut self, number: u32, device: u32, is_there: bool) {
        let Some(place) = self.all.get_mut(number as usize) else {
            return;
        };
        let Some(record) = place else { return };
        if is_there {
            record.devices.insert(device);
            return;
        }
        record.devices.remove(device);
        if record.devices.is_empty()
            && let Some(gone) = place.take()
        {
            self.free.push(number);
            self.by_copy.leave(copy_of(&gone.package), number);
            let key = (gone.package, gone.version, gone.pinned);
            self.numbers.remove(&key);
        }
    }

    pub(super) fn of_copy(&self, copy: &str) -> impl Iterator<Item = &Record> {
        let of_copy = self.by_copy.of(copy).iter();
        of_copy.filter_map(|it| self.all.get(*it as usize)?.as_ref())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.all.iter().flatten()
    }

    pub(super) fn copies(&self) -> impl Iterator<Item = &str> {
        self.by_copy.iter().map(|it| it.0)
    }
}
