//! How much the server's files take, and what room is left for them.

use std::fmt;

use anyhow::Context as _;
use fleetmend_store::room::Room;

use crate::app::App;

/// The files of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// How many files are kept, those on their way in included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The room on their disk; nothing where that cannot be told.
    pub room: Option<Room>,
}

impl Storage {
    /// Of a server, now.
    pub async fn of(app: &App) -> anyhow::Result<Self> {
        let blobs = app.blobs.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let (files, bytes) = blobs.usage()?;
            let room = blobs.room()?;
            Ok::<_, std::io::Error>(Self { files, bytes, room })
        });
        looked
            .await?
            .context("the server's files cannot be looked at")
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let files = if self.files == 1 { "file" } else { "files" };
        let Self {
            files: count,
            bytes,
            ..
        } = self;
        write!(
            f,
            "The server keeps {count} {files} of {} MB.",
            megabytes(*bytes)
        )?;
        let Some(Room { free, kept }) = self.room else {
            return Ok(());
        };
        let (free, kept) = (megabytes(free), megabytes(kept));
        write!(
            f,
            " {free} MB are free on their disk, of which {kept} MB stay free."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_free_is_said_in_a_sentence_each() {
        let mut storage = Storage {
            files: 3,
            bytes: 1_500_000_000,
            room: Some(Room {
                free: 12_345_678_901,
                kept: 2_000_000_000,
            }),
        };
        assert_eq!(
            storage.to_string(),
            "The server keeps 3 files of 1500 MB. 12345 MB are free on their disk, of which 2000 MB stay \
             free."
        );
        (storage.files, storage.room) = (1, None);
        assert_eq!(storage.to_string(), "The server keeps 1 file of 1500 MB.");
    }
}
