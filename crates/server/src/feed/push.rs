//! `PUT /feed/v2/` adds a package version, `DELETE /feed/v2/{id}/{version}` hides one.

use std::sync::Arc;

use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{OriginalUri, State};
use fleetmend_chocolatey::gallery;
use http::{HeaderMap, StatusCode};

use super::add::add_incoming;
use super::answer::Refusal;
use super::incoming::broken;
use super::listing::set_listed;
use super::read::below;
use super::{access, incoming};
use crate::app::App;
use crate::people::Actor;
use crate::people::Address;

/// Adds a version. One that is there never changes: the answer is 409.
pub(super) async fn push(
    State(app): State<Arc<App>>,
    Address(address): Address,
    headers: HeaderMap,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<StatusCode, Refusal> {
    let key = access::pusher(&app, &headers)?;
    let mut multipart = multipart.map_err(|error| {
        Refusal::Bad(format!(
            "a package is pushed as multipart/form-data: {error}"
        ))
    })?;
    let field = multipart
        .next_field()
        .await
        .map_err(broken)?
        .ok_or_else(|| Refusal::Bad("the request has no file".to_owned()))?;
    let incoming = incoming::receive(&app, field).await?;
    let actor = Actor {
        name: format!("feed key {}", key.name),
        address,
    };
    let added = add_incoming(&app, incoming, &actor).await?;
    if added.is_new {
        return Ok(StatusCode::CREATED);
    }
    let text = format!("the feed has {} {} already", added.id, added.version);
    Err(Refusal::Conflict(text))
}

/// Hides a version from lists, as NuGet's galleries do: who names it gets it all the same.
pub(super) async fn hide(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    Address(address): Address,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let key = access::pusher(&app, &headers)?;
    let (id, version) = gallery::named_version(below(&uri))
        .ok_or_else(|| Refusal::Bad("name a package and a version".to_owned()))?;
    let actor = Actor {
        name: format!("feed key {}", key.name),
        address,
    };
    set_listed(&app, &id, &version, false, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
