//! Taking a nupkg into the feed: pushed by a person, or brought by the mirror.

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_chocolatey::dependency::{Dependency, Range};
use fleetmend_chocolatey::nupkg::{Limits, Nupkg, NupkgError};
use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::feed_packages::{self, NewFeedPackage, Provenance};
use fleetmend_store::files;
use ring::digest::{Context, SHA512};

use super::{download, item, note_change};
use crate::app::App;
use crate::catalog::folder::MAX_NUPKG;
use crate::catalog::own;
use crate::journal;
use crate::people::Actor;

/// How much of a nupkg is in memory at a time while it is digested, in bytes.
const PART: usize = 256 * 1024;

/// Why a nupkg did not come into the feed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Chocolatey could not unpack it, or it would write outside of its folder.
    #[error("the package was not taken: {0}")]
    Unusable(#[from] NupkgError),
    /// Chocolatey 2.x gives up every list that has such a range in it.
    #[error(
        "the package was not taken: Chocolatey cannot read the range '{range}' of its dependency {dependency}"
    )]
    Range {
        /// The dependency's id.
        dependency: String,
        /// The range as written.
        range: String,
    },
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
    let looked_at = tokio::task::spawn_blocking(move || examine(&blobs, &named));
    let examined = looked_at.await.context("a package cannot be read")??;
    let nuspec = parse_nuspec(&examined.nuspec).map_err(NupkgError::from)?;
    check_ranges(&nuspec.dependencies)?;
    let (package, version_key) = download::key_of(&nuspec.id, &nuspec.normalised);
    let added = Added {
        id: nuspec.id,
        version: nuspec.normalised.to_string(),
        is_new: true,
    };
    let name = format!("{} {}", added.id, added.version);
    let action = match &provenance {
        Provenance::Pushed => "push_feed_package",
        Provenance::Mirrored(_) | Provenance::Internalized(_) => "mirror_feed_package",
    };
    let now = app.now();
    let mut tx = app.db.begin().await?;
    if let Some(there) = feed_packages::get(&mut tx, &package, &version_key).await? {
        if there.what.sha256 == sha256 {
            return Ok(Added {
                is_new: false,
                ..added
            });
        }
        return Err(AddError::Taken(name));
    }
    let new = NewFeedPackage {
        package: package.clone(),
        version_key: version_key.clone(),
        nuspec: examined.nuspec,
        sha256: sha256.to_owned(),
        sha512: examined.sha512,
        provenance,
        added_by: actor.name.clone(),
    };
    files::insert(&mut tx, sha256, examined.length, now).await?;
    feed_packages::insert(&mut tx, &new, now).await?;
    note_change(&mut tx).await?;
    if new.provenance == Provenance::Pushed {
        own::note_change(app, &mut tx, now).await?;
    }
    journal::record(&mut tx, actor, action, &name, sha256, now).await?;
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

/// Ranges that NuGet reads; `1.*` it does as well.
fn check_ranges(dependencies: &[Dependency]) -> Result<(), AddError> {
    let unread = dependencies.iter().find_map(|it| {
        let range = it.range.as_deref()?;
        let is_read = range.contains('*') || Range::parse(range).is_ok();
        (!is_read).then(|| (it.id.clone(), range.to_owned()))
    });
    match unread {
        None => Ok(()),
        Some((dependency, range)) => Err(AddError::Range { dependency, range }),
    }
}

/// What the feed keeps of a nupkg.
struct Examined {
    nuspec: Vec<u8>,
    /// Base64.
    sha512: String,
    /// In bytes.
    length: u64,
}

/// Reads a nupkg's manifest and digests it.
fn examine(blobs: &Blobs, sha256: &str) -> Result<Examined, AddError> {
    let bytes = blobs
        .read(sha256, MAX_NUPKG)
        .context("a package cannot be read")?;
    let nuspec = Nupkg::read(&bytes, &Limits::default())?.manifest().to_vec();
    let mut file = blobs.get(sha256).context("a package cannot be read")?;
    let mut sha512 = Context::new(&SHA512);
    let mut length = 0;
    let mut part = vec![0; PART];
    loop {
        let read = file.read(&mut part).context("a package cannot be read")?;
        if read == 0 {
            break;
        }
        sha512.update(&part[..read]);
        length += read as u64;
    }
    Ok(Examined {
        nuspec,
        sha512: STANDARD.encode(sha512.finish()),
        length,
    })
}
