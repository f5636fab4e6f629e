//! Policies as people read them: conditions in words, settings one by one.

use std::fmt;

use fleetmend_plan::policy::Settings;
use fleetmend_plan::select::{Scope, Selector};
use fleetmend_store::policies::{self as store, Version};
use serde_json::Value as Json;

use super::{Listed, get, list};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;

/// A policy in the list.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The policy.
    pub policy: store::Policy,
    /// Which one is asked first, from 1 on; `None`: it is asked last.
    pub rank: Option<usize>,
    /// How many devices have it.
    pub devices: u64,
    /// Conditions of which one must be met.
    pub include: Vec<String>,
    /// Conditions of which none may be.
    pub exclude: Vec<String>,
}

impl Shown {
    /// The conditions in one line.
    pub fn conditions(&self) -> String {
        let include = match self.policy.is_rest {
            true => "no other policy takes it".to_owned(),
            false if self.include.is_empty() => "no device".to_owned(),
            false => self.include.join(" or "),
        };
        if self.exclude.is_empty() {
            return include;
        }
        format!("{include}, but not {}", self.exclude.join(" or "))
    }
}

/// A policy with all that it sets, and what it was.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The policy.
    pub shown: Shown,
    /// Everything that it sets.
    pub settings: Vec<Setting>,
    /// What it is and was, the latest first.
    pub versions: Vec<Version>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, with those of what it is in: `scan.retries`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it is what a policy has that does not say it.
    pub is_default: bool,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.is_default { " (default)" } else { "" };
        write!(f, "{}: {}{default}", self.name, self.value)
    }
}

/// All policies, in the order in which they are asked.
pub async fn all(app: &App) -> Result<Vec<Shown>, ApiError> {
    let all = list(app).await?.into_iter().enumerate();
    all.map(|(place, it)| shown(it, place + 1)).collect()
}

fn shown(it: Listed, place: usize) -> Result<Shown, ApiError> {
    let scope: Scope = serde_json::from_str(&it.policy.what.scope).map_err(anyhow::Error::from)?;
    let words = |all: &[Selector]| all.iter().map(ToString::to_string).collect();
    Ok(Shown {
        rank: (!it.policy.is_rest).then_some(place),
        devices: it.devices,
        include: words(scope.include()),
        exclude: words(scope.exclude()),
        policy: it.policy,
    })
}

/// A policy by its number, or by its name, case ignored. A name may be another policy's number: that one is
/// meant.
pub async fn one(app: &App, named: &str) -> Result<Detail, ApiError> {
    let mut all = all(app).await?;
    let is_number = |it: &Shown| it.policy.id.to_string() == named;
    let is_name = |it: &Shown| it.policy.what.name.to_lowercase() == named.to_lowercase();
    let at = all.iter().position(is_number);
    let at = at.or_else(|| all.iter().position(is_name));
    let shown = at.map(|at| all.swap_remove(at));
    let shown = shown.ok_or_else(|| ApiError::Missing(format!("there is no policy '{named}'")))?;
    let policy = get(&app.db, shown.policy.id).await?;
    let versions = store::versions(&app.db, policy.id).await.map_err(stored)?;
    Ok(Detail {
        settings: settings(&policy)?,
        versions,
        shown,
    })
}

fn settings(policy: &store::Policy) -> anyhow::Result<Vec<Setting>> {
    let full = super::settings_in_full(policy)?;
    let default = serde_json::to_value(Settings::default())?;
    let mut all = Vec::new();
    put(&full, Some(&default), "", &mut all);
    Ok(all)
}

/// Each value that is no object, with the names on the way to it.
fn put(value: &Json, default: Option<&Json>, name: &str, all: &mut Vec<Setting>) {
    match value {
        Json::Object(fields) => {
            for (field, value) in fields {
                let name = match name {
                    "" => field.clone(),
                    outer => format!("{outer}.{field}"),
                };
                put(value, default.and_then(|it| it.get(field)), &name, all);
            }
        }
        _ => all.push(Setting {
            name: name.to_owned(),
            value: in_words(value),
            is_default: default == Some(value),
        }),
    }
}

fn in_words(value: &Json) -> String {
    match value {
        Json::Null => "no limit".to_owned(),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(all) if all.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}
