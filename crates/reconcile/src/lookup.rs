//! What the answer for an application looks up in the catalog, so that a change of the catalog is
//! asked only of the applications that it concerns.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use fleetmend_model::inventory::Software;

use crate::catalog::code_key;
use crate::names::Row;

/// One thing that is looked up.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) enum Lookup<'a> {
    /// Which packages have this name.
    Name(&'a str),
    /// Whether the catalog has a package of this maker.
    Maker(&'a str),
    /// Whether hardly anybody else uses this word.
    Word(&'a str),
    /// Which packages have an installer with this product code.
    ProductCode(&'a str),
    /// Which packages have an installer with this upgrade code.
    UpgradeCode(&'a str),
    /// What there is of the package of this id, lower case.
    Package(&'a str),
}

/// A [`Lookup`] as a number. Two that share one by chance are only looked at together.
pub(crate) type Key = u32;

impl Lookup<'_> {
    pub(crate) fn key(self) -> Key {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish() as Key
    }
}

/// Everything that is looked up for an application, but for patterns and for what administrators say.
pub(crate) fn lookups(software: &Software) -> BTreeSet<Key> {
    lookups_of(&Row::of(software), software)
}

/// [`lookups`] of an application that is taken apart.
pub(crate) fn lookups_of(row: &Row, software: &Software) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    row.lookups(|it| {
        keys.insert(it.key());
    });
    if let Some(code) = &software.product_code {
        keys.insert(Lookup::ProductCode(&code_key(code)).key());
    }
    if let Some(code) = &software.upgrade_code {
        keys.insert(Lookup::UpgradeCode(&code_key(code)).key());
    }
    keys
}
