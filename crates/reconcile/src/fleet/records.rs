//! Chocolatey's own records, each distinct one once, with the devices that have it.

use std::collections::{BTreeSet, HashMap};

use fleetmend_model::inventory::ChocolateyRecord;
use roaring::RoaringBitmap;

use crate::device::copy_of;

/// One package in one version.
#[derive(Debug)]
pub(super) struct Record {
    /// The package's id, lower case.
    pub(super) package: String,
    pub(super) version: String,
    pub(super) devices: RoaringBitmap,
}

#[derive(Debug, Default)]
pub(super) struct Records {
    by_id: HashMap<u32, Record>,
    next: u32,
    ids: HashMap<(String, String), u32>,
    by_copy: HashMap<String, BTreeSet<u32>>,
}

impl Records {
    /// The number of a record, a new one where no device has it.
    pub(super) fn intern(&mut self, record: &ChocolateyRecord) -> u32 {
        let key = (record.id.to_lowercase(), record.version.clone());
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = self.next;
        self.next += 1;
        let copy = copy_of(&key.0).to_owned();
        self.by_copy.entry(copy).or_default().insert(id);
        let record = Record {
            package: key.0.clone(),
            version: key.1.clone(),
            devices: RoaringBitmap::new(),
        };
        self.by_id.insert(id, record);
        self.ids.insert(key, id);
        id
    }

    /// Notes that a device has a record or has it no more. One that nobody has is forgotten.
    pub(super) fn set(&mut self, id: u32, device: u32, is_there: bool) {
        let Some(record) = self.by_id.get_mut(&id) else {
            return;
        };
        if is_there {
            record.devices.insert(device);
            return;
        }
        record.devices.remove(device);
        if record.devices.is_empty()
            && let Some(gone) = self.by_id.remove(&id)
        {
            let copy = copy_of(&gone.package);
            if let Some(ids) = self.by_copy.get_mut(copy) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_copy.remove(copy);
                }
            }
            self.ids.remove(&(gone.package, gone.version));
        }
    }

    pub(super) fn of_copy(&self, copy: &str) -> impl Iterator<Item = &Record> {
        let ids = self.by_copy.get(copy).into_iter().flatten();
        ids.filter_map(|it| self.by_id.get(it))
    }

    pub(super) fn copies(&self) -> impl Iterator<Item = &str> {
        self.by_copy.keys().map(String::as_str)
    }
}
