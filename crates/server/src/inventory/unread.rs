//! What a scan did not read, made fit to store, and in words.

use std::collections::BTreeSet;

use fleetmend_model::inventory::{Inventory, Part, Unread};
use fleetmend_store::inventories::Carried;

use super::clean::{clean_text, clean_to};

/// The most things that a scan did not read that are told one by one.
const MAX_UNREAD: usize = 500;
/// The most of what is kept that is shown of one device.
const MAX_SHOWN: usize = 100;
/// The most users whose rows are told apart.
const MAX_USERS: usize = 2_000;
/// The longest name of a user, in characters: no security identifier is longer.
const MAX_USER: usize = 184;
/// The longest cause. It is stored with each group of what is kept.
const MAX_CAUSE: usize = 200;
/// The most of these rows, of all users together.
const MAX_HIVE_ROWS: usize = 50_000;

/// Cleans in place; gives how many texts were cut. `capped`: the parts of which rows were left out.
/// Of what is told beyond the cap, all of its part counts as not read.
pub(super) fn clean(inventory: &mut Inventory, capped: BTreeSet<Part>) -> usize {
    let mut cut = 0;
    inventory.hives.truncate(MAX_USERS);
    let mut rows = 0;
    for hive in &mut inventory.hives {
        cut += usize::from(clean_to(&mut hive.user, MAX_USER));
        hive.software.truncate(MAX_HIVE_ROWS.saturating_sub(rows));
        rows += hive.software.len();
    }
    for it in &mut inventory.unread {
        cut += usize::from(clean_to(&mut it.user, MAX_USER));
        cut += usize::from(clean_text(&mut it.key));
        cut += usize::from(clean_to(&mut it.cause, MAX_CAUSE));
    }
    let mut seen = BTreeSet::new();
    let unread = &mut inventory.unread;
    unread.retain(|it| seen.insert((it.part, it.user.clone(), it.key.to_lowercase())));
    let mut whole = capped;
    if unread.len() > MAX_UNREAD {
        whole.extend(unread.split_off(MAX_UNREAD).iter().map(|it| it.part));
    }
    unread.extend(whole.into_iter().map(|part| Unread {
        part,
        user: String::new(),
        key: String::new(),
        cause: "there is more than is taken of one device".to_owned(),
    }));
    cut
}

/// Leaves what is shown; gives how many more there are.
pub(crate) fn shorten(carried: &mut Vec<Carried>) -> usize {
    let more = carried.len().saturating_sub(MAX_SHOWN);
    carried.truncate(MAX_SHOWN);
    more
}

/// Whether more was not read than the hives of users: what is not found then is not known to be absent.
pub(super) fn has_gaps(unread: &[Unread]) -> bool {
    unread.iter().any(|it| it.part != Part::User)
}

/// Which parts were not read, but for the hives of users: few machines have all of theirs loaded.
pub(super) fn note(unread: &[Unread]) -> Option<String> {
    let gaps = unread.iter().filter(|it| it.part != Part::User);
    let first = gaps.clone().next()?;
    let more = match gaps.count() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let key = match first.key.as_str() {
        "" => String::new(),
        key => format!(" ({key})"),
    };
    let (part, cause) = (first.part.label(), &first.cause);
    Some(format!("not all {part} were read{key}: {cause}{more}"))
}
