//! What a source is read with: a name and a password. The password is kept in the database, sealed
//! with a key that is not in it: who gets hold of a copy of the database alone has no passwords.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fleetmend_model::SourceId;
use fleetmend_store::sources::Source;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::error::ApiError;
use crate::net::private;

/// The key's file, below the data folder.
const KEY_FILE: &str = "keys/sources.key";
const KEY_LENGTH: usize = 32;

/// A name and a password for HTTP Basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password. Never logged or shown.
    pub password: String,
}

/// The longest name or password, in characters.
const LONGEST: usize = 200;

impl Login {
    /// A login as a person gives it, or none.
    pub fn given(user: Option<&str>, password: Option<&str>) -> Result<Option<Self>, ApiError> {
        let (Some(name), Some(password)) = (user, password) else {
            return match (user, password) {
                (None, None) => Ok(None),
                (Some(_), _) => Err(ApiError::Bad("field 'password' is empty".to_owned())),
                (None, _) => Err(ApiError::Bad("field 'user' is empty".to_owned())),
            };
        };
        for (field, value) in [("user", name), ("password", password)] {
            if value.chars().count() > LONGEST || value.chars().any(char::is_control) {
                return Err(ApiError::Bad(format!(
                    "field '{field}' is longer than {LONGEST} characters or has control characters"
                )));
            }
        }
        // Source: RFC 7617, section 2.
        if name.contains(':') {
            return Err(ApiError::Bad(
                "field 'user' must not contain a colon".to_owned(),
            ));
        }
        Ok(Some(Self {
            name: name.to_owned(),
            password: password.to_owned(),
        }))
    }
}

/// Seals passwords.
pub struct Sealing(LessSafeKey);

impl Sealing {
    /// Takes the key below the data folder, making it if there is none.
    pub fn load_or_make(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(KEY_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let bytes = random::<KEY_LENGTH>()?;
                private::write_new(&path, &bytes)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                bytes.to_vec()
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        check_private(&path)?;
        let Ok(key) = UnboundKey::new(&AES_256_GCM, &bytes) else {
            bail!(
                "{} is damaged. Restore it from a backup, or remove it and give the sources' \
                 passwords anew",
                path.display()
            );
        };
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a source's password.
    pub fn seal(&self, source: SourceId, password: &str) -> anyhow::Result<String> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = password.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                bound_to(source),
                &mut sealed,
            )
            .map_err(|_| anyhow::anyhow!("a password cannot be sealed"))?;
        Ok(BASE64.encode([&nonce[..], &sealed].concat()))
    }

    /// What a source is read with, if it has a name and a password.
    pub fn login(&self, source: &Source) -> anyhow::Result<Option<Login>> {
        let (Some(name), Some(sealed)) = (&source.user_name, &source.sealed_password) else {
            return Ok(None);
        };
        let password = self.open(source.id, sealed).with_context(|| {
            format!(
                "the password for source {} cannot be opened with the key {KEY_FILE}: give it anew",
                source.settings.name
            )
        })?;
        Ok(Some(Login {
            name: name.clone(),
            password,
        }))
    }

    fn open(&self, source: SourceId, sealed: &str) -> Option<String> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let password = self
            .0
            .open_in_place(nonce, bound_to(source), &mut sealed)
            .ok()?;
        String::from_utf8(password.to_vec()).ok()
    }
}

/// A sealed password moved to another source does not open.
fn bound_to(source: SourceId) -> Aad<[u8; 8]> {
    Aad::from(source.0.to_be_bytes())
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system's random source failed"))?;
    Ok(bytes)
}

#[cfg(unix)]
fn check_private(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{0} may be read by others (mode {mode:03o}): run chmod 600 {0}, and change the \
             sources' passwords",
            path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems' side can fail")]
fn check_private(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealing() -> (tempfile::TempDir, Sealing) {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("keys")).unwrap();
        let sealing = Sealing::load_or_make(data.path()).unwrap();
        (data, sealing)
    }

    #[test]
    fn a_password_opens_for_its_source_alone_and_with_the_same_key() {
        let (data, sealing) = sealing();
        let sealed = sealing.seal(SourceId(1), "pass wörd").unwrap();
        assert!(!sealed.contains("pass"));
        assert_ne!(sealed, sealing.seal(SourceId(1), "pass wörd").unwrap());
        let again = Sealing::load_or_make(data.path()).unwrap();
        let opened = again.open(SourceId(1), &sealed);
        assert_eq!(opened.as_deref(), Some("pass wörd"));
        assert_eq!(again.open(SourceId(2), &sealed), None);
        assert_eq!(sealing_of_another_server().open(SourceId(1), &sealed), None);
        for damaged in ["", "AAAA", "not base64!", &sealed[..sealed.len() - 8]] {
            assert_eq!(again.open(SourceId(1), damaged), None, "{damaged}");
        }
    }

    fn sealing_of_another_server() -> Sealing {
        sealing().1
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;

        let (data, _) = sealing();
        let path = data.path().join(KEY_FILE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Sealing::load_or_make(data.path()).err().unwrap();
        assert!(
            error.to_string().contains("may be read by others"),
            "{error}"
        );
    }
}
