//! A file that is read from several places at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// How much is read ahead of small reads, in bytes.
const AHEAD: usize = 16 * 1024;

/// A place in a file. Clones go on from there on their own; none moves another.
#[derive(Debug)]
pub struct FileReader {
    file: Arc<File>,
    length: u64,
    at: u64,
    /// What was read ahead, and where in the file it begins.
    ahead: Vec<u8>,
    ahead_at: u64,
}

impl FileReader {
    /// At the beginning of a file, which must not change.
    pub fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            length: file.metadata()?.len(),
            file: Arc::new(file),
            at: 0,
            ahead: Vec::new(),
            ahead_at: 0,
        })
    }

    /// The file's length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What was read ahead and is behind the place.
    fn at_hand(&self) -> &[u8] {
        let start = self.at.checked_sub(self.ahead_at);
        let start = start.and_then(|start| usize::try_from(start).ok());
        start
            .and_then(|start| self.ahead.get(start..))
            .unwrap_or_default()
    }
}

impl Clone for FileReader {
    fn clone(&self) -> Self {
        Self {
            file: Arc::clone(&self.file),
            ahead: Vec::new(),
            ..*self
        }
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at_hand().is_empty() {
            if buffer.len() >= AHEAD {
                let count = read_at(&self.file, buffer, self.at)?;
                self.at += count as u64;
                return Ok(count);
            }
            self.ahead.resize(AHEAD, 0);
            let count = read_at(&self.file, &mut self.ahead, self.at)?;
            self.ahead.truncate(count);
            self.ahead_at = self.at;
        }
        let at_hand = self.at_hand();
        let count = at_hand.len().min(buffer.len());
        buffer[..count].copy_from_slice(&at_hand[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.at.checked_add_signed(distance),
        };
        self.at = place.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning")
        })?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_read_the_same_bytes_each_from_its_own_place() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|it| (it * 7) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let mut one = FileReader::new(File::open(&path).unwrap()).unwrap();
        assert_eq!(one.length(), 100_000);
        for (place, length) in [
            (0, 10),
            (5, 20_000),
            (30_000, 3),
            (29_999, 40_000),
            (99_990, 50),
        ] {
            one.seek(SeekFrom::Start(place)).unwrap();
            let mut other = one.clone();
            let end = (place as usize + length).min(bytes.len());
            for reader in [&mut one, &mut other] {
                let mut found = Vec::new();
                reader.take(length as u64).read_to_end(&mut found).unwrap();
                assert_eq!(found, &bytes[place as usize..end], "{place} {length}");
            }
        }
        assert_eq!(one.seek(SeekFrom::End(-10)).unwrap(), 99_990);
        assert_eq!(one.seek(SeekFrom::Current(5)).unwrap(), 99_995);
        let mut rest = Vec::new();
        one.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, &bytes[99_995..]);
        one.seek(SeekFrom::Current(-200_000)).unwrap_err();
        one.seek(SeekFrom::Start(1 << 40)).unwrap();
        assert_eq!(one.read(&mut [0; 9]).unwrap(), 0);
    }
}
