//! Every application that a device has or had, its answer, and what the answer may depend on.

use std::collections::{BTreeSet, HashMap};

use fixedbitset::FixedBitSet;
use fleetmend_model::inventory::Software;
use roaring::RoaringBitmap;
use rustc_hash::FxBuildHasher;

use super::by_copy::ByCopy;
use super::compact::Compact;
use super::device_set::DeviceSet;
use super::group::product;
use crate::answer::Answer;
use crate::catalog::Change;
use crate::device::{Registered, concerned, copy_of};
use crate::lookup::{Key, Lookup, lookups, lookups_of};
use crate::names::Row;
use crate::normal::Architecture;
use crate::overrides::{Override, Overrides};
use crate::pattern::{Pattern, fold};
use crate::side_by_side::Copy;

/// One distinct application.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) id: u32,
    pub(super) software: Compact,
    pub(super) answer: Answer,
    pub(super) devices: DeviceSet,
    /// See [`product`].
    pub(super) product: u64,
    stated: Option<Architecture>,
    /// The lookup of the package that an administrator said it is.
    said: Option<Key>,
}

/// An application that is not known yet, with everything that is known of it.
pub(super) struct Learnt {
    pub(super) id: u32,
    pub(super) software: Software,
    pub(super) answer: Answer,
    product: u64,
    stated: Option<Architecture>,
    /// What the answer looked up.
    keys: BTreeSet<Key>,
}

impl Learnt {
    pub(super) fn new(id: u32, software: Software, answer: Answer) -> Self {
        let row = Row::of(&software);
        Self {
            id,
            answer,
            product: product(&row.name, &row.publisher),
            stated: row.name.architecture,
            keys: lookups_of(&row, &software),
            software,
        }
    }
}

impl Application {
    /// What tells it from other copies of its package.
    pub(super) fn copy(&self) -> Copy<'_> {
        Copy {
            place: self.software.place(),
            stated: self.stated,
            product_code: self.software.product_code(),
            upgrade_code: self.software.upgrade_code(),
        }
    }

    pub(super) fn states_architecture(&self) -> bool {
        self.stated.is_some()
    }

    /// It, with an answer for it.
    pub(super) fn registered<'a>(&'a self, answer: &'a Answer) -> Registered<'a> {
        Registered {
            id: self.id,
            name: self.software.name(),
            version: self.software.version(),
            answer,
            copy: self.copy(),
        }
    }
}

/// They stand side by side: to go through those of all packages is mostly to wait for memory.
#[derive(Debug, Default)]
pub(super) struct Applications {
    /// Absent where one was forgotten; its place is given away again.
    all: Vec<Option<Application>>,
    free: Vec<u32>,
    /// Where each stands, by id: numbers of the database's own, whose hashes nobody can choose.
    places: HashMap<u32, u32, FxBuildHasher>,
    /// Ids of what is not matched to packages.
    passed_over: RoaringBitmap,
    /// Ids.
    by_lookup: BTreeSet<(Key, u32)>,
    /// Ids by the name in lower case.
    by_name: BTreeSet<(Box<str>, u32)>,
    /// Places.
    by_copy: ByCopy,
}

impl Applications {
    pub(super) fn knows(&self, id: u32) -> bool {
        self.places.contains_key(&id) || self.passed_over.contains(id)
    }

    pub(super) fn pass_over(&mut self, id: u32) {
        self.passed_over.insert(id);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Application> {
        self.at(*self.places.get(&id)?)
    }

    fn at(&self, place: u32) -> Option<&Application> {
        self.all.get(place as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Application> {
        let place = self.places.get(&id)?;
        self.all.get_mut(*place as usize)?.as_mut()
    }

    /// Has what one package's answers are about stand side by side, before devices are filled in.
    pub(super) fn arrange(&mut self) {
        let mut order: Vec<u32> = Vec::with_capacity(self.all.len());
        for (_, places) in self.by_copy.iter() {
            order.extend(places);
        }
        let mut is_in = FixedBitSet::with_capacity(self.all.len());
        is_in.extend(order.iter().map(|it| *it as usize));
        order.extend(is_in.zeroes().map(|it| it as u32));
        // In place: a second list of all would be a tenth of the index.
        for new in 0..order.len() {
            let mut old = order[new] as usize;
            while old < new {
                old = order[old] as usize;
            }
            self.all.swap(new, old);
        }
        let mut places = vec![0; order.len()];
        for (new, old) in (0..).zip(&order) {
            places[*old as usize] = new;
        }
        let place = |old: &mut u32| *old = places.get(*old as usize).copied().unwrap_or(*old);
        self.free.iter_mut().for_each(place);
        self.places.values_mut().for_each(place);
        self.by_copy.renumber(place);
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.all.len()
    }

    pub(super) fn place(&self, id: u32) -> Option<usize> {
        self.places.get(&id).map(|it| *it as usize)
    }

    /// Puts the devices that have an application in the place of those that had it. They are sorted.
    pub(super) fn fill(&mut self, place: usize, devices: &[u32]) {
        let Some(it) = self.all.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        it.devices = DeviceSet::of_sorted(devices);
    }

    /// Notes that a device has an application or has it no more.
    pub(super) fn set(&mut self, id: u32, device: u32, is_there: bool) {
        if let Some(it) = self.get_mut(id) {
            if is_there {
                it.devices.insert(device);
            } else {
                it.devices.remove(device);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Application> {
        self.all.iter().flatten()
    }

    pub(super) fn insert(&mut self, learnt: Learnt, overrides: &Overrides) {
        let keys = learnt.keys.iter();
        self.by_lookup.extend(keys.map(|key| (*key, learnt.id)));
        self.by_name.insert((folded(&learnt.software), learnt.id));
        self.place_new(learnt, overrides);
    }

    /// [`Self::insert`] of many that are not known.
    pub(super) fn insert_many(&mut self, all: Vec<Learnt>, overrides: &Overrides) {
        let lookups = all
            .iter()
            .flat_map(|it| it.keys.iter().map(|key| (*key, it.id)));
        self.by_lookup.append(&mut lookups.collect());
        let names = all.iter().map(|it| (folded(&it.software), it.id));
        self.by_name.append(&mut names.collect());
        for it in all {
            self.place_new(it, overrides);
        }
    }

    fn place_new(&mut self, learnt: Learnt, overrides: &Overrides) {
        let Learnt {
            id,
            software,
            answer,
            product,
            stated,
            ..
        } = learnt;
        let application = Some(Application {
            id,
            software: Compact::of(&software),
            answer: Answer::Unmatched,
            devices: DeviceSet::default(),
            product,
            stated,
            said: None,
        });
        let place = self.free.pop().unwrap_or(self.all.len() as u32);
        match self.all.get_mut(place as usize) {
            Some(free) => *free = application,
            None => self.all.push(application),
        }
        self.places.insert(id, place);
        self.set_answer(id, answer, overrides);
    }

    /// Forgets one, unless a device has it.
    pub(super) fn forget(&mut self, id: u32) {
        self.passed_over.remove(id);
        if self.get(id).is_none_or(|it| !it.devices.is_empty()) {
            return;
        }
        // Without answer and override it is found by nothing but its own lookups.
        self.set_answer(id, Answer::Unmatched, &Overrides::default());
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        self.free.push(place);
        let Some(it) = self.all.get_mut(place as usize).and_then(Option::take) else {
            return;
        };
        let software = it.software.software();
        for key in lookups(&software) {
            self.by_lookup.remove(&(key, id));
        }
        self.by_name.remove(&(folded(&software), id));
    }

    /// Puts a new answer in the place of the old one; gives the packages of both.
    pub(super) fn set_answer(
        &mut self,
        id: u32,
        answer: Answer,
        overrides: &Overrides,
    ) -> BTreeSet<String> {
        let Some(place) = self.places.get(&id).copied() else {
            return BTreeSet::new();
        };
        let Some(it) = self.all.get_mut(place as usize).and_then(Option::as_mut) else {
            return BTreeSet::new();
        };
        if let Some(key) = it.said.take() {
            self.by_lookup.remove(&(key, id));
        }
        it.said = said(&it.software.software(), overrides);
        if let Some(key) = it.said {
            self.by_lookup.insert((key, id));
        }
        let old = copy(&it.answer).map(str::to_owned);
        let new = copy(&answer).map(str::to_owned);
        it.answer = answer;
        if old != new {
            if let Some(old) = old.as_deref() {
                self.by_copy.leave(old, place);
            }
            if let Some(new) = new.as_deref() {
                self.by_copy.join(new, place);
            }
        }
        old.into_iter().chain(new).collect()
    }

    pub(super) fn of_copy(&self, copy: &str) -> impl Iterator<Item = &Application> {
        self.standing_at(self.by_copy.of(copy))
    }

    pub(super) fn standing_at(&self, places: &[u32]) -> impl Iterator<Item = &Application> {
        places.iter().filter_map(|it| self.at(*it))
    }

    pub(super) fn has_copy(&self, copy: &str) -> bool {
        !self.by_copy.of(copy).is_empty()
    }

    /// What answers are about, each with the places of the applications.
    pub(super) fn copies(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.by_copy.iter()
    }

    /// Those whose answer a change of the catalog may change.
    pub(super) fn concerned(&self, change: &Change) -> BTreeSet<u32> {
        let mut ids = BTreeSet::new();
        for key in &change.keys {
            let of_key = self.by_lookup.range((*key, 0)..=(*key, u32::MAX));
            ids.extend(of_key.map(|it| it.1));
        }
        for pattern in &change.patterns {
            self.fit(pattern, &mut ids);
        }
        if let Some(step) = &change.step {
            ids.retain(|id| {
                let it = self.get(*id);
                it.is_some_and(|it| step.concerns(it.software.version(), &it.answer))
            });
        }
        ids
    }

    fn fit(&self, pattern: &Pattern, ids: &mut BTreeSet<u32>) {
        let start = pattern.start();
        let from = self.by_name.range((Box::from(start.as_str()), 0)..);
        let of_start = from.take_while(|it| it.0.starts_with(&start));
        let fits = |id: u32| {
            let it = self.get(id);
            it.is_some_and(|it| pattern.fits(it.software.name()))
        };
        ids.extend(of_start.map(|it| it.1).filter(|it| fits(*it)));
    }

    /// Those that any of these overrides is for.
    pub(super) fn fitting(&self, overrides: &[&Override]) -> BTreeSet<u32> {
        let fits = |it: &&Application| {
            let software = it.software.software();
            let is_for = |one: &&Override| one.is_for(&software, &it.answer);
            overrides.iter().any(is_for)
        };
        self.iter().filter(fits).map(|it| it.id).collect()
    }
}

fn said(software: &Software, overrides: &Overrides) -> Option<Key> {
    let (package, _) = overrides.about(software).is?;
    Some(Lookup::Package(&package.to_lowercase()).key())
}

fn copy(answer: &Answer) -> Option<&str> {
    concerned(answer).map(copy_of)
}

/// The name in lower case.
fn folded(software: &Software) -> Box<str> {
    fold(&software.name).into_boxed_str()
}
