//! The files of imported sources: from what was imported, never from the network.

use fleetmend_model::recipe::Checksum;
use fleetmend_store::carried_catalogs;
use fleetmend_store::fetched_files::{self, FetchedFile};
use fleetmend_store::sources::Source;

use super::super::digest::Sums;
use super::super::fetch::{FetchError, shown};
use super::super::store_file::{Fetched, at_hand, disk, kept, summed};
use crate::api::time;
use crate::app::App;

/// Notes what stands behind an address, so that an export can tell.
pub async fn note(
    app: &App,
    address: &str,
    named: Option<&Checksum>,
    fetched: &Fetched,
) -> anyhow::Result<()> {
    let file = FetchedFile {
        address: shown(address),
        named: fetched_files::named(named),
        sha256: fetched.sha256.clone(),
    };
    let mut tx = app.db.begin().await?;
    fetched_files::put_fetched(&mut tx, &file, app.now()).await?;
    Ok(tx.commit().await?)
}

/// The file behind an address for which a package names a digest. It must have the digest `wanted`:
/// that one, or what a person accepted in its place.
pub async fn file(
    app: &App,
    source: &Source,
    address: &str,
    named: Option<&Checksum>,
    wanted: Option<&Checksum>,
) -> Result<Fetched, FetchError> {
    if let Some(found) = wanted.and_then(|it| at_hand(&app.blobs, it)) {
        return Ok(found);
    }
    let address = shown(address);
    let internal = |error: fleetmend_store::Error| FetchError::Internal(error.into());
    // Before the file is looked for: an import that comes in between may bring it.
    let import = carried_catalogs::of_source(&app.db, source.id)
        .await
        .map_err(internal)?;
    let known = fetched_files::get(&app.db, source.id, &address, named)
        .await
        .map_err(internal)?;
    let Some(found) = known.and_then(|it| kept(&app.blobs, &it.sha256)) else {
        let (import, made_at) =
            import.map_or_else(Default::default, |(row, it)| (Some(row), time(it.made_at)));
        return Err(FetchError::NotImported {
            url: address,
            made_at,
            import,
        });
    };
    if let Some(wanted) = wanted {
        let sums = Sums::new(&address, Some(wanted))?;
        let file = app.blobs.get(&found.sha256);
        let file = file.map_err(|error| disk(&address, error))?;
        summed(&address, file, sums)
            .await?
            .check(&address, wanted)?;
    }
    Ok(found)
}
