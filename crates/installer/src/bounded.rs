//! A file of which no more than a number of bytes is read, however often.

use std::io::{self, Read, Seek, SeekFrom};

/// The file.
pub struct Bounded<F> {
    file: F,
    left: u64,
}

impl<F> Bounded<F> {
    /// Gives `most` bytes in all.
    pub fn new(file: F, most: u64) -> Self {
        Self { file, left: most }
    }
}

impl<F: Read> Read for Bounded<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("too much of it would have to be read"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = buffer.len().min(most);
        let read = self.file.read(&mut buffer[..length])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<F: Seek> Seek for Bounded<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn going_back_gives_no_more_bytes() {
        let mut file = Bounded::new(Cursor::new([7; 100]), 10);
        let mut eight = [0; 8];
        file.read_exact(&mut eight).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_exact(&mut eight[..2]).unwrap();
        file.read_exact(&mut eight[..1]).unwrap_err();
        assert_eq!(file.read(&mut []).unwrap(), 0);
    }
}
