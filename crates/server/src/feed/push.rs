//! `PUT /feed/v2/` adds a package version, and so does `POST`; `DELETE /feed/v2/{id}/{version}` hides
//! one.

use std::sync::Arc;

use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest as _, OriginalUri, Request, State};
use fleetmend_chocolatey::gallery;
use fleetmend_store::feed_packages::Provenance;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};

use super::add::add_incoming;
use super::answer::Refusal;
use super::incoming::broken;
use super::listing::set_listed;
use super::read::below;
use super::{access, incoming};
use crate::app::App;
use crate::net::before_file::{Began, NoFile};
use crate::people::Actor;
use crate::people::Address;

/// Where clients send several requests in one, such as those whose address would be too long.
const BATCH: &str = "/$batch";

/// Adds a version. One that is there never changes: the answer is 409.
pub(super) async fn push(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    Address(address): Address,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let headers = request.headers();
    if below(&uri) == BATCH {
        access::reader(&app, headers)?;
        let text = "the feed takes no batches of requests: ask for fewer packages at once";
        return Err(Refusal::Missing(text.to_owned()));
    }
    let key = access::pusher(&app, headers)?;
    // Whoever has no room says so before the bytes.
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse().ok());
    app.blobs.check_room(length.unwrap_or(0))?;
    let began = Began::default();
    let multipart = Multipart::from_request(began.limit(request), &()).await;
    let mut multipart = multipart.map_err(|error| {
        Refusal::Bad(format!(
            "a package is pushed as multipart/form-data: {error}"
        ))
    })?;
    let field = multipart
        .next_field()
        .await
        .map_err(not_begun)?
        .ok_or_else(|| Refusal::Bad("the request has no file".to_owned()))?;
    began.note();
    let incoming = incoming::receive(&app, field).await?;
    let actor = Actor {
        name: format!("feed key {}", key.name),
        address,
    };
    let added = add_incoming(&app, incoming, Provenance::Pushed, &actor).await?;
    if added.is_new {
        return Ok(StatusCode::CREATED);
    }
    let text = format!("the feed has {} {} already", added.id, added.version);
    Err(Refusal::Conflict(text))
}

fn not_begun(error: MultipartError) -> Refusal {
    if NoFile::is_cause_of(&error) {
        return Refusal::Bad(format!("the request was not read to its end: {NoFile}"));
    }
    broken(error)
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
