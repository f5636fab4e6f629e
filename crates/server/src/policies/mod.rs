//! Policies: what is set for which devices. The rules are the plan's; this room keeps them, and has each
//! device know its own.

pub mod assign;
mod differing;
pub mod effect;
pub(crate) mod facts;
pub mod groups;
pub mod shown;
pub mod standards;
pub mod units;

use std::collections::HashMap;

use fleetmend_model::{Millis, PolicyId};
use fleetmend_plan::policy::{Policies, Policy, Settings};
use fleetmend_plan::select::Scope;
use fleetmend_store::policies::{self as store, NewPolicy};
use fleetmend_store::{Read, Tx};
use serde_json::Value as Json;

use crate::app::App;
use crate::console::stored;
use crate::deployments::gate;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// The longest name of a policy or a group, in characters.
const LONGEST_NAME: usize = 100;

/// A policy as a person gives it.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Whether devices can have it.
    pub is_enabled: bool,
    /// Whose it is: see [`Scope`].
    pub scope: Json,
    /// What it sets: see [`Settings`].
    pub settings: Json,
}

/// A policy, and how many devices have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// As it is kept.
    pub policy: store::Policy,
    /// How many.
    pub devices: u64,
}

/// All policies, as the plan reads them.
pub async fn load(from: impl Read) -> anyhow::Result<Policies> {
    let mut ranked = Vec::new();
    let mut rest = None;
    for stored in store::all(from).await? {
        let is_rest = stored.is_rest;
        let policy = read(stored)?;
        if is_rest {
            rest = Some(policy);
        } else {
            ranked.push(policy);
        }
    }
    let rest = rest.ok_or_else(|| anyhow::anyhow!("the policy for all other devices is gone"))?;
    Ok(Policies { ranked, rest })
}

fn read(stored: store::Policy) -> anyhow::Result<Policy> {
    let what = stored.what;
    let broken = |field, error| anyhow::anyhow!("the policy '{}': {field}: {error}", what.name);
    Ok(Policy {
        id: stored.id,
        is_enabled: what.is_enabled,
        scope: serde_json::from_str(&what.scope).map_err(|error| broken("scope", error))?,
        settings: serde_json::from_str(&what.settings)
            .map_err(|error| broken("settings", error))?,
        name: what.name,
        generation: stored.generation,
    })
}

/// What a policy sets, with all that nobody set at its default.
pub fn settings_in_full(policy: &store::Policy) -> anyhow::Result<Json> {
    let settings: Settings = serde_json::from_str(&policy.what.settings)?;
    Ok(serde_json::to_value(settings)?)
}

/// All policies, in the order in which they are asked.
pub async fn list(app: &App) -> Result<Vec<Listed>, ApiError> {
    let counts = store::device_counts(&app.db).await.map_err(stored)?;
    let counts: HashMap<_, _> = counts.into_iter().collect();
    let all = store::all(&app.db).await.map_err(stored)?;
    let listed = all.into_iter().map(|policy| Listed {
        devices: counts.get(&policy.id).copied().unwrap_or_default(),
        policy,
    });
    Ok(listed.collect())
}

/// A policy.
pub async fn get(from: impl Read, id: PolicyId) -> Result<store::Policy, ApiError> {
    let stored = store::get(from, id).await.map_err(stored)?;
    stored.ok_or_else(|| ApiError::Missing(format!("there is no policy {id}")))
}

/// Adds a policy, behind all others but the last.
pub async fn add(app: &App, given: &Given, actor: &Actor) -> Result<PolicyId, ApiError> {
    let mut tx = app.db.begin().await.map_err(stored)?;
    let what = checked(&mut tx, given, false).await?;
    let now = app.now();
    let id = store::insert(&mut tx, &what, &actor.name, now)
        .await
        .map_err(stored)?;
    note(&mut tx, actor, "add_policy", id, &what, now).await?;
    apply(app, tx, now).await?;
    Ok(id)
}

/// Changes a policy that a person saw in `generation`.
pub async fn set(
    app: &App,
    id: PolicyId,
    generation: i64,
    given: &Given,
    actor: &Actor,
) -> Result<(), ApiError> {
    let mut tx = app.db.begin().await.map_err(stored)?;
    let before = get(&mut tx, id).await?;
    let what = checked(&mut tx, given, before.is_rest).await?;
    let now = app.now();
    let is_set = store::set(&mut tx, id, generation, &what, &actor.name, now)
        .await
        .map_err(stored)?;
    if !is_set {
        return Err(ApiError::Conflict(format!(
            "{} changed the policy '{}' meanwhile: look at it again",
            before.updated_by, before.what.name
        )));
    }
    note(&mut tx, actor, "set_policy", id, &what, now).await?;
    apply(app, tx, now).await
}

/// Has a policy asked at another place, 1 being the first. The last one stays the last.
pub async fn set_rank(app: &App, id: PolicyId, rank: u32, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let moved = get(&mut tx, id).await?;
    let all = store::all(&mut tx).await.map_err(stored)?;
    let ranked = all.iter().filter(|it| !it.is_rest && it.id != id);
    let mut order: Vec<_> = ranked.map(|it| it.id).collect();
    let place = usize::try_from(rank).unwrap_or(usize::MAX);
    if moved.is_rest {
        return Err(ApiError::Conflict(format!(
            "the policy '{}' is always the last: it is for the devices that no other one takes",
            moved.what.name
        )));
    }
    if !(1..=order.len() + 1).contains(&place) {
        return Err(ApiError::Bad(format!(
            "field 'rank': there are places 1 to {}",
            order.len() + 1
        )));
    }
    order.insert(place - 1, id);
    store::set_order(&mut tx, &order).await.map_err(stored)?;
    let (subject, says) = (
        format!("policy {id}"),
        format!("'{}': {rank}", moved.what.name),
    );
    journal::record(&mut tx, actor, "move_policy", &subject, &says, now).await?;
    apply(app, tx, now).await
}

/// Removes a policy; its devices have another one soon.
pub async fn remove(app: &App, id: PolicyId, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    let policy = get(&mut tx, id).await?;
    if !store::remove(&mut tx, id).await.map_err(stored)? {
        return Err(ApiError::Conflict(format!(
            "the policy '{}' cannot be removed: it is for the devices that no other one takes",
            policy.what.name
        )));
    }
    note(&mut tx, actor, "remove_policy", id, &policy.what, now).await?;
    apply(app, tx, now).await
}

async fn checked(tx: &mut Tx, given: &Given, is_rest: bool) -> Result<NewPolicy, ApiError> {
    let name = name(&given.name)?;
    let settings: Settings = field("settings", &given.settings)?;
    let scope: Scope = field("scope", &given.scope)?;
    if is_rest && (!given.is_enabled || scope != Scope::all()) {
        return Err(ApiError::Bad(format!(
            "the policy '{name}' is for the devices that no other one takes: it stays enabled, and for \
             all devices"
        )));
    }
    settings
        .check()
        .map_err(|error| ApiError::Bad(format!("field 'settings': {error}")))?;
    groups::are_there(tx, scope.groups().chain(settings.groups())).await?;
    Ok(NewPolicy {
        name,
        is_enabled: given.is_enabled,
        scope: text(&scope)?,
        settings: differing::differing(&settings)
            .map_err(anyhow::Error::from)?
            .to_string(),
    })
}

/// Refuses to take away what a policy names: nobody must lose a policy by the way.
async fn refuse_where_policies_name(
    tx: &mut Tx,
    what: &str,
    names: impl Fn(&Policy) -> bool,
) -> Result<(), ApiError> {
    let policies = load(&mut *tx).await?;
    let mut all = policies.ranked.iter().chain([&policies.rest]);
    match all.find(|it| names(it)) {
        Some(policy) => Err(ApiError::Conflict(format!(
            "the policy '{}' names {what}: change that first",
            policy.name
        ))),
        None => Ok(()),
    }
}

/// A name that can be shown.
fn name(given: &str) -> Result<String, ApiError> {
    let name = given.trim();
    let is_right = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !is_right || name.chars().any(char::is_control) {
        return Err(ApiError::Bad(format!(
            "field 'name': give one of at most {LONGEST_NAME} characters"
        )));
    }
    Ok(name.to_owned())
}

fn field<T: serde::de::DeserializeOwned>(field: &str, given: &Json) -> Result<T, ApiError> {
    T::deserialize(given).map_err(|error| ApiError::Bad(format!("field '{field}': {error}")))
}

fn text(it: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(it)?)
}

async fn note(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    id: PolicyId,
    what: &NewPolicy,
    now: Millis,
) -> anyhow::Result<()> {
    let enabled = if what.is_enabled { "" } else { ", not enabled" };
    let says = format!(
        "'{}'{enabled}: for {}; sets {}",
        what.name, what.scope, what.settings
    );
    journal::record(tx, actor, action, &format!("policy {id}"), &says, now).await
}

/// Ends a change after which devices may have other policies, and other things may run.
pub(crate) async fn apply(app: &App, mut tx: Tx, now: Millis) -> Result<(), ApiError> {
    jobs::enqueue(&mut tx, jobs::Kind::AssignPolicies, 0, now).await?;
    gate::look_again(&mut tx, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
