//! Words that nobody can guess, and the form in which the database keeps them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleetmend_trust::digest_hex;
use ring::rand::{SecureRandom as _, SystemRandom};

/// 256 random bits as text that fits cookies, URLs and forms.
pub(crate) fn make() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system's random source failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored instead of the word: a copy of the database opens nothing.
pub(crate) fn digest(secret: &str) -> String {
    digest_hex(secret.as_bytes())
}

/// Whether two words are the same. It compares digests, so the time it takes tells nothing of
/// where they differ.
pub(crate) fn is_same(given: &str, expected: &str) -> bool {
    digest(given) == digest(expected)
}
