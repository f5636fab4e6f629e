//! What is found by the package that it is a copy of.

use std::collections::HashMap;

/// Numbers by what their package is a copy of ([`copy_of`](crate::device::copy_of)).
#[derive(Debug, Default)]
pub(super) struct ByCopy {
    /// Sorted.
    numbers: HashMap<Box<str>, Vec<u32>>,
}

impl ByCopy {
    pub(super) fn join(&mut self, copy: &str, number: u32) {
        let Some(numbers) = self.numbers.get_mut(copy) else {
            self.numbers.insert(copy.into(), vec![number]);
            return;
        };
        if let Err(at) = numbers.binary_search(&number) {
            numbers.insert(at, number);
        }
    }

    pub(super) fn leave(&mut self, copy: &str, number: u32) {
        let Some(numbers) = self.numbers.get_mut(copy) else {
            return;
        };
        if let Ok(at) = numbers.binary_search(&number) {
            numbers.remove(at);
        }
        if numbers.is_empty() {
            self.numbers.remove(copy);
        }
    }

    /// Puts other numbers in the place of these.
    pub(super) fn renumber(&mut self, renumber: impl Fn(&mut u32)) {
        for all in self.numbers.values_mut() {
            all.iter_mut().for_each(&renumber);
            all.sort_unstable();
        }
    }

    pub(super) fn of(&self, copy: &str) -> &[u32] {
        self.numbers.get(copy).map_or(&[], Vec::as_slice)
    }

    /// All, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.numbers.iter().map(|(copy, it)| (&**copy, &**it))
    }
}
