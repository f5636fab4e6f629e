//! Signing in and out.

use fleetmend_store::login_failures;
use http::HeaderValue;

use super::{Actor, SignedIn, cookie, lockout, password, sessions};
use crate::app::App;
use crate::error::ApiError;
use crate::journal;

/// The longest user name, in characters.
pub(crate) const LONGEST_NAME: usize = 100;

/// Signs a person in; the answer sets the session's cookie. A wrong name, a wrong password and a
/// user who may not sign in are told apart neither by the answer nor by the time it takes.
pub(crate) async fn sign_in(
    app: &App,
    name: &str,
    given: &str,
    address: &str,
) -> Result<HeaderValue, ApiError> {
    let name: String = name.trim().chars().take(LONGEST_NAME).collect();
    let now = app.now();
    lockout::take_try(app, &name, address, now).await?;
    let user = sessions::user_named(app, &name).await?;
    let is_right =
        password::is_right(given, user.as_ref().map(|user| user.password_hash.as_str())).await?;
    let Some(user) = user.filter(|_| is_right) else {
        tracing::warn!("a sign-in from {address} failed");
        return Err(ApiError::Unauthenticated(
            "the name or the password is wrong".to_owned(),
        ));
    };
    let actor = Actor {
        name: user.name.clone(),
        address: address.to_owned(),
    };
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    login_failures::clear(&mut tx, &name)
        .await
        .map_err(anyhow::Error::from)?;
    journal::record(
        &mut tx,
        &actor,
        "sign_in",
        &format!("user {}", user.name),
        "",
        now,
    )
    .await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    Ok(sessions::begin(app, user.id, now).await?)
}

/// Signs a person out; the answer takes the cookie away.
pub(crate) async fn sign_out(app: &App, signed_in: &SignedIn) -> Result<HeaderValue, ApiError> {
    sessions::end(app, signed_in).await?;
    Ok(cookie::clear()?)
}
