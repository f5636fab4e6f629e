//! Which devices have an application.

use std::collections::BTreeMap;

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::Software;

use super::Fleet;
use crate::answer::Answer;
use crate::normal::{Name, Publisher};

/// A device that has applications that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Having {
    /// Which device.
    pub device: DeviceId,
    /// Which of the applications, by id.
    pub applications: Vec<u32>,
}

/// What all versions of an application share: its name without them, and its maker.
fn name_without_version(software: &Software) -> String {
    let name = Name::of(&software.name, &software.version).key();
    let maker = Publisher::of(&software.publisher).key();
    format!("{maker}\n{name}")
}

/// The packages that an application is, or may be.
fn packages(answer: &Answer) -> Vec<&str> {
    match answer {
        Answer::Review { candidates, .. } => candidates.iter().map(String::as_str).collect(),
        _ => answer.package().into_iter().collect(),
    }
}

impl Fleet {
    /// Applications that are this one in another version and have the same state and package, and itself;
    /// none where it is not known.
    pub fn alike(&self, application: u32) -> Vec<u32> {
        let Some(known) = self.applications.get(application) else {
            return Vec::new();
        };
        let software = known.software.software();
        let state = known.answer.state();
        let maker = Publisher::of(&software.publisher).key();
        let name = name_without_version(&software);
        let same = self.applications.iter().filter(|it| {
            // To take a name apart is most of the work.
            it.answer.state() == state && packages(&it.answer) == packages(&known.answer) && {
                let other = it.software.software();
                Publisher::of(&other.publisher).key() == maker
                    && name_without_version(&other) == name
            }
        });
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
