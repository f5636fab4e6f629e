//! Organizational units: trees that people make, and where they put devices.

use fleetmend_model::unit::UnitPath;
use fleetmend_model::{DeviceId, UnitId, UnitTreeId};
use fleetmend_store::units::{self as store, Tree, Unit};
use fleetmend_store::{Page, Paged, Read, Tx, groups};

use super::{apply, name, refuse_where_policies_name};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// All trees, by name.
pub async fn trees(app: &App) -> Result<Vec<Tree>, ApiError> {
    store::trees(&app.db).await.map_err(stored)
}

/// A page of a tree's units.
pub async fn list(app: &App, tree: UnitTreeId, page: &Page) -> Result<Paged<Unit>, ApiError> {
    named(&app.db, tree).await?;
    store::list(&app.db, tree, page).await.map_err(stored)
}

/// Adds a tree.
pub async fn add_tree(app: &App, given: &str, actor: &Actor) -> Result<UnitTreeId, ApiError> {
    let name = name(given)?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let id = store::insert_tree(&mut tx, &name).await.map_err(stored)?;
    journal::record(&mut tx, actor, "add_unit_tree", &subject(id), &name, now).await?;
    apply(app, tx, now).await?;
    Ok(id)
}

/// Removes a tree with all its units; devices stay where they are in others.
pub async fn remove_tree(app: &App, id: UnitTreeId, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let name = named(&mut tx, id).await?;
    refuse_where_named(&mut tx, &name, None).await?;
    store::remove_tree(&mut tx, id).await.map_err(stored)?;
    journal::record(&mut tx, actor, "remove_unit_tree", &subject(id), &name, now).await?;
    apply(app, tx, now).await
}

/// Puts devices into a unit, which is made if it is not there; returns how many there are.
pub async fn place(
    app: &App,
    tree: UnitTreeId,
    path: &str,
    devices: &[DeviceId],
    actor: &Actor,
) -> Result<u64, ApiError> {
    let path: UnitPath = path
        .parse()
        .map_err(|error| ApiError::Bad(format!("field 'path': {error}")))?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let name = named(&mut tx, tree).await?;
    let unit = store::ensure(&mut tx, tree, &path).await.map_err(stored)?;
    let places: Vec<_> = devices.iter().map(|device| (*device, unit)).collect();
    let placed = store::place_many(&mut tx, &places, &actor.name, now)
        .await
        .map_err(stored)?;
    let subject = journal::devices(devices);
    let says = format!("{path} of '{name}'");
    journal::record(&mut tx, actor, "place_devices", &subject, &says, now).await?;
    apply(app, tx, now).await?;
    Ok(placed)
}

/// Takes devices out of a tree's units; returns how many were in one.
pub async fn take_out(
    app: &App,
    tree: UnitTreeId,
    devices: &[DeviceId],
    actor: &Actor,
) -> Result<u64, ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let name = named(&mut tx, tree).await?;
    let taken = store::take_out(&mut tx, tree, devices)
        .await
        .map_err(stored)?;
    let subject = journal::devices(devices);
    let says = format!("out of '{name}'");
    journal::record(&mut tx, actor, "place_devices", &subject, &says, now).await?;
    apply(app, tx, now).await?;
    Ok(taken)
}

/// Removes a unit that has none below it.
pub async fn remove(app: &App, id: UnitId, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let unit = store::get(&mut tx, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no unit {id}")))?;
    let tree = named(&mut tx, unit.tree).await?;
    refuse_where_named(&mut tx, &tree, Some(&unit.path)).await?;
    if !store::remove(&mut tx, id).await.map_err(stored)? {
        return Err(ApiError::Conflict(format!(
            "the unit '{}' has units below it: remove those first",
            unit.path
        )));
    }
    let says = unit.path.to_string();
    journal::record(
        &mut tx,
        actor,
        "remove_unit",
        &format!("unit {id}"),
        &says,
        now,
    )
    .await?;
    apply(app, tx, now).await
}

/// Refuses to remove a tree, or a unit of it, that a policy or a group names: nobody must lose a policy by
/// the way.
async fn refuse_where_named(
    tx: &mut Tx,
    tree: &str,
    unit: Option<&UnitPath>,
) -> Result<(), ApiError> {
    let is_it = |(its_tree, path): (&str, &UnitPath)| {
        its_tree.to_lowercase() == tree.to_lowercase()
            && unit.is_none_or(|it| it.key() == path.key())
    };
    let what = unit.map_or_else(
        || format!("the tree '{tree}'"),
        |it| format!("the unit '{it}' of '{tree}'"),
    );
    for (group, scope) in super::groups::load(&mut *tx).await? {
        if scope.units().any(is_it) {
            let stored = groups::get(&mut *tx, group).await.map_err(stored)?;
            let name = stored.map_or_else(String::new, |it| it.what.name);
            return Err(ApiError::Conflict(format!(
                "the group '{name}' names {what}: change that first"
            )));
        }
    }
    refuse_where_policies_name(tx, &what, |it| {
        it.scope.units().chain(it.settings.units()).any(is_it)
    })
    .await
}

async fn named(from: impl Read, id: UnitTreeId) -> Result<String, ApiError> {
    let trees = store::trees(from).await.map_err(stored)?;
    let tree = trees.into_iter().find(|it| it.id == id);
    tree.map(|it| it.name)
        .ok_or_else(|| ApiError::Missing(format!("there is no tree of units {id}")))
}

fn subject(id: UnitTreeId) -> String {
    format!("tree of units {id}")
}
