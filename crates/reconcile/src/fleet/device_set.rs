//! Sets of devices. Of most applications only some dozens of a large fleet have one: such a set is a
//! list in one piece of memory, as what all devices lack is put together from hundreds of thousands
//! of sets, and the time goes into reaching them.

use roaring::RoaringBitmap;

/// The most devices that are kept as a list. A bitmap takes half the memory from here on.
const MOST_LISTED: usize = 256;

/// Devices by their numbers.
#[derive(Debug, Clone)]
pub(super) enum DeviceSet {
    /// Sorted, each once.
    Few(Box<[u32]>),
    Many(Box<RoaringBitmap>),
}

impl Default for DeviceSet {
    fn default() -> Self {
        Self::Few(Box::default())
    }
}

impl DeviceSet {
    /// Of numbers that are sorted, each once.
    pub(super) fn of_sorted(devices: &[u32]) -> Self {
        if devices.len() <= MOST_LISTED {
            return Self::Few(devices.into());
        }
        let mut set = RoaringBitmap::new();
        let _ = set.append(devices.iter().copied());
        // A copy has no room to spare.
        let exact = set.clone();
        Self::Many(Box::new(exact))
    }

    pub(super) fn insert(&mut self, device: u32) {
        match self {
            Self::Few(all) => {
                if let Err(at) = all.binary_search(&device) {
                    let mut more = std::mem::take(all).into_vec();
                    more.insert(at, device);
                    *self = Self::of_sorted(&more);
                }
            }
            Self::Many(all) => {
                all.insert(device);
            }
        }
    }

    pub(super) fn remove(&mut self, device: u32) {
        match self {
            Self::Few(all) => {
                if let Ok(at) = all.binary_search(&device) {
                    let mut fewer = std::mem::take(all).into_vec();
                    fewer.remove(at);
                    *all = fewer.into_boxed_slice();
                }
            }
            Self::Many(all) => {
                all.remove(device);
                // Far below the border, or a device that comes and goes would move all of them.
                if (all.len() as usize) < MOST_LISTED / 2 {
                    *self = Self::Few(all.iter().collect());
                }
            }
        }
    }

    pub(super) fn contains(&self, device: u32) -> bool {
        match self {
            Self::Few(all) => all.binary_search(&device).is_ok(),
            Self::Many(all) => all.contains(device),
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Few(all) => all.len() as u64,
            Self::Many(all) => all.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest number.
    pub(super) fn max(&self) -> Option<u32> {
        match self {
            Self::Few(all) => all.last().copied(),
            Self::Many(all) => all.max(),
        }
    }

    /// Tells each, in their order.
    pub(super) fn each(&self, mut tell: impl FnMut(u32)) {
        match self {
            Self::Few(all) => all.iter().copied().for_each(tell),
            Self::Many(all) => {
                let mut some = [0; 128];
                let mut all = all.iter();
                loop {
                    let some = all.next_many(&mut some);
                    if some.is_empty() {
                        return;
                    }
                    some.iter().copied().for_each(&mut tell);
                }
            }
        }
    }

    /// Each, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let (few, many) = match self {
            Self::Few(all) => (Some(all.iter().copied()), None),
            Self::Many(all) => (None, Some(all.iter())),
        };
        let few = few.into_iter().flatten();
        few.chain(many.into_iter().flatten())
    }

    /// Takes all of them into a bitmap.
    pub(super) fn join(&self, all: &mut RoaringBitmap) {
        match self {
            Self::Few(some) => all.extend(some.iter().copied()),
            Self::Many(some) => *all |= &**some,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn steps() -> impl Strategy<Value = Vec<(bool, u32)>> {
        let device = prop_oneof![0..600_u32, 65_000..66_000_u32];
        prop::collection::vec((prop::bool::weighted(0.7), device), 0..1_500)
    }

    fn assert_same(set: &DeviceSet, right: &BTreeSet<u32>) {
        let numbers: Vec<u32> = right.iter().copied().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), numbers);
        let mut told = Vec::new();
        set.each(|it| told.push(it));
        assert_eq!(told, numbers);
        assert_eq!(set.len(), numbers.len() as u64);
        assert_eq!(set.is_empty(), numbers.is_empty());
        assert_eq!(set.max(), numbers.last().copied());
        let mut joined = RoaringBitmap::from_iter([70_000]);
        set.join(&mut joined);
        assert_eq!(joined.len(), numbers.len() as u64 + 1);
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_in_and_not_taken_out(steps in steps()) {
            let (mut set, mut right) = (DeviceSet::default(), BTreeSet::new());
            for (is_in, device) in steps {
                if is_in {
                    set.insert(device);
                    right.insert(device);
                } else {
                    set.remove(device);
                    right.remove(&device);
                }
                prop_assert_eq!(set.contains(device), is_in);
            }
            assert_same(&set, &right);
            let numbers: Vec<u32> = right.iter().copied().collect();
            assert_same(&DeviceSet::of_sorted(&numbers), &right);
            // Taken out again in any order it is a list again, and empty at last.
            for it in numbers {
                set.remove(it);
            }
            prop_assert!(matches!(&set, DeviceSet::Few(all) if all.is_empty()));
        }
    }
}
