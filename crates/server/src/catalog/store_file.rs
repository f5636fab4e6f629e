//! Gets files into the store under their digest: from outside, on from where a download broke off,
//! from the disk, and from inside of packages.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fleetmend_chocolatey::nupkg::{NupkgError, NupkgIn};
use fleetmend_model::recipe::Checksum;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::partials::{self, Partial};
use fleetmend_trust::digest_hex;
use http::{HeaderMap, StatusCode};
use reqwest::{Response, Url};
use tempfile::NamedTempFile;

use super::digest::{Sums, each_part};
use super::fetch::{self, Ask, FetchError, shown};
use super::resume::{self, Brings, Note};
use super::{regular, wrong_answer};
use crate::app::App;
use crate::disk_watch::DiskWatch;

/// How long a part is kept that nobody adds to.
const KEEP_PARTS: Duration = Duration::from_hours(7 * 24);

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
    let disk = |error| disk(ask.url, error);
    if let Some(time) = SystemTime::now().checked_sub(KEEP_PARTS) {
        partials::clear_older(&app.blobs, time).map_err(disk)?;
    }
    let mut partial = Partial::open(&app.blobs, &key).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => FetchError::Busy {
            url: shown(ask.url),
        },
        _ => disk(error),
    })?;
    let was_broken_off = partial.length() > 0;
    let mut sums = complete(app, ask, checksum, &mut partial).await?;
    if was_broken_off && sums.check(ask.url, checksum).is_err() {
        // Parts of two files, perhaps: only the whole of one is believed to be the wrong one.
        let most = noted(&partial).most.max(partial.length());
        partial.clear().map_err(disk)?;
        // What was here already is no step ahead when it comes once more.
        let note = Note {
            most,
            ..Note::default()
        };
        partial.set_note(&note.to_text()).map_err(disk)?;
        sums = complete(app, ask, checksum, &mut partial).await?;
    }
    if was_broken_off {
        // Several requests brought it: what counts is what lies on the disk.
        let file = partial.reader().map_err(disk)?;
        sums = summed(ask.url, file, Sums::new(ask.url, Some(checksum))?).await?;
    }
    if let Err(mismatch) = sums.check(ask.url, checksum) {
        let beginning = beginning(&partial).map_err(disk);
        partial.remove();
        return Err(wrong(mismatch, &beginning?));
    }
    let (sha256, length) = (sums.sha256(), sums.length());
    let (blobs, named) = (app.blobs.clone(), sha256.clone());
    // It is synced: of a large file that takes a slow disk long.
    let kept = tokio::task::spawn_blocking(move || partial.keep(&blobs, &named));
    kept.await.map_err(anyhow::Error::from)?.map_err(disk)?;
    Ok(Fetched { sha256, length })
}

/// What a file begins with.
fn beginning(partial: &Partial) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    let mut file = partial.reader()?.take(wrong_answer::BEGINNING as u64);
    file.read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// A mismatch of what a site gave.
fn wrong(mismatch: FetchError, beginning: &[u8]) -> FetchError {
    match mismatch {
        FetchError::Mismatch(file) => FetchError::Wrong {
            file,
            is_text: wrong_answer::is_text(beginning),
        },
        error => error,
    }
}

/// The file that a SHA-256 names, where it was stored before.
pub(super) fn at_hand(blobs: &Blobs, checksum: &Checksum) -> Option<Fetched> {
    let is_named_so = checksum.algorithm == "sha256";
    is_named_so.then(|| kept(blobs, &checksum.hex.to_lowercase()))?
}

/// The file of a SHA-256 (lower-case hexadecimal), where it is here.
pub(super) fn kept(blobs: &Blobs, sha256: &str) -> Option<Fetched> {
    let length = blobs.claim(sha256).ok()?.metadata().ok()?.len();
    let sha256 = sha256.to_owned();
    Some(Fetched { sha256, length })
}

/// A file whose digest nobody names: in one piece.
async fn fetch_whole(app: &App, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
    let address = fetch::turn(app, ask, false).await?;
    let answer = fetch::open(app, ask, &address, false, &HeaderMap::new(), &[]).await?;
    has_room(app, ask, &answer, 0)?;
    let mut incoming = Incoming::new(&app.blobs, ask.url, None)?;
    let take = |part: &[u8]| {
        incoming
            .write_all(part)
            .map_err(|error| disk(ask.url, error))
    };
    fetch::pour(ask, answer, 0, take).await?;
    let kept = tokio::task::spawn_blocking(move || incoming.keep(None));
    kept.await.map_err(anyhow::Error::from)?
}

/// Gets what a partial file lacks; gives the digests of the whole.
async fn complete(
    app: &App,
    ask: &Ask<'_>,
    checksum: &Checksum,
    partial: &mut Partial,
) -> Result<Sums, FetchError> {
    let before = noted(partial).most.max(partial.length());
    loop {
        let address = fetch::turn(app, ask, true).await?;
        match receive_rest(app, ask, &address, checksum, partial).await {
            Ok(Some(sums)) => return Ok(sums),
            Ok(None) => partial.clear().map_err(|error| disk(ask.url, error))?,
            // Another try would be no better with what is here, or there is no room for it.
            Err(error @ (FetchError::TooLarge { .. } | FetchError::Disk { .. })) => {
                partial.clear().map_err(|error| disk(ask.url, error))?;
                return Err(error);
            }
            Err(error) => return Err(broke_off(ask, partial, before, error)),
        }
    }
}

/// What a request that failed comes to, of a file of which `before` bytes at most were here at a time.
fn broke_off(ask: &Ask<'_>, partial: &Partial, before: u64, error: FetchError) -> FetchError {
    let length = partial.length();
    let note = Note {
        most: before.max(length),
        ..noted(partial)
    };
    // Without it the next try may count as a step ahead, no more.
    let _ = partial.set_note(&note.to_text());
    match error {
        FetchError::Unreachable { cause, .. } if length > 0 => FetchError::BrokeOff {
            url: shown(ask.url),
            cause,
            length,
            total: note.total,
            gained: length.saturating_sub(before),
        },
        error => error,
    }
}

/// What is noted of a part.
fn noted(partial: &Partial) -> Note {
    Note::from_text(&partial.note().unwrap_or_default())
}

/// One request for what is lacking. Nothing comes back where the answer does not fit to what is here.
async fn receive_rest(
    app: &App,
    ask: &Ask<'_>,
    address: &Url,
    checksum: &Checksum,
    partial: &mut Partial,
) -> Result<Option<Sums>, FetchError> {
    let disk = |error| disk(ask.url, error);
    let have = partial.length();
    let note = noted(partial);
    let headers = resume::headers(have, &note);
    let unsatisfiable = [StatusCode::RANGE_NOT_SATISFIABLE];
    let also = if have > 0 { &unsatisfiable[..] } else { &[] };
    let mut sums = Sums::new(ask.url, Some(checksum))?;
    let answer = fetch::open(app, ask, address, true, &headers, also).await?;
    match resume::brings(answer.status(), answer.headers(), have) {
        Brings::Whole => {
            partial.clear().map_err(disk)?;
            let note = Note::of(answer.headers());
            partial.set_note(&note.to_text()).map_err(disk)?;
        }
        Brings::Rest => sums = summed(ask.url, partial.reader().map_err(disk)?, sums).await?,
        Brings::Nothing => {
            let file = partial.reader().map_err(disk)?;
            return Ok(Some(summed(ask.url, file, sums).await?));
        }
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
    has_room(app, ask, &answer, have)?;
    let mut watch = DiskWatch::default();
    let take = |part: &[u8]| {
        watch.takes(&app.blobs, part.len()).map_err(disk)?;
        sums.update(part);
        partial.append(part).map_err(disk)
    };
    fetch::pour(ask, answer, have, take).await?;
    Ok(Some(sums))
}

/// Whether the disk has room for what an answer is about to bring, where so many bytes are here. What is
/// more than is taken at all is said elsewhere.
fn has_room(app: &App, ask: &Ask<'_>, answer: &Response, have: u64) -> Result<(), FetchError> {
    let length = answer.content_length().unwrap_or(0);
    if length.saturating_add(have) > ask.cap {
        return Ok(());
    }
    let checked = app.blobs.check_room(length);
    checked.map_err(|error| disk(ask.url, error))
}

/// Takes all of a file into its digests.
pub(super) async fn summed(url: &str, file: File, mut sums: Sums) -> Result<Sums, FetchError> {
    let read = tokio::task::spawn_blocking(move || {
        each_part(file, |part| sums.update(part)).map(|()| sums)
    });
    read.await
        .map_err(|error| FetchError::Internal(error.into()))?
        .map_err(|error| disk(url, error))
}

/// A file on its way into the store: digested as it is written, and gone unless it is kept.
struct Incoming {
    /// What it is called where something is wrong with it.
    name: String,
    file: NamedTempFile,
    sums: Sums,
    blobs: Blobs,
    watch: DiskWatch,
}

impl Incoming {
    fn new(blobs: &Blobs, name: &str, checksum: Option<&Checksum>) -> Result<Self, FetchError> {
        let sums = Sums::new(name, checksum)?;
        let file = blobs.incoming().map_err(|error| disk(name, error))?;
        Ok(Self {
            name: name.to_owned(),
            file,
            sums,
            blobs: blobs.clone(),
            watch: DiskWatch::default(),
        })
    }

    /// Takes it into the store, if it is the one that is wanted.
    fn keep(self, checksum: Option<&Checksum>) -> Result<Fetched, FetchError> {
        if let Some(checksum) = checksum {
            self.sums.check(&self.name, checksum)?;
        }
        let (sha256, length) = (self.sums.sha256(), self.sums.length());
        let kept = self.blobs.keep(self.file, &sha256);
        kept.map_err(|error| disk(&self.name, error))?;
        Ok(Fetched { sha256, length })
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watch.takes(&self.blobs, bytes.len())?;
        let count = self.file.write(bytes)?;
        self.sums.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The disk was at fault with what an address, or a path, names.
pub(super) fn disk(url: &str, error: io::Error) -> FetchError {
    FetchError::Disk {
        url: shown(url),
        error,
    }
}

/// Stores a file of the disk under its digest, if it has `cap` bytes at most.
pub async fn from_disk(
    app: &App,
    path: &str,
    cap: u64,
    checksum: Option<&Checksum>,
) -> Result<Fetched, FetchError> {
    let source = PathBuf::from(path);
    let write = move |incoming: &mut Incoming| {
        let name = incoming.name.clone();
        let file = regular::open(&source).map_err(|error| disk(&name, error))?;
        let copied = io::copy(&mut file.take(cap + 1), incoming);
        if copied.map_err(|error| disk(&name, error))? > cap {
            return Err(FetchError::TooLarge { url: name, cap });
        }
        Ok(())
    };
    written(app, path, checksum, write).await
}

/// Stores a file of a package under its digest.
pub async fn from_package(
    app: &App,
    nupkg: &Arc<NupkgIn<FileReader>>,
    path: &str,
    checksum: Option<&Checksum>,
) -> Result<Fetched, FetchError> {
    let (nupkg, inside) = (Arc::clone(nupkg), path.to_owned());
    let write = move |incoming: &mut Incoming| {
        let copied = nupkg.copy_to(&inside, incoming).map(drop);
        copied.map_err(|error| match error {
            NupkgError::Write { error, .. } => disk(&inside, error),
            error => disk(&inside, io::Error::other(error)),
        })
    };
    written(app, path, checksum, write).await
}

/// Stores what `write` writes, away from the tasks that must not wait for a disk.
async fn written(
    app: &App,
    name: &str,
    checksum: Option<&Checksum>,
    write: impl FnOnce(&mut Incoming) -> Result<(), FetchError> + Send + 'static,
) -> Result<Fetched, FetchError> {
    let mut incoming = Incoming::new(&app.blobs, name, checksum)?;
    let checksum = checksum.cloned();
    let written = tokio::task::spawn_blocking(move || {
        write(&mut incoming)?;
        incoming.keep(checksum.as_ref())
    });
    written
        .await
        .map_err(|error| FetchError::Internal(error.into()))?
}
