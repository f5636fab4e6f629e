//! Who may read the feed, and who may change it.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_store::feed_keys::FeedKey;
use http::HeaderMap;
use http::header::AUTHORIZATION;

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
