//! Files of which a part is here, so that a download goes on where it broke off, also after a
//! restart: `partial/<key>`, with a note beside each. The key is a digest of what is asked for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::blobs::{Blobs, is_digest};

/// The longest note, in bytes.
const LONGEST_NOTE: u64 = 4096;

/// A file of which a part is here.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Partial {
    /// Opens the part that is here, or begins with none. `key` is a digest, lower-case hexadecimal.
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
        let file = options.open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, path, length })
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
        blobs.keep_path(&self.file, &self.path, sha256)?;
        self.remove();
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

/// Takes away what nobody added to since `time`.
pub fn clear_older(blobs: &Blobs, time: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(blobs.partial_folder())? {
        let entry = entry?;
        if entry.metadata()?.modified()? < time {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
