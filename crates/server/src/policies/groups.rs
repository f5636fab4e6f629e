//! Groups: devices that meet conditions, under a name that policies can use.

use fleetmend_model::{GroupId, Millis};
use fleetmend_plan::select::Scope;
use fleetmend_store::groups::{self as store, Group, NewGroup};
use fleetmend_store::{Read, Tx};
use serde_json::Value as Json;

use super::{apply, field, name, refuse_where_policies_name, text};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// A group as a person gives it.
#[derive(Debug, Clone)]
pub struct GivenGroup {
    /// Its name.
    pub name: String,
    /// Who is in it: see [`Scope`]. It names no other group.
    pub scope: Json,
}

/// All groups, as conditions read them.
pub async fn load(from: impl Read) -> anyhow::Result<Vec<(GroupId, Scope)>> {
    let all = store::all(from).await?.into_iter();
    all.map(|group| {
        let scope = serde_json::from_str(&group.what.scope)
            .map_err(|error| anyhow::anyhow!("the group '{}': {error}", group.what.name))?;
        Ok((group.id, scope))
    })
    .collect()
}

/// All groups, by name.
pub async fn list(app: &App) -> Result<Vec<Group>, ApiError> {
    store::all(&app.db).await.map_err(stored)
}

/// Adds a group.
pub async fn add(app: &App, given: &GivenGroup, actor: &Actor) -> Result<GroupId, ApiError> {
    let what = checked(given)?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let id = store::insert(&mut tx, &what, &actor.name, now)
        .await
        .map_err(stored)?;
    note(&mut tx, actor, "add_group", id, &what, now).await?;
    apply(app, tx, now).await?;
    Ok(id)
}

/// Changes a group.
pub async fn set(
    app: &App,
    id: GroupId,
    given: &GivenGroup,
    actor: &Actor,
) -> Result<(), ApiError> {
    let what = checked(given)?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    store::set(&mut tx, id, &what, &actor.name, now)
        .await
        .map_err(stored)?;
    note(&mut tx, actor, "set_group", id, &what, now).await?;
    apply(app, tx, now).await
}

/// Removes a group that no policy names.
pub async fn remove(app: &App, id: GroupId, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let group = store::get(&mut tx, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no group {id}")))?;
    let what = format!("the group '{}'", group.what.name);
    refuse_where_policies_name(&mut tx, &what, |it| {
        let mut groups = it.scope.groups().chain(it.settings.groups());
        groups.any(|it| it == id)
    })
    .await?;
    store::remove(&mut tx, id).await.map_err(stored)?;
    note(&mut tx, actor, "remove_group", id, &group.what, now).await?;
    apply(app, tx, now).await
}

/// Refuses conditions on groups that are not there.
pub async fn are_there(
    tx: &mut Tx,
    groups: impl IntoIterator<Item = GroupId>,
) -> Result<(), ApiError> {
    for group in groups {
        let stored = store::get(&mut *tx, group).await.map_err(stored)?;
        if stored.is_none() {
            return Err(ApiError::Bad(format!("there is no group {group}")));
        }
    }
    Ok(())
}

fn checked(given: &GivenGroup) -> Result<NewGroup, ApiError> {
    let scope: Scope = field("scope", &given.scope)?;
    if scope.groups().next().is_some() {
        return Err(ApiError::Bad(
            "field 'scope': a group is not made of other groups: what is in it could depend on itself"
                .to_owned(),
        ));
    }
    Ok(NewGroup {
        name: name(&given.name)?,
        scope: text(&scope)?,
    })
}

async fn note(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    id: GroupId,
    what: &NewGroup,
    now: Millis,
) -> anyhow::Result<()> {
    let says = format!("'{}': {}", what.name, what.scope);
    journal::record(tx, actor, action, &format!("group {id}"), &says, now).await
}
