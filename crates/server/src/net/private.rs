//! Files and folders that are their owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What the folders' mode must be.
pub const FOLDER: u32 = 0o700;
/// What the files' mode must be.
pub const FILE: u32 = 0o600;

/// Why something is not private: a line for the person who starts the server.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// Others may read or change it.
    #[error(
        "{path} may be {what} by others (mode {mode:03o}): {fear}, run: chmod {wanted:03o} {path}"
    )]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `changed`: what others may do.
        what: &'static str,
        /// What may have happened, and the condition for going on.
        fear: &'static str,
        /// Its permission bits.
        mode: u32,
        /// What they must be.
        wanted: u32,
    },
    /// It cannot be looked at or made.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// `read`, `make`, `protect`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What was wrong.
        error: io::Error,
    },
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PrivateError {
    let path = path.to_owned();
    move |error| PrivateError::Io { what, path, error }
}

/// Refuses what others than its owner may read or change. What does not exist is private.
#[cfg(unix)]
pub fn check(path: &Path, wanted: u32) -> Result<(), PrivateError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match fs::metadata(path) {
        Ok(it) => it.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let (what, fear) = match mode & 0o077 {
        0 => return Ok(()),
        bits if bits & 0o022 != 0 => (
            "changed",
            "it may have been altered. If you are sure that it was not",
        ),
        _ => (
            "read",
            "a copy may exist. If you are sure that there is none",
        ),
    };
    Err(PrivateError::Open {
        path: path.to_owned(),
        what,
        fear,
        mode,
        wanted,
    })
}

/// Permissions are the folder's, which the installation sets.
#[cfg(not(unix))]
pub fn check(_path: &Path, _wanted: u32) -> Result<(), PrivateError> {
    Ok(())
}

/// Makes a private folder and those above it; one that is there is left as it is.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER);
    builder.create(path)
}

/// Refuses a folder that is not private. An empty one, made by hand, becomes private: there was
/// nothing in it to read.
pub fn claim_folder(path: &Path) -> Result<(), PrivateError> {
    let Err(open) = check(path, FOLDER) else {
        return Ok(());
    };
    let mut entries = fs::read_dir(path).map_err(failed("read", path))?;
    if entries.next().is_some() {
        return Err(open);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(FOLDER);
        fs::set_permissions(path, mode).map_err(failed("protect", path))?;
    }
    Ok(())
}

/// Writes a file that is not there yet. The temporary file is made readable by its owner only, and
/// takes the place in one step: a crash leaves no half of a key.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes an empty private file, unless there is one.
pub fn make_file(path: &Path) -> Result<(), PrivateError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE);
    match options.open(path) {
        Ok(file) => drop::<File>(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("make", path)(error)),
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_others_may_do_to_a_file_is_said_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        check(&file, FILE).expect("what does not exist is private");
        make_file(&file).unwrap();
        assert_eq!(mode(&file), FILE);
        for (open, told) in [
            (0o600, None),
            (0o400, None),
            (0o640, Some("read by others (mode 640)")),
            (0o604, Some("read by others (mode 604)")),
            (0o620, Some("changed by others (mode 620)")),
            (0o666, Some("changed by others (mode 666)")),
            (0o611, Some("read by others (mode 611)")),
        ] {
            chmod(&file, open);
            let said = check(&file, FILE).err().map(|error| error.to_string());
            let remedy = format!("chmod 600 {}", file.display());
            assert!(
                match (&said, told) {
                    (None, None) => true,
                    (Some(said), Some(told)) => said.contains(told) && said.ends_with(&remedy),
                    _ => false,
                },
                "{open:o}: {said:?}"
            );
        }
    }

    #[test]
    fn a_folder_made_by_hand_becomes_private_as_long_as_it_is_empty() {
        let base = tempfile::tempdir().unwrap();
        let made = base.path().join("a/b");
        make_folder(&made).unwrap();
        assert_eq!(mode(&made), FOLDER);
        chmod(&made, 0o755);
        make_folder(&made).unwrap();
        assert_eq!(mode(&made), 0o755, "it is not made");
        claim_folder(&made).unwrap();
        assert_eq!(mode(&made), FOLDER);
        chmod(&made, 0o755);
        make_file(&made.join("file")).unwrap();
        let error = claim_folder(&made).expect_err("it is open").to_string();
        assert!(error.contains("chmod 700"), "{error}");
        assert_eq!(mode(&made), 0o755, "it is left as it was");
    }
}
