//! What a scan that did not read all leaves as it was: an entry that was not read is there as it was seen
//! last. Pure.
//!
//! An entry is known by its part, the user whose hive it is in, and its key. A scan has read it where it
//! has a row of that key, or where nothing of what it did not read ([`Unread`]) covers it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter;

use fleetmend_model::Millis;
use fleetmend_model::inventory::{ChocolateyRecord, Part, Software, Unread};
use fleetmend_store::inventories::{Carried, HiveRows, StoredInventory};

/// The most entries that are kept of one device. Those that were seen last are.
const MAX_KEPT: usize = 20_000;
/// The most groups that are told apart of what is kept. The rest is one for each part.
const MAX_GROUPS: usize = 500;

/// What a scan did and did not read.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// What was installed, with the ids of the rows.
    pub software: &'a [(u32, &'a Software)],
    /// Whose the rows of users are.
    pub hives: &'a [HiveRows],
    /// Chocolatey's records.
    pub chocolatey: &'a [ChocolateyRecord],
    /// What was not read.
    pub unread: &'a [Unread],
}

/// What is kept of earlier scans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Applications. One that several users may have is there for each; others may have it in the scan.
    pub software: Vec<u32>,
    /// Chocolatey's records.
    pub chocolatey: Vec<ChocolateyRecord>,
    /// For each thing that was not read, what is kept of it.
    pub carried: Vec<Carried>,
}

/// What a scan keeps of what was stored before, whose rows are `rows` and which was last confirmed at
/// `seen_at`.
pub fn carry(
    before: &StoredInventory,
    rows: &BTreeMap<u32, Software>,
    seen_at: Millis,
    scan: Scan<'_>,
) -> Kept {
    let read = Read::of(scan);
    let mut unread: Vec<&Unread> = scan.unread.iter().collect();
    // What says more of an entry comes first.
    unread.sort_by_key(|it| (it.key.is_empty(), it.user.is_empty()));
    let mut entries = entries(before, rows, seen_at);
    entries.sort_by_key(|it| Reverse(it.seen_at));
    let mut kept = Kept::default();
    let covers = Covers::of(&unread);
    let mut groups = Groups::of(&unread);
    let mut taken = 0;
    for entry in entries.iter().filter(|entry| !read.has(entry)) {
        for at in covers.covering(entry, &read) {
            if taken == MAX_KEPT {
                break;
            }
            taken += 1;
            match entry.what {
                What::Software(id) => kept.software.push(id),
                What::Record(record) => kept.chocolatey.push(record.clone()),
            }
            if !groups.add(at, entry) {
                // One of the rest may be anybody's.
                break;
            }
        }
    }
    kept.carried = groups.into_carried();
    kept
}

/// What is kept, by what was not read, whose it is and when it was seen.
struct Groups<'a> {
    unread: &'a [&'a Unread],
    named: BTreeMap<(usize, &'a str, Reverse<Millis>), Carried>,
    /// Of the groups beyond the most.
    rest: BTreeMap<Part, Carried>,
}

impl<'a> Groups<'a> {
    fn of(unread: &'a [&'a Unread]) -> Self {
        Self {
            unread,
            named: BTreeMap::new(),
            rest: BTreeMap::new(),
        }
    }

    /// Adds an entry to the group of what keeps it; `false`: to the rest of its part.
    fn add(&mut self, at: usize, entry: &Entry<'a>) -> bool {
        let place = (at, entry.user, Reverse(entry.seen_at));
        let is_full = self.named.len() >= MAX_GROUPS && !self.named.contains_key(&place);
        let group = if is_full {
            let rest = || nothing_of(rest_of(entry.part));
            self.rest.entry(entry.part).or_insert_with(rest)
        } else {
            let named = || nothing_of(of_user(self.unread[at], entry.user));
            self.named.entry(place).or_insert_with(named)
        };
        // Nothing of a group is said to be newer than it is.
        let seen_at = group.seen_at.unwrap_or(entry.seen_at);
        group.seen_at = Some(seen_at.min(entry.seen_at));
        match entry.what {
            What::Software(id) => group.software.push(id),
            What::Record(record) => group.chocolatey.push(record.id.clone()),
        }
        !is_full
    }

    fn into_carried(self) -> Vec<Carried> {
        let with_entries: HashSet<usize> = self.named.keys().map(|it| it.0).collect();
        let without = (0..self.unread.len()).filter(|at| !with_entries.contains(at));
        let without = without.map(|at| nothing_of(self.unread[at].clone()));
        let groups = self.named.into_values().chain(self.rest.into_values());
        let mut carried: Vec<Carried> = groups.chain(without).collect();
        for it in &mut carried {
            it.software.sort_unstable();
            it.chocolatey.sort_unstable();
        }
        carried
    }
}

/// What was not read, of a user where it names none.
fn of_user(unread: &Unread, user: &str) -> Unread {
    let mut unread = unread.clone();
    if unread.user.is_empty() {
        user.clone_into(&mut unread.user);
    }
    unread
}

fn rest_of(part: Part) -> Unread {
    Unread {
        part,
        user: String::new(),
        key: String::new(),
        cause: "there is more than is told one by one".to_owned(),
    }
}

fn nothing_of(unread: Unread) -> Carried {
    Carried {
        unread,
        seen_at: None,
        software: Vec::new(),
        chocolatey: Vec::new(),
    }
}

enum What<'a> {
    Software(u32),
    Record(&'a ChocolateyRecord),
}

/// Something that the device had when it was seen last.
struct Entry<'a> {
    part: Part,
    /// Empty where it is not known, and outside of hives.
    user: &'a str,
    /// Without case.
    key: String,
    seen_at: Millis,
    what: What<'a>,
}

impl Entry<'_> {
    fn is_anybodys(&self) -> bool {
        self.part == Part::User && self.user.is_empty()
    }
}

fn entries<'a>(
    before: &'a StoredInventory,
    rows: &'a BTreeMap<u32, Software>,
    seen_at: Millis,
) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    let mut add = |id: u32, user: &'a str, seen_at: Millis| {
        if let Some(row) = rows.get(&id) {
            let part = Part::from(row.place);
            entries.push(Entry {
                part,
                user: if part == Part::User { user } else { "" },
                key: without_case(&row.key),
                seen_at,
                what: What::Software(id),
            });
        }
    };
    for hive in &before.hives {
        for id in &hive.software {
            add(*id, &hive.user, seen_at);
        }
    }
    let mut kept_records: HashMap<&str, Millis> = HashMap::new();
    for carried in &before.carried {
        let at = carried.seen_at.unwrap_or(seen_at);
        for id in &carried.software {
            add(*id, &carried.unread.user, at);
        }
        let ids = carried.chocolatey.iter().map(|it| (it.as_str(), at));
        kept_records.extend(ids);
    }
    let of_users = before.hives.iter().flat_map(|it| &it.software);
    let kept = before.carried.iter().flat_map(|it| &it.software);
    let told: HashSet<u32> = of_users.chain(kept).copied().collect();
    for id in before.software.iter().filter(|id| !told.contains(id)) {
        add(*id, "", seen_at);
    }
    entries.extend(before.chocolatey.iter().map(|record| {
        Entry {
            part: Part::Chocolatey,
            user: "",
            key: without_case(&record.id),
            seen_at: kept_records
                .get(record.id.as_str())
                .copied()
                .unwrap_or(seen_at),
            what: What::Record(record),
        }
    }));
    entries
}

/// As the registry and file systems of Windows compare keys; dpkg's have no case.
fn without_case(key: &str) -> String {
    key.to_lowercase()
}

/// The entries that a scan has read.
struct Read<'a> {
    keys: HashSet<(Part, &'a str, String)>,
    users: HashSet<&'a str>,
}

impl<'a> Read<'a> {
    fn of(scan: Scan<'a>) -> Self {
        let by_id: HashMap<u32, &Software> = scan.software.iter().copied().collect();
        let rows = scan.software.iter();
        let mut keys: HashSet<_> = rows
            .map(|(_, it)| (Part::from(it.place), "", without_case(&it.key)))
            .collect();
        for hive in scan.hives {
            let rows = hive.software.iter().filter_map(|id| by_id.get(id));
            keys.extend(rows.map(|it| (Part::User, hive.user.as_str(), without_case(&it.key))));
        }
        let records = scan.chocolatey.iter();
        keys.extend(records.map(|it| (Part::Chocolatey, "", without_case(&it.id))));
        Self {
            keys,
            users: scan.hives.iter().map(|it| it.user.as_str()).collect(),
        }
    }

    fn has(&self, entry: &Entry<'_>) -> bool {
        let key = (entry.part, entry.user, entry.key.clone());
        self.keys.contains(&key)
    }
}

/// What was not read, by what it covers: an entry is looked up, so that the time is that of the entries
/// and of what was not read, and not of one times the other.
struct Covers<'a> {
    /// By part, user and key. Empty is any.
    exact: HashMap<(Part, &'a str, String), usize>,
    /// All of users, by key.
    of_users: HashMap<String, Vec<usize>>,
}

impl<'a> Covers<'a> {
    fn of(unread: &[&'a Unread]) -> Self {
        let mut covers = Self {
            exact: HashMap::new(),
            of_users: HashMap::new(),
        };
        for (at, it) in unread.iter().enumerate() {
            let key = without_case(&it.key);
            let is_of_users = it.part == Part::User;
            let user = if is_of_users { it.user.as_str() } else { "" };
            if is_of_users {
                covers.of_users.entry(key.clone()).or_default().push(at);
            }
            covers.exact.entry((it.part, user, key)).or_insert(at);
        }
        covers
    }

    /// What keeps an entry as it was. What nobody is known to have may be anybody's whose hive was not
    /// read.
    fn covering(&self, entry: &Entry<'_>, read: &Read<'_>) -> Vec<usize> {
        let is_read = |user: &str| entry.part == Part::User && read.users.contains(user);
        let (mine, key) = (entry.user, &entry.key);
        let any = (!is_read(mine)).then_some("");
        let find = |user: &str, key: &str| {
            let place = (entry.part, user, key.to_owned());
            self.exact.get(&place).copied()
        };
        if entry.is_anybodys() {
            let whole = (!key.is_empty()).then_some("");
            let keys = iter::once(key.as_str()).chain(whole);
            let all = keys.filter_map(|key| self.of_users.get(key)).flatten();
            let of_any = ["", key].map(|key| find("", key).filter(|_| any.is_none()));
            return all
                .copied()
                .filter(|at| !of_any.contains(&Some(*at)))
                .collect();
        }
        // What says more of an entry comes first.
        let mut places = [Some(mine), any]
            .into_iter()
            .flatten()
            .map(|user| (user, key.as_str()))
            .chain(
                [Some(mine), any]
                    .into_iter()
                    .flatten()
                    .map(|user| (user, "")),
            );
        places
            .find_map(|(user, key)| find(user, key))
            .into_iter()
            .collect()
    }
}
