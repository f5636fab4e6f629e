//! Gets files into the store under their digest: from outside, on from where a download broke off,
//! and from inside of packages.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime};

use fleetmend_model::recipe::Checksum;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::partials::{self, Partial};
use fleetmend_trust::digest_hex;
use http::{HeaderMap, StatusCode};
use reqwest::Url;

use super::digest::Sums;
use super::fetch::{self, Ask, FetchError, shown};
use super::resume::{self, Brings, Note};
use crate::app::App;

/// How long a part is kept that nobody adds to.
const KEEP_PARTS: Duration = Duration::from_hours(7 * 24);
/// Bytes read at a time from the disk.
const BLOCK: usize = 256 * 1024;

/// A file that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
}

/// Stores a file from outside under its digest, if it is the one that the package names.
///
/// A file whose digest is named goes on from where an earlier download of it broke off: the digest
/// is that of the whole. One that is here already is not asked for.
pub async fn from_outside(
    app: &App,
    ask: &Ask<'_>,
    checksum: Option<&Checksum>,
) -> Result<Fetched, FetchError> {
    let Some(checksum) = checksum else {
        return fetch_whole(app, ask).await;
    };
    let key =
        digest_hex(format!("{}\n{}\n{}", checksum.algorithm, checksum.hex, ask.url).as_bytes());
    let _turn = app.downloads.take(&key).await;
    if let Some(found) = at_hand(&app.blobs, checksum) {
        return Ok(found);
    }
    let disk = |error| disk(ask, error);
    if let Some(time) = SystemTime::now().checked_sub(KEEP_PARTS) {
        partials::clear_older(&app.blobs, time).map_err(disk)?;
    }
    let mut partial = Partial::open(&app.blobs, &key).map_err(disk)?;
    let was_broken_off = partial.length() > 0;
    let mut sums = complete(app, ask, checksum, &mut partial).await?;
    if was_broken_off && sums.check(ask.url, checksum).is_err() {
        // Parts of two files, perhaps: only the whole of one is believed to be the wrong one.
        partial.clear().map_err(disk)?;
        sums = complete(app, ask, checksum, &mut partial).await?;
    }
    if let Err(mismatch) = sums.check(ask.url, checksum) {
        partial.remove();
        return Err(mismatch);
    }
    let (sha256, length) = (sums.sha256(), sums.length());
    partial.keep(&app.blobs, &sha256).map_err(disk)?;
    Ok(Fetched { sha256, length })
}

fn disk(ask: &Ask<'_>, error: std::io::Error) -> FetchError {
    FetchError::Disk {
        url: shown(ask.url),
        error,
    }
}

/// The file that a SHA-256 names, where it was stored before.
fn at_hand(blobs: &Blobs, checksum: &Checksum) -> Option<Fetched> {
    let sha256 = checksum.hex.to_lowercase();
    let file = (checksum.algorithm == "sha256").then(|| blobs.get(&sha256))?;
    let length = file.ok()?.metadata().ok()?.len();
    Some(Fetched { sha256, length })
}

/// A file whose digest nobody names: in one piece.
async fn fetch_whole(app: &App, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
    let disk = |error| disk(ask, error);
    let mut sums = Sums::new(ask.url, None)?;
    let mut file = app.blobs.incoming().map_err(disk)?;
    let take = |part: &[u8]| {
        sums.update(part);
        file.write_all(part).map_err(disk)
    };
    let address = fetch::turn(app, ask, false).await?;
    let receive = async {
        let answer = fetch::open(app, ask, &address, false, &HeaderMap::new(), &[]).await?;
        fetch::pour(ask, answer, 0, take).await
    };
    fetch::in_time(ask, receive).await?;
    let (sha256, length) = (sums.sha256(), sums.length());
    file.as_file_mut().seek(SeekFrom::Start(0)).map_err(disk)?;
    app.blobs.keep(file, &sha256).map_err(disk)?;
    Ok(Fetched { sha256, length })
}

/// Gets what a partial file lacks; gives the digests of the whole.
async fn complete(
    app: &App,
    ask: &Ask<'_>,
    checksum: &Checksum,
    partial: &mut Partial,
) -> Result<Sums, FetchError> {
    let before = partial.length();
    loop {
        let address = fetch::turn(app, ask, true).await?;
        let receive = receive_rest(app, ask, &address, checksum, partial);
        let cause = match fetch::in_time(ask, receive).await {
            Ok(Some(sums)) => return Ok(sums),
            Ok(None) => {
                partial.clear().map_err(|error| disk(ask, error))?;
                continue;
            }
            Err(FetchError::Unreachable { cause, .. }) if partial.length() > 0 => cause,
            Err(error) => {
                // Another try would be no better with what is here, or there is no room for it.
                if matches!(error, FetchError::TooLarge { .. } | FetchError::Disk { .. }) {
                    partial.clear().map_err(|error| disk(ask, error))?;
                }
                return Err(error);
            }
        };
        return Err(FetchError::BrokeOff {
            url: shown(ask.url),
            cause,
            length: partial.length(),
            total: Note::from_text(&partial.note().unwrap_or_default()).total,
            gained: partial.length().saturating_sub(before),
        });
    }
}

/// One request for what is lacking. Nothing comes back where the answer does not fit to what is here.
async fn receive_rest(
    app: &App,
    ask: &Ask<'_>,
    address: &Url,
    checksum: &Checksum,
    partial: &mut Partial,
) -> Result<Option<Sums>, FetchError> {
    let disk = |error| disk(ask, error);
    let have = partial.length();
    let note = Note::from_text(&partial.note().unwrap_or_default());
    let headers = resume::headers(have, &note);
    let unsatisfiable = [StatusCode::RANGE_NOT_SATISFIABLE];
    let also = if have > 0 { &unsatisfiable[..] } else { &[] };
    let answer = fetch::open(app, ask, address, true, &headers, also).await?;
    let mut sums = Sums::new(ask.url, Some(checksum))?;
    match resume::brings(answer.status(), answer.headers(), have) {
        Brings::Whole => {
            partial.clear().map_err(disk)?;
            let note = Note::of(answer.headers());
            partial.set_note(&note.to_text()).map_err(disk)?;
        }
        Brings::Rest => sums = summed(ask, partial, sums).await?,
        Brings::Nothing => return Ok(Some(summed(ask, partial, sums).await?)),
        // A part that nobody asked for.
        Brings::Unfit if have == 0 => {
            return Err(FetchError::Status {
                url: shown(ask.url),
                status: answer.status().as_u16(),
            });
        }
        Brings::Unfit => return Ok(None),
    }
    let have = partial.length();
    let take = |part: &[u8]| {
        sums.update(part);
        partial.append(part).map_err(disk)
    };
    fetch::pour(ask, answer, have, take).await?;
    Ok(Some(sums))
}

/// Takes what is here of a file into its digests.
async fn summed(ask: &Ask<'_>, partial: &Partial, mut sums: Sums) -> Result<Sums, FetchError> {
    let mut file = partial.reader().map_err(|error| disk(ask, error))?;
    let read = tokio::task::spawn_blocking(move || {
        let mut block = vec![0; BLOCK];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(sums),
                length => sums.update(&block[..length]),
            }
        }
    });
    read.await
        .map_err(|error| FetchError::Internal(error.into()))?
        .map_err(|error| disk(ask, error))
}

/// Stores bytes that are at hand (a file inside a package) under their digest.
pub fn from_bytes(
    name: &str,
    bytes: &[u8],
    checksum: Option<&Checksum>,
    blobs: &Blobs,
) -> Result<Fetched, FetchError> {
    let disk = |error| FetchError::Disk {
        url: name.to_owned(),
        error,
    };
    let mut sums = Sums::new(name, checksum)?;
    sums.update(bytes);
    if let Some(checksum) = checksum {
        sums.check(name, checksum)?;
    }
    let mut file = blobs.incoming().map_err(disk)?;
    file.write_all(bytes).map_err(disk)?;
    let sha256 = sums.sha256();
    blobs.keep(file, &sha256).map_err(disk)?;
    Ok(Fetched {
        sha256,
        length: bytes.len() as u64,
    })
}
