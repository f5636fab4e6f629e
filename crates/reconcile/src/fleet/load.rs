//! Fills an index with everything that is known when a server starts: the same as one thing after another,
//! and many times as fast.

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::Fleet;
use super::applications::Learnt;
use super::devices::Held;

/// An index that has its catalog and is being filled: with what all devices have, then with these
/// applications.
#[derive(Debug)]
pub struct Loading {
    fleet: Fleet,
    /// Applications that devices have, known or not.
    used: RoaringBitmap,
}

impl Loading {
    /// Begins with a catalog.
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            used: RoaringBitmap::new(),
        }
    }

    /// Takes in what a device has. Each device comes once.
    pub fn device(&mut self, id: DeviceId, applications: &[u32], records: &[ChocolateyRecord]) {
        let Fleet {
            records: known,
            devices,
            ..
        } = &mut self.fleet;
        let numbers = records.iter().map(|it| known.intern(it)).collect();
        let held = Held::new(applications.to_vec(), numbers);
        self.used.extend(held.applications.iter().copied());
        let (number, _, held) = devices.replace(id, Some(held));
        for it in held.records {
            known.set(it, number, true);
        }
    }

    /// Takes in those of these applications that a device has. The answers are looked for on all cores.
    pub fn applications(&mut self, applications: Vec<(u32, Software)>) {
        let Self { fleet, used } = self;
        let is_new = |id: u32| used.contains(id) && !fleet.applications.knows(id);
        let learnt: Vec<Learnt> = applications
            .into_par_iter()
            .filter(|it| is_new(it.0) && it.1.place != Place::Dpkg)
            .map(|(id, software)| {
                let answer = fleet.answer_to(&software);
                Learnt::new(id, software, answer)
            })
            .collect();
        let Fleet {
            applications,
            catalog,
            ..
        } = fleet;
        applications.insert_many(learnt, catalog.overrides());
    }

    /// The index. What devices have and no application is known for is left out.
    pub fn done(self) -> Fleet {
        let mut fleet = self.fleet;
        let Fleet {
            applications,
            devices,
            ..
        } = &mut fleet;
        applications.arrange();
        // Where the devices of each application end in one list of all.
        let mut ends: Vec<usize> = vec![0; applications.places()];
        devices.retain(|id| {
            let place = applications.place(id);
            if let Some(place) = place {
                ends[place] += 1;
            }
            place.is_some()
        });
        let mut sum = 0;
        for it in &mut ends {
            (*it, sum) = (sum, sum + *it);
        }
        let mut all = vec![0_u32; sum];
        devices.each_held(|device, id| {
            if let Some(place) = applications.place(id) {
                all[ends[place]] = device;
                ends[place] += 1;
            }
        });
        let mut start = 0;
        for (place, end) in ends.into_iter().enumerate() {
            applications.fill(place, &all[start..end]);
            start = end;
        }
        fleet
    }
}
