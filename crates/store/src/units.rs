//! Organizational units: trees of them, and where devices are.

use fleetmend_model::unit::UnitPath;
use fleetmend_model::{DeviceId, Millis, UnitId, UnitTreeId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::page::{Kind, Page, Paged};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row};

statements! {
    INSERT_TREE = "INSERT INTO unit_trees (name, name_key) VALUES ($1, $2)
                   ON CONFLICT (name_key) DO NOTHING RETURNING id";
    TREES = "SELECT * FROM unit_trees ORDER BY name_key";
    REMOVE_TREE = "DELETE FROM unit_trees WHERE id = $1";
    /// A unit that is there keeps its spelling.
    ENSURE = "INSERT INTO units (tree, parent, path, path_key) VALUES ($1, $2, $3, $4)
              ON CONFLICT (tree, path_key) DO UPDATE SET path = units.path RETURNING id";
    GET = "SELECT * FROM units WHERE id = $1";
    LIST = "SELECT * FROM units
            WHERE tree = $1 AND (CAST($2 AS TEXT) IS NULL OR path_key > CAST($2 AS TEXT))
            ORDER BY path_key LIMIT $3";
    REMOVE = "DELETE FROM units WHERE id = $1
                  AND NOT EXISTS (SELECT 1 FROM units AS below WHERE below.parent = units.id)";
    PLACE = "INSERT INTO device_units (device, tree, unit, placed_by, placed_at)
             SELECT d.id, u.tree, u.id, $2, $3
             FROM jsonb_each($1) AS j
             JOIN devices AS d ON d.id = CAST(j.value->>0 AS BIGINT) AND d.removed_at IS NULL
             JOIN units AS u ON u.id = CAST(j.value->>1 AS BIGINT)
             WHERE true
             ON CONFLICT (device, tree) DO UPDATE SET unit = excluded.unit,
                 placed_by = excluded.placed_by, placed_at = excluded.placed_at";
    TAKE_OUT = "DELETE FROM device_units WHERE tree = $2 AND device IN
                    (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    PLACES = "SELECT p.device, t.name AS tree, u.path FROM device_units AS p
              JOIN units AS u ON u.id = p.unit
              JOIN unit_trees AS t ON t.id = p.tree
              WHERE CAST($1 AS TEXT) IS NULL OR p.device IN
                  (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each(CAST($1 AS TEXT)))
              ORDER BY p.device, t.name_key";
}

/// A tree of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its id.
    pub id: UnitTreeId,
    /// Its name; unique, case ignored.
    pub name: String,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// In which tree.
    pub tree: UnitTreeId,
    /// The unit above; `None` at the top.
    pub parent: Option<UnitId>,
    /// The names from the top.
    pub path: UnitPath,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which device.
    pub device: DeviceId,
    /// The tree's name.
    pub tree: String,
    /// The unit.
    pub path: UnitPath,
}

fn path(row: &Row) -> Result<UnitPath> {
    row.text("path")?
        .parse()
        .map_err(|error| bad("path", error))
}

fn read(row: &Row) -> Result<Unit> {
    Ok(Unit {
        id: UnitId(row.int("id")?),
        tree: UnitTreeId(row.int("tree")?),
        parent: row.int_opt("parent")?.map(UnitId),
        path: path(row)?,
    })
}

/// Adds a tree.
pub async fn insert_tree(tx: &mut Tx, name: &str) -> Result<UnitTreeId> {
    let id = tx
        .maybe_id(&INSERT_TREE, args![name, name.to_lowercase()])
        .await?;
    id.map(UnitTreeId).ok_or_else(|| Error::Exists {
        what: "tree of units",
        name: name.to_owned(),
    })
}

/// All trees, by name.
pub async fn trees(mut from: impl Read) -> Result<Vec<Tree>> {
    let rows = from.rows(&TREES, args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Tree {
                id: UnitTreeId(row.int("id")?),
                name: row.text("name")?,
            })
        })
        .collect()
}

/// Removes a tree with its units; devices stay where they are in others. False where there is none.
pub async fn remove_tree(tx: &mut Tx, tree: UnitTreeId) -> Result<bool> {
    Ok(tx.run(&REMOVE_TREE, args![tree]).await? > 0)
}

/// The unit with a path, which is made if it is not there, and those above it as well.
pub async fn ensure(tx: &mut Tx, tree: UnitTreeId, path: &UnitPath) -> Result<UnitId> {
    let above = std::iter::successors(path.parent(), UnitPath::parent);
    let mut all: Vec<UnitPath> = above.collect();
    all.reverse();
    all.push(path.clone());
    let mut parent: Option<i64> = None;
    for path in all {
        let values = args![tree, parent, path.to_string(), path.key()];
        parent = Some(tx.id(&ENSURE, values).await?);
    }
    let id = parent.ok_or_else(|| Error::missing("unit", path))?;
    Ok(UnitId(id))
}

/// A unit.
pub async fn get(mut from: impl Read, unit: UnitId) -> Result<Option<Unit>> {
    from.row(&GET, args![unit])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A page of a tree's units, each above those below it.
pub async fn list(mut from: impl Read, tree: UnitTreeId, page: &Page) -> Result<Paged<Unit>> {
    let mut values = args![tree];
    values.extend(page.cursor(&[Kind::Text])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let units = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(units, |it| serde_json::json!([it.path.key()])))
}

/// Removes a unit that has none below it; its devices are in none of the tree then. False where it has,
/// or is not there.
pub async fn remove(tx: &mut Tx, unit: UnitId) -> Result<bool> {
    Ok(tx.run(&REMOVE, args![unit]).await? > 0)
}

/// Puts devices into units, each out of the one of the same tree in which it was. Of devices and units
/// that are not there nothing happens; returns how many were put.
pub async fn place_many(
    tx: &mut Tx,
    places: &[(DeviceId, UnitId)],
    by: &str,
    now: Millis,
) -> Result<u64> {
    let mut rows = Rows::new();
    for (device, unit) in places {
        rows.push(&row![*device, *unit]);
    }
    if rows.is_empty() {
        return Ok(0);
    }
    tx.run(&PLACE, args![rows, by, now]).await
}

/// Takes devices out of a tree's units; returns how many were in one.
pub async fn take_out(tx: &mut Tx, tree: UnitTreeId, devices: &[DeviceId]) -> Result<u64> {
    let ids = Rows::of(devices.iter().copied());
    tx.run(&TAKE_OUT, args![ids, tree]).await
}

/// Where devices are: these, or all.
pub async fn places(mut from: impl Read, devices: Option<&[DeviceId]>) -> Result<Vec<Place>> {
    let ids = match devices {
        Some(devices) => Rows::of(devices.iter().copied()).into_value(),
        None => crate::value::Value::Text(None),
    };
    let rows = from.rows(&PLACES, vec![ids]).await?;
    rows.iter()
        .map(|row| {
            Ok(Place {
                device: DeviceId(row.int("device")?),
                tree: row.text("tree")?,
                path: path(row)?,
            })
        })
        .collect()
}
