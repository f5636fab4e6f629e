//! Files by digest, in a folder: `ab/abcdef…`. Immutable once there.
//!
//! Several processes work on one data folder. Whoever may have a file below `incoming` has locked
//! [`LOCK`], shared with the others; whoever has it alone knows that what is there is nobody's.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::file_reader::FileReader;
use crate::room::Room;

/// The lock of those who have incoming files.
const LOCK: &str = "incoming.lock";
/// How old an incoming file is that a process which died has left, whoever else has the lock.
const ABANDONED: Duration = Duration::from_hours(24);

/// The folder.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
    /// The lock, from the first incoming file on.
    lock: Arc<Mutex<Option<File>>>,
}

impl Blobs {
    /// Below this folder, which is made if it does not exist.
    pub fn open(root: &Path) -> io::Result<Self> {
        for folder in ["incoming", "partial"] {
            fs::create_dir_all(root.join(folder))?;
        }
        Ok(Self {
            root: root.to_owned(),
            lock: Arc::default(),
        })
    }

    /// Removes what an earlier life of the server was about to get when it died; while a command works
    /// on the folder as well, only what is too old to be the command's.
    pub fn clear_incoming(&self) -> io::Result<()> {
        let lock = self.open_lock()?;
        let newest = match lock.try_lock() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => SystemTime::now().checked_sub(ABANDONED),
            Err(TryLockError::Error(error)) => return Err(error),
        };
        for entry in fs::read_dir(self.root.join("incoming"))? {
            match remove_if_older(&entry?.path(), newest) {
                // A command that works beside the server took its own away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// The room on the disk that the files are on; nothing where that cannot be told.
    pub fn room(&self) -> io::Result<Option<Room>> {
        Room::at(&self.root)
    }

    /// An error of the kind [`io::ErrorKind::StorageFull`] unless there is room for so many bytes more.
    pub fn check_room(&self, more: u64) -> io::Result<()> {
        self.room()?.map_or(Ok(()), |room| room.check(more))
    }

    /// A place for bytes whose digest is not known yet; removed unless [`Self::keep`] takes it. An error
    /// where nothing more has room.
    pub fn incoming(&self) -> io::Result<tempfile::NamedTempFile> {
        self.check_room(0)?;
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            let file = self.open_lock()?;
            // Whoever has it alone has it for the moment that it takes to remove what is there.
            file.lock_shared()?;
            *lock = Some(file);
        }
        drop(lock);
        tempfile::NamedTempFile::new_in(self.root.join("incoming"))
    }

    fn open_lock(&self) -> io::Result<File> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.root.join(LOCK))
    }

    /// Takes a file under its digest (lower-case hexadecimal SHA-256). It is on disk when this
    /// returns.
    pub fn keep(&self, file: tempfile::NamedTempFile, sha256: &str) -> io::Result<()> {
        self.keep_path(file.as_file(), file.path(), sha256)
    }

    /// [`Self::keep`] for a file that is closed.
    pub fn keep_closed(&self, file: tempfile::TempPath, sha256: &str) -> io::Result<()> {
        self.keep_path(&File::open(&file)?, &file, sha256)
    }

    /// Takes the file at a path below this folder; it is gone from there, or may go.
    pub(crate) fn keep_path(&self, file: &File, from: &Path, sha256: &str) -> io::Result<()> {
        match self.claim(sha256) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            claimed => return claimed.map(drop),
        }
        let path = self.path(sha256)?;
        touch(file)?;
        let dir = path.parent().unwrap_or(&self.root);
        if !dir.exists() {
            fs::create_dir_all(dir)?;
            sync_folder(&self.root)?;
        }
        file.sync_all()?;
        fs::rename(from, &path)?;
        sync_folder(dir)
    }

    /// A folder below this one.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where files are of which a part is here.
    pub(crate) fn partial_folder(&self) -> PathBuf {
        self.root.join("partial")
    }

    /// Whether a file is here.
    pub fn has(&self, sha256: &str) -> bool {
        // In its place once more: from aside it goes there before it is not aside any more.
        let places = [
            self.path(sha256),
            self.path_aside(sha256),
            self.path(sha256),
        ];
        places.into_iter().flatten().any(|path| path.exists())
    }

    /// Opens a file that is about to be named by something: it is not taken for one that nothing needs
    /// before that is done.
    pub fn claim(&self, sha256: &str) -> io::Result<File> {
        let file = self.get(sha256)?;
        touch(&file)?;
        if self.path_aside(sha256)?.exists() {
            self.put_back_one(sha256)?;
        }
        // It may have been removed since it was opened.
        fs::metadata(self.path(sha256)?)?;
        Ok(file)
    }

    /// Opens a file.
    pub fn get(&self, sha256: &str) -> io::Result<File> {
        let path = self.path(sha256)?;
        let or = |opened: io::Result<File>, path: &Path| match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(path),
            opened => opened,
        };
        // As for whether it is here.
        let opened = or(File::open(&path), &self.path_aside(sha256)?);
        or(opened, &path)
    }

    /// Opens a file to be read from several places at once.
    pub fn reader(&self, sha256: &str) -> io::Result<FileReader> {
        FileReader::new(self.get(sha256)?)
    }

    /// The whole content, if it is not longer than `cap`.
    pub fn read(&self, sha256: &str, cap: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.get(sha256)?.take(cap + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > cap {
            return Err(io::Error::other(format!(
                "the file is larger than {cap} bytes"
            )));
        }
        Ok(bytes)
    }

    /// Where a file is. An error for anything that is not a digest, so that no request names
    /// another path.
    pub(crate) fn path(&self, sha256: &str) -> io::Result<PathBuf> {
        if !is_digest(sha256) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "not a SHA-256 in hexadecimal",
            ));
        }
        Ok(self.root.join(&sha256[..2]).join(sha256))
    }
}

/// Has the names in a folder on the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Has the names in a folder on the disk: it needs nothing.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Has a file count as used now.
fn touch(file: &File) -> io::Result<()> {
    file.set_modified(SystemTime::now())
}

/// Removes a file; where a time is given, only one that nobody added to since.
fn remove_if_older(path: &Path, time: Option<SystemTime>) -> io::Result<()> {
    if let Some(time) = time
        && fs::metadata(path)?.modified()? >= time
    {
        return Ok(());
    }
    fs::remove_file(path)
}

/// Whether a text is a SHA-256 in lower-case hexadecimal.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
