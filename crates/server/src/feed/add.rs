//! Taking a nupkg into the feed: pushed by a person, or brought by the mirror.

use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_chocolatey::dependency::DependencyError;
use fleetmend_chocolatey::nupkg::{Limits, NupkgError, NupkgIn};
use fleetmend_store::feed_packages::{self, NewFeedPackage, Provenance};
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::{Read, files};
use ring::digest::{Context, SHA512};

use super::incoming::Incoming;
use super::{download, item, note_change};
use crate::app::App;
use crate::catalog::{digest, own};
use crate::journal;
use crate::people::Actor;

/// Why a nupkg did not come into the feed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Chocolatey could not unpack it, or it would write outside of its folder.
    #[error("the package was not taken: {0}")]
    Unusable(#[from] NupkgError),
    /// Chocolatey 2.x gives up every list that has such a dependency in it.
    #[error("the package was not taken: {0}")]
    Dependency(#[from] DependencyError),
    /// The feed has this version, with other bytes. A version never changes.
    #[error("the feed has another package of this version already: {0}")]
    Taken(String),
    /// The server itself.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<fleetmend_store::Error> for AddError {
    fn from(error: fleetmend_store::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// A version that is in the feed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its id, as its manifest writes it.
    pub id: String,
    /// Its version, normalised.
    pub version: String,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Takes a nupkg into the feed that the mirror has under its SHA-256 (lower-case hexadecimal), and
/// notes who did. One that the feed has already, byte for byte, changes nothing.
pub async fn add(
    app: &Arc<App>,
    sha256: &str,
    provenance: Provenance,
    actor: &Actor,
) -> Result<Added, AddError> {
    let (blobs, named) = (app.blobs.clone(), sha256.to_owned());
    let looked_at = tokio::task::spawn_blocking(move || {
        let reader = blobs.reader(&named).context("a package cannot be read")?;
        let sha512 = sha512(reader.clone()).context("a package cannot be read")?;
        examine(reader, named, sha512)
    });
    let nupkg = looked_at.await.context("a package cannot be read")??;
    record(app, nupkg, provenance, actor).await
}

/// Takes a package that came in into the feed, and notes who did.
pub(super) async fn add_incoming(
    app: &Arc<App>,
    incoming: Incoming,
    provenance: Provenance,
    actor: &Actor,
) -> Result<Added, AddError> {
    let Incoming { file, nupkg } = incoming;
    // What does not come into the feed is not kept.
    if let Some(known) = known(&nupkg, &app.db).await? {
        return Ok(known);
    }
    let (blobs, sha256) = (app.blobs.clone(), nupkg.sha256.clone());
    let kept = tokio::task::spawn_blocking(move || blobs.keep(file, &sha256));
    let kept = kept.await.context("a package cannot be stored")?;
    kept.context("a package cannot be stored")?;
    record(app, nupkg, provenance, actor).await
}

async fn record(
    app: &Arc<App>,
    nupkg: Nupkg,
    provenance: Provenance,
    actor: &Actor,
) -> Result<Added, AddError> {
    let action = match &provenance {
        Provenance::Pushed => "push_feed_package",
        Provenance::Mirrored(_) | Provenance::Internalized(..) => "mirror_feed_package",
    };
    let now = app.now();
    let mut tx = app.db.begin().await?;
    if let Some(known) = known(&nupkg, &mut tx).await? {
        return Ok(known);
    }
    let (added, package, version_key) = (nupkg.added(true), nupkg.package, nupkg.version_key);
    let new = NewFeedPackage {
        package: package.clone(),
        version_key: version_key.clone(),
        nuspec: nupkg.manifest,
        sha256: nupkg.sha256,
        sha512: nupkg.sha512,
        provenance,
        added_by: actor.name.clone(),
    };
    files::insert(&mut tx, &new.sha256, nupkg.length, now).await?;
    feed_packages::insert(&mut tx, &new, now).await?;
    note_change(&mut tx).await?;
    if new.provenance == Provenance::Pushed {
        own::note_change(app, &mut tx, now).await?;
    }
    let subject = format!("{} {}", added.id, added.version);
    journal::record(&mut tx, actor, action, &subject, &new.sha256, now).await?;
    let stored = feed_packages::get(&mut tx, &package, &version_key)
        .await?
        .context("a package that was just stored is gone")?;
    tx.commit().await?;
    let item = item(&stored)?;
    app.feed.change(|gallery| gallery.insert(item));
    app.jobs_due.notify_one();
    app.touch();
    Ok(added)
}

/// The version, if the feed has it already, byte for byte.
async fn known(nupkg: &Nupkg, mut from: impl Read) -> Result<Option<Added>, AddError> {
    let known = feed_packages::get(&mut from, &nupkg.package, &nupkg.version_key).await?;
    match known {
        None => Ok(None),
        Some(it) if it.what.sha256 == nupkg.sha256 => Ok(Some(nupkg.added(false))),
        Some(_) => Err(AddError::Taken(format!("{} {}", nupkg.id, nupkg.version))),
    }
}

/// What the feed keeps of a nupkg.
pub(super) struct Nupkg {
    /// As the manifest writes it.
    id: String,
    /// Normalised.
    version: String,
    /// What it is stored under.
    package: String,
    version_key: String,
    manifest: Vec<u8>,
    sha256: String,
    /// Base64.
    sha512: String,
    /// In bytes.
    length: u64,
}

impl Nupkg {
    fn added(&self, is_new: bool) -> Added {
        Added {
            id: self.id.clone(),
            version: self.version.clone(),
            is_new,
        }
    }
}

/// Looks at a nupkg: one that Chocolatey could not unpack, or that would write outside of its
/// folder, does not come into the feed.
pub(super) fn examine(
    reader: FileReader,
    sha256: String,
    sha512: String,
) -> Result<Nupkg, AddError> {
    let length = reader.length();
    let nupkg = NupkgIn::open(reader, &Limits::default())?;
    let nuspec = nupkg.nuspec();
    for dependency in &nuspec.dependencies {
        dependency.check()?;
    }
    let (package, version_key) = download::key_of(&nuspec.id, &nuspec.normalised);
    Ok(Nupkg {
        id: nuspec.id.clone(),
        version: nuspec.normalised.to_string(),
        package,
        version_key,
        manifest: nupkg.manifest().to_vec(),
        sha256,
        sha512,
        length,
    })
}

/// A file's SHA-512, Base64.
fn sha512(file: FileReader) -> io::Result<String> {
    let mut sha512 = Context::new(&SHA512);
    digest::each_part(file, |part| sha512.update(part))?;
    Ok(STANDARD.encode(sha512.finish()))
}
