//! The one-time enrolment token: the server's address, the digest of its certificate authority,
//! and a secret. One line of text that an administrator pastes on the new machine.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What every token starts with.
const PREFIX: &str = "fleetmend1_";
/// The longest address that a token carries, in bytes.
const MAX_URL: usize = 512;

/// Why a text is not a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// It does not start as tokens do.
    #[error("the enrolment token does not start with '{PREFIX}': copy the whole line")]
    Prefix,
    /// It is cut or altered.
    #[error("the enrolment token is damaged: copy the whole line again")]
    Damaged,
}

/// A token's content. Has no `Debug`: the secret must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolToken {
    /// The server's address as the device reaches it, e.g. `https://patch.example:8443`.
    pub server_url: String,
    /// SHA-256 of the server's CA certificate (DER).
    pub ca_sha256: [u8; 32],
    /// What the server knows the token by (it keeps only a digest of it).
    pub secret: [u8; 16],
}

impl EnrolToken {
    /// The text to paste.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(52 + self.server_url.len());
        bytes.extend_from_slice(&self.ca_sha256);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(self.server_url.as_bytes());
        let sum = ring::digest::digest(&ring::digest::SHA256, &bytes);
        bytes.extend_from_slice(&sum.as_ref()[..4]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads [`Self::to_text`].
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(TokenError::Prefix)?;
        if body.len() > (MAX_URL + 52) * 4 / 3 + 4 {
            return Err(TokenError::Damaged);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(body)
            .map_err(|_| TokenError::Damaged)?;
        let (bytes, sum) = bytes.split_last_chunk::<4>().ok_or(TokenError::Damaged)?;
        if ring::digest::digest(&ring::digest::SHA256, bytes).as_ref()[..4] != *sum {
            return Err(TokenError::Damaged);
        }
        let (ca_sha256, rest) = bytes.split_first_chunk::<32>().ok_or(TokenError::Damaged)?;
        let (secret, url) = rest.split_first_chunk::<16>().ok_or(TokenError::Damaged)?;
        let server_url = std::str::from_utf8(url)
            .map_err(|_| TokenError::Damaged)?
            .to_owned();
        if !server_url.starts_with("https://") {
            return Err(TokenError::Damaged);
        }
        Ok(Self {
            server_url,
            ca_sha256: *ca_sha256,
            secret: *secret,
        })
    }

    /// The form in which the secret travels to the server: lower-case hexadecimal.
    pub fn secret_hex(&self) -> String {
        crate::hex(&self.secret)
    }
}
