//! The sources: adding, changing, reading at once and removing them, and what a person sees of their
//! state.

mod add;
mod change;
mod remove;
mod same;
mod settings;
mod view;

use fleetmend_model::SourceId;
use fleetmend_store::sources::{self, Source, SourceKind};
use fleetmend_store::{Read, Tx, host_pauses, packages};
use reqwest::Url;

use super::credentials::Login;
use super::pace::{host, pause_of};
use super::{retire, sync};
use crate::api::time;
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::jobs;
use crate::journal;
use crate::people::Actor;

pub use add::add;
pub use change::change;
pub use remove::{Consequences, consequences, remove};
pub use settings::{ANY_DIALECT, EVERY_SECONDS, Given, MOST_PER_MINUTE, MOST_PRIORITY};
pub use view::{Progress, age, next_read, progress, protection, state, withheld};

/// Why a source takes no login.
const NO_LOGIN: &str = "only a feed elsewhere is read with name and password";

/// Sets, or takes away, the name and password that a feed is read with, and has it read at once.
pub async fn set_login(
    app: &App,
    id: SourceId,
    login: Option<&Login>,
    actor: &Actor,
) -> Result<(), ApiError> {
    let source = existing(&app.db, id).await?;
    if source.kind != SourceKind::Feed {
        return Err(ApiError::Bad(NO_LOGIN.to_owned()));
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(stored)?;
    store_login(app, &mut tx, id, login).await?;
    let name = login.map_or("", |login| &login.name);
    let subject = format!("source {id}");
    journal::record(&mut tx, actor, "set_source_login", &subject, name, now).await?;
    if source.settings.enabled {
        sync::enqueue(app, &mut tx, id, now).await?;
    }
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

async fn store_login(
    app: &App,
    tx: &mut Tx,
    id: SourceId,
    login: Option<&Login>,
) -> Result<(), ApiError> {
    let sealed = match login {
        Some(login) => Some((&login.name, app.sealing.seal(id, &login.password)?)),
        None => None,
    };
    let sealed = sealed
        .as_ref()
        .map(|(name, password)| (name.as_str(), password.as_str()));
    sources::set_login(tx, id, sealed).await.map_err(stored)
}

/// A source, or that there is none of this number.
pub async fn existing(from: impl Read, id: SourceId) -> Result<Source, ApiError> {
    sources::get(from, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no source {id}")))
}

/// Finds a source by its number, or by the name or the location that one source alone has.
pub async fn find(app: &App, word: &str) -> Result<Source, ApiError> {
    if let Ok(id) = word.parse() {
        return existing(&app.db, SourceId(id)).await;
    }
    let mut found = sources::list(&app.db).await.map_err(stored)?;
    found.retain(|it| it.settings.name == word || it.settings.location == word);
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(ApiError::Missing(format!(
            "there is no source '{word}': name one by its number or its name"
        ))),
        count => Err(ApiError::Bad(format!(
            "{count} sources are called '{word}': name one by its number"
        ))),
    }
}

/// Has a source read at once, and the nupkgs tried anew that it could not give, whatever wait they
/// are in. Only a host's ban is kept.
pub async fn read_now(app: &App, id: SourceId, actor: &Actor) -> Result<(), ApiError> {
    let source = existing(&app.db, id).await?;
    if !source.settings.enabled {
        return Err(ApiError::Conflict(format!(
            "source {} is switched off",
            source.settings.name
        )));
    }
    if source.kind == SourceKind::Imported {
        return Err(ApiError::Conflict(format!(
            "source {} comes with imports: import a newer export of it",
            source.settings.name
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
    let mut tx = app.db.begin().await.map_err(stored)?;
    if let Some(host) = host {
        host_pauses::end(&mut tx, &host).await.map_err(stored)?;
    }
    packages::retry_now(&mut tx, id, now)
        .await
        .map_err(stored)?;
    let (subject, location) = (format!("source {id}"), &source.settings.location);
    journal::record(&mut tx, actor, "read_source", &subject, location, now).await?;
    sync::enqueue(app, &mut tx, id, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// Takes away what a source no longer has and what was kept because it was so much: a person says
/// that it is right. Gives how many versions that were.
pub async fn remove_gone(app: &App, id: SourceId, actor: &Actor) -> Result<u64, ApiError> {
    let mut tx = app.db.begin().await.map_err(stored)?;
    let source = existing(&mut tx, id).await?;
    let name = &source.settings.name;
    if source.last_read.withheld.is_none() {
        let message = format!("source {name} has all that it had: there is nothing to remove");
        return Err(ApiError::Conflict(message));
    }
    if sync::is_reading(&source) {
        let message = format!("source {name} is being read: look again when that is over");
        return Err(ApiError::Conflict(message));
    }
    let now = app.now();
    let count = retire::accept(&mut tx, &source, now).await?;
    sources::withhold(&mut tx, id, None).await.map_err(stored)?;
    let (subject, after) = (format!("source {id}"), format!("{count} versions"));
    journal::record(
        &mut tx,
        actor,
        "remove_gone_versions",
        &subject,
        &after,
        now,
    )
    .await?;
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(count as u64)
}

/// The host that a feed is on.
fn host_of(source: &Source) -> Option<String> {
    let is_feed = source.kind == SourceKind::Feed;
    let address = Url::parse(&source.settings.location)
        .ok()
        .filter(|_| is_feed)?;
    Some(host(&address))
}
