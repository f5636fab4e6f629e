//! Every application that a device has or had, its answer, and what the answer may depend on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::inventory::Software;
use roaring::RoaringBitmap;

use crate::answer::Answer;
use crate::catalog::Change;
use crate::device::{concerned, copy_of};
use crate::lookup::{Key, Lookup, lookups};
use crate::overrides::{Override, Overrides};
use crate::pattern::{Pattern, fold};

/// One distinct application.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) software: Software,
    pub(super) answer: Answer,
    pub(super) devices: RoaringBitmap,
    /// The lookup of the package that an administrator said it is.
    said: Option<Key>,
}

#[derive(Debug, Default)]
pub(super) struct Applications {
    by_id: HashMap<u32, Application>,
    /// Ids of what is not matched to packages.
    passed_over: RoaringBitmap,
    by_lookup: BTreeSet<(Key, u32)>,
    /// By the name in lower case.
    by_name: BTreeMap<Box<str>, Vec<u32>>,
    by_copy: HashMap<String, BTreeSet<u32>>,
}

impl Applications {
    pub(super) fn knows(&self, id: u32) -> bool {
        self.by_id.contains_key(&id) || self.passed_over.contains(id)
    }

    pub(super) fn pass_over(&mut self, id: u32) {
        self.passed_over.insert(id);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Application> {
        self.by_id.get(&id)
    }

    /// Notes that a device has an application or has it no more.
    pub(super) fn set(&mut self, id: u32, device: u32, is_there: bool) {
        if let Some(it) = self.by_id.get_mut(&id) {
            if is_there {
                it.devices.insert(device);
            } else {
                it.devices.remove(device);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Application)> {
        self.by_id.iter().map(|(id, it)| (*id, it))
    }

    pub(super) fn insert(
        &mut self,
        id: u32,
        software: Software,
        answer: Answer,
        overrides: &Overrides,
    ) {
        for key in lookups(&software) {
            self.by_lookup.insert((key, id));
        }
        let name = fold(&software.name).into_boxed_str();
        self.by_name.entry(name).or_default().push(id);
        let application = Application {
            software,
            answer: Answer::Unmatched,
            devices: RoaringBitmap::new(),
            said: None,
        };
        self.by_id.insert(id, application);
        self.set_answer(id, answer, overrides);
    }

    /// Forgets one, unless a device has it.
    pub(super) fn forget(&mut self, id: u32) {
        self.passed_over.remove(id);
        if self.by_id.get(&id).is_none_or(|it| !it.devices.is_empty()) {
            return;
        }
        // Without answer and override it is found by nothing but its own lookups.
        self.set_answer(id, Answer::Unmatched, &Overrides::default());
        let Some(it) = self.by_id.remove(&id) else {
            return;
        };
        for key in lookups(&it.software) {
            self.by_lookup.remove(&(key, id));
        }
        let name = fold(&it.software.name);
        if let Some(ids) = self.by_name.get_mut(name.as_str()) {
            ids.retain(|it| *it != id);
            if ids.is_empty() {
                self.by_name.remove(name.as_str());
            }
        }
    }

    /// Puts a new answer in the place of the old one; gives the packages of both.
    pub(super) fn set_answer(
        &mut self,
        id: u32,
        answer: Answer,
        overrides: &Overrides,
    ) -> BTreeSet<String> {
        let Some(it) = self.by_id.get_mut(&id) else {
            return BTreeSet::new();
        };
        if let Some(key) = it.said.take() {
            self.by_lookup.remove(&(key, id));
        }
        it.said = said(&it.software, overrides);
        if let Some(key) = it.said {
            self.by_lookup.insert((key, id));
        }
        let old = copy(&it.answer);
        let new = copy(&answer);
        it.answer = answer;
        if old != new {
            if let Some(old) = &old
                && let Some(ids) = self.by_copy.get_mut(old)
            {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_copy.remove(old);
                }
            }
            if let Some(new) = &new {
                self.by_copy.entry(new.clone()).or_default().insert(id);
            }
        }
        old.into_iter().chain(new).collect()
    }

    pub(super) fn of_copy(&self, copy: &str) -> impl Iterator<Item = &Application> {
        self.ids_of_copy(copy).filter_map(|it| self.by_id.get(&it))
    }

    pub(super) fn ids_of_copy(&self, copy: &str) -> impl Iterator<Item = u32> {
        self.by_copy.get(copy).into_iter().flatten().copied()
    }

    pub(super) fn copies(&self) -> impl Iterator<Item = &str> {
        self.by_copy.keys().map(String::as_str)
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
                let it = self.by_id.get(id);
                it.is_some_and(|it| step.concerns(&it.software, &it.answer))
            });
        }
        ids
    }

    fn fit(&self, pattern: &Pattern, ids: &mut BTreeSet<u32>) {
        let start = pattern.start();
        let from = self.by_name.range(Box::from(start.as_str())..);
        for (_, of_name) in from.take_while(|it| it.0.starts_with(&start)) {
            let mut names = of_name.iter().filter_map(|it| self.by_id.get(it));
            if names.any(|it| pattern.fits(&it.software.name)) {
                ids.extend(of_name);
            }
        }
    }

    /// Those that any of these overrides is for.
    pub(super) fn fitting(&self, overrides: &[&Override]) -> BTreeSet<u32> {
        let fits = |it: &Application| overrides.iter().any(|one| one.fits(&it.software));
        let all = self.by_id.iter().filter(|(_, it)| fits(it));
        all.map(|(id, _)| *id).collect()
    }
}

fn said(software: &Software, overrides: &Overrides) -> Option<Key> {
    let (package, _) = overrides.about(software).is?;
    Some(Lookup::Package(&package.to_lowercase()).key())
}

fn copy(answer: &Answer) -> Option<String> {
    concerned(answer).map(|it| copy_of(it).to_owned())
}
