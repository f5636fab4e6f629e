//! The server's data folder: made, private, and one server's at a time.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::config::Config;
use crate::net::private::{self, PrivateError};

/// What a start needs on the disk, in bytes: the keys, the database and its log.
const ROOM: usize = 2 * 1024 * 1024;
/// What SQLite keeps beside its file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Makes the folder, or looks whether the one that is there can be used.
pub fn prepare(config: &Config) -> anyhow::Result<()> {
    let data = &config.data;
    ensure!(
        !data.exists() || data.is_dir(),
        "{} is not a folder: name a data folder with --data",
        data.display()
    );
    let unusable = || {
        format!(
            "the data folder {} cannot be written: make it writable, or choose another with --data",
            data.display()
        )
    };
    match private::make_folder(data).and_then(|()| try_to_write(data)) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ) =>
        {
            bail!(
                "there is no room for the data folder {} ({error}): make room on its disk, or \
                 choose another with --data",
                data.display()
            );
        }
        tried => tried.with_context(unusable)?,
    }
    match private::claim_folder(data) {
        Err(error @ PrivateError::Io { .. }) => Err(error).with_context(unusable),
        claimed => Ok(claimed?),
    }?;
    check_database(config)
}

/// Writes as much as a start needs, and takes it away again.
fn try_to_write(data: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(data)?;
    file.write_all(&vec![0; ROOM])?;
    file.sync_data()
}

/// Refuses to work where no server ever ran: a mistyped folder must not become one.
pub fn require(config: &Config) -> anyhow::Result<()> {
    let data = &config.data;
    ensure!(
        config.database_file().is_none_or(|file| has_content(&file)) && data.is_dir(),
        "there is no server's data in {}: name its folder with --data, or start the server first",
        data.display()
    );
    private::check(data, private::FOLDER)?;
    check_database(config)
}

/// Refuses a database that others may read: it has password hashes and inventories.
fn check_database(config: &Config) -> anyhow::Result<()> {
    let Some(file) = config.database_file() else {
        return Ok(());
    };
    private::check(&file, private::FILE)?;
    for companion in COMPANIONS {
        let mut name = file.clone().into_os_string();
        name.push(companion);
        private::check(Path::new(&name), private::FILE)?;
    }
    Ok(())
}

/// Whether a server put something into a database's file.
pub fn has_content(file: &Path) -> bool {
    file.metadata().is_ok_and(|it| it.len() > 0)
}

/// Two servers on one data folder would hand out the same order numbers. The lock ends with the
/// process.
pub fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("server.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another server runs on the data folder {}", data.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
