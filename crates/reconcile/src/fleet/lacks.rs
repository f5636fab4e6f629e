//! What all devices lack of one package, from sets of devices. The same as the decision for one device,
//! which stands at [`crate::device`].

use std::borrow::Cow;
use std::cell::Cell;

use fixedbitset::FixedBitSet;
use fleetmend_model::patch::Evidence;
use roaring::RoaringBitmap;

use crate::catalog::{Catalog, Package};
use crate::device::{MissingPatch, Older, Says, better};

/// A patch that devices lack for the same reason.
#[derive(Debug, Clone)]
pub struct Lacking<'f> {
    older: Older<'f>,
    /// As they are kept, where nothing is to be taken off.
    devices: Cow<'f, RoaringBitmap>,
}

impl Lacking<'_> {
    /// What they lack, and why.
    pub fn patch(&self) -> MissingPatch {
        self.older.patch()
    }

    pub(super) fn devices(&self) -> &RoaringBitmap {
        &self.devices
    }

    /// On how many devices.
    pub fn count(&self) -> u64 {
        self.devices.len()
    }
}

/// What one application or record of the package says, and the devices that have it.
type Rows<'d> = Vec<(Older<'d>, &'d RoaringBitmap)>;

/// The catalog's packages by their ids, with the last one at hand: what shares one copy is mostly one
/// package.
pub(super) struct Nearby<'c> {
    catalog: &'c Catalog,
    last: Cell<Option<&'c Package>>,
}

impl<'c> Nearby<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            last: Cell::new(None),
        }
    }

    pub(super) fn named(&self, id: &str) -> Option<&'c Package> {
        if let Some(last) = self.last.get().filter(|it| it.name == id) {
            return Some(last);
        }
        let found = self.catalog.named(id)?;
        self.last.set(Some(found));
        Some(found)
    }
}

/// What is worked with, of use again for the next package.
#[derive(Default)]
pub(super) struct Scratch {
    done: Marks,
    current: Marks,
    kept: Vec<u32>,
}

/// A set of devices that is asked for single ones: there are many small sets, and few devices are in
/// two of one package.
#[derive(Default)]
struct Marks(FixedBitSet);

impl Marks {
    fn add(&mut self, devices: &RoaringBitmap) {
        self.make_room(devices);
        each(devices, |it| {
            self.put(it);
        });
    }

    fn make_room(&mut self, devices: &RoaringBitmap) {
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
    applications: impl Iterator<Item = (Says<'d>, &'d RoaringBitmap)>,
    records: impl Iterator<Item = (Says<'d>, &'d RoaringBitmap)>,
    scratch: &mut Scratch,
) -> Vec<Lacking<'d>> {
    let (mut registered, mut recorded) = (Rows::new(), Rows::new());
    let (mut no_more, mut denied, mut as_offered) = (Vec::new(), Vec::new(), Vec::new());
    for (says, devices) in applications {
        match says {
            Says::Nothing => {}
            Says::LacksNothing => no_more.push(devices),
            Says::Denied => denied.push(devices),
            Says::Lacks(older) => registered.push((older, devices)),
        }
    }
    for (says, devices) in records {
        match says {
            Says::Nothing | Says::Denied => {}
            Says::LacksNothing => as_offered.push(devices),
            Says::Lacks(older) => recorded.push((older, devices)),
        }
    }
    if registered.is_empty() && recorded.is_empty() {
        return Vec::new();
    }
    for older in [&mut registered, &mut recorded] {
        older.sort_by(|a, b| better(&b.0, &a.0));
    }
    let Scratch {
        done,
        current,
        kept,
    } = scratch;
    done.0.clear();
    current.0.clear();
    for it in no_more {
        done.add(it);
    }
    for it in denied {
        let is_other = |device| registered.iter().any(|it| it.1.contains(device));
        done.add(&only(it, kept, |device| !is_other(device)));
    }
    for it in as_offered {
        current.add(it);
    }
    let mut found = Vec::with_capacity(recorded.len() + registered.len());
    // Chocolatey's own record comes first.
    for (older, devices) in recorded {
        done.make_room(devices);
        let is_first = |it| !current.has(it) && !done.put(it);
        let devices = only(devices, kept, is_first);
        found.push(Lacking { older, devices });
    }
    for (older, devices) in registered {
        // Chocolatey installed the version on offer: only proof that an older one is there now,
        // put there by something else, says otherwise.
        let is_proof = older.evidence == Evidence::ProductCode;
        done.make_room(devices);
        let is_first = |it| !done.put(it) && (is_proof || !current.has(it));
        let devices = only(devices, kept, is_first);
        found.push(Lacking { older, devices });
    }
    found.retain(|it| !it.devices.is_empty());
    found
}

/// Those of which it holds: mostly all of them.
fn only<'d>(
    devices: &'d RoaringBitmap,
    kept: &mut Vec<u32>,
    mut is_in: impl FnMut(u32) -> bool,
) -> Cow<'d, RoaringBitmap> {
    kept.clear();
    each(devices, |it| {
        if is_in(it) {
            kept.push(it);
        }
    });
    if kept.len() as u64 == devices.len() {
        return Cow::Borrowed(devices);
    }
    // They come in their order.
    let mut some = RoaringBitmap::new();
    let _ = some.append(kept.iter().copied());
    Cow::Owned(some)
}

fn each(devices: &RoaringBitmap, mut tell: impl FnMut(u32)) {
    let mut some = [0; 128];
    let mut all = devices.iter();
    loop {
        let some = all.next_many(&mut some);
        if some.is_empty() {
            return;
        }
        for it in some {
            tell(*it);
        }
    }
}
