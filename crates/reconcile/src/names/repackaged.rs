//! Packages that bring another package's software again.

use std::collections::{HashMap, HashSet};

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

/// The standing of each package, in their order.
pub(super) fn standings(packages: &[(&str, &Identity)]) -> Vec<Standing> {
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (_, identity)) in packages.iter().enumerate() {
        by_id
            .entry(identity.id_words.concat())
            .or_default()
            .push(at);
    }
    let is_copy: Vec<bool> = packages
        .iter()
        .map(|(_, identity)| is_copy(identity, packages, &by_id))
        .collect();
    let first = |identity: &'_ Identity| identity.id_words.first().cloned().unwrap_or_default();
    let mut copies: HashMap<String, usize> = HashMap::new();
    for ((_, identity), _) in packages.iter().zip(&is_copy).filter(|it| *it.1) {
        *copies.entry(first(identity)).or_default() += 1;
    }
    let standing = |((_, identity), is_copy): (&(&str, &Identity), &bool)| {
        let by_first = copies.get(&first(identity)).copied().unwrap_or_default();
        if by_first >= ORGANISATION {
            Standing::Organisation
        } else if *is_copy {
            Standing::Copy
        } else {
            Standing::Own
        }
    };
    packages.iter().zip(&is_copy).map(standing).collect()
}

fn is_copy(
    identity: &Identity,
    packages: &[(&str, &Identity)],
    by_id: &HashMap<String, Vec<usize>>,
) -> bool {
    let Some((first, rest)) = identity.id_words.split_first() else {
        return false;
    };
    let others = by_id.get(&rest.concat()).map_or(&[][..], Vec::as_slice);
    let shares = others
        .iter()
        .any(|&at| shares_name(identity, packages[at].1));
    !rest.is_empty() && !identity.maker_words.contains(first) && shares
}

fn shares_name(a: &Identity, b: &Identity) -> bool {
    let keys: HashSet<&str> = a.names.iter().map(|it| it.key.as_str()).collect();
    b.names.iter().any(|it| keys.contains(it.key.as_str()))
}
