//! The digests of what is fetched.

use fleetmend_model::recipe::Checksum;
use fleetmend_trust::hex;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};

use super::fetch::{FetchError, shown};

/// Whether a digest is the one that the package names.
pub fn check(url: &str, wanted: &Checksum, found: &str) -> Result<(), FetchError> {
    if wanted.hex.eq_ignore_ascii_case(found) {
        return Ok(());
    }
    Err(FetchError::Mismatch {
        url: shown(url),
        algorithm: wanted.algorithm.clone(),
        found: found.to_owned(),
        wanted: wanted.hex.to_lowercase(),
    })
}

/// The digests of a file on its way: SHA-256, and the one that the package names.
pub struct Sums {
    sha256: Context,
    named: Option<Context>,
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
        })
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(named) = &mut self.named {
            named.update(bytes);
        }
    }

    /// The digest of the kind that the package names.
    pub fn named(&self) -> Option<String> {
        self.named
            .clone()
            .map(|context| hex(context.finish().as_ref()))
    }

    /// SHA-256, lower-case hexadecimal.
    pub fn sha256(self) -> String {
        hex(self.sha256.finish().as_ref())
    }
}
