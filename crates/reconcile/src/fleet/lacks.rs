//! What all devices lack of one package, from sets of devices. The same as the decision for one device,
//! which stands at [`crate::device`].

use std::borrow::Cow;
use std::cell::OnceCell;

use fixedbitset::FixedBitSet;

use super::applications::Application;
use super::device_set::DeviceSet;
use crate::catalog::{Catalog, Package};
use crate::device::{MissingPatch, Older, Says};
use crate::slot::better;

/// A patch that devices lack for the same reason.
#[derive(Debug, Clone)]
pub struct Lacking<'f> {
    older: Older<'f>,
    /// As they are kept, where nothing is to be taken off.
    devices: Cow<'f, DeviceSet>,
}

impl Lacking<'_> {
    /// What they lack, and why.
    pub fn patch(&self) -> MissingPatch {
        self.older.patch()
    }

    pub(super) fn devices(&self) -> &DeviceSet {
        &self.devices
    }

    /// On how many devices.
    pub fn count(&self) -> u64 {
        self.devices.len()
    }
}

/// What one application or record of the package says, and the devices that have it.
type Rows<'d> = Vec<(Older<'d>, &'d DeviceSet)>;

/// The catalog's packages that share one copy: the one that is named like the copy, and its `.install`.
pub(super) struct Sharing<'c> {
    catalog: &'c Catalog,
    copy: &'c str,
    plain: OnceCell<Option<&'c Package>>,
    install: OnceCell<Option<&'c Package>>,
}

impl<'c> Sharing<'c> {
    /// By [`copy_of`](crate::device::copy_of).
    pub(super) fn of(catalog: &'c Catalog, copy: &'c str) -> Self {
        Self {
            catalog,
            copy,
            plain: OnceCell::new(),
            install: OnceCell::new(),
        }
    }

    /// One of them, by its id, which shares the copy. Its length tells which it is: the id itself stands
    /// somewhere in memory where nothing else is wanted from.
    pub(super) fn named(&self, id: &str) -> Option<&'c Package> {
        let it = if id.len() == self.copy.len() {
            &self.plain
        } else {
            &self.install
        };
        *it.get_or_init(|| self.catalog.named(id))
    }
}

/// What is worked with, of use again for the next package.
#[derive(Default)]
pub(super) struct Scratch {
    /// Of which nothing is wanted.
    settled: Marks,
    /// That have an application which is up to date.
    up_to_date: Marks,
    /// Whose record is the version on offer.
    current: Marks,
    done: Marks,
    kept: Vec<u32>,
}

/// A set of devices that is asked for single ones: there are many small sets, and few devices are in
/// two of one package.
#[derive(Default)]
struct Marks(FixedBitSet);

impl Marks {
    fn add(&mut self, devices: &DeviceSet) {
        self.make_room(devices);
        devices.each(|it| {
            self.put(it);
        });
    }

    fn make_room(&mut self, devices: &DeviceSet) {
        self.0.grow(devices.max().map_or(0, |it| it as usize + 1));
    }

    /// Gives whether it was there.
    fn put(&mut self, device: u32) -> bool {
        self.0.put(device as usize)
    }

    fn has(&self, device: u32) -> bool {
        self.0.contains(device as usize)
    }
}

/// From what each application and each record of the package says, and the devices that have it.
pub(super) fn lacking<'d>(
    applications: impl Iterator<Item = (Says<'d>, &'d Application)>,
    records: impl Iterator<Item = (Says<'d>, &'d DeviceSet)>,
    scratch: &mut Scratch,
) -> Vec<Lacking<'d>> {
    let (mut registered, mut recorded) = (Vec::new(), Rows::new());
    let (mut newest, mut unwanted) = (Vec::new(), Vec::new());
    let (mut denied, mut as_offered) = (Vec::new(), Vec::new());
    for (says, it) in applications {
        match says {
            Says::Nothing => {}
            Says::Current => newest.push(it),
            Says::Unwanted => unwanted.push(&it.devices),
            Says::Denied => denied.push(&it.devices),
            Says::Lacks(older) => registered.push((older, it)),
        }
    }
    for (says, devices) in records {
        match says {
            Says::Nothing | Says::Denied => {}
            Says::Unwanted => unwanted.push(devices),
            Says::Current => as_offered.push(devices),
            Says::Lacks(older) => recorded.push((older, devices)),
        }
    }
    if registered.is_empty() && recorded.is_empty() {
        return Vec::new();
    }
    let Scratch {
        settled,
        up_to_date,
        current,
        done,
        kept,
    } = scratch;
    for marks in [&mut *settled, &mut *up_to_date, &mut *current, &mut *done] {
        marks.0.clear();
    }
    for it in unwanted {
        settled.add(it);
    }
    for it in &newest {
        up_to_date.add(&it.devices);
    }
    for it in denied {
        let is_other = |device| registered.iter().any(|it| it.1.devices.contains(device));
        settled.add(&only(it, kept, |device| !is_other(device)));
    }
    for it in as_offered {
        current.add(it);
    }
    let mut found = Vec::with_capacity(recorded.len() + registered.len());
    // Chocolatey's own record comes first.
    for (older, devices) in best_first(recorded) {
        done.make_room(devices);
        let is_first =
            |it| !settled.has(it) && !up_to_date.has(it) && !current.has(it) && !done.put(it);
        let devices = only(devices, kept, is_first);
        found.push(Lacking { older, devices });
    }
    for (older, it) in best_first(registered) {
        // Chocolatey installed the version on offer: only proof that an older one is there now,
        // put there by something else, says otherwise.
        let is_proof = older.is_proof();
        let replacing = replacing(it, &newest);
        let is_replaced = |device| {
            let is_on = |all: &Vec<&Application>| all.iter().any(|it| it.devices.contains(device));
            up_to_date.has(device) && replacing.as_ref().is_none_or(is_on)
        };
        done.make_room(&it.devices);
        let is_first = |it| {
            !settled.has(it) && !is_replaced(it) && (is_proof || !current.has(it)) && !done.put(it)
        };
        let devices = only(&it.devices, kept, is_first);
        found.push(Lacking { older, devices });
    }
    found.retain(|it| !it.devices.is_empty());
    found
}

fn best_first<D>(mut rows: Vec<(Older<'_>, D)>) -> Vec<(Older<'_>, D)> {
    rows.sort_by(|a, b| better(&b.0, &a.0));
    rows
}

/// What stands for an older application where it is up to date, as
/// [`Copy::replaces`](crate::side_by_side::Copy::replaces) says; `None` where all of it does: of hardly any
/// package are there several copies.
fn replacing<'d>(
    older: &Application,
    up_to_date: &[&'d Application],
) -> Option<Vec<&'d Application>> {
    if up_to_date.is_empty() || !older.states_architecture() {
        return None;
    }
    let copy = older.copy();
    let all = up_to_date.iter().copied();
    let all: Vec<_> = all.filter(|it| it.copy().replaces(&copy)).collect();
    (all.len() < up_to_date.len()).then_some(all)
}

/// Those of which it holds: mostly all of them.
fn only<'d>(
    devices: &'d DeviceSet,
    kept: &mut Vec<u32>,
    mut is_in: impl FnMut(u32) -> bool,
) -> Cow<'d, DeviceSet> {
    kept.clear();
    devices.each(|it| {
        if is_in(it) {
            kept.push(it);
        }
    });
    if kept.len() as u64 == devices.len() {
        return Cow::Borrowed(devices);
    }
    // They come in their order.
    Cow::Owned(DeviceSet::of_sorted(kept))
}
