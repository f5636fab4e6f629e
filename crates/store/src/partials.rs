//! Files of which a part is here, so that a download goes on where it broke off, also after a
//! restart: `partial/<key>`, with a note beside each. The key is a digest of what is asked for.
//!
//! Several processes work on one data folder: a part is locked by whoever has it open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::blobs::{Blobs, is_digest};

/// The longest note, in bytes.
const LONGEST_NOTE: u64 = 4096;

/// A file of which a part is here. It is nobody else's as long as this lives.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Partial {
    /// Opens the part that is here, or begins with none. `key` is a digest, lower-case hexadecimal.
    /// The error is of the kind [`io::ErrorKind::WouldBlock`] while somebody else has it open.
    pub fn open(blobs: &Blobs, key: &str) -> io::Result<Self> {
        if !is_digest(key) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the key of a partial file must be a digest",
            ));
        }
        let path = blobs.partial_folder().join(key);
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            let file = options.open(&path)?;
            lock(&file)?;
            // Whoever had it may have kept or removed it before it was locked.
            if is_at(&file, &path)? {
                let length = file.metadata()?.len();
                return Ok(Self { file, path, length });
            }
        }
    }

    /// How much is here, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What was noted of it; nothing where that cannot be read.
    pub fn note(&self) -> Option<String> {
        let mut note = String::new();
        let file = File::open(self.note_path()).ok()?;
        file.take(LONGEST_NOTE).read_to_string(&mut note).ok()?;
        Some(note)
    }

    /// Notes something of it, in place of what was noted.
    pub fn set_note(&self, note: &str) -> io::Result<()> {
        fs::write(self.note_path(), note)
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The part, from its beginning.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Begins anew, with nothing here.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        match fs::remove_file(self.note_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes the file, which is whole now, into the store under its digest.
    pub fn keep(mut self, blobs: &Blobs, sha256: &str) -> io::Result<()> {
        self.file.flush()?;
        // Once it is away from its path, what is there is another's.
        let _ = fs::remove_file(self.note_path());
        blobs.keep_path(&self.file, &self.path, sha256)?;
        if is_at(&self.file, &self.path)? {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    /// Takes it away.
    pub fn remove(self) {
        let _ = fs::remove_file(self.note_path());
        let _ = fs::remove_file(&self.path);
    }

    fn note_path(&self) -> PathBuf {
        self.path.with_extension("note")
    }
}

/// Takes away what nobody added to since `time`, and nobody has open.
pub fn clear_older(blobs: &Blobs, time: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(blobs.partial_folder())? {
        match clear_if_older(&entry?.path(), time) {
            // Another process took it away, or has it open.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::WouldBlock
                ) => {}
            cleared => cleared?,
        }
    }
    Ok(())
}

fn clear_if_older(path: &Path, time: SystemTime) -> io::Result<()> {
    let file = File::open(path)?;
    if file.metadata()?.modified()? >= time {
        return Ok(());
    }
    lock(&file)?;
    if is_at(&file, path)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Locks a file until it is closed, or fails at once where somebody else has locked it.
fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::new(
            io::ErrorKind::WouldBlock,
            "another process has the partial file open",
        ),
        TryLockError::Error(error) => error,
    })
}

/// Whether an open file is the one that the path names now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an open file is the one that the path names now.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    fs::exists(path)
}
