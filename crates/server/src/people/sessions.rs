//! Sessions: begun by a sign-in, carried by a cookie, over after a while without use.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use fleetmend_model::{Millis, UserId};
use fleetmend_store::{sessions, users};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::{Actor, address_of, cookie, secret};
use crate::app::App;
use crate::error::ApiError;

/// A session that was not used for so long is over.
const IDLE: Duration = Duration::from_hours(12);
/// A session is over after so long, however much it is used.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// How exactly its last use is written down.
const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// The header of changes through the REST API: the session's word against forged requests.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// The header of requests that a page makes by itself: an open page is not a person at work.
pub(crate) const LIVE_HEADER: &str = "x-live";

/// Begins a session; the answer sets its cookie.
pub(crate) async fn begin(app: &App, user: UserId, now: Millis) -> anyhow::Result<HeaderValue> {
    let token = secret::make()?;
    let csrf = secret::make()?;
    let mut tx = app.db.begin().await?;
    sessions::delete_expired(&mut tx, now).await?;
    sessions::insert(
        &mut tx,
        &secret::digest(&token),
        user,
        &csrf,
        now,
        now + IDLE,
    )
    .await?;
    tx.commit().await?;
    cookie::set(&token, LONGEST.as_secs())
}

/// Ends a session.
pub(crate) async fn end(app: &App, signed_in: &SignedIn) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    sessions::delete(&mut tx, &signed_in.token_sha256).await?;
    Ok(tx.commit().await?)
}

/// A person whose session is good: enough to read.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: sessions::Session,
    /// Who acts.
    pub actor: Actor,
    token_sha256: String,
}

impl SignedIn {
    /// Whether a word is the session's own: a request that carries it was made by our page.
    pub fn confirms(&self, csrf: &str) -> bool {
        secret::is_same(csrf, &self.session.csrf)
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let nobody = || ApiError::Unauthenticated("sign in first".to_owned());
        let token = cookie::token(&parts.headers).ok_or_else(nobody)?;
        let token_sha256 = secret::digest(token);
        let now = app.now();
        let session = sessions::get(&app.db, &token_sha256, now)
            .await
            .map_err(anyhow::Error::from)?
            .ok_or_else(nobody)?;
        if now.since(session.last_seen) > TOUCH_EVERY && !is_live(&parts.headers) {
            let ends = (now + IDLE).min(session.created_at + LONGEST);
            let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
            sessions::touch(&mut tx, &token_sha256, now, ends)
                .await
                .map_err(anyhow::Error::from)?;
            tx.commit().await.map_err(anyhow::Error::from)?;
        }
        let actor = Actor {
            name: session.user_name.clone(),
            address: address_of(parts),
        };
        Ok(Self {
            session,
            actor,
            token_sha256,
        })
    }
}

fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key(LIVE_HEADER)
}

/// A person whose request carries the session's word in a header: may change things by the API.
#[derive(Debug, Clone)]
pub struct Confirmed(pub SignedIn);

impl FromRequestParts<Arc<App>> for Confirmed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let given = parts
            .headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok());
        if given.is_some_and(|given| signed_in.confirms(given)) {
            return Ok(Self(signed_in));
        }
        Err(unconfirmed())
    }
}

/// The answer to a change without the session's word.
pub(crate) fn unconfirmed() -> ApiError {
    ApiError::Denied(
        "csrf",
        "the request does not carry this session's token: load the page again and repeat"
            .to_owned(),
    )
}

/// The user whose password is checked, unless they may not sign in.
pub(crate) async fn user_named(app: &App, name: &str) -> Result<Option<users::User>, ApiError> {
    let user = users::by_name(&app.db, name)
        .await
        .map_err(anyhow::Error::from)?;
    Ok(user.filter(|user| !user.disabled))
}
