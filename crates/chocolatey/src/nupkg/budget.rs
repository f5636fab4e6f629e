//! A reader that gives only so many bytes, until it is told to give all.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No limit.
const ALL: u64 = u64::MAX;

/// Its clones share what is left.
#[derive(Debug, Clone)]
pub(super) struct Budget<R> {
    reader: R,
    left: Arc<AtomicU64>,
}

impl<R> Budget<R> {
    /// Fails once it gave as many bytes.
    pub(super) fn new(reader: R, bytes: u64) -> Self {
        Self {
            reader,
            left: Arc::new(AtomicU64::new(bytes)),
        }
    }

    /// Whether it gave all that it may.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// From now on there is no limit.
    pub(super) fn lift(&self) {
        self.left.store(ALL, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == ALL {
            return self.reader.read(buffer);
        }
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("more is read than there may be"));
        }
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        self.left.store(left - count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Budget<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
