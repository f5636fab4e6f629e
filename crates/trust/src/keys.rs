//! Ed25519 keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// Why a key could not be made or read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// The system gave no random bytes.
    #[error("the system's random source failed")]
    Random,
    /// The bytes are not a PKCS#8 Ed25519 key.
    #[error("the key is not an Ed25519 key in PKCS#8")]
    Malformed,
}

/// A key that signs statements. Has no `Debug`: its bytes must not reach a log.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a key; the bytes are its PKCS#8 document, to be stored.
    pub fn generate() -> Result<(Self, Vec<u8>), KeyError> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
        Ok((
            Self::from_pkcs8(document.as_ref())?,
            document.as_ref().to_vec(),
        ))
    }

    /// Reads a PKCS#8 document.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8(document)
            .map(Self)
            .map_err(|_| KeyError::Malformed)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(STANDARD.encode(self.0.public_key().as_ref()))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}

/// A public key, Base64 of its 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(pub String);

impl PublicKey {
    /// The first 16 hexadecimal digits of the key's SHA-256.
    pub fn id(&self) -> String {
        crate::digest_hex(self.0.as_bytes())[..16].to_owned()
    }

    /// The 32 bytes: what tells keys apart.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.0).ok()
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.bytes().is_some_and(|key| {
            UnparsedPublicKey::new(&ED25519, key)
                .verify(message, signature)
                .is_ok()
        })
    }
}
