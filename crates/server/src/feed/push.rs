//! `PUT /feed/v2/` adds a package version, `DELETE …/{id}/{version}` hides one.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{OriginalUri, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_chocolatey::gallery::Resource;
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_store::feed_packages::{self, NewFeedPackage, Origin};
use fleetmend_store::files;
use http::{HeaderMap, StatusCode};
use ring::digest::{Context, SHA256, SHA512};

use super::answer::Refusal;
use super::{access, download, item, note_change, read};
use crate::app::App;
use crate::journal;
use crate::people::Actor;
use crate::people::Address;

/// The largest package that can be pushed, in bytes. It is read in memory.
const MAX_PUSH: u64 = 512 * 1024 * 1024;

/// A nupkg that came in, stored under its digest.
struct Incoming {
    sha256: String,
    sha512: String,
    length: u64,
}

/// Adds a version. One that is there never changes: the answer is 409.
pub(super) async fn push(
    State(app): State<Arc<App>>,
    Address(address): Address,
    headers: HeaderMap,
    multipart: Result<Multipart, axum::extract::multipart::MultipartRejection>,
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
    let incoming = receive(&app, field).await?;
    let actor = Actor {
        name: format!("feed key {}", key.name),
        address,
    };
    add(&app, incoming, &actor).await?;
    Ok(StatusCode::CREATED)
}

/// Hides a version from lists, as NuGet's galleries do: who names it gets it all the same.
pub(super) async fn hide(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    Address(address): Address,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let key = access::pusher(&app, &headers)?;
    let named = read::request(&uri)?.resource;
    let (Resource::Download {
        id,
        version: Some(version),
    }
    | Resource::Package { id, version }) = named
    else {
        return Err(Refusal::Bad("name a package and a version".to_owned()));
    };
    let found = app
        .feed
        .read(|gallery| gallery.get(&id, Some(&version)).cloned());
    let mut item =
        found.ok_or_else(|| Refusal::Missing(format!("the feed has no {id} {version}")))?;
    let (package, version_key) = download::key_of(&item.nuspec.id, &item.nuspec.normalised);
    let actor = Actor {
        name: format!("feed key {}", key.name),
        address,
    };
    let subject = format!("{} {}", item.nuspec.id, item.nuspec.normalised);
    let mut tx = app.db.begin().await?;
    feed_packages::set_listed(&mut tx, &package, &version_key, false).await?;
    note_change(&mut tx).await?;
    journal::record(
        &mut tx,
        &actor,
        "hide_feed_package",
        &subject,
        "",
        app.now(),
    )
    .await?;
    tx.commit().await?;
    item.listed = false;
    app.feed.change(|gallery| gallery.insert(item));
    Ok(StatusCode::NO_CONTENT)
}

fn broken(error: MultipartError) -> Refusal {
    Refusal::Bad(format!("the request broke off: {}", error.body_text()))
}

async fn receive(app: &App, mut field: Field<'_>) -> Result<Incoming, Refusal> {
    let disk = |error: std::io::Error| {
        Refusal::Internal(anyhow::Error::new(error).context("a pushed package cannot be stored"))
    };
    let mut file = app.blobs.incoming().map_err(disk)?;
    let (mut sha256, mut sha512) = (Context::new(&SHA256), Context::new(&SHA512));
    let mut length = 0;
    while let Some(part) = field.chunk().await.map_err(broken)? {
        length += part.len() as u64;
        if length > MAX_PUSH {
            let text = format!("a package may have {MAX_PUSH} bytes at most");
            return Err(Refusal::TooLarge(text));
        }
        sha256.update(&part);
        sha512.update(&part);
        file.write_all(&part).map_err(disk)?;
    }
    let sha256 = fleetmend_trust::hex(sha256.finish().as_ref());
    file.as_file_mut().seek(SeekFrom::Start(0)).map_err(disk)?;
    app.blobs.keep(file, &sha256).map_err(disk)?;
    Ok(Incoming {
        sha256,
        sha512: STANDARD.encode(sha512.finish()),
        length,
    })
}

async fn add(app: &Arc<App>, incoming: Incoming, actor: &Actor) -> Result<(), Refusal> {
    let nuspec = manifest(app, &incoming.sha256).await?;
    let parsed = fleetmend_chocolatey::nuspec::parse_nuspec(&nuspec)
        .map_err(|error| Refusal::Bad(error.to_string()))?;
    let (package, version_key) = download::key_of(&parsed.id, &parsed.normalised);
    let new = NewFeedPackage {
        package: package.clone(),
        version_key: version_key.clone(),
        nuspec,
        sha256: incoming.sha256,
        sha512: incoming.sha512,
        origin: Origin::Pushed,
        added_by: actor.name.clone(),
    };
    let now = app.now();
    let mut tx = app.db.begin().await?;
    files::insert(&mut tx, &new.sha256, incoming.length, now).await?;
    feed_packages::insert(&mut tx, &new, now).await?;
    note_change(&mut tx).await?;
    let subject = format!("{} {}", parsed.id, parsed.normalised);
    journal::record(
        &mut tx,
        actor,
        "push_feed_package",
        &subject,
        &new.sha256,
        now,
    )
    .await?;
    let stored = feed_packages::get(&mut tx, &package, &version_key)
        .await?
        .context("a package that was just stored is gone")?;
    tx.commit().await?;
    let item = item(&stored)?;
    app.feed.change(|gallery| gallery.insert(item));
    app.touch();
    Ok(())
}

/// The manifest of a stored nupkg, which is read whole: a package that Chocolatey could not unpack,
/// or that would write outside of its folder, does not come into the feed.
async fn manifest(app: &App, sha256: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = app
        .blobs
        .read(sha256, MAX_PUSH)
        .context("a pushed package cannot be read")?;
    let read = tokio::task::spawn_blocking(move || {
        let nupkg = Nupkg::read(&bytes, &Limits::default())?;
        Ok::<_, fleetmend_chocolatey::nupkg::NupkgError>(nupkg.manifest().to_vec())
    });
    let nuspec = read.await.context("a package cannot be read")?;
    nuspec.map_err(|error| Refusal::Bad(format!("the package was not taken: {error}")))
}
