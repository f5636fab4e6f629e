//! Whatever scans read and do not read, an entry is there as it was seen last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::inventory::{ChocolateyRecord, Part, Place, Software, Unread};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_server::inventory::carry::{Scan, carry};
use fleetmend_store::inventories::{Carried, HiveRows, StoredInventory};
use proptest::collection::vec;
use proptest::prelude::*;

const USERS: [&str; 2] = ["S-1-5-21-1", "S-1-5-21-2"];
const KEYS: [&str; 2] = ["App", "Tool"];

/// Part, user and key.
type Cell = (Part, &'static str, &'static str);

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for key in KEYS {
        cells.push((Part::Machine64, "", key));
        cells.push((Part::Chocolatey, "", key));
        cells.extend(USERS.map(|user| (Part::User, user, key)));
    }
    cells
}

fn scopes() -> Vec<Unread> {
    let mut scopes = Vec::new();
    for key in ["", "aPP"] {
        scopes.push((Part::Machine64, "", key));
        scopes.push((Part::Chocolatey, "", key));
        scopes.extend(USERS.map(|user| (Part::User, user, key)));
    }
    scopes.push((Part::User, "", ""));
    let unread = |(part, user, key): (Part, &str, &str)| Unread {
        part,
        user: user.to_owned(),
        key: key.to_owned(),
        cause: "closed".to_owned(),
    };
    scopes.into_iter().map(unread).collect()
}

/// What is there at one scan, and what of it is read.
#[derive(Debug, Clone)]
struct Moment {
    /// For each cell the version, or nothing.
    there: Vec<Option<u8>>,
    /// Whether a cell is read that need not be.
    is_read: Vec<bool>,
    unread: Vec<bool>,
}

fn moment() -> impl Strategy<Value = Moment> {
    let there = vec(prop::option::of(0_u8..3), cells().len());
    let is_read = vec(any::<bool>(), cells().len());
    let unread = vec(prop::bool::weighted(0.25), scopes().len());
    (there, is_read, unread).prop_map(|(there, is_read, unread)| Moment {
        there,
        is_read,
        unread,
    })
}

fn row(cell: Cell, version: u8) -> Software {
    Software {
        place: match cell.0 {
            Part::User => Place::User,
            _ => Place::Machine64,
        },
        key: cell.2.to_owned(),
        name: cell.2.to_owned(),
        version: version.to_string(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    }
}

/// What the device has as it is stored, with when each was seen.
fn stored(
    it: &StoredInventory,
    rows: &BTreeMap<u32, Software>,
    now: Millis,
) -> BTreeSet<(Part, String, String, String, Millis)> {
    let mut found = BTreeSet::new();
    let mut add = |part: Part, user: &str, id: &u32, at: Millis| {
        let row = &rows[id];
        let user = user.to_owned();
        found.insert((part, user, row.key.clone(), row.version.clone(), at));
    };
    let mut told = BTreeSet::new();
    for carried in &it.carried {
        for id in &carried.software {
            let at = carried.seen_at.unwrap();
            add(carried.unread.part, &carried.unread.user, id, at);
            told.insert(*id);
        }
    }
    for hive in &it.hives {
        for id in &hive.software {
            add(Part::User, &hive.user, id, now);
            told.insert(*id);
        }
    }
    for id in it.software.iter().filter(|id| !told.contains(id)) {
        add(rows[id].place.into(), "", id, now);
    }
    let mut kept = BTreeMap::new();
    for carried in &it.carried {
        let at = carried.seen_at;
        kept.extend(carried.chocolatey.iter().map(|id| (id.clone(), at)));
    }
    for record in &it.chocolatey {
        let at = kept.get(&record.id).copied().flatten().unwrap_or(now);
        let (id, version) = (record.id.clone(), record.version.clone());
        found.insert((Part::Chocolatey, String::new(), id, version, at));
    }
    found
}

proptest! {
    #[test]
    fn any_sequence_of_scans_leaves_each_entry_as_it_was_seen_last(
        moments in vec(moment(), 1..8),
    ) {
        let (cells, scopes) = (cells(), scopes());
        let mut ids: HashMap<(Place, String, String), u32> = HashMap::new();
        let mut rows: BTreeMap<u32, Software> = BTreeMap::new();
        let mut expected: BTreeMap<Cell, (u8, Millis)> = BTreeMap::new();
        let mut before = empty();
        for (moment, at) in moments.iter().zip(1..) {
            let now = Millis(at);
            let chosen = scopes.iter().zip(&moment.unread).filter(|it| *it.1);
            let unread: Vec<Unread> = chosen.map(|it| it.0.clone()).collect();
            let is_whole = |user: &str| {
                unread.iter().any(|it| it.part == Part::User && it.user == user && it.key.is_empty())
            };
            // A user whose whole hive was not read, or who is not told of.
            let is_closed = |user: &str| !user.is_empty() && (is_whole(user) || is_whole(""));
            let is_covered = |cell: &Cell| is_closed(cell.1) || unread.iter().any(|it| {
                it.part == cell.0
                    && (it.user.is_empty() == cell.1.is_empty())
                    && (it.user.is_empty() || it.user == cell.1)
                    && (it.key.is_empty() || it.key.eq_ignore_ascii_case(cell.2))
            });
            let mut software: Vec<u32> = Vec::new();
            let mut hives: BTreeMap<&str, Vec<u32>> = USERS
                .into_iter()
                .filter(|user| !is_closed(user))
                .map(|user| (user, Vec::new()))
                .collect();
            let mut chocolatey = Vec::new();
            for (index, cell) in cells.iter().enumerate() {
                let there = moment.there[index];
                if is_covered(cell) && (there.is_none() || !moment.is_read[index] || is_closed(cell.1)) {
                    continue;
                }
                let Some(version) = there else {
                    expected.remove(cell);
                    continue;
                };
                expected.insert(*cell, (version, now));
                if cell.0 == Part::Chocolatey {
                    chocolatey.push(ChocolateyRecord {
                        id: cell.2.to_owned(),
                        version: version.to_string(),
                        pinned: false,
                    });
                    continue;
                }
                let row = row(*cell, version);
                let next = ids.len() as u32 + 1;
                let id = *ids
                    .entry((row.place, row.key.clone(), row.version.clone()))
                    .or_insert(next);
                rows.insert(id, row);
                software.push(id);
                if let Some(hive) = hives.get_mut(cell.1) {
                    hive.push(id);
                }
            }
            software.sort_unstable();
            software.dedup();
            let hives: Vec<HiveRows> = hives
                .into_iter()
                .map(|(user, software)| HiveRows { user: user.to_owned(), software })
                .collect();
            let read: Vec<(u32, &Software)> = software.iter().map(|id| (*id, &rows[id])).collect();
            let scan = Scan {
                software: &read,
                hives: &hives,
                chocolatey: &chocolatey,
                unread: &unread,
            };
            let kept = carry(&before, &rows, Millis(at - 1), scan);
            software.extend(kept.software);
            software.sort_unstable();
            software.dedup();
            chocolatey.extend(kept.chocolatey);
            before = StoredInventory { software, chocolatey, hives, carried: kept.carried, ..empty() };
            let expected: BTreeSet<_> = expected
                .iter()
                .map(|((part, user, key), (version, at))| {
                    (*part, (*user).to_owned(), (*key).to_owned(), version.to_string(), *at)
                })
                .collect();
            prop_assert_eq!(stored(&before, &rows, now), expected);
        }
    }
}

#[test]
fn what_is_kept_is_found_in_time_however_much_was_not_read() {
    // Not ASCII: case costs most there.
    let key = |number: usize| format!("{}{number}", "Ж".repeat(500));
    let rows: BTreeMap<u32, Software> = (0..20_000_usize)
        .map(|at| {
            let row = Software {
                key: key(at),
                ..row((Part::Machine64, "", "App"), 1)
            };
            (at as u32, row)
        })
        .collect();
    let before = StoredInventory {
        software: rows.keys().copied().collect(),
        ..empty()
    };
    let unread = |key: String| Unread {
        part: Part::Machine64,
        user: String::new(),
        key,
        cause: "closed".to_owned(),
    };
    let others = (0..499).map(|at| unread(key(50_000 + at)));
    let unread: Vec<Unread> = others.chain([unread(String::new())]).collect();
    let scan = Scan {
        software: &[],
        hives: &[],
        chocolatey: &[],
        unread: &unread,
    };
    let kept = carry(&before, &rows, Millis(1), scan);
    assert_eq!(kept.software.len(), rows.len());
}

#[test]
fn what_is_kept_is_all_there_and_of_bounded_size_whatever_users_come_and_go() {
    let mut rows = BTreeMap::new();
    let mut before = empty();
    for at in 1..=10 {
        let unread = [Unread {
            part: Part::User,
            user: String::new(),
            key: String::new(),
            cause: "c".repeat(200),
        }];
        let hives: Vec<HiveRows> = (0..2_000)
            .map(|user| {
                let id = at * 2_000 + user;
                let cell = (Part::User, "", "App");
                let row = Software {
                    key: format!("App {id}"),
                    ..row(cell, 1)
                };
                rows.insert(id, row);
                HiveRows {
                    user: format!("{}{id}", "u".repeat(170)),
                    software: vec![id],
                }
            })
            .collect();
        let mut software: Vec<u32> = hives.iter().flat_map(|it| it.software.clone()).collect();
        let read: Vec<(u32, &Software)> = software.iter().map(|id| (*id, &rows[id])).collect();
        let scan = Scan {
            software: &read,
            hives: &hives,
            chocolatey: &[],
            unread: &unread,
        };
        let kept = carry(&before, &rows, Millis(i64::from(at) - 1), scan);
        software.extend(kept.software);
        software.sort_unstable();
        software.dedup();
        assert_eq!(software.len(), rows.len(), "scan {at}");
        assert!(kept.carried.len() <= 501, "{}", kept.carried.len());
        let of_groups: usize = kept.carried.iter().map(|it| it.software.len()).sum();
        assert_eq!(of_groups, rows.len() - 2_000);
        let is_older = |it: &Carried| it.seen_at < Some(Millis(i64::from(at)));
        assert!(kept.carried.iter().all(is_older));
        before = StoredInventory {
            software,
            hives,
            carried: kept.carried,
            ..empty()
        };
    }
}

fn empty() -> StoredInventory {
    StoredInventory {
        device: DeviceId(1),
        digest: String::new(),
        at: Millis(0),
        software: Vec::new(),
        chocolatey: Vec::new(),
        updates: None,
        withheld: Vec::new(),
        hives: Vec::new(),
        carried: Vec::new(),
    }
}
