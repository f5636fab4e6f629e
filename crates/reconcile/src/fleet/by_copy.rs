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

    pub(super) fn of(&self, copy: &str) -> impl Iterator<Item = u32> {
        self.numbers.get(copy).into_iter().flatten().copied()
    }

    pub(super) fn copies(&self) -> impl Iterator<Item = &str> {
        self.numbers.keys().map(|it| &**it)
    }
}
