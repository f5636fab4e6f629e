//! Packages that bring another package's software again.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::identity::Identity;

/// How many of its packages must be others' for a first word to be an organisation's.
const ORGANISATION: usize = 3;

/// How a package stands to others of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    #[default]
    Own,
    /// Its id is another package's with a word before it, and their names are the same.
    Copy,
    /// One of many such by the same organisation, for its own use.
    Organisation,
}

/// The standing of each package, kept up to date as packages change.
#[derive(Debug, Default)]
pub(super) struct Standings {
    /// By the words of the id, joined.
    by_id: HashMap<String, BTreeSet<u32>>,
    /// By the words of the id but the first, joined.
    by_rest: HashMap<String, BTreeSet<u32>>,
    by_first: HashMap<String, BTreeSet<u32>>,
    copies: HashSet<u32>,
    /// How many copies there are by the first word of the id.
    copies_by_first: HashMap<String, usize>,
}

impl Standings {
    pub(super) fn of(&self, package: u32, identity: &Identity) -> Standing {
        if self.is_organisation(first(identity)) {
            Standing::Organisation
        } else if self.copies.contains(&package) {
            Standing::Copy
        } else {
            Standing::Own
        }
    }

    fn is_organisation(&self, first: &str) -> bool {
        self.copies_by_first
            .get(first)
            .is_some_and(|it| *it >= ORGANISATION)
    }

    /// Puts `new` in the place of `old`, one of which may say nothing; gives all packages whose
    /// standing may be another one now. `identity_of` has the new one already.
    pub(super) fn replace<'i>(
        &mut self,
        package: u32,
        old: &Identity,
        new: &Identity,
        identity_of: impl Fn(u32) -> Option<&'i Identity>,
    ) -> BTreeSet<u32> {
        let mut changed = BTreeSet::from([package]);
        let mut concerned = changed.clone();
        concerned.extend(self.may_copy(old));
        self.set_copy(package, first(old), false, &mut changed);
        for (index, key) in [
            (&mut self.by_id, whole(old)),
            (&mut self.by_rest, rest(old)),
            (&mut self.by_first, first(old).to_owned()),
        ] {
            if let Some(packages) = index.get_mut(&key) {
                packages.remove(&package);
                if packages.is_empty() {
                    index.remove(&key);
                }
            }
        }
        for (index, key) in [
            (&mut self.by_id, whole(new)),
            (&mut self.by_rest, rest(new)),
            (&mut self.by_first, first(new).to_owned()),
        ] {
            if !key.is_empty() {
                index.entry(key).or_default().insert(package);
            }
        }
        concerned.extend(self.may_copy(new));
        for it in concerned {
            let Some(identity) = identity_of(it) else {
                continue;
            };
            let is_copy = self.is_copy(identity, &identity_of);
            self.set_copy(it, first(identity), is_copy, &mut changed);
        }
        changed
    }

    /// Packages whose id is this one's with a word before it.
    fn may_copy(&self, identity: &Identity) -> BTreeSet<u32> {
        let packages = self.by_rest.get(&whole(identity));
        packages.cloned().unwrap_or_default()
    }

    fn set_copy(&mut self, package: u32, first: &str, is_copy: bool, changed: &mut BTreeSet<u32>) {
        if is_copy == self.copies.contains(&package) {
            return;
        }
        changed.insert(package);
        let was_organisation = self.is_organisation(first);
        let copies = self.copies_by_first.entry(first.to_owned()).or_default();
        if is_copy {
            self.copies.insert(package);
            *copies += 1;
        } else {
            self.copies.remove(&package);
            *copies = copies.saturating_sub(1);
        }
        if self.is_organisation(first) != was_organisation {
            changed.extend(self.by_first.get(first).into_iter().flatten());
        }
    }

    fn is_copy<'i>(
        &self,
        identity: &Identity,
        identity_of: impl Fn(u32) -> Option<&'i Identity>,
    ) -> bool {
        let rest = rest(identity);
        if rest.is_empty() || identity.maker_words.contains(first(identity)) {
            return false;
        }
        let others = self.by_id.get(&rest).into_iter().flatten();
        others
            .filter_map(|it| identity_of(*it))
            .any(|it| shares_name(identity, it))
    }
}

fn first(identity: &Identity) -> &str {
    identity.id_words.first().map_or("", String::as_str)
}

fn whole(identity: &Identity) -> String {
    identity.id_words.concat()
}

fn rest(identity: &Identity) -> String {
    identity
        .id_words
        .iter()
        .skip(1)
        .map(String::as_str)
        .collect()
}

fn shares_name(a: &Identity, b: &Identity) -> bool {
    let keys: HashSet<&str> = a.names.iter().map(|it| it.key.as_str()).collect();
    b.names.iter().any(|it| keys.contains(it.key.as_str()))
}
