//! The server's keys: files below `DATA/keys` that only the server's user may read.

use std::fs;
use std::path::{Path, PathBuf};

use fleetmend_model::Millis;
use fleetmend_trust::{SigningKey, digest_hex};
use jiff::Timestamp;
use rcgen::{CertifiedIssuer, KeyPair, PublicKeyData as _};
use serde::{Deserialize, Serialize};

use super::pki;
use super::private::{self, PrivateError};

const CA_KEY: &str = "ca.key.pem";
const CA_CERT: &str = "ca.cert.pem";
const RELEASE: &str = "release.key";
const ORDER: &str = "order.key";
/// How long before its end the CA is warned of, in seconds.
const WARN_SECONDS: i64 = 365 * 24 * 3600;

/// Why the keys cannot be used. Each is one line for the person who starts the server.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Others may read a key.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// A file cannot be read or written.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// `read`, `write`, `make`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What was wrong.
        error: std::io::Error,
    },
    /// A file is not a key.
    #[error("{path} is damaged: {why}. Restore it from a backup; agents trust only this key")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// A key is gone, and there are devices that trust no other.
    #[error("{path} is missing, and devices trust only this one. {START_OVER}")]
    Missing {
        /// The file, or the folder when none of them is there.
        path: PathBuf,
    },
    /// A key is not the one that the database knows.
    #[error(
        "{path} is not the one that this database was used with, and devices trust only that one. \
         {START_OVER}"
    )]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// The CA's certificate is over.
    #[error(
        "{path} was valid until {until}, and this machine's clock says {now}. If the clock is \
         right, 'fleetmend new-keys' makes new keys, and every device must be enrolled again"
    )]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// Until when.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The clock stands before anything was made.
    #[error(
        "this machine's clock says {now}, and {path} is valid from {from}: set the clock, then \
         start again"
    )]
    NotYet {
        /// The certificate's file.
        path: PathBuf,
        /// From when.
        from: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The CA's two files do not fit each other.
    #[error("{key} and {certificate} do not belong together. {START_OVER}")]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
}

/// What can be done without the right keys.
const START_OVER: &str = "Restore the folder of the keys from a backup, or copy it from another \
                          server on the same database; without either, 'fleetmend new-keys' \
                          starts over, and every device must be enrolled again";

/// All keys of a server at trust level 0.
pub struct Keys {
    /// Certificate authority for the server and its devices.
    pub ca: rcgen::Issuer<'static, KeyPair>,
    /// The CA's certificate.
    pub ca_pem: String,
    /// The CA's certificate, DER.
    pub ca_der: Vec<u8>,
    /// Signs release statements (trust level 0).
    pub release: SigningKey,
    /// Signs orders.
    pub order: SigningKey,
    folder: PathBuf,
}

/// What keys are known by without being told. The database remembers it, so that a server never
/// comes up with keys that no device trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// SHA-256 of the CA's certificate (DER), lower-case hexadecimal.
    ca: String,
    /// The public half of the key for releases.
    release: String,
    /// The public half of the key for orders.
    order: String,
}

impl Keys {
    /// The folder of the keys in a data folder.
    pub fn folder(data: &Path) -> PathBuf {
        data.join("keys")
    }

    /// Loads the keys of a folder, all of which must be there and of use now.
    pub fn load(folder: &Path, now: Millis) -> Result<Self, KeysError> {
        if !folder.exists() {
            return Err(missing(folder));
        }
        private::check(folder, private::FOLDER)?;
        let read = |name: &str| {
            let path = folder.join(name);
            read(&path)?.ok_or_else(|| missing(&path))
        };
        let key_pem = read(CA_KEY)?;
        let cert_pem = read(CA_CERT)?;
        let (release, order) = (read(RELEASE)?, read(ORDER)?);
        let key_path = folder.join(CA_KEY);
        let cert_path = folder.join(CA_CERT);
        let ca_key = KeyPair::from_pem(&String::from_utf8_lossy(&key_pem))
            .map_err(|error| damaged(&key_path, error))?;
        let ca_pem = String::from_utf8_lossy(&cert_pem).into_owned();
        let ca_der = pki::der_of(&ca_pem).map_err(|error| damaged(&cert_path, error))?;
        let facts = pki::facts(&ca_der).map_err(|why| damaged(&cert_path, why))?;
        if facts.public_key != ca_key.subject_public_key_info() {
            return Err(KeysError::Mismatch {
                key: key_path,
                certificate: cert_path,
            });
        }
        let ca = rcgen::Issuer::from_ca_cert_pem(&ca_pem, ca_key)
            .map_err(|error| damaged(&cert_path, error))?;
        let signing_key = |name: &str, document: &[u8]| {
            SigningKey::from_pkcs8(document).map_err(|error| damaged(&folder.join(name), error))
        };
        check_time(&facts, &cert_path, now)?;
        Ok(Self {
            ca,
            ca_pem,
            ca_der,
            release: signing_key(RELEASE, &release)?,
            order: signing_key(ORDER, &order)?,
            folder: folder.to_owned(),
        })
    }

    /// Makes the keys that a folder lacks, and loads all. Only for a server that has no devices
    /// yet: a first start that was interrupted goes on where it was.
    pub fn make(folder: &Path, now: Millis) -> Result<Self, KeysError> {
        private::make_folder(folder).map_err(io("make", folder))?;
        private::claim_folder(folder)?;
        let key_pem = read_or_make(&folder.join(CA_KEY), || {
            KeyPair::generate()
                .map(|key| key.serialize_pem().into_bytes())
                .map_err(|e| e.to_string())
        })?;
        read_or_make(&folder.join(CA_CERT), || {
            let key = KeyPair::from_pem(&String::from_utf8_lossy(&key_pem))
                .map_err(|error| error.to_string())?;
            CertifiedIssuer::self_signed(pki::ca_params(), key)
                .map(|ca| ca.pem().into_bytes())
                .map_err(|error| error.to_string())
        })?;
        for name in [RELEASE, ORDER] {
            read_or_make(&folder.join(name), || {
                SigningKey::generate()
                    .map(|it| it.1)
                    .map_err(|e| e.to_string())
            })?;
        }
        Self::load(folder, now)
    }

    /// What these keys are known by.
    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints {
            ca: digest_hex(&self.ca_der),
            release: self.release.public().0,
            order: self.order.public().0,
        }
    }

    /// Refuses keys that are not the ones known.
    pub fn check(&self, known: &Fingerprints) -> Result<(), KeysError> {
        let own = self.fingerprints();
        for (own, known, name) in [
            (own.ca, &known.ca, CA_CERT),
            (own.release, &known.release, RELEASE),
            (own.order, &known.order, ORDER),
        ] {
            if own != *known {
                return Err(KeysError::Other {
                    path: self.folder.join(name),
                });
            }
        }
        Ok(())
    }
}

/// Refuses a certificate authority that is not valid now. The server's own certificate is made at
/// each start and needs no such look.
fn check_time(facts: &pki::Facts, certificate: &Path, now: Millis) -> Result<(), KeysError> {
    let path = certificate.to_owned();
    let (from, until) = (facts.not_before, facts.not_after);
    let now = now.0.div_euclid(1000);
    let shown = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
    if now < from {
        return Err(KeysError::NotYet {
            path,
            from: shown(from),
            now: shown(now),
        });
    }
    if now > until {
        return Err(KeysError::Expired {
            path,
            until: shown(until),
            now: shown(now),
        });
    }
    if now > until - WARN_SECONDS {
        tracing::warn!(
            "{} is valid until {}: make new keys with 'fleetmend new-keys' before, and enrol every \
             device again",
            path.display(),
            shown(until)
        );
    }
    Ok(())
}

/// A key's file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, KeysError> {
    match fs::read(path) {
        Ok(bytes) => {
            private::check(path, private::FILE)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", path)(error)),
    }
}

fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, KeysError> {
    if let Some(bytes) = read(path)? {
        return Ok(bytes);
    }
    let bytes = make().map_err(|why| damaged(path, why))?;
    private::write_new(path, &bytes).map_err(io("write", path))?;
    Ok(bytes)
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeysError {
    let path = path.to_owned();
    move |error| KeysError::Io { what, path, error }
}

fn missing(path: &Path) -> KeysError {
    KeysError::Missing {
        path: path.to_owned(),
    }
}

fn damaged(path: &Path, why: impl ToString) -> KeysError {
    KeysError::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
