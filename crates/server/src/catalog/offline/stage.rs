//! Reads an export to its end and checks all of it, before anything is taken in. What it brings is
//! written beside the server's files, under names of the server's own, and is gone again unless the
//! import takes it.

use std::collections::HashSet;
use std::io::{self, Read, Write as _};
use std::path::Path;

use fleetmend_archive::{ArchiveError, Entry, Reader};
use fleetmend_store::blobs::{Blobs, is_digest};
use tempfile::TempPath;

use super::lines::LinesOf;
use super::manifest::{Lines, MAX_MANIFEST, Manifest};
use super::row::{AddressRow, PackageRow};
use crate::error::ApiError;

/// Why an export is not taken in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It ends before its end.
    #[error("the file ends too early: it was not copied whole. Copy it again")]
    CutOff,
    /// It is not as it was made, or something else.
    #[error("the file is no export of Fleetmend, or was damaged on its way: {0}")]
    Damaged(String),
    /// It is larger than allowed.
    #[error("the file is larger than {cap} bytes")]
    TooLarge {
        /// The cap.
        cap: u64,
    },
    /// It is another one than the person named.
    #[error("the file has the SHA-256 {found}, and {wanted} was named: it is another file")]
    OtherDigest {
        /// Its own.
        found: String,
        /// The one that was named.
        wanted: String,
    },
    /// The catalog is newer already.
    #[error(
        "the file was made at {made_at}, and '{source_name}' came with an import that was made at \
         {known}: import that of the newer day, or say that an older one is right"
    )]
    Older {
        /// What the source is called.
        source_name: String,
        /// When the file was made.
        made_at: String,
        /// When the known one was.
        known: String,
    },
    /// It was made on a later day than today.
    #[error(
        "the file says that it was made at {made_at}, and here it is {now}: one of the two servers has \
         a wrong clock. Set it right; if it was the other one's, export again"
    )]
    FromTheFuture {
        /// When the file was made.
        made_at: String,
        /// What time it is here.
        now: String,
    },
    /// The disk, or the connection.
    #[error("the file cannot be read, or what is in it cannot be stored: {0}")]
    Io(#[from] io::Error),
    /// The server itself.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

impl ImportError {
    /// It is not as it was made.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            ImportError::Older { .. } => Self::Conflict(error.to_string()),
            ImportError::Internal(error) => Self::Internal(error),
            ImportError::CutOff
            | ImportError::Damaged(_)
            | ImportError::OtherDigest { .. }
            | ImportError::FromTheFuture { .. }
            | ImportError::Io(_) => Self::Bad(format!("{error}. Nothing was imported")),
        }
    }
}

impl From<ArchiveError> for ImportError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::CutOff => Self::CutOff,
            ArchiveError::Damaged(what) => Self::Damaged(what),
            ArchiveError::TooLarge { cap } => Self::TooLarge { cap },
            ArchiveError::Io(error) => Self::Io(error),
        }
    }
}

impl From<fleetmend_store::Error> for ImportError {
    fn from(error: fleetmend_store::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// An export that is whole.
pub struct Staged {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The SHA-256 of the file.
    pub sha256: String,
    /// Its length in bytes.
    pub length: u64,
    /// What it has of each source, in the manifest's order.
    pub sources: Vec<StagedSource>,
    /// Its nupkgs and installers by SHA-256; those without a path were here already.
    pub files: Vec<(String, Option<TempPath>)>,
}

/// The lines of a source.
pub struct StagedSource {
    /// Its package versions.
    pub rows: TempPath,
    /// The addresses of its packages' installers.
    pub addresses: TempPath,
}

impl Staged {
    /// Puts the files under their digests.
    pub fn keep_files(&mut self, blobs: &Blobs) -> io::Result<()> {
        for (sha256, path) in &mut self.files {
            if let Some(path) = path.take() {
                blobs.keep_closed(path, sha256)?;
            }
        }
        Ok(())
    }

    /// How many of its files were not here before.
    pub fn new_files(&self) -> u64 {
        self.files.iter().filter(|(_, path)| path.is_some()).count() as u64
    }
}

/// Reads an export of at most `cap` bytes; where a SHA-256 is wanted, it must have that one.
pub fn stage(
    blobs: &Blobs,
    input: impl Read,
    cap: u64,
    wanted: Option<&str>,
) -> Result<Staged, ImportError> {
    let mut staging = Staging {
        blobs,
        archive: Reader::new(input, cap),
        named: HashSet::new(),
    };
    let manifest = staging.manifest()?;
    let mut sources = Vec::new();
    for (number, source) in manifest.sources.iter().enumerate() {
        let rows = staging.lines(&format!("rows-{number:04}"), &source.rows)?;
        staging.check_rows(&rows, &source.rows)?;
        let addresses = staging.lines(&format!("addresses-{number:04}"), &source.addresses)?;
        staging.check_addresses(&addresses, &source.addresses)?;
        sources.push(StagedSource { rows, addresses });
    }
    let files = staging.files(&manifest)?;
    let (sha256, length) = staging.archive.finish();
    if let Some(wanted) = wanted
        && !wanted.trim().eq_ignore_ascii_case(&sha256)
    {
        return Err(ImportError::OtherDigest {
            found: sha256,
            wanted: wanted.trim().to_owned(),
        });
    }
    Ok(Staged {
        manifest,
        sha256,
        length,
        sources,
        files,
    })
}

struct Staging<'a, R> {
    blobs: &'a Blobs,
    archive: Reader<R>,
    /// The files that lines name.
    named: HashSet<[u8; 32]>,
}

impl<R: Read> Staging<'_, R> {
    fn manifest(&mut self) -> Result<Manifest, ImportError> {
        let missing = || ImportError::damaged("it does not begin with a manifest");
        let entry = self.archive.next_entry()?.ok_or_else(missing)?;
        let sha256 = (entry.name.strip_prefix("manifest-"))
            .and_then(|it| it.strip_suffix(".json"))
            .filter(|it| is_digest(it) && entry.length <= MAX_MANIFEST)
            .ok_or_else(missing)?;
        let mut bytes = Vec::new();
        let found = self.archive.content(&entry, |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        if found != sha256 {
            return Err(other_digest(&entry));
        }
        Manifest::parse(&bytes).map_err(ImportError::Damaged)
    }

    /// The next entry, which must be these lines.
    fn lines(&mut self, name: &str, lines: &Lines) -> Result<TempPath, ImportError> {
        let wanted = Entry {
            name: format!("{name}-{}.jsonl", lines.sha256),
            length: lines.length,
        };
        let entry = self.archive.next_entry()?;
        if entry.as_ref() != Some(&wanted) {
            let shown = |it: &Entry| format!("{} of {} bytes", it.name, it.length);
            let found = entry.as_ref().map_or_else(|| "the end".to_owned(), shown);
            let text = format!("{found} stands where {} must stand", shown(&wanted));
            return Err(ImportError::Damaged(text));
        }
        self.write(&wanted, &lines.sha256)
    }

    /// Writes the content of an entry, which must have a digest, beside the server's files.
    fn write(&mut self, entry: &Entry, sha256: &str) -> Result<TempPath, ImportError> {
        let mut file = self.blobs.incoming()?;
        let found = (self.archive).content(entry, |part| file.write_all(part))?;
        if found != sha256 {
            return Err(other_digest(entry));
        }
        Ok(file.into_temp_path())
    }

    fn check_rows(&mut self, path: &Path, lines: &Lines) -> Result<(), ImportError> {
        let mut last: Option<(String, String)> = None;
        let mut count = 0;
        for row in LinesOf::<PackageRow>::open(path)? {
            let row = row?;
            count += 1;
            let name = format!("{} {}", row.id, row.version);
            if let Some(fault) = row.fault() {
                return Err(ImportError::Damaged(format!("{name}: {fault}")));
            }
            let (id, version) = row.key();
            let key = (id, version.to_owned());
            if last.is_some_and(|last| last >= key) {
                let text = format!("{name} is there twice or not in its order");
                return Err(ImportError::Damaged(text));
            }
            last = Some(key);
            self.named.extend(row.sha256.as_deref().and_then(bytes));
        }
        check_count(count, lines)
    }

    fn check_addresses(&mut self, path: &Path, lines: &Lines) -> Result<(), ImportError> {
        let mut last: Option<AddressRow> = None;
        let mut count = 0;
        for row in LinesOf::<AddressRow>::open(path)? {
            let row = row?;
            count += 1;
            if let Some(fault) = row.fault() {
                return Err(ImportError::Damaged(format!("{}: {fault}", row.address)));
            }
            let key = |it: &AddressRow| (it.address.clone(), it.named.clone());
            if last.is_some_and(|last| key(&last) >= key(&row)) {
                let text = format!("{} is there twice or not in its order", row.address);
                return Err(ImportError::Damaged(text));
            }
            self.named.extend(bytes(&row.sha256));
            last = Some(row);
        }
        check_count(count, lines)
    }

    fn files(
        &mut self,
        manifest: &Manifest,
    ) -> Result<Vec<(String, Option<TempPath>)>, ImportError> {
        let mut files: Vec<(String, Option<TempPath>)> = Vec::new();
        let mut total = 0;
        while let Some(entry) = self.archive.next_entry()? {
            let sha256 = (entry.name.strip_prefix("files/"))
                .filter(|it| is_digest(it))
                .ok_or_else(|| ImportError::Damaged(format!("it has an entry {}", entry.name)))?;
            if files
                .last()
                .is_some_and(|(last, _)| last.as_str() >= sha256)
            {
                let text = format!("{} is there twice or not in its order", entry.name);
                return Err(ImportError::Damaged(text));
            }
            if !bytes(sha256).is_some_and(|it| self.named.contains(&it)) {
                let text = format!("nothing in it names {}", entry.name);
                return Err(ImportError::Damaged(text));
            }
            total += entry.length;
            let path = if self.blobs.claim(sha256).is_ok() {
                if self.archive.content(&entry, |_| Ok(()))? != sha256 {
                    return Err(other_digest(&entry));
                }
                None
            } else {
                Some(self.write(&entry, sha256)?)
            };
            files.push((sha256.to_owned(), path));
        }
        let is_whole = manifest.files.count == files.len() as u64 && manifest.files.bytes == total;
        if !is_whole {
            return Err(ImportError::damaged("it lacks files"));
        }
        Ok(files)
    }
}

fn other_digest(entry: &Entry) -> ImportError {
    ImportError::Damaged(format!("{} has another digest", entry.name))
}

fn check_count(count: u64, lines: &Lines) -> Result<(), ImportError> {
    if count == lines.count {
        return Ok(());
    }
    let text = format!("{count} lines where {} must be", lines.count);
    Err(ImportError::Damaged(text))
}

fn bytes(sha256: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(sha256.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
