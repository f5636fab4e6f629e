//! A package file: a zip with a nuspec, opened from bytes or whatever else can be read at any place,
//! with limits on everything that a hostile one could stretch.

mod budget;
mod entry_name;

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek, Write};

use thiserror::Error;
use zip::result::ZipError;
use zip::{ZipArchive, ZipWriter};

use crate::nuspec::{self, Nuspec, NuspecError, parse_nuspec};
use budget::Budget;

/// What a package may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries, folders included.
    pub entries: usize,
    /// Bytes of one entry, unpacked.
    pub entry_bytes: u64,
    /// Bytes of all entries, unpacked.
    pub total_bytes: u64,
    /// How many times larger than packed an entry may be. Counts from [`RATIO_FREE_BYTES`].
    pub ratio: u64,
}

/// Entries up to this size, unpacked, may have any ratio: a short text of blanks packs very well.
pub const RATIO_FREE_BYTES: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 20_000,
            entry_bytes: 2 * 1024 * 1024 * 1024,
            total_bytes: 4 * 1024 * 1024 * 1024,
            ratio: 200,
        }
    }
}

/// The largest table of contents, in bytes: all entries that are allowed, each with 250 for its name and
/// the rest.
const MAX_DIRECTORY: u64 = 6 * 1024 * 1024;

/// Why a package file is refused.
#[derive(Debug, Error)]
pub enum NupkgError {
    /// The zip's own table of contents is larger than [`MAX_DIRECTORY`].
    #[error("the nupkg's table of contents is larger than {MAX_DIRECTORY} bytes")]
    Directory,
    /// It is not a zip, or a damaged or cut-off one.
    #[error("the file is not a readable nupkg (zip): {0}")]
    Zip(String),
    /// Too many entries.
    #[error("the nupkg has {found} entries, more than the {limit} allowed")]
    TooManyEntries {
        /// How many it has.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// An entry, or all of them, unpack to too much.
    #[error("{what} unpacks to {found} bytes, more than the {limit} allowed")]
    TooLarge {
        /// The entry's name, or `the nupkg`.
        what: String,
        /// How many bytes at least.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// An entry is packed too well to be a real file.
    #[error("entry {name:?} unpacks to more than {limit} times its size: a zip bomb")]
    Ratio {
        /// The entry's name.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// An entry's name could reach outside of the package's folder or means different files on
    /// different systems.
    #[error("entry {name:?} is refused: {reason}")]
    BadName {
        /// The entry's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two entries are the same file on Windows.
    #[error("the nupkg has more than one entry {name:?} (letter case and slashes do not count)")]
    DuplicateName {
        /// The entry's name.
        name: String,
    },
    /// An entry is a symbolic link or encrypted.
    #[error("entry {name:?} is {what}, which is refused")]
    Refused {
        /// The entry's name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// Entries share bytes.
    #[error("entries of the nupkg overlap each other: a zip bomb")]
    Overlap,
    /// Not exactly one nuspec at the root.
    #[error("the nupkg has {0} nuspec files at its root; it must have exactly one")]
    NuspecCount(usize),
    /// The nuspec cannot be used.
    #[error(transparent)]
    Nuspec(#[from] NuspecError),
    /// No such entry.
    #[error("the nupkg has no entry {0:?}")]
    NoEntry(String),
    /// The caller's writer failed.
    #[error("cannot write entry {name:?}: {error}")]
    Write {
        /// The entry's name.
        name: String,
        /// What the writer said.
        error: io::Error,
    },
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Path with `/` between its parts, percent escapes resolved as NuGet does.
    pub path: String,
    /// Bytes, unpacked, as the zip declares them.
    pub size: u64,
}

/// An opened package whose bytes are in memory.
pub type Nupkg<'a> = NupkgIn<Cursor<&'a [u8]>>;

impl<'a> Nupkg<'a> {
    /// Opens a package and checks all its names and declared sizes. Unpacks the nuspec only.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, NupkgError> {
        Self::open(Cursor::new(bytes), limits)
    }
}

/// An opened package. Contents are read when asked for.
#[derive(Debug)]
pub struct NupkgIn<R> {
    contents: Contents<R>,
    manifest: Vec<u8>,
    nuspec: Nuspec,
}

impl<R: Read + Seek + Clone> NupkgIn<R> {
    /// Opens a package and checks all its names and declared sizes. Unpacks the nuspec only.
    ///
    /// Clones of `reader` read the same bytes, each from a place of its own.
    pub fn open(reader: R, limits: &Limits) -> Result<Self, NupkgError> {
        let contents = Contents::open(reader, limits)?;
        let manifest = contents.manifest()?;
        let nuspec = parse_nuspec(&manifest)?;
        Ok(Self {
            contents,
            manifest,
            nuspec,
        })
    }

    /// The bytes of its manifest.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Its manifest.
    pub fn nuspec(&self) -> &Nuspec {
        &self.nuspec
    }

    /// Its files in the zip's order, without folders.
    pub fn files(&self) -> &[PackageFile] {
        &self.contents.files
    }

    /// Unpacks one file. Letter case does not count; the size is held to the limits while unpacking.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, NupkgError> {
        self.get_up_to(path, self.contents.limits.entry_bytes)
    }

    /// The same for a file that may have `limit` bytes at most.
    pub fn get_up_to(&self, path: &str, limit: u64) -> Result<Vec<u8>, NupkgError> {
        let mut bytes = Vec::new();
        self.contents.copy_to(path, &mut bytes, limit)?;
        Ok(bytes)
    }

    /// Puts a file into another zip as it is packed here.
    pub(crate) fn copy_raw<W: Write + Seek>(
        &self,
        path: &str,
        to: &mut ZipWriter<W>,
    ) -> Result<(), NupkgError> {
        let place = self.contents.place(path)?;
        let mut archive = self.contents.archive.clone();
        let entry = archive
            .by_index_raw(place)
            .map_err(|error| zip_error(&error))?;
        to.raw_copy_file(entry).map_err(|error| zip_error(&error))
    }

    /// Unpacks one file into a writer; returns how many bytes it has.
    pub fn copy_to(&self, path: &str, writer: &mut dyn Write) -> Result<u64, NupkgError> {
        self.contents
            .copy_to(path, writer, self.contents.limits.entry_bytes)
    }
}

#[derive(Debug)]
struct Contents<R> {
    archive: ZipArchive<Budget<R>>,
    files: Vec<PackageFile>,
    /// Lower-case path to its place in the archive.
    index: HashMap<String, usize>,
    limits: Limits,
}

impl<R: Read + Seek + Clone> Contents<R> {
    fn open(reader: R, limits: &Limits) -> Result<Self, NupkgError> {
        let reader = Budget::new(reader, MAX_DIRECTORY);
        let archive = ZipArchive::new(reader.clone()).map_err(|error| {
            if reader.is_spent() {
                NupkgError::Directory
            } else {
                zip_error(&error)
            }
        })?;
        reader.lift();
        if archive.len() > limits.entries {
            return Err(NupkgError::TooManyEntries {
                found: archive.len(),
                limit: limits.entries,
            });
        }
        if archive.has_duplicate_names() {
            // The zip crate keeps only the last of them, so the name is not known any more.
            return Err(NupkgError::DuplicateName {
                name: "(one name twice)".to_owned(),
            });
        }
        let mut contents = Self {
            archive,
            files: Vec::new(),
            index: HashMap::new(),
            limits: *limits,
        };
        contents.list()?;
        if contents
            .archive
            .has_overlapping_entries()
            .map_err(|error| zip_error(&error))?
        {
            return Err(NupkgError::Overlap);
        }
        Ok(contents)
    }

    fn list(&mut self) -> Result<(), NupkgError> {
        let mut total = 0_u64;
        for place in 0..self.archive.len() {
            let entry = self
                .archive
                .by_index_data(place)
                .map_err(|error| zip_error(&error))?;
            let name = entry
                .name()
                .map_err(|error| zip_error(&error))?
                .into_owned();
            let checked = entry_name::check(&name).map_err(|reason| NupkgError::BadName {
                name: cut(&name),
                reason,
            })?;
            if entry.is_symlink() {
                return Err(NupkgError::Refused {
                    name: cut(&name),
                    what: "a symbolic link",
                });
            }
            if entry.encrypted() {
                return Err(NupkgError::Refused {
                    name: cut(&name),
                    what: "encrypted",
                });
            }
            let size = entry.size();
            if size > self.limits.entry_bytes {
                return Err(NupkgError::TooLarge {
                    what: format!("entry {:?}", cut(&name)),
                    found: size,
                    limit: self.limits.entry_bytes,
                });
            }
            if is_bomb(size, entry.compressed_size(), self.limits.ratio) {
                return Err(NupkgError::Ratio {
                    name: cut(&name),
                    limit: self.limits.ratio,
                });
            }
            total = total.saturating_add(size);
            if self
                .index
                .insert(checked.path.to_lowercase(), place)
                .is_some()
            {
                return Err(NupkgError::DuplicateName {
                    name: cut(&checked.path),
                });
            }
            if !checked.is_folder {
                self.files.push(PackageFile {
                    path: checked.path,
                    size,
                });
            }
        }
        if total > self.limits.total_bytes {
            let limit = self.limits.total_bytes;
            return Err(NupkgError::TooLarge {
                what: "the nupkg".to_owned(),
                found: total,
                limit,
            });
        }
        Ok(())
    }

    fn manifest(&self) -> Result<Vec<u8>, NupkgError> {
        let is_nuspec = |file: &&PackageFile| {
            !file.path.contains('/') && file.path.to_lowercase().ends_with(".nuspec")
        };
        let found: Vec<_> = self.files.iter().filter(is_nuspec).collect();
        let [file] = found[..] else {
            return Err(NupkgError::NuspecCount(found.len()));
        };
        let mut bytes = Vec::new();
        self.copy_to(&file.path, &mut bytes, nuspec::MAX_DOCUMENT as u64)?;
        Ok(bytes)
    }

    /// A file's place in the archive.
    fn place(&self, path: &str) -> Result<usize, NupkgError> {
        let name = path.replace('\\', "/").to_lowercase();
        let place = self.index.get(&name).copied();
        place.ok_or_else(|| NupkgError::NoEntry(cut(path)))
    }

    fn copy_to(&self, path: &str, writer: &mut dyn Write, limit: u64) -> Result<u64, NupkgError> {
        let place = self.place(path)?;
        // A clone of the archive shares its table of contents and has a position of its own.
        let mut archive = self.archive.clone();
        let mut entry = archive.by_index(place).map_err(|error| zip_error(&error))?;
        let packed = entry.compressed_size();
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0_u64;
        loop {
            let count = match entry.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(NupkgError::Zip(error.to_string())),
            };
            total += count as u64;
            // What the zip declares may be a lie, so the limits hold for what really comes out.
            if total > limit {
                let what = format!("entry {:?}", cut(path));
                return Err(NupkgError::TooLarge {
                    what,
                    found: total,
                    limit,
                });
            }
            if is_bomb(total, packed, self.limits.ratio) {
                return Err(NupkgError::Ratio {
                    name: cut(path),
                    limit: self.limits.ratio,
                });
            }
            writer
                .write_all(&buffer[..count])
                .map_err(|error| NupkgError::Write {
                    name: cut(path),
                    error,
                })?;
        }
    }
}

fn is_bomb(size: u64, packed: u64, ratio: u64) -> bool {
    size > RATIO_FREE_BYTES && size / ratio > packed
}

fn zip_error(error: &ZipError) -> NupkgError {
    NupkgError::Zip(error.to_string())
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
