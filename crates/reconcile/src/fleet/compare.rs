//! What other words of administrators would change, without changing anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::inventory::Software;
use roaring::RoaringBitmap;

use super::lacks::{Scratch, Sharing};
use super::{Fleet, lacks};
use crate::answer::{Answer, answer_under};
use crate::device::{Says, concerned, copy_of};
use crate::overrides::{Override, Overrides};
use crate::state::State;

/// The difference between two states of overrides.
#[derive(Debug, Default)]
pub struct Comparison {
    /// How many applications that a device has the override is for, each version on its own.
    pub applications: u64,
    /// Applications whose answer is another one.
    pub answers: Vec<OtherAnswer>,
    /// The same by what the answers were and are.
    pub turns: Vec<Turn>,
    /// How many devices have one of these.
    pub devices: u64,
    /// Patches that some devices lack then and not now.
    pub more: Vec<PatchCount>,
    /// Patches that some devices lack now and not then.
    pub fewer: Vec<PatchCount>,
}

/// Applications whose answer is in one state now and in another then, or in the same with another package
/// or other candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The state now.
    pub before: State,
    /// The state then.
    pub after: State,
    /// How many applications, each version on its own.
    pub applications: u64,
    /// How many devices have one of them.
    pub devices: u64,
}

/// An application that would have another answer.
#[derive(Debug)]
pub struct OtherAnswer {
    /// The application.
    pub software: Software,
    /// The answer now.
    pub before: Answer,
    /// The answer then.
    pub after: Answer,
    /// How many devices have it.
    pub devices: u64,
}

/// A patch and a number of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchCount {
    /// The package's id.
    pub package: String,
    /// What a person calls it.
    pub title: String,
    /// The version that is lacked.
    pub available: String,
    /// On how many devices.
    pub devices: u64,
}

type Patches = BTreeMap<(String, String), (String, RoaringBitmap)>;

impl Fleet {
    /// What is different under `after` than under `before`, between which `it` makes the difference.
    pub fn compare(&self, it: &Override, before: &Overrides, after: &Overrides) -> Comparison {
        let mut found = Comparison::default();
        let mut devices = RoaringBitmap::new();
        let mut turns: BTreeMap<(State, State), (u64, RoaringBitmap)> = BTreeMap::new();
        let mut copies = BTreeSet::new();
        let (mut answers_before, mut answers_after) = (HashMap::new(), HashMap::new());
        for id in self.applications.fitting(&[it]) {
            let Some(application) = self.applications.get(id) else {
                continue;
            };
            if application.devices.is_empty() {
                continue;
            }
            found.applications += 1;
            let software = application.software.software();
            let before = answer_under(&self.catalog, before, &software);
            let after = answer_under(&self.catalog, after, &software);
            let packages = [&before, &after].into_iter().filter_map(concerned);
            copies.extend(packages.map(|it| copy_of(it).to_owned()));
            let states = (before.state(), after.state());
            if states.0 != states.1 || before.packages() != after.packages() {
                application.devices.join(&mut devices);
                let turn = turns.entry(states).or_default();
                turn.0 += 1;
                application.devices.join(&mut turn.1);
                found.answers.push(OtherAnswer {
                    software,
                    before: before.clone(),
                    after: after.clone(),
                    devices: application.devices.len(),
                });
            }
            answers_before.insert(id, before);
            answers_after.insert(id, after);
        }
        found.devices = devices.len();
        let turn =
            |((before, after), (applications, devices)): ((State, State), (u64, RoaringBitmap))| {
                Turn {
                    before,
                    after,
                    applications,
                    devices: devices.len(),
                }
            };
        found.turns = turns.into_iter().map(turn).collect();
        for copy in &copies {
            let before = self.patches(copy, &answers_before);
            let after = self.patches(copy, &answers_after);
            found.more.extend(without(&after, &before));
            found.fewer.extend(without(&before, &after));
        }
        found
    }

    /// What devices lack of what shares one copy, were these the answers for some applications.
    fn patches(&self, copy: &str, answers: &HashMap<u32, Answer>) -> Patches {
        let sharing = Sharing::of(&self.catalog, copy);
        let kept = self.applications.of_copy(copy);
        let kept = kept.filter(|it| !answers.contains_key(&it.id));
        let kept = kept.map(|it| (it.id, &it.answer));
        let other = answers.iter().map(|(id, it)| (*id, it));
        let other = other.filter(|it| concerned(it.1).is_some_and(|it| copy_of(it) == copy));
        let said = kept.chain(other).filter_map(|(id, answer)| {
            let it = self.applications.get(id)?;
            Some((Says::of_answer(|id| sharing.named(id), answer), it))
        });
        let mut patches = Patches::new();
        for it in lacks::lacking(said, self.recorded(copy, &sharing), &mut Scratch::default()) {
            let patch = it.patch();
            let key = (patch.package, patch.available);
            let (_, devices) = patches
                .entry(key)
                .or_insert_with(|| (patch.title, RoaringBitmap::new()));
            it.devices().join(devices);
        }
        patches
    }
}

/// What is lacked in the first and not in the second.
fn without<'p>(
    first: &'p Patches,
    second: &'p Patches,
) -> impl Iterator<Item = PatchCount> + use<'p> {
    first.iter().filter_map(move |(key, (title, devices))| {
        let others = second.get(key);
        let only = others.map_or_else(|| devices.clone(), |it| devices - &it.1);
        (!only.is_empty()).then(|| PatchCount {
            package: key.0.clone(),
            title: title.clone(),
            available: key.1.clone(),
            devices: only.len(),
        })
    })
}
