//! All devices' applications against the catalog, kept up to date by what changes.
//!
//! Devices are kept by what they have, not the other way round: for each application and for each of
//! Chocolatey's records the set of devices that have it. What devices lack is then put together a
//! package at a time, from these sets ([`lacks`]). A change of the catalog gives new answers only
//! to applications that look up something that changed ([`crate::lookup`]), and a change of a device
//! only takes it into other sets. A server that starts fills the whole of it at once ([`Loading`]).
//! [`combine`](crate::combine) says the same for one device, from scratch.

mod applications;
mod by_copy;
mod compact;
mod compare;
mod device_set;
mod devices;
mod group;
mod having;
mod lacks;
mod load;
mod matched;
mod records;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use roaring::RoaringBitmap;

use crate::answer::{Answer, answer};
use crate::catalog::{Catalog, CatalogPackage};
use crate::device::{Here, MissingPatch, Registered, Says, combine, copy_of, here};
use crate::overrides::Overrides;
use applications::{Application, Applications, Learnt};
pub use compare::{Comparison, OtherAnswer, PatchCount, Turn};
use device_set::DeviceSet;
use devices::{Devices, Held};
pub use group::Group;
pub use having::Having;
pub use lacks::Lacking;
use lacks::{Scratch, Sharing};
pub use load::Loading;
pub use matched::MatchedPackage;
use records::Records;

/// The index. Equal for the same catalog, overrides and devices, however they came about.
#[derive(Debug, Default)]
pub struct Fleet {
    catalog: Catalog,
    applications: Applications,
    records: Records,
    devices: Devices,
    changed: Changed,
    /// Applications that a device has no more.
    idle: BTreeSet<u32>,
    /// What is known of each package, by its id in lower case, as a number.
    marks: HashMap<String, u64>,
    hashing: RandomState,
}

/// What changed since it was taken out the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Packages of which devices may lack something else now: each stands for itself and for what
    /// shares one copy with it, see [`Fleet::lacking`].
    pub copies: BTreeSet<String>,
    /// Applications whose answer is another one.
    pub applications: BTreeSet<u32>,
    /// Applications that are or were matched to a package or not, with that package: what they teach
    /// of versions is another thing ([`crate::observed`]).
    pub matched: BTreeSet<(u32, String)>,
}

impl Fleet {
    /// Without devices. What is known of each package, by its id.
    pub fn new(packages: BTreeMap<String, Vec<CatalogPackage>>, overrides: Overrides) -> Self {
        let mut fleet = Self::default();
        fleet.catalog.set_overrides(overrides);
        for (name, versions) in packages {
            fleet.put_package(&name, versions);
        }
        fleet
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Whether an application is known, so that a device may have it.
    pub fn knows(&self, application: u32) -> bool {
        self.applications.knows(application)
    }

    /// Takes an application in, by the id that devices have it by. What is not matched to packages is
    /// passed over where devices have it.
    pub fn learn(&mut self, id: u32, software: &Software) {
        if !self.applications.knows(id) {
            let answer = self.answer_to(software);
            self.learn_answered(id, software, answer);
        }
    }

    /// The answer for an application, whether it is known or not.
    pub fn answer_to(&self, software: &Software) -> Answer {
        match software.place {
            Place::Dpkg => Answer::Unmatched,
            _ => answer(&self.catalog, software),
        }
    }

    /// [`Self::learn`], with the answer for it.
    pub fn learn_answered(&mut self, id: u32, software: &Software, answer: Answer) {
        if software.place == Place::Dpkg {
            self.applications.pass_over(id);
        } else if !self.applications.knows(id) {
            let learnt = Learnt::new(id, software.clone(), answer);
            self.applications.insert(learnt, self.catalog.overrides());
            self.changed.applications.insert(id);
        }
    }

    /// Forgets applications that no device has: their ids may be given to others.
    pub fn forget(&mut self, applications: impl IntoIterator<Item = u32>) {
        for id in applications {
            self.applications.forget(id);
            self.changed.applications.remove(&id);
        }
    }

    /// Forgets applications that devices had and no device has any more, where there are more of them
    /// than `most`: what comes back soon need not be answered again.
    pub fn forget_idle(&mut self, most: usize) {
        if self.idle.len() <= most {
            return;
        }
        let applications = &self.applications;
        let is_idle = |id: &u32| {
            applications
                .get(*id)
                .is_some_and(|it| it.devices.is_empty())
        };
        self.idle.retain(is_idle);
        if self.idle.len() > most {
            let idle = std::mem::take(&mut self.idle);
            self.forget(idle);
        }
    }

    /// The answer for an application that is known.
    pub fn answer(&self, application: u32) -> Option<&Answer> {
        Some(&self.applications.get(application)?.answer)
    }

    /// An application that is known.
    pub fn software(&self, application: u32) -> Option<Software> {
        Some(self.applications.get(application)?.software.software())
    }

    /// The version that an application that is known registers.
    pub fn registered_version(&self, application: u32) -> Option<&str> {
        Some(self.applications.get(application)?.software.version())
    }

    /// All applications that are known, by id, with their answers and the number of devices that have
    /// them.
    pub fn applications(&self) -> impl Iterator<Item = (u32, Software, &Answer, u64)> {
        let all = self.applications.iter();
        all.map(|it| (it.id, it.software.software(), &it.answer, it.devices.len()))
    }

    /// How many devices have any of these applications.
    pub fn devices_with(&self, applications: impl IntoIterator<Item = u32>) -> u64 {
        let known = applications.into_iter();
        let known = known.filter_map(|it| self.applications.get(it));
        union(known.map(|it| &it.devices)).len()
    }

    /// All applications that are matched to a package, as in [`Changed::matched`].
    pub fn all_matched(&self) -> BTreeSet<(u32, String)> {
        let all = self.applications.iter();
        all.filter_map(|it| Some((it.id, it.answer.package()?.to_owned())))
            .collect()
    }

    /// The devices that have an application and a record of a package, or of what shares one copy with
    /// it, beside it.
    pub fn recorded_beside(&self, application: u32, package: &str) -> Vec<DeviceId> {
        let Some(it) = self.applications.get(application) else {
            return Vec::new();
        };
        let records = self.records.of_copy(copy_of(package));
        let recorded = union(records.map(|it| &it.devices));
        let both = recorded
            .iter()
            .filter(|number| it.devices.contains(*number));
        both.filter_map(|it| self.devices.id(it)).collect()
    }

    /// Whether a device has an application that is a package, by its id in lower case, and registers this
    /// version.
    pub fn registers(&self, package: &str, registered: &str) -> bool {
        self.applications.iter().any(|it| {
            !it.devices.is_empty()
                && it.answer.package() == Some(package)
                && it.software.version().trim() == registered.trim()
        })
    }

    /// Whether a device has an application.
    pub fn has(&self, device: DeviceId, application: u32) -> bool {
        let number = self.devices.number_of(device);
        let application = self.applications.get(application);
        number
            .zip(application)
            .is_some_and(|(number, it)| it.devices.contains(number))
    }

    /// Puts what a device has in the place of what it had. Applications that are not known are left out.
    pub fn put(&mut self, device: DeviceId, applications: &[u32], records: &[ChocolateyRecord]) {
        let known = |it: &u32| self.applications.get(*it).is_some();
        let held = Held::new(
            applications.iter().copied().filter(known).collect(),
            records.iter().map(|it| self.records.intern(it)).collect(),
        );
        self.hold(device, Some(held));
    }

    /// Forgets a device.
    pub fn remove(&mut self, device: DeviceId) {
        self.hold(device, None);
    }

    fn hold(&mut self, device: DeviceId, new: Option<Held>) {
        let Self {
            applications,
            records,
            devices,
            idle,
            ..
        } = self;
        let (number, old, new) = devices.replace(device, new);
        devices::differences(&old.applications, &new.applications, |id, is_there| {
            applications.set(id, number, is_there);
            if !is_there {
                idle.insert(id);
            }
        });
        devices::differences(&old.records, &new.records, |id, is_there| {
            records.set(id, number, is_there);
        });
    }

    /// Packages of which something else is known here than what is known of each by its id, and those
    /// that are not among them.
    pub fn differing(&self, packages: &BTreeMap<String, Vec<CatalogPackage>>) -> Vec<String> {
        let is_other = |name: &str, versions: &[CatalogPackage]| {
            let known = self.marks.get(&name.to_lowercase());
            known.copied() != self.mark(versions)
        };
        let other = packages.iter().filter(|it| is_other(it.0, it.1));
        let names: HashSet<String> = packages.keys().map(|it| it.to_lowercase()).collect();
        let gone = self.marks.keys().filter(|it| !names.contains(*it));
        other.map(|it| it.0).chain(gone).cloned().collect()
    }

    /// None where there is nothing.
    fn mark(&self, versions: &[CatalogPackage]) -> Option<u64> {
        (!versions.is_empty()).then(|| self.hashing.hash_one(versions))
    }

    /// Puts all that is known of the versions of a package in the place of what was known; without
    /// any version it is gone. Gives the applications that may have another answer now, for
    /// [`Self::answers`].
    pub fn change_package(&mut self, name: &str, versions: Vec<CatalogPackage>) -> BTreeSet<u32> {
        let key = name.to_lowercase();
        let mark = self.mark(&versions);
        let change = self.catalog.put(name, versions);
        self.changed.copies.insert(copy_of(&key).to_owned());
        match mark {
            Some(mark) => self.marks.insert(key, mark),
            None => self.marks.remove(&key),
        };
        self.applications.concerned(&change)
    }

    /// [`Self::change_package`], and the answers.
    pub fn put_package(&mut self, name: &str, versions: Vec<CatalogPackage>) {
        let concerned = self.change_package(name, versions);
        self.put_answers(self.answers(concerned));
    }

    /// Puts what administrators say about matches in the place of what they said. Gives the applications
    /// that may have another answer now.
    pub fn change_overrides(&mut self, overrides: Overrides) -> BTreeSet<u32> {
        let concerned = {
            let changed = overrides.differences(self.catalog.overrides());
            self.applications.fitting(&changed)
        };
        self.catalog.set_overrides(overrides);
        concerned
    }

    /// [`Self::change_overrides`], and the answers.
    pub fn put_overrides(&mut self, overrides: Overrides) {
        let concerned = self.change_overrides(overrides);
        self.put_answers(self.answers(concerned));
    }

    /// The answers for applications as they are now. To look for them is most of the work.
    pub fn answers(&self, applications: impl IntoIterator<Item = u32>) -> Vec<(u32, Answer)> {
        let known = applications.into_iter();
        let known = known.filter_map(|id| Some((id, self.software(id)?)));
        known
            .map(|(id, it)| (id, answer(&self.catalog, &it)))
            .collect()
    }

    /// Puts answers in the place of those that were kept.
    pub fn put_answers(&mut self, answers: Vec<(u32, Answer)>) {
        for (id, new) in answers {
            let Some(known) = self.applications.get(id) else {
                continue;
            };
            let is_other = known.answer != new;
            let (was, is) = (known.answer.package(), new.package());
            if was != is {
                let packages = [was, is].into_iter().flatten();
                let matched = packages.map(|it| (id, it.to_owned()));
                self.changed.matched.extend(matched);
            }
            let copies = self
                .applications
                .set_answer(id, new, self.catalog.overrides());
            if is_other {
                self.changed.applications.insert(id);
                self.changed.copies.extend(copies);
            }
        }
    }

    /// What changed since this was asked the last time.
    pub fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    /// What devices lack of what shares one copy, by [`copy_of`] (`7zip`: `7zip.install` as well).
    pub fn lacking<'f>(&'f self, copy: &'f str) -> Vec<Lacking<'f>> {
        let applications = self.applications.of_copy(copy);
        self.lacking_of(copy, applications, &mut Scratch::default())
    }

    fn lacking_of<'f>(
        &'f self,
        copy: &'f str,
        applications: impl Iterator<Item = &'f Application>,
        scratch: &mut Scratch,
    ) -> Vec<Lacking<'f>> {
        let sharing = Sharing::of(&self.catalog, copy);
        let said = applications.map(|it| {
            let says = Says::of_answer(|id| sharing.named(id), &it.answer);
            (says, it)
        });
        lacks::lacking(said, self.recorded(copy, &sharing), scratch)
    }

    /// What Chocolatey's records say, and the devices that have them.
    fn recorded<'f>(
        &'f self,
        copy: &str,
        sharing: &Sharing<'f>,
    ) -> impl Iterator<Item = (Says<'f>, &'f DeviceSet)> {
        self.records.of_copy(copy).map(|it| {
            // Of a package that is not known a record says nothing.
            let says = sharing.named(&it.package).map_or(Says::Nothing, |package| {
                Says::of_record(package, &it.version, it.pinned)
            });
            (says, &it.devices)
        })
    }

    /// All packages of which devices may lack something, see [`Self::lacking`].
    pub fn copies(&self) -> BTreeSet<&str> {
        self.each_copy().map(|it| it.0).collect()
    }

    /// [`Self::copies`] in no order, each with the places of the applications.
    fn each_copy(&self) -> impl Iterator<Item = (&str, &[u32])> {
        let recorded = self.records.copies();
        let only_recorded = recorded.filter(|it| !self.applications.has_copy(it));
        let applications = self.applications.copies();
        applications.chain(only_recorded.map(|it| (it, [].as_slice())))
    }

    /// What all devices lack, a package at a time.
    pub fn all_lacking(&self) -> impl Iterator<Item = Lacking<'_>> {
        let mut scratch = Scratch::default();
        let mut copies: Vec<_> = self.each_copy().collect();
        // As they stand in memory, most of which a processor then reads ahead.
        copies.sort_unstable_by_key(|(_, places)| places.first().copied());
        copies.into_iter().flat_map(move |(copy, places)| {
            let applications = self.applications.standing_at(places);
            self.lacking_of(copy, applications, &mut scratch)
        })
    }

    /// The devices that lack a patch, in no order.
    pub fn devices_of(&self, lacking: &Lacking<'_>) -> impl Iterator<Item = DeviceId> {
        let numbers = lacking.devices().iter();
        numbers.filter_map(|it| self.devices.id(it))
    }

    /// What a device with these applications and records lacks.
    pub fn missing(&self, applications: &[u32], records: &[ChocolateyRecord]) -> Vec<MissingPatch> {
        combine(&self.catalog, self.registered(applications), records)
    }

    /// What applications of a device with these applications and records come to, where it is something
    /// else than their answers.
    pub fn here(&self, applications: &[u32], records: &[ChocolateyRecord]) -> Vec<Here> {
        here(&self.catalog, self.registered(applications), records)
    }

    fn registered(&self, applications: &[u32]) -> impl Iterator<Item = Registered<'_>> {
        let known = applications.iter();
        let known = known.filter_map(|it| self.applications.get(*it));
        known.map(|it| it.registered(&it.answer))
    }
}

fn union<'d>(sets: impl Iterator<Item = &'d DeviceSet>) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    for it in sets {
        it.join(&mut all);
    }
    all
}
