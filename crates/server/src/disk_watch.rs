//! Looks for room on the disk while a file is written whose length nobody knows, or whose said length
//! others make wrong.

use std::io;

use fleetmend_store::blobs::Blobs;

/// How often is looked, in bytes.
const EVERY: u64 = 1024 * 1024;

/// What was written since the last look.
#[derive(Debug, Default)]
pub struct DiskWatch {
    since: u64,
}

impl DiskWatch {
    /// Before so many bytes are written; an error where they have no room.
    pub fn takes(&mut self, blobs: &Blobs, bytes: usize) -> io::Result<()> {
        self.since += bytes as u64;
        if self.since >= EVERY {
            self.since = 0;
            blobs.check_room(0)?;
        }
        Ok(())
    }
}
