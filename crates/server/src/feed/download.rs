//! The nupkg of a version.

use axum::response::Response;
use fleetmend_store::feed_packages;
use fleetmend_versions::nuget::Version;
use http::HeaderMap;

use super::answer::Refusal;
use crate::app::App;
use crate::net::file_answer::{self, FileAnswer};

/// Streams it, whole or a range.
pub(super) async fn nupkg(
    app: &App,
    id: &str,
    version: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let missing = || Refusal::Missing(format!("the feed has no such version of {id}"));
    let key = app.feed.read(|gallery| {
        let item = gallery.get(id, version)?;
        Some(key_of(&item.nuspec.id, &item.nuspec.normalised))
    });
    let (package, version_key) = key.ok_or_else(missing)?;
    let stored = feed_packages::get(&app.db, &package, &version_key)
        .await?
        .ok_or_else(missing)?;
    let file = app.blobs.get(&stored.what.sha256).map_err(|error| {
        let text = format!("{package} {version_key} is not in the mirror");
        Refusal::Internal(anyhow::Error::new(error).context(text))
    })?;
    let answer = FileAnswer {
        file,
        length: stored.length,
        etag: stored.what.sha256,
        kind: "application/zip",
    };
    file_answer::respond(answer, headers)
        .map_err(|error| Refusal::Internal(anyhow::Error::new(error)))
}

/// What a version is stored under.
pub(super) fn key_of(id: &str, version: &Version) -> (String, String) {
    (id.to_lowercase(), version.to_string().to_lowercase())
}
