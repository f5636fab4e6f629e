//! The room that is left on a disk, of which some stays free: the database is written there as well.

use std::io;
use std::path::Path;

/// The most that stays free, in bytes.
const MOST_KEPT: u64 = 2_000_000_000;
/// The inverse of the part of a smaller disk that stays free.
const SHARE: u64 = 20;

/// The room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What the server may write.
    pub free: u64,
    /// What of that stays free.
    pub kept: u64,
}

impl Room {
    /// Of a disk of this size. One whose size is not known has room.
    fn new(total: u64, free: u64) -> Self {
        let kept = MOST_KEPT.min(total / SHARE);
        Self { free, kept }
    }

    /// On the disk that a path is on; nothing where that cannot be told.
    #[cfg(unix)]
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        let total = bytes(found.f_blocks);
        Ok((total > 0).then(|| Self::new(total, bytes(found.f_bavail))))
    }

    /// On the disk that a path is on: it is not told here.
    #[cfg(not(unix))]
    pub fn at(_: &Path) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// An error of the kind [`io::ErrorKind::StorageFull`], in words for a person, unless there is room
    /// for so many bytes more.
    pub fn check(self, more: u64) -> io::Result<()> {
        if self.free >= self.kept.saturating_add(more) {
            return Ok(());
        }
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let (free, kept) = (megabytes(self.free), megabytes(self.kept));
        let more = match megabytes(more) {
            0 => "no more".to_owned(),
            more => format!("no {more} MB more"),
        };
        Err(io::Error::new(
            io::ErrorKind::StorageFull,
            format!(
                "there is room for {more}: {free} MB are free on the server's disk, of which {kept} MB \
                 stay free"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_gigabytes_stay_free_or_a_twentieth_of_a_small_disk() {
        const GB: u64 = 1_000_000_000;
        for (total, free, more, has_room) in [
            (100 * GB, 3 * GB, GB, true),
            (100 * GB, 3 * GB, GB + 1, false),
            (100 * GB, 2 * GB - 1, 0, false),
            (100 * GB, 100 * GB, u64::MAX, false),
            (GB, GB / 10, GB / 20, true),
            (GB, GB / 10, GB / 20 + 1, false),
            (0, 0, 0, true),
        ] {
            let checked = Room::new(total, free).check(more);
            assert_eq!(checked.is_ok(), has_room, "{total} {free} {more}");
        }
        let error = Room::new(100 * GB, 3 * GB).check(8 * GB).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(
            error.to_string(),
            "there is room for no 8000 MB more: 3000 MB are free on the server's disk, of which 2000 MB \
             stay free"
        );
    }

    #[test]
    #[cfg(unix)]
    fn the_disk_of_a_folder_has_some_room_and_no_more_than_all() {
        let room = Room::at(&std::env::temp_dir()).unwrap().unwrap();
        assert!(room.kept <= MOST_KEPT && room.kept > 0);
        assert!(room.check(u64::MAX).is_err());
    }
}
