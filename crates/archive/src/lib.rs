//! The archive that a catalog is carried in: tar in one spelling. What is not spelled so is refused, so
//! that no byte of it can be another without being noticed.
//!
//! Source of the format: POSIX.1-2017, `pax`, section 'ustar Interchange Format'.

use std::io::{self, Read, Write};

use ring::digest::{Context, SHA256};

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It ends before its end.
    #[error("it ends too early")]
    CutOff,
    /// It is not as a [`Writer`] makes it.
    #[error("{0}")]
    Damaged(String),
    /// It is larger than allowed.
    #[error("it is larger than {cap} bytes")]
    TooLarge {
        /// The cap.
        cap: u64,
    },
    /// It cannot be read, or whoever wanted its content cannot take that.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What entries are filled up to, in bytes.
const BLOCK: usize = 512;
/// Bytes moved at a time.
const PART: usize = 256 * 1024;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 99;
/// The largest entry, in bytes: what eleven octal digits say.
pub const MAX_ENTRY: u64 = 0o777_7777_7777;

/// The header of a file.
fn header(name: &str, length: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{length:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    put(329, "0000000");
    put(337, "0000000");
    let sum: u32 = block.iter().map(|it| u32::from(*it)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// How much of the last block is not filled.
fn padding(length: u64) -> usize {
    (BLOCK - (length % BLOCK as u64) as usize) % BLOCK
}

/// The length of an archive with entries of these lengths, in bytes.
pub fn archive_length(entries: impl IntoIterator<Item = u64>) -> u64 {
    let block = BLOCK as u64;
    let entries = entries.into_iter();
    entries
        .map(|it| block + it + padding(it) as u64)
        .sum::<u64>()
        + 2 * block
}

/// Writes an archive.
pub struct Writer<W> {
    out: W,
    sha256: Context,
    length: u64,
}

impl<W: Write> Writer<W> {
    /// An empty one.
    pub fn new(out: W) -> Self {
        Self {
            out,
            sha256: Context::new(&SHA256),
            length: 0,
        }
    }

    /// Adds a file, which must have exactly this length and SHA-256.
    pub fn add(
        &mut self,
        name: &str,
        length: u64,
        sha256: &str,
        mut content: impl Read,
    ) -> io::Result<()> {
        if name.len() > LONGEST_NAME || length > MAX_ENTRY {
            return Err(io::Error::other(format!(
                "{name} does not fit into the archive"
            )));
        }
        self.write(&header(name, length))?;
        let mut found = Context::new(&SHA256);
        let mut part = vec![0; PART];
        let mut left = length;
        while left > 0 {
            let most = part.len().min(usize::try_from(left).unwrap_or(PART));
            let count = content.read(&mut part[..most])?;
            if count == 0 {
                return Err(io::Error::other(format!("{name} is shorter than it was")));
            }
            found.update(&part[..count]);
            self.write(&part[..count])?;
            left -= count as u64;
        }
        if fleetmend_trust::hex(found.finish().as_ref()) != sha256 {
            let text = format!("{name} is damaged on the disk: its digest is another");
            return Err(io::Error::other(text));
        }
        self.write(&[0; BLOCK][..padding(length)])
    }

    /// Ends the archive; gives the SHA-256 and the length of the whole.
    pub fn finish(mut self) -> io::Result<(String, u64)> {
        self.write(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        let sha256 = fleetmend_trust::hex(self.sha256.finish().as_ref());
        Ok((sha256, self.length))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha256.update(bytes);
        self.length += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// The next file of an archive; its content must be read before the one behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: printable ASCII. Nothing may be written under it.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
}

/// Reads an archive from front to back.
pub struct Reader<R> {
    input: R,
    sha256: Context,
    length: u64,
    cap: u64,
    block: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Of an archive that may have so many bytes.
    pub fn new(input: R, cap: u64) -> Self {
        Self {
            input,
            sha256: Context::new(&SHA256),
            length: 0,
            cap,
            block: vec![0; PART],
        }
    }

    /// The header of the next file; nothing at the archive's end, behind which nothing may follow.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let mut found = [0; BLOCK];
        self.fill(&mut found)?;
        if found == [0; BLOCK] {
            self.fill(&mut found)?;
            let is_over = self.input.read(&mut [0; 1])? == 0;
            if found != [0; BLOCK] || !is_over {
                return Err(ArchiveError::Damaged(
                    "something follows its end".to_owned(),
                ));
            }
            return Ok(None);
        }
        let entry = parse(&found).ok_or_else(|| {
            ArchiveError::Damaged(format!(
                "what stands at byte {} is not as this program writes it",
                self.length - BLOCK as u64
            ))
        })?;
        Ok(Some(entry))
    }

    /// Hands on the content of the file whose header came last; gives its SHA-256.
    pub fn content(
        &mut self,
        entry: &Entry,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<String, ArchiveError> {
        let mut sha256 = Context::new(&SHA256);
        let mut block = std::mem::take(&mut self.block);
        let mut left = entry.length;
        while left > 0 {
            let most = block.len().min(usize::try_from(left).unwrap_or(PART));
            self.fill(&mut block[..most])?;
            sha256.update(&block[..most]);
            take(&block[..most])?;
            left -= most as u64;
        }
        self.block = block;
        let mut rest = [0; BLOCK];
        let rest = &mut rest[..padding(entry.length)];
        self.fill(rest)?;
        if rest.iter().any(|it| *it != 0) {
            return Err(ArchiveError::Damaged(format!(
                "something stands behind {}",
                entry.name
            )));
        }
        Ok(fleetmend_trust::hex(sha256.finish().as_ref()))
    }

    /// The SHA-256 and the length of what was read.
    pub fn finish(self) -> (String, u64) {
        (
            fleetmend_trust::hex(self.sha256.finish().as_ref()),
            self.length,
        )
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        self.length += bytes.len() as u64;
        if self.length > self.cap {
            return Err(ArchiveError::TooLarge { cap: self.cap });
        }
        match self.input.read_exact(bytes) {
            Ok(()) => {
                self.sha256.update(bytes);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ArchiveError::CutOff),
            Err(error) => Err(ArchiveError::Io(error)),
        }
    }
}

/// A header, if it is spelled as [`header`] spells it.
fn parse(block: &[u8; BLOCK]) -> Option<Entry> {
    let text = |at: usize, most: usize| {
        let field = &block[at..at + most];
        let end = field.iter().position(|it| *it == 0)?;
        std::str::from_utf8(&field[..end]).ok()
    };
    let name = text(0, LONGEST_NAME + 1)?;
    let is_plain = !name.is_empty() && name.bytes().all(|it| it.is_ascii_graphic());
    let length = u64::from_str_radix(text(124, 12)?, 8).ok()?;
    let is_ours = is_plain && length <= MAX_ENTRY && header(name, length) == *block;
    is_ours.then(|| Entry {
        name: name.to_owned(),
        length,
    })
}
