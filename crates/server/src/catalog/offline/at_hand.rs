//! The files of imported sources: from what was imported, never from the network.

use fleetmend_model::recipe::Checksum;
use fleetmend_store::carried_catalogs;
use fleetmend_store::fetched_files::{self, FetchedFile};
use fleetmend_store::sources::Source;

use super::super::digest::{Sums, each_part};
use super::super::fetch::{FetchError, shown};
use super::super::store_file::{Fetched, at_hand};
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
    fetched_files::put_many(&mut tx, &[file], app.now()).await?;
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
    let known = fetched_files::get(&app.db, &address, named)
        .await
        .map_err(internal)?;
    let Some(known) = known.filter(|it| app.blobs.has(&it.sha256)) else {
        let import = carried_catalogs::of_source(&app.db, source.id)
            .await
            .map_err(internal)?;
        return Err(FetchError::NotImported {
            url: address,
            made_at: import.map_or_else(String::new, |it| time(it.made_at)),
        });
    };
    let mut sums = Sums::new(&address, wanted)?;
    let disk = |error| FetchError::Disk {
        url: address.clone(),
        error,
    };
    let file = app.blobs.get(&known.sha256).map_err(disk)?;
    let summed = tokio::task::spawn_blocking(move || {
        each_part(file, |part| sums.update(part)).map(|()| sums)
    });
    let sums = summed
        .await
        .map_err(|error| FetchError::Internal(error.into()))?
        .map_err(disk)?;
    if let Some(wanted) = wanted {
        sums.check(&address, wanted)?;
    }
    Ok(Fetched {
        sha256: sums.sha256(),
        length: sums.length(),
    })
}
