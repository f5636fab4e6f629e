//! The one-time link by which an administrator's password is set.

use std::time::Duration;

use fleetmend_store::{sessions as stored_sessions, setup_links, users};
use http::HeaderValue;

use super::{ADMINISTRATOR, Actor, login, password, secret, sessions};
use crate::app::App;
use crate::error::ApiError;
use crate::journal;

/// How long a link can be used.
const VALID: Duration = Duration::from_hours(24);

/// Makes a link; links that were not used end. The secret is in the fragment, which browsers do
/// not send: it reaches no log and no proxy.
pub async fn setup_link(app: &App) -> anyhow::Result<String> {
    let secret = secret::make()?;
    let mut tx = app.db.begin().await?;
    setup_links::delete_unused(&mut tx).await?;
    setup_links::insert(&mut tx, &secret::digest(&secret), app.now() + VALID).await?;
    tx.commit().await?;
    Ok(format!("{}/setup#{secret}", app.url.trim_end_matches('/')))
}

/// What a person fills in.
pub(crate) struct Setup<'a> {
    pub(crate) secret: &'a str,
    pub(crate) name: &'a str,
    pub(crate) password: &'a str,
    pub(crate) repeated: &'a str,
}

/// Uses a link: the user is made, or gets a new password and loses their sessions. The answer
/// signs them in.
pub(crate) async fn use_link(
    app: &App,
    setup: &Setup<'_>,
    address: &str,
) -> Result<HeaderValue, ApiError> {
    let now = app.now();
    let digest = secret::digest(setup.secret.trim());
    if !setup_links::is_good(&app.db, &digest, now)
        .await
        .map_err(anyhow::Error::from)?
    {
        return Err(not_good());
    }
    let name = setup.name.trim();
    if name.is_empty()
        || name.chars().count() > login::LONGEST_NAME
        || name.chars().any(char::is_control)
    {
        return Err(ApiError::Bad(format!(
            "the name must have 1 to {} characters",
            login::LONGEST_NAME
        )));
    }
    if let Some(complaint) = password::complaint(setup.password) {
        return Err(ApiError::Bad(complaint));
    }
    if setup.password != setup.repeated {
        return Err(ApiError::Bad(
            "the two passwords differ: type the same twice".to_owned(),
        ));
    }
    let hash = password::hash(setup.password).await?;
    let actor = Actor {
        name: name.to_owned(),
        address: address.to_owned(),
    };
    let failed = |error: fleetmend_store::Error| ApiError::Internal(error.into());
    let mut tx = app.db.begin().await.map_err(failed)?;
    if !setup_links::claim(&mut tx, &digest, now)
        .await
        .map_err(failed)?
    {
        return Err(not_good());
    }
    let user = match users::by_name(&mut tx, name).await.map_err(failed)? {
        Some(user) => {
            users::set_password(&mut tx, user.id, &hash)
                .await
                .map_err(failed)?;
            users::set_disabled(&mut tx, user.id, false)
                .await
                .map_err(failed)?;
            stored_sessions::delete_of_user(&mut tx, user.id)
                .await
                .map_err(failed)?;
            user.id
        }
        None => users::insert(&mut tx, name, &hash, ADMINISTRATOR, now)
            .await
            .map_err(failed)?,
    };
    fleetmend_store::login_failures::clear(&mut tx, name)
        .await
        .map_err(failed)?;
    journal::record(
        &mut tx,
        &actor,
        "set_password",
        &format!("user {name}"),
        "",
        now,
    )
    .await?;
    tx.commit().await.map_err(failed)?;
    Ok(sessions::begin(app, user, now).await?)
}

fn not_good() -> ApiError {
    ApiError::Denied(
        "setup_link",
        "the link was used before or is over: make a new one with 'fleetmend setup-link'"
            .to_owned(),
    )
}
