//! The key of an enrolment that is under way. It is stored before it is sent: an agent that dies,
//! or does not get the answer, asks again with the same key and gets what it would have got.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fleetmend_trust::{EnrolToken, digest_hex};
use rcgen::KeyPair;
use serde::{Deserialize, Serialize};

use crate::journal::replace;

/// The file `enrolment.json` in the agent's data folder, readable by its owner only.
#[derive(Serialize, Deserialize)]
struct Begun {
    /// SHA-256 of the token's secret: a key is for one token.
    token_sha256: String,
    /// PEM. Never leaves the machine.
    key: String,
}

fn file(dir: &Path) -> PathBuf {
    dir.join("enrolment.json")
}

/// The key to enrol with: the one of an earlier try with the same token, or a new one, stored.
pub(crate) fn key(dir: &Path, token: &EnrolToken) -> anyhow::Result<KeyPair> {
    let path = file(dir);
    let token_sha256 = digest_hex(&token.secret);
    if let Some(key) = earlier(&path, &token_sha256)? {
        return Ok(key);
    }
    let key = KeyPair::generate().context("cannot make a key")?;
    let begun = Begun {
        token_sha256,
        key: key.serialize_pem(),
    };
    replace(&path, &serde_json::to_vec_pretty(&begun)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

/// A file that is damaged counts as none: nothing but the one enrolment hangs on it.
fn earlier(path: &Path, token_sha256: &str) -> anyhow::Result<Option<KeyPair>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let begun = serde_json::from_slice::<Begun>(&bytes).ok();
    Ok(begun
        .filter(|begun| begun.token_sha256 == token_sha256)
        .and_then(|begun| KeyPair::from_pem(&begun.key).ok()))
}

/// Forgets the key: it is in the identity, which is stored. One that stays does no harm.
pub(crate) fn done(dir: &Path) {
    let path = file(dir);
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: u8) -> EnrolToken {
        EnrolToken {
            server_url: "https://server".to_owned(),
            ca_sha256: [0; 32],
            secret: [secret; 16],
        }
    }

    #[test]
    fn a_token_is_tried_with_one_key_until_the_identity_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let pem = |secret| key(dir, &token(secret)).unwrap().serialize_pem();
        let first = pem(1);
        assert_eq!(pem(1), first);
        let other = pem(2);
        assert_ne!(other, first, "another token, another key");
        assert_eq!(pem(2), other);
        done(dir);
        done(dir);
        assert_ne!(pem(2), other);
    }

    #[test]
    fn a_damaged_key_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        for damage in ["", "{", r#"{"token_sha256": "x", "key": "y"}"#] {
            std::fs::write(file(dir.path()), damage).unwrap();
            let new = key(dir.path(), &token(1)).unwrap().serialize_pem();
            let again = key(dir.path(), &token(1)).unwrap().serialize_pem();
            assert_eq!(again, new);
        }
        let mut begun: Begun =
            serde_json::from_slice(&std::fs::read(file(dir.path())).unwrap()).unwrap();
        begun.key.truncate(40);
        std::fs::write(file(dir.path()), serde_json::to_vec(&begun).unwrap()).unwrap();
        key(dir.path(), &token(1)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        key(dir.path(), &token(1)).unwrap();
        let mode = std::fs::metadata(file(dir.path())).unwrap().permissions();
        assert_eq!(mode.mode() & 0o077, 0);
    }
}
