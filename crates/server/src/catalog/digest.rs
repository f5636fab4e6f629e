//! The digests of what is fetched, and of what lies on the disk.

use std::io::{self, Read};

use fleetmend_model::recipe::Checksum;
use fleetmend_store::quarantine::WrongFile;
use fleetmend_trust::hex;
use md5::{Digest as _, Md5};
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
    named: Option<Named>,
    length: u64,
}

/// A digest of the kind that the package names. MD5 is Chocolatey's own default: old packages have it,
/// and it is better than none.
#[derive(Clone)]
enum Named {
    Sha(Context),
    Md5(Md5),
}

impl Named {
    fn of(algorithm: &str) -> Option<Self> {
        Some(match algorithm {
            "sha256" => Self::Sha(Context::new(&SHA256)),
            "sha512" => Self::Sha(Context::new(&SHA512)),
            "sha1" => Self::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            "md5" => Self::Md5(Md5::new()),
            _ => return None,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha(context) => context.update(bytes),
            Self::Md5(md5) => md5.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Sha(context) => hex(context.finish().as_ref()),
            Self::Md5(md5) => hex(&md5.finalize()),
        }
    }
}

impl Sums {
    /// Refuses kinds of digests that are not checked.
    pub fn new(url: &str, checksum: Option<&Checksum>) -> Result<Self, FetchError> {
        let named = match checksum.map(|it| it.algorithm.as_str()) {
            None => None,
            Some(algorithm) => {
                let named = Named::of(algorithm);
                Some(named.ok_or_else(|| FetchError::Algorithm {
                    url: shown(url),
                    algorithm: algorithm.to_owned(),
                })?)
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
        let found = self.named.clone().map(Named::finish).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_checked_by_each_kind_of_digest_that_chocolatey_knows() {
        // Of the three bytes `abc`: RFC 1321 and FIPS 180-4.
        for (algorithm, digest) in [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "sha256",
                "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
            ),
            (
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let wanted = Checksum {
                algorithm: algorithm.to_owned(),
                hex: digest.to_owned(),
            };
            let sums = |bytes: &[u8]| {
                let mut sums = Sums::new("file", Some(&wanted)).expect("it is known");
                sums.update(bytes);
                sums.check("file", &wanted).is_ok()
            };
            assert!(sums(b"abc"), "{algorithm}");
            assert!(!sums(b"abd"), "{algorithm}");
        }
    }
}
