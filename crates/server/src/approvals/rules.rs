//! Rules that approve: what they are, and what they come to. They count for devices whose policy lets rules
//! approve, and never for critical systems.

use std::collections::{BTreeMap, HashSet};

use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::auto::ApprovalRule;
use fleetmend_plan::night::{Known, Occasion};
use fleetmend_plan::window::LONGEST_DEADLINE;
use fleetmend_store::{Read, settings};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::app::App;
use crate::console::stored;
use crate::deployments::gate;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;
use crate::plan::{self, Devices};

/// Where they are kept.
const KEY: &str = "approval_rules";
/// The most rules.
const MOST: usize = 100;

/// The rules, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Raised with each change.
    pub generation: i64,
    /// The rules.
    pub rules: Vec<ApprovalRule>,
}

/// What a rule comes to for a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Which patch.
    pub patch: PatchId,
    /// What a person calls it.
    pub title: String,
    /// The version.
    pub version: String,
    /// The rule.
    pub rule: String,
    /// From when on it approves it.
    pub from: Millis,
    /// On how many devices, of those whose policy lets rules approve.
    pub devices: usize,
}

/// The rules as they are.
pub async fn load(from: impl Read) -> anyhow::Result<Rules> {
    let text = settings::get(from, KEY).await?;
    Ok(text.map_or_else(|| Ok(Rules::default()), |it| serde_json::from_str(&it))?)
}

/// Puts rules in place of those that a person saw in `generation`.
pub async fn set(
    app: &App,
    generation: i64,
    given: &Json,
    actor: &Actor,
) -> Result<Rules, ApiError> {
    let rules = checked(given)?;
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    if load(&mut tx).await?.generation != generation {
        return Err(ApiError::Conflict(
            "somebody changed the rules meanwhile: look at them again".to_owned(),
        ));
    }
    let rules = Rules {
        generation: generation + 1,
        rules,
    };
    let text = serde_json::to_string(&rules).map_err(anyhow::Error::from)?;
    settings::set(&mut tx, KEY, &text).await.map_err(stored)?;
    let says = serde_json::to_string(&rules.rules).map_err(anyhow::Error::from)?;
    journal::record(
        &mut tx,
        actor,
        "set_approval_rules",
        "approval rules",
        &says,
        now,
    )
    .await?;
    gate::look_again(&mut tx, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(rules)
}

fn checked(given: &Json) -> Result<Vec<ApprovalRule>, ApiError> {
    let bad = |what: String| ApiError::Bad(format!("field 'rules': {what}"));
    let rules: Vec<ApprovalRule> =
        Deserialize::deserialize(given).map_err(|error| bad(error.to_string()))?;
    if rules.len() > MOST {
        return Err(bad(format!("{MOST} at most")));
    }
    let mut names = HashSet::new();
    for rule in &rules {
        rule.check()
            .map_err(|error| bad(format!("'{}': {error}", rule.name)))?;
        if !names.insert(rule.name.trim().to_lowercase()) {
            return Err(bad(format!("'{}' is there twice", rule.name)));
        }
    }
    Ok(rules)
}

/// What rules would come to, of what devices lack and nobody decided on. Changes nothing.
pub async fn preview(app: &App, given: &Json) -> Result<Vec<Effect>, ApiError> {
    let rules = checked(given)?;
    let now = app.now();
    let mut tx = app.db.read().await.map_err(stored)?;
    let mut loaded = plan::load(app, &mut tx, Devices::All, None, now).await?;
    drop(tx);
    loaded.rules = rules;
    let effects = tokio::task::spawn_blocking(move || {
        let world = loaded.world(now + LONGEST_DEADLINE, Occasion::Foreseen);
        let known = Known::of(&world);
        let mut devices: BTreeMap<PatchId, HashSet<DeviceId>> = BTreeMap::new();
        for it in &loaded.missing {
            if known.takes_rules(it.device) {
                devices.entry(it.patch).or_default().insert(it.device);
            }
        }
        let effects = loaded.patches.iter().filter_map(|patch| {
            let hit = known.rule_of(patch.id)?;
            Some(Effect {
                patch: patch.id,
                title: patch.title.clone(),
                version: patch.version.clone(),
                rule: hit.rule.name.clone(),
                from: hit.from,
                devices: devices.get(&patch.id).map_or(0, HashSet::len),
            })
        });
        effects.collect()
    });
    Ok(effects.await.map_err(anyhow::Error::from)?)
}
