//! The digests of what is fetched, and of what lies on the disk.

use std::io::{self, Read};

use fleetmend_model::recipe::Checksum;
use fleetmend_store::quarantine::WrongFile;
use fleetmend_trust::hex;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};

use super::fetch::{FetchError, shown};

/// How much of a file is in memory at a time, in bytes.
const PART: usize = 256 * 1024;

/// Reads to the end, and hands on part by part: files are larger than the memory that there is.
pub fn each_part(mut from: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut part = vec![0; PART];
    loop {
        match from.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of all that is read, lower-case hexadecimal.
pub fn sha256(from: impl Read) -> io::Result<String> {
    let mut sha256 = Context::new(&SHA256);
    each_part(from, |part| sha256.update(part))?;
    Ok(hex(sha256.finish().as_ref()))
}

/// The digests of a file on its way: SHA-256, and the one that the package names.
pub struct Sums {
    sha256: Context,
    named: Option<Context>,
    length: u64,
}

impl Sums {
    /// Refuses kinds of digests that are not checked.
    pub fn new(url: &str, checksum: Option<&Checksum>) -> Result<Self, FetchError> {
        let named = match checksum.map(|it| it.algorithm.as_str()) {
            None => None,
            Some("sha256") => Some(Context::new(&SHA256)),
            Some("sha512") => Some(Context::new(&SHA512)),
            Some("sha1") => Some(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            Some(algorithm) => {
                return Err(FetchError::Algorithm {
                    url: shown(url),
                    algorithm: algorithm.to_owned(),
                });
            }
        };
        Ok(Self {
            sha256: Context::new(&SHA256),
            named,
            length: 0,
        })
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(named) = &mut self.named {
            named.update(bytes);
        }
        self.length += bytes.len() as u64;
    }

    /// Whether the file is the one that is wanted, where its digest is the one of the kind given at
    /// the beginning.
    pub fn check(&self, url: &str, wanted: &Checksum) -> Result<(), FetchError> {
        let named = self.named.clone();
        let found = hex(named
            .map(Context::finish)
            .as_ref()
            .map_or(&[], AsRef::as_ref));
        if wanted.hex.eq_ignore_ascii_case(&found) {
            return Ok(());
        }
        Err(FetchError::Mismatch(Box::new(WrongFile {
            file: shown(url),
            algorithm: wanted.algorithm.clone(),
            wanted: wanted.hex.to_lowercase(),
            found,
            sha256: self.sha256(),
            length: self.length,
        })))
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        hex(self.sha256.clone().finish().as_ref())
    }
}
