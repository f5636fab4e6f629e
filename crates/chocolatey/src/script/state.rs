//! What is known at a point of a script: variables by scope, the tables that they share, functions,
//! and what became of files. Two states are joined where either may be the case.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::facts::{Facts, FactsId};
use super::function::Function;
use super::location::Locations;
use super::recipe_file::Located;
use super::value::{Items, TableId, Value};
use super::written::Written;

/// The deepest nesting of tables that is joined.
const MAX_JOIN: u32 = 8;

/// The most files of each kind that are kept in mind.
pub(super) const MAX_FILES: usize = 400;

/// A table's entries: keys as written, in order; they are compared without letter case.
pub(super) type Table = Vec<(Rc<str>, Value)>;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Variables by lower-case name, a map for each function that runs; the script's own first.
    pub(super) scopes: Vec<HashMap<Rc<str>, Value>>,
    pub(super) tables: BTreeMap<TableId, Table>,
    /// The contents of list objects: an array, or what is not known.
    pub(super) lists: BTreeMap<TableId, Value>,
    /// The tables that are gone through in the order in which they were filled.
    pub(super) ordered: BTreeSet<TableId>,
    pub(super) functions: HashMap<Rc<str>, Rc<Function>>,
    /// Files that were downloaded: the path's key, and what they are.
    pub(super) downloads: Vec<(String, Located)>,
    /// Archives that were unpacked: the folder's key, and the archive.
    pub(super) unpacked: Vec<(String, Located)>,
    /// What Chocolatey lists there of what it unpacked, for its own use: the keys of the paths.
    pub(super) logs: BTreeSet<String>,
    /// Folders of the package that an installer was told of: their keys.
    pub(super) filled: Vec<String>,
    /// Copies of files: the path's key, and the path of the original.
    pub(super) copies: Vec<(String, String)>,
    /// Files that were removed or moved away.
    pub(super) removed: Vec<Removed>,
    /// Keys of paths of which a condition that is not known decides what lies there.
    pub(super) unsure: BTreeSet<String>,
    /// The folder that the script is in.
    pub(super) locations: Locations,
    /// What the script has written into the registry.
    pub(super) written: Written,
}

/// Files of the package that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    /// A path inside of the package in lower case, perhaps with wildcards.
    pub(super) pattern: String,
    /// Names in lower case, perhaps with wildcards, of those that stay.
    pub(super) except: Vec<String>,
    /// Whether all of these are gone; else some may be there all the same.
    pub(super) is_sure: bool,
}

impl State {
    /// A table's entry.
    pub(super) fn entry(&self, table: TableId, key: &str) -> Option<&Value> {
        let entries = self.tables.get(&table)?;
        entries
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, it)| it)
    }

    /// Sets a table's entry.
    pub(super) fn set_entry(&mut self, table: TableId, key: &str, value: Value) {
        let entries = self.tables.entry(table).or_default();
        set(entries, key, value);
    }

    /// Loses what is known of an array wherever it is held, as it is changed in one place; gives in
    /// how many places it was.
    pub(super) fn lose_shared(&mut self, items: &Rc<Items>) -> usize {
        let scopes = self.scopes.iter_mut().flat_map(HashMap::values_mut);
        let tables = self.tables.values_mut().flatten().map(|(_, it)| it);
        let mut places = 0;
        for value in scopes.chain(tables).chain(self.lists.values_mut()) {
            if holds(value, items, MAX_JOIN) {
                places += 1;
                *value = Value::unknown("it is an array that is changed under another name");
            }
        }
        places
    }

    /// Keeps in mind that files of the package are gone; with too many, all of them are.
    pub(super) fn remove(&mut self, gone: Removed) {
        if self.removed.len() < MAX_FILES {
            self.removed.push(gone);
        } else if let Some(last) = self.removed.last_mut() {
            *last = Removed {
                pattern: "*".to_owned(),
                except: Vec::new(),
                is_sure: false,
            };
        }
    }

    /// Keeps in mind what a download or copy brings to a path.
    pub(super) fn remember<T>(
        list: &mut Vec<(String, T)>,
        unsure: &mut BTreeSet<String>,
        path: &str,
        item: T,
    ) {
        let path = super::path::key(path);
        if list.len() < MAX_FILES {
            unsure.remove(&path);
            list.push((path, item));
        } else {
            unsure.insert(path);
        }
    }

    /// Whether a condition that is not known decides what lies at a path, by its key, or what
    /// the folder holds that it lies in.
    pub(super) fn is_unsure(&self, path: &str) -> bool {
        let is_in = |folder: &String| super::recipe_file::below(path, folder).is_some();
        self.unsure
            .iter()
            .any(|unsure| unsure == path || is_in(unsure))
    }

    /// Folders that archives or installers bring files into: their keys.
    pub(super) fn brought_into(&self) -> impl Iterator<Item = &str> {
        let unpacked = self.unpacked.iter().map(|(folder, _)| folder);
        unpacked.chain(&self.filled).map(String::as_str)
    }

    /// About how many bytes a copy of it takes.
    pub(super) fn weight(&self) -> usize {
        let variables = self.scopes.iter().flatten().map(|(_, it)| it.weight());
        let entries = self.tables.values().flatten().map(|(_, it)| it.weight());
        let entries = entries.chain(self.lists.values().map(Value::weight));
        let files = (self.removed.len() + self.copies.len() + self.filled.len() + self.logs.len())
            * 64
            + (self.downloads.len() + self.unpacked.len()) * 128;
        variables
            .chain(entries)
            .fold(64 + files, usize::saturating_add)
            .saturating_add(self.written.weight())
    }

    /// What is known where either of two states may be the case.
    pub(super) fn join(
        self,
        other: State,
        next: &mut TableId,
        facts: &mut Facts,
        why: Option<FactsId>,
    ) -> State {
        let mut unsure = &self.unsure | &other.unsure;
        let downloads = union_by_path(&self.downloads, &other.downloads, &mut unsure);
        let unpacked = union_by_path(&self.unpacked, &other.unpacked, &mut unsure);
        let copies = union_by_path(&self.copies, &other.copies, &mut unsure);
        let mut joiner = Joiner {
            left: &self,
            right: &other,
            tables: BTreeMap::new(),
            next,
            facts,
            why,
        };
        let mut tables = BTreeMap::new();
        for id in self.tables.keys().chain(other.tables.keys()) {
            if tables.contains_key(id) {
                continue;
            }
            let joined = match (self.tables.get(id), other.tables.get(id)) {
                (Some(left), Some(right)) => joiner.entries(left, right, 0),
                (Some(only), None) | (None, Some(only)) => only.clone(),
                (None, None) => continue,
            };
            tables.insert(*id, joined);
        }
        let mut lists = BTreeMap::new();
        for id in self.lists.keys().chain(other.lists.keys()) {
            let joined = match (self.lists.get(id), other.lists.get(id)) {
                (Some(left), Some(right)) => joiner.value(left.clone(), right.clone(), 0),
                (Some(only), None) | (None, Some(only)) => only.clone(),
                (None, None) => continue,
            };
            lists.insert(*id, joined);
        }
        let mut scopes = Vec::with_capacity(self.scopes.len());
        for (left, right) in self.scopes.iter().zip(&other.scopes) {
            let mut scope = HashMap::with_capacity(left.len());
            for name in left.keys().chain(right.keys()) {
                if !scope.contains_key(name) {
                    let get = |scope: &HashMap<Rc<str>, Value>| {
                        scope.get(name).cloned().unwrap_or(Value::Null)
                    };
                    let value = joiner.value(get(left), get(right), 0);
                    scope.insert(Rc::clone(name), value);
                }
            }
            scopes.push(scope);
        }
        tables.append(&mut joiner.tables);
        let mut functions = self.functions;
        // A function that is one or another is none that is known.
        functions.retain(|name, function| {
            other
                .functions
                .get(name)
                .is_none_or(|it| Rc::ptr_eq(it, function) || it == function)
        });
        for (name, function) in other.functions {
            functions.entry(name).or_insert(function);
        }
        State {
            scopes,
            tables,
            lists,
            ordered: &self.ordered & &other.ordered,
            functions,
            downloads,
            unpacked,
            logs: &self.logs | &other.logs,
            filled: union(self.filled, other.filled),
            copies,
            unsure,
            locations: self.locations.join(other.locations),
            written: self.written.join(other.written),
            removed: perhaps_removed(self.removed, other.removed),
        }
    }
}

/// Whether a value is an array or has it among its items.
fn holds(value: &Value, items: &Rc<Items>, depth: u32) -> bool {
    match value {
        Value::Array(all) if Rc::ptr_eq(all, items) => true,
        Value::Array(all) if depth > 0 => all.all.iter().any(|it| holds(it, items, depth - 1)),
        _ => false,
    }
}

pub(super) fn set(entries: &mut Table, key: &str, value: Value) {
    match entries
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
    {
        Some((_, old)) => *old = value,
        None => entries.push((key.into(), value)),
    }
}

fn union<T: PartialEq>(mut left: Vec<T>, right: Vec<T>) -> Vec<T> {
    for item in right {
        if left.len() < MAX_FILES && !left.contains(&item) {
            left.push(item);
        }
    }
    left
}

/// What is gone in either of two states. What is gone in one alone may be there.
fn perhaps_removed(mut left: Vec<Removed>, mut right: Vec<Removed>) -> Vec<Removed> {
    for gone in &mut left {
        gone.is_sure &= right.contains(gone);
    }
    for gone in &mut right {
        gone.is_sure &= left.contains(gone);
    }
    union(left, right)
}

/// What either of two states knows of files by their paths. Where they know different things, what
/// lies at the path is not sure.
fn union_by_path<T: Clone + PartialEq>(
    left: &[(String, T)],
    right: &[(String, T)],
    unsure: &mut BTreeSet<String>,
) -> Vec<(String, T)> {
    fn last<'l, T>(list: &'l [(String, T)], path: &str) -> Option<&'l T> {
        let found = list.iter().rev().find(|(known, _)| known == path);
        found.map(|(_, it)| it)
    }
    for (path, _) in left.iter().chain(right) {
        if unsure.len() < MAX_FILES && last(left, path) != last(right, path) {
            unsure.insert(path.clone());
        }
    }
    union(left.to_vec(), right.to_vec())
}

struct Joiner<'s> {
    left: &'s State,
    right: &'s State,
    /// Tables that stand for one of two.
    tables: BTreeMap<TableId, Table>,
    next: &'s mut TableId,
    facts: &'s mut Facts,
    /// What decides between the two.
    why: Option<FactsId>,
}

impl Joiner<'_> {
    fn value(&mut self, left: Value, right: Value, depth: u32) -> Value {
        if left == right {
            return left;
        }
        match (left, right) {
            (Value::Table(left), Value::Table(right)) if depth < MAX_JOIN => {
                let (Some(left), Some(right)) =
                    (self.left.tables.get(&left), self.right.tables.get(&right))
                else {
                    return unsettled();
                };
                let joined = self.entries(left, right, depth + 1);
                let id = *self.next;
                *self.next += 1;
                self.tables.insert(id, joined);
                Value::Table(id)
            }
            (Value::Array(left), Value::Array(right)) if left.all.len() == right.all.len() => {
                if depth >= MAX_JOIN {
                    return unsettled();
                }
                let pairs = left.all.iter().cloned().zip(right.all.iter().cloned());
                let joined = pairs.map(|(left, right)| self.value(left, right, depth + 1));
                Value::array(joined.collect())
            }
            (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => unknown,
            (left, right) => self.either(&left, &right),
        }
    }

    /// The value of what is one or another: where facts decide and nothing else is in them, asked.
    fn either(&mut self, left: &Value, right: &Value) -> Value {
        let values = [left, right];
        let id = self.why.and_then(|why| self.facts.id_with(why, values));
        id.map_or_else(unsettled, Value::Asked)
    }

    fn entries(&mut self, left: &Table, right: &Table, depth: u32) -> Table {
        let get = |table: &Table, key: &str| {
            table
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map_or(Value::Null, |(_, it)| it.clone())
        };
        let mut joined = Table::new();
        for (key, value) in left {
            joined.push((
                Rc::clone(key),
                self.value(value.clone(), get(right, key), depth),
            ));
        }
        for (key, value) in right {
            if !joined
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(key))
            {
                joined.push((
                    Rc::clone(key),
                    self.value(Value::Null, value.clone(), depth),
                ));
            }
        }
        joined
    }
}

fn unsettled() -> Value {
    Value::unknown("it depends on a condition that is not known")
}
