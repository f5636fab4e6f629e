//! Who may read the feed, and who may change it.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_store::feed_keys::FeedKey;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};

use super::answer::Refusal;
use crate::app::App;
use crate::people::secret;

/// NuGet's header for keys that push.
const API_KEY: &str = "x-nuget-apikey";

/// Lets a reader in: everybody where the feed is open, otherwise those who show a key as the
/// password of Basic authentication.
pub(super) fn reader(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    if app.feed.is_open() || key(app, headers).is_some() {
        return Ok(());
    }
    Err(Refusal::WhoAreYou)
}

/// The key of one who may change the feed.
pub(super) fn pusher(app: &App, headers: &HeaderMap) -> Result<FeedKey, Refusal> {
    if is_from_elsewhere(headers) {
        let text = "a page of another site may not change the feed";
        return Err(Refusal::Denied(text.to_owned()));
    }
    let Some(key) = key(app, headers) else {
        // After 401 clients ask for a name and a password, which a wrong key is not about.
        return Err(if headers.contains_key(API_KEY) {
            Refusal::Denied("the key is not one of this feed's, or has expired".to_owned())
        } else {
            Refusal::WhoAreYou
        });
    };
    if key.can_push {
        return Ok(key);
    }
    Err(Refusal::Denied(format!(
        "the key '{}' can read and not push",
        key.name
    )))
}

/// Whether a page of another site makes a browser ask, which shows a password that it was given once to
/// everybody's requests. Clients of NuGet and Chocolatey say nothing of where they come from.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let site = text("sec-fetch-site");
    let origin = text(ORIGIN.as_str()).map(|it| it.split_once("://").unwrap_or_default().1);
    site.is_some_and(|it| !["same-origin", "none"].contains(&it))
        || origin.is_some_and(|it| Some(it) != text(HOST.as_str()))
}

fn key(app: &App, headers: &HeaderMap) -> Option<FeedKey> {
    let shown = [
        headers
            .get(API_KEY)
            .and_then(|it| it.to_str().ok().map(str::to_owned)),
        password(headers),
    ];
    let keys = app.feed.keys.read().unwrap_or_else(PoisonError::into_inner);
    let now = app.now();
    shown
        .into_iter()
        .flatten()
        .find_map(|it| keys.get(&secret::digest(it.trim())))
        .filter(|key| key.expires_at > now)
        .cloned()
}

/// The password of Basic authentication; the name does not matter.
fn password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    Some(decoded.split_once(':')?.1.to_owned())
}
