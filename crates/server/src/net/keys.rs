//! The server's keys: files below `DATA/keys` that only the server's user may read.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fleetmend_trust::SigningKey;
use rcgen::{CertifiedIssuer, KeyPair};

use super::pki;

/// Why the keys cannot be used. Each is one line for the person who starts the server.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Others may read a key.
    #[error(
        "{path} may be read by others (mode {mode:03o}): a copy may exist. If you are sure that \
         there is none, run: chmod {wanted:03o} {path}"
    )]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they must be.
        wanted: u32,
    },
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
}

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
}

impl Keys {
    /// Loads the keys below `data`, making those that do not exist.
    pub fn load_or_make(data: &Path) -> Result<Self, KeysError> {
        let dir = data.join("keys");
        if !dir.exists() {
            fs::create_dir_all(&dir).map_err(io("make", &dir))?;
            protect_dir(&dir)?;
        }
        check_mode(&dir, 0o700)?;
        let key_pem = load_or_make(&dir.join("ca.key.pem"), || {
            KeyPair::generate()
                .map(|key| key.serialize_pem().into_bytes())
                .map_err(|e| e.to_string())
        })?;
        let key_path = dir.join("ca.key.pem");
        let ca_key = KeyPair::from_pem(&String::from_utf8_lossy(&key_pem))
            .map_err(|error| damaged(&key_path, error))?;
        let cert_path = dir.join("ca.cert.pem");
        let cert_pem = load_or_make(&cert_path, || {
            let copy = KeyPair::from_pem(&String::from_utf8_lossy(&key_pem))
                .map_err(|error| error.to_string())?;
            CertifiedIssuer::self_signed(pki::ca_params(), copy)
                .map(|ca| ca.pem().into_bytes())
                .map_err(|error| error.to_string())
        })?;
        let ca_pem = String::from_utf8_lossy(&cert_pem).into_owned();
        let ca = rcgen::Issuer::from_ca_cert_pem(&ca_pem, ca_key)
            .map_err(|error| damaged(&cert_path, error))?;
        let ca_der = pki::der_of(&ca_pem).map_err(|error| damaged(&cert_path, error))?;
        Ok(Self {
            ca,
            ca_pem,
            ca_der,
            release: signing_key(&dir.join("release.key"))?,
            order: signing_key(&dir.join("order.key"))?,
        })
    }
}

fn signing_key(path: &Path) -> Result<SigningKey, KeysError> {
    let document = load_or_make(path, || {
        SigningKey::generate()
            .map(|it| it.1)
            .map_err(|e| e.to_string())
    })?;
    SigningKey::from_pkcs8(&document).map_err(|error| damaged(path, error))
}

fn load_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, KeysError> {
    match fs::read(path) {
        Ok(bytes) => {
            check_mode(path, 0o600)?;
            return Ok(bytes);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read", path)(error)),
    }
    let bytes = make().map_err(|why| damaged(path, why))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    // The temporary file is made readable by its owner only, and takes the place in one step: a
    // crash leaves no half of a key.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(io("write", path))?;
    file.write_all(&bytes).map_err(io("write", path))?;
    file.as_file().sync_all().map_err(io("write", path))?;
    file.persist(path)
        .map_err(|error| io("write", path)(error.error))?;
    Ok(bytes)
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeysError {
    let path = path.to_owned();
    move |error| KeysError::Io { what, path, error }
}

fn damaged(path: &Path, why: impl ToString) -> KeysError {
    KeysError::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(unix)]
fn protect_dir(dir: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(io("protect", dir))
}

#[cfg(unix)]
fn check_mode(path: &Path, wanted: u32) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)
        .map_err(io("read", path))?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeysError::Exposed {
        path: path.to_owned(),
        mode,
        wanted,
    })
}

#[cfg(not(unix))]
fn protect_dir(_dir: &Path) -> Result<(), KeysError> {
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _wanted: u32) -> Result<(), KeysError> {
    Ok(())
}
