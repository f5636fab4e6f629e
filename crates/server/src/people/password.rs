//! Passwords: argon2id, one at a time per core, and the same work whether a user exists or not.

use std::sync::LazyLock;

use anyhow::Context as _;
use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;

/// The shortest password, in characters (NIST SP 800-63B asks for 8 at least).
pub(crate) const SHORTEST: usize = 12;
/// The longest, in bytes: nobody makes the server hash megabytes.
pub(crate) const LONGEST: usize = 1024;
/// Hashes at one time; each takes 19 MiB.
static TURNS: Semaphore = Semaphore::const_new(2);
/// What a password is compared with when there is no such user.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_now("nobody's password").unwrap_or_default());

/// Why a password is not accepted as a new one.
pub(crate) fn complaint(password: &str) -> Option<String> {
    if password.chars().count() < SHORTEST {
        return Some(format!(
            "the password is too short: use {SHORTEST} characters or more"
        ));
    }
    (password.len() > LONGEST)
        .then(|| format!("the password is too long: use {LONGEST} bytes at most"))
}

/// The hash to store, in the PHC string format.
pub(crate) async fn hash(password: &str) -> anyhow::Result<String> {
    let password = password.to_owned();
    work(move || hash_now(&password)).await?
}

/// Whether the password is the stored one. Without a stored one (there is no such user) the answer
/// is no, after the same work.
pub(crate) async fn is_right(password: &str, stored: Option<&str>) -> anyhow::Result<bool> {
    let given = if password.len() > LONGEST {
        String::new()
    } else {
        password.to_owned()
    };
    let expected = stored.map(str::to_owned);
    let fits = work(move || {
        let against = expected.as_deref().unwrap_or(&NOBODY);
        PasswordHash::new(against).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(given.as_bytes(), &hash)
                .is_ok()
        })
    })
    .await?;
    Ok(fits && stored.is_some())
}

async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    let _turn = TURNS.acquire().await.context("no turn for a password")?;
    tokio::task::spawn_blocking(work)
        .await
        .context("a password's check was broken off")
}

fn hash_now(password: &str) -> anyhow::Result<String> {
    let mut salt = [0; 16];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| anyhow::anyhow!("the system's random source failed"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("salt: {error}"))?;
    Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| anyhow::anyhow!("the password cannot be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_and_salted() {
        let (one, two) = (hash_now("same").unwrap(), hash_now("same").unwrap());
        assert!(one.starts_with("$argon2id$"), "{one}");
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn only_the_stored_password_is_right_and_nobody_has_none() {
        let stored = hash("correct horse battery").await.unwrap();
        assert!(
            is_right("correct horse battery", Some(&stored))
                .await
                .unwrap()
        );
        assert!(
            !is_right("Correct horse battery", Some(&stored))
                .await
                .unwrap()
        );
        assert!(!is_right("", Some(&stored)).await.unwrap());
        assert!(!is_right("nobody's password", None).await.unwrap());
        assert!(
            !is_right(&"x".repeat(LONGEST + 1), Some(&stored))
                .await
                .unwrap()
        );
    }
}
