//! The files of releases on the device: fetched by digest with resume, verified over every byte,
//! kept per job until it is over.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fleetmend_model::DeployJobId;
use fleetmend_model::release::{Action, ReleaseFile};
use fleetmend_trust::{Order, Verified, hex};
use ring::digest::{Context, SHA256};

use crate::core::FetchError;
use crate::link::{Link, LinkError};

/// Where they are in the agent's data folder.
pub(crate) const FOLDER: &str = "files";

/// The folder with one folder a job.
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Below the agent's data folder.
    pub fn new(data: &Path) -> Self {
        Self {
            root: data.join(FOLDER),
        }
    }

    /// Where the job's installer is, or will be. `None` for a release without files.
    pub fn path(&self, order: &Verified<Order>) -> Option<PathBuf> {
        let file = wanted(order)?;
        Some(self.dir(order.order().job).join(&file.name))
    }

    /// Fetches the file if it is not here, and verifies it.
    pub fn fetch(&self, order: &Verified<Order>, link: &Link) -> Result<(), FetchError> {
        let Some(file) = wanted(order) else {
            return match order.release().action {
                Action::AptUpgrade(_) => Ok(()),
                Action::RunInstaller(_) => Err(FetchError {
                    cause: "the release has no file for this machine's architecture".to_owned(),
                    counts: true,
                }),
            };
        };
        let dir = self.dir(order.order().job);
        fs::create_dir_all(&dir).map_err(|error| local(&dir, &error))?;
        let path = dir.join(&file.name);
        if verify(&path, file).is_ok() {
            return Ok(());
        }
        let partial = dir.join("download.part");
        download(&partial, file, link)?;
        if let Err(cause) = verify(&partial, file) {
            fs::remove_file(&partial).map_err(|error| local(&partial, &error))?;
            return Err(FetchError {
                cause,
                counts: true,
            });
        }
        fs::rename(&partial, &path).map_err(|error| local(&path, &error))
    }

    /// The verified file, checked again right before it is run: the bytes run are the bytes
    /// signed.
    pub fn verified(&self, order: &Verified<Order>) -> Result<Option<PathBuf>, String> {
        let Some(file) = wanted(order) else {
            return Ok(None);
        };
        let path = self.dir(order.order().job).join(&file.name);
        verify(&path, file)?;
        Ok(Some(path))
    }

    /// Removes a job's files. What cannot be removed now is removed with the next start.
    pub fn forget(&self, job: DeployJobId) {
        let dir = self.dir(job);
        if let Err(error) = fs::remove_dir_all(&dir)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", dir.display());
        }
    }

    /// Removes the files of all jobs but these.
    pub fn keep_only(&self, jobs: &[DeployJobId]) {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return;
        };
        for entry in entries.flatten() {
            let id = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if id.is_none_or(|id| !jobs.contains(&id)) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn dir(&self, job: DeployJobId) -> PathBuf {
        self.root.join(job.to_string())
    }
}

fn wanted(order: &Verified<Order>) -> Option<&ReleaseFile> {
    match &order.release().action {
        Action::RunInstaller(run) => run.file_for(cfg!(target_pointer_width = "64")),
        Action::AptUpgrade(_) => None,
    }
}

/// A disk that is full may have room later.
fn local(path: &Path, error: &std::io::Error) -> FetchError {
    let is_full = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    );
    FetchError {
        cause: format!("cannot write {}: {error}", path.display()),
        counts: !is_full,
    }
}

fn download(partial: &Path, file: &ReleaseFile, link: &Link) -> Result<(), FetchError> {
    let mut out = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(partial)
        .map_err(|error| local(partial, &error))?;
    let have = out
        .seek(SeekFrom::End(0))
        .map_err(|error| local(partial, &error))?;
    if have >= file.length {
        // Left from a try that ended in a wrong digest, or longer than it may be.
        out.set_len(0).map_err(|error| local(partial, &error))?;
        out.rewind().map_err(|error| local(partial, &error))?;
    }
    let have = if have >= file.length { 0 } else { have };
    let not_given = |error: LinkError| FetchError {
        counts: matches!(error, LinkError::Refused { .. }),
        cause: error.to_string(),
    };
    // One byte more than there should be is enough to see that it is too long.
    let mut body = link
        .file(&file.sha256, have)
        .map_err(not_given)?
        .take(file.length - have + 1);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = body.read(&mut buffer).map_err(|error| FetchError {
            cause: format!("the download of {} broke off: {error}", file.name),
            counts: false,
        })?;
        if read == 0 {
            break;
        }
        out.write_all(&buffer[..read])
            .map_err(|error| local(partial, &error))?;
    }
    out.sync_all().map_err(|error| local(partial, &error))
}

/// Whether a file has the length and the digest of the release.
fn verify(path: &Path, file: &ReleaseFile) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut bytes = File::open(path).map_err(describe)?;
    let length = bytes.metadata().map_err(describe)?.len();
    if length != file.length {
        return Err(format!(
            "{} has {length} bytes, its release says {}: it was not run",
            file.name, file.length
        ));
    }
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = bytes.read(&mut buffer).map_err(describe)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
    }
    let digest = hex(context.finish().as_ref());
    if digest == file.sha256 {
        Ok(())
    } else {
        Err(format!(
            "{} has the digest {digest}, its release says {}: it was not run",
            file.name, file.sha256
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_is_tried_again_and_one_that_cannot_be_written_to_counts() {
        for (kind, counts) in [
            (ErrorKind::StorageFull, false),
            (ErrorKind::QuotaExceeded, false),
            (ErrorKind::PermissionDenied, true),
            (ErrorKind::ReadOnlyFilesystem, true),
            (ErrorKind::NotADirectory, true),
        ] {
            let error = local(Path::new("files/1/setup.exe"), &kind.into());
            assert_eq!(error.counts, counts, "{error:?}");
            assert!(error.cause.starts_with("cannot write files/1/setup.exe: "));
        }
        #[cfg(target_os = "linux")]
        {
            let full = Path::new("/dev/full");
            let error = fs::write(full, "x").unwrap_err();
            assert!(!local(full, &error).counts, "{error}");
        }
    }
}
