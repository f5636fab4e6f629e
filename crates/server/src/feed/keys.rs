//! The feed's keys, and whether it needs any: an administrator's to say.

use std::time::Duration;

use fleetmend_store::feed_keys::{self, FeedKey};
use fleetmend_store::settings;

use super::{OPEN, note_change, refresh};
use crate::app::App;
use crate::error::ApiError;
use crate::journal;
use crate::people::{Actor, secret};

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// How long a key can open the feed at most, in days.
const LONGEST_DAYS: u32 = 3 * 366;

/// What a key opens, in words.
pub fn may(can_push: bool) -> &'static str {
    if can_push {
        "reads and pushes"
    } else {
        "reads"
    }
}

/// Makes a key and gives its secret, which is kept nowhere.
pub async fn make(
    app: &App,
    name: &str,
    can_push: bool,
    days: u32,
    actor: &Actor,
) -> Result<String, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        return Err(ApiError::Bad(format!(
            "field 'name' must have 1 to {LONGEST_NAME} characters"
        )));
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(ApiError::Bad(format!(
            "field 'days' must be 1 to {LONGEST_DAYS}"
        )));
    }
    let secret = secret::make()?;
    let now = app.now();
    let key = FeedKey {
        name: name.to_owned(),
        secret_sha256: secret::digest(&secret),
        can_push,
        created_by: actor.name.clone(),
        created_at: now,
        expires_at: now + Duration::from_hours(24 * u64::from(days)),
    };
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    feed_keys::insert(&mut tx, &key)
        .await
        .map_err(crate::console::stored)?;
    note_change(&mut tx).await?;
    journal::record(&mut tx, actor, "make_feed_key", name, may(can_push), now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    refresh(app).await?;
    Ok(secret)
}

/// Takes a key away.
pub async fn revoke(app: &App, name: &str, actor: &Actor) -> Result<(), ApiError> {
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let was_there = feed_keys::delete(&mut tx, name)
        .await
        .map_err(anyhow::Error::from)?;
    if !was_there {
        return Err(ApiError::Missing(format!("there is no feed key '{name}'")));
    }
    note_change(&mut tx).await?;
    journal::record(&mut tx, actor, "revoke_feed_key", name, "", app.now()).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    Ok(refresh(app).await?)
}

/// Lets everybody read the feed, or only those with a key.
pub async fn set_open(app: &App, is_open: bool, actor: &Actor) -> Result<(), ApiError> {
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let value = if is_open { "1" } else { "0" };
    settings::set(&mut tx, OPEN, value)
        .await
        .map_err(anyhow::Error::from)?;
    note_change(&mut tx).await?;
    let who = if is_open { "everybody" } else { "keys only" };
    journal::record(&mut tx, actor, "set_feed_readers", "feed", who, app.now()).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    Ok(refresh(app).await?)
}

/// All keys, by name.
pub async fn list(app: &App) -> Result<Vec<FeedKey>, ApiError> {
    feed_keys::all(&app.db)
        .await
        .map_err(|error| ApiError::Internal(error.into()))
}
