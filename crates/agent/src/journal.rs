//! Durable storage of the agent's state: one file, replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::core::State;

/// The state's file. Keeps the bytes that are on disk, so that an unchanged state costs nothing.
pub struct Journal {
    path: PathBuf,
    stored: Vec<u8>,
}

/// The journal's file in an agent's data folder.
pub(crate) fn state_file(dir: &Path) -> PathBuf {
    dir.join("state.json")
}

impl Journal {
    /// Opens the journal below `dir`; the state is new when there is none.
    ///
    /// A file that is damaged is named in [`OpenError::Damaged`] and left where it is: forgetting
    /// counters and open jobs in silence would be worse than stopping.
    pub fn open(dir: &Path) -> Result<(Self, State), OpenError> {
        let path = state_file(dir);
        match fs::read(&path) {
            Ok(bytes) => {
                let state = serde_json::from_slice(&bytes).map_err(|error| OpenError::Damaged {
                    path: path.clone(),
                    error,
                })?;
                Ok((
                    Self {
                        path,
                        stored: bytes,
                    },
                    state,
                ))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((
                Self {
                    path,
                    stored: Vec::new(),
                },
                State::new(epoch()?),
            )),
            Err(error) => Err(OpenError::Io { path, error }),
        }
    }

    /// Stores the state; it is on disk when this returns.
    pub fn save(&mut self, state: &State) -> io::Result<()> {
        let bytes = serde_json::to_vec(state)?;
        if bytes == self.stored {
            return Ok(());
        }
        replace(&self.path, &bytes)?;
        self.stored = bytes;
        Ok(())
    }
}

/// A name for a new state, which no other has.
fn epoch() -> Result<String, OpenError> {
    let mut bytes = [0_u8; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| OpenError::Random)?;
    Ok(fleetmend_trust::hex(&bytes))
}

/// Replaces a file's content so that after a crash it is either the old or the new one. The file
/// is readable by its owner only.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // Windows writes the directory entry through with the rename; a directory cannot be flushed.
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// Why the journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not what the agent wrote.
    #[error(
        "the agent's state file {path} is damaged ({error}): move it away and start again, the \
         server hands out open jobs anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        error: serde_json::Error,
    },
    /// A new state has no name.
    #[error("the system's random source failed")]
    Random,
    /// The file could not be read.
    #[error("cannot read the agent's state file {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        error: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_new_under_another_name_until_it_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let (_, unsaved) = Journal::open(dir.path()).unwrap();
        let (mut journal, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(state.epoch.len(), 32);
        assert_ne!(unsaved.epoch, state.epoch);
        journal.save(&state).unwrap();
        assert_eq!(Journal::open(dir.path()).unwrap().1, state);

        fs::remove_file(dir.path().join("state.json")).unwrap();
        assert_ne!(Journal::open(dir.path()).unwrap().1.epoch, state.epoch);
    }

    #[test]
    fn a_damaged_state_stops_the_agent_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        for damage in ["", "{", "[]", r#"{"last_counter": "x"}"#] {
            fs::write(&path, damage).unwrap();
            let error = Journal::open(dir.path()).map(|it| it.1).unwrap_err();
            assert!(error.to_string().contains("move it away"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }
}
