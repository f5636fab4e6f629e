//! The sources: their login, reading at once, and what a person sees of their state.

use fleetmend_model::SourceId;
use fleetmend_store::Tx;
use fleetmend_store::packages;
use fleetmend_store::sources::{self, Source, SourceKind};
use reqwest::Url;

use super::address::is_unprotected;
use super::credentials::Login;
use super::pace::{host, pause_of};
use super::sync;
use crate::api::time;
use crate::app::App;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// What stands where a source is read without TLS.
const UNPROTECTED: &str = "It is read without TLS: whoever is on the way could change what it \
    offers, digests included. Give its https address if it has one.";
/// The same where it has a login.
const EXPOSED: &str = "It is read without TLS: whoever is on the way could read its password and \
    change what it offers, digests included. Give its https address if it has one.";

/// Why a folder takes no login.
pub(super) const NO_LOGIN: &str = "only a feed elsewhere is read with name and password";

/// Sets, or takes away, the name and password that a feed is read with, and has it read at once.
pub async fn set_login(
    app: &App,
    id: SourceId,
    login: Option<&Login>,
    actor: &Actor,
) -> Result<(), ApiError> {
    let source = existing(app, id).await?;
    if source.kind != SourceKind::Feed {
        return Err(ApiError::Bad(NO_LOGIN.to_owned()));
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    store_login(app, &mut tx, id, login).await?;
    let name = login.map_or("", |login| &login.name);
    journal::record(
        &mut tx,
        actor,
        "set_source_login",
        &format!("source {id}"),
        name,
        now,
    )
    .await?;
    if source.enabled {
        sync::enqueue(app, &mut tx, id, now).await?;
    }
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

pub(super) async fn store_login(
    app: &App,
    tx: &mut Tx,
    id: SourceId,
    login: Option<&Login>,
) -> anyhow::Result<()> {
    let sealed = match login {
        Some(login) => Some((&login.name, app.sealing.seal(id, &login.password)?)),
        None => None,
    };
    let sealed = sealed
        .as_ref()
        .map(|(name, password)| (name.as_str(), password.as_str()));
    Ok(sources::set_login(tx, id, sealed).await?)
}

pub(super) async fn existing(app: &App, id: SourceId) -> Result<Source, ApiError> {
    sources::get(&app.db, id)
        .await
        .map_err(anyhow::Error::from)?
        .ok_or_else(|| ApiError::Missing(format!("there is no source {id}")))
}

/// Has a source read at once, and the nupkgs tried anew that it could not give, whatever wait they
/// are in. Only a host's ban is kept.
pub async fn read_now(app: &App, id: SourceId, actor: &Actor) -> Result<(), ApiError> {
    let source = existing(app, id).await?;
    if !source.enabled {
        return Err(ApiError::Conflict(format!(
            "source {} is switched off",
            source.name
        )));
    }
    let host = host_of(&source);
    let pause = match &host {
        Some(host) => pause_of(app, host).await?,
        None => None,
    };
    if let Some(pause) = pause.filter(|pause| pause.is_ban) {
        return Err(ApiError::Conflict(format!(
            "{} does not want to be asked before {}: {}. Asking earlier would make it longer",
            pause.host,
            time(pause.until),
            pause.cause
        )));
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    if let Some(host) = host {
        fleetmend_store::host_pauses::end(&mut tx, &host)
            .await
            .map_err(anyhow::Error::from)?;
    }
    packages::retry_now(&mut tx, id, now)
        .await
        .map_err(anyhow::Error::from)?;
    journal::record(
        &mut tx,
        actor,
        "read_source",
        &format!("source {id}"),
        &source.location,
        now,
    )
    .await?;
    sync::enqueue(app, &mut tx, id, now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// The host that a feed is on.
fn host_of(source: &Source) -> Option<String> {
    let is_feed = source.kind == SourceKind::Feed;
    let address = Url::parse(&source.location).ok().filter(|_| is_feed)?;
    Some(host(&address))
}

/// How a source is doing, in a few words.
pub fn state(source: &Source) -> String {
    let read = &source.last_read;
    if !source.enabled {
        return "Switched off".to_owned();
    }
    if sync::is_reading(source) {
        return match (sync::position(source), read.finished_at) {
            (Some(at), _) => format!("Being read: {} entries so far", at.entries),
            (None, None) => "Being read for the first time".to_owned(),
            (None, Some(_)) => "Being read".to_owned(),
        };
    }
    match (&read.error, read.finished_at) {
        (Some(_), _) => "Cannot be read".to_owned(),
        (None, Some(_)) => "Read".to_owned(),
        (None, None) => "Not read yet".to_owned(),
    }
}

/// When a source is read next and why then, as a sentence; nothing while it is being read.
pub fn next_read(source: &Source) -> Option<String> {
    let read = &source.last_read;
    let at = read.next_read_at.filter(|_| source.enabled)?;
    let is_told = !sync::is_reading(source);
    is_told.then(|| format!("next read at {}, because {}", time(at), read.next_read_why))
}

/// What a person should know of how a source is protected.
pub fn protection(source: &Source) -> Option<&'static str> {
    let note = if source.user_name.is_some() {
        EXPOSED
    } else {
        UNPROTECTED
    };
    is_unprotected(&source.location).then_some(note)
}
