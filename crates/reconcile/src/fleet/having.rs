//! Which devices have an application.

use std::collections::BTreeMap;

use fleetmend_model::DeviceId;

use super::Fleet;
use super::group::Group;

/// A device that has applications that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Having {
    /// Which device.
    pub device: DeviceId,
    /// Which of the applications, by id.
    pub applications: Vec<u32>,
}

impl Fleet {
    /// Applications that are this one in another version and have the same state and package, and itself;
    /// none where it is not known.
    pub fn alike(&self, application: u32) -> Vec<u32> {
        let Some(known) = self.applications.get(application) else {
            return Vec::new();
        };
        let group = Group::of(&known.software.software(), &known.answer);
        let of_product = self
            .applications
            .iter()
            .filter(|it| it.product == known.product);
        let same = of_product
            .filter(|it| group.may_have(&it.answer) && group.has(&it.software.software()));
        same.map(|it| it.id).collect()
    }

    /// Devices that have any of these applications, by id: those after one, and at most some.
    pub fn having(
        &self,
        applications: &[u32],
        after: Option<DeviceId>,
        limit: usize,
    ) -> Vec<Having> {
        let mut found: BTreeMap<DeviceId, Vec<u32>> = BTreeMap::new();
        let known = applications.iter();
        for it in known.filter_map(|it| self.applications.get(*it)) {
            for number in it.devices.iter() {
                let Some(device) = self.devices.id(number) else {
                    continue;
                };
                if after.is_none_or(|after| device > after) {
                    found.entry(device).or_default().push(it.id);
                }
            }
        }
        let found = found.into_iter().take(limit);
        found
            .map(|(device, applications)| Having {
                device,
                applications,
            })
            .collect()
    }
}
