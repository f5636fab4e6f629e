//! What is known at a point of a script: variables by scope, the tables that they share, functions,
//! and what became of files. Two states are joined where either may be the case.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::function::Function;
use super::recipe_file::Located;
use super::value::{TableId, Value};

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
    /// The tables that are gone through in the order in which they were filled.
    pub(super) ordered: BTreeSet<TableId>,
    pub(super) functions: HashMap<Rc<str>, Rc<Function>>,
    /// Files that were downloaded: lower-case path, and what they are.
    pub(super) downloads: Vec<(String, Located)>,
    /// Archives that were unpacked: lower-case folder, and the archive.
    pub(super) unpacked: Vec<(String, Located)>,
    /// Copies of files: lower-case path, and the path of the original.
    pub(super) copies: Vec<(String, String)>,
    /// Files that were removed or moved away.
    pub(super) removed: Vec<Removed>,
}

/// Files of the package that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    /// A path inside of the package in lower case, perhaps with wildcards.
    pub(super) pattern: String,
    /// Names in lower case, perhaps with wildcards, of those that stay.
    pub(super) except: Vec<String>,
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

    /// Keeps in mind that files of the package are gone; with too many, all of them are.
    pub(super) fn remove(&mut self, gone: Removed) {
        if self.removed.len() < MAX_FILES {
            self.removed.push(gone);
        } else if let Some(last) = self.removed.last_mut() {
            *last = Removed {
                pattern: "*".to_owned(),
                except: Vec::new(),
            };
        }
    }

    /// Keeps in mind where a file came from; `false`: there are too many.
    pub(super) fn remember<T>(list: &mut Vec<T>, item: T) -> bool {
        if list.len() < MAX_FILES {
            list.push(item);
            return true;
        }
        false
    }

    /// About how many bytes a copy of it takes.
    pub(super) fn weight(&self) -> usize {
        let variables = self.scopes.iter().flatten().map(|(_, it)| it.weight());
        let entries = self.tables.values().flatten().map(|(_, it)| it.weight());
        let files = (self.removed.len() + self.copies.len()) * 64
            + (self.downloads.len() + self.unpacked.len()) * 128;
        variables
            .chain(entries)
            .fold(64 + files, usize::saturating_add)
    }

    /// What is known where either of two states may be the case.
    pub(super) fn join(self, other: State, next: &mut TableId) -> State {
        let mut joiner = Joiner {
            left: &self,
            right: &other,
            tables: BTreeMap::new(),
            next,
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
            ordered: &self.ordered & &other.ordered,
            functions,
            downloads: union(self.downloads, other.downloads),
            unpacked: union(self.unpacked, other.unpacked),
            copies: union(self.copies, other.copies),
            removed: union(self.removed, other.removed),
        }
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

struct Joiner<'s> {
    left: &'s State,
    right: &'s State,
    /// Tables that stand for one of two.
    tables: BTreeMap<TableId, Table>,
    next: &'s mut TableId,
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
                    return either();
                };
                let joined = self.entries(left, right, depth + 1);
                let id = *self.next;
                *self.next += 1;
                self.tables.insert(id, joined);
                Value::Table(id)
            }
            (Value::Array(left), Value::Array(right)) if left.all.len() == right.all.len() => {
                if depth >= MAX_JOIN {
                    return either();
                }
                let pairs = left.all.iter().cloned().zip(right.all.iter().cloned());
                let joined = pairs.map(|(left, right)| self.value(left, right, depth + 1));
                Value::array(joined.collect())
            }
            (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => unknown,
            _ => either(),
        }
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

/// The value of what is one or another.
pub(super) fn either() -> Value {
    Value::unknown("it depends on a condition that is not known")
}
