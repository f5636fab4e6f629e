//! DSSE: a payload, its type, and signatures over both.
//!
//! Source: the Dead Simple Signing Envelope specification, version 1 (PAE encoding).

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::keys::{PublicKey, SigningKey};

/// The largest payload that is looked at, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 256 * 1024;
/// The most signatures that are tried.
const MAX_SIGNATURES: usize = 16;

/// A signed statement as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The payload, Base64.
    pub payload: String,
    /// One signature a key.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// [`PublicKey::id`] of the key. A hint: it decides nothing.
    pub keyid: String,
    /// The signature, Base64.
    pub sig: String,
}

impl Envelope {
    /// Signs a payload with one key.
    pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&pae(payload_type, payload));
        Self {
            payload_type: payload_type.to_owned(),
            payload: STANDARD.encode(payload),
            signatures: vec![Signature {
                keyid: key.public().id(),
                sig: STANDARD.encode(signature),
            }],
        }
    }

    /// The payload, if it is of the type asked for and at least `needed` different ones of the
    /// keys signed it. A key that stands twice, in `keys` or by two signatures, counts once.
    pub(crate) fn open(
        &self,
        payload_type: &str,
        keys: &[PublicKey],
        needed: usize,
    ) -> Result<Vec<u8>, String> {
        if self.payload_type != payload_type {
            return Err(format!(
                "it is a '{}', not a '{payload_type}'",
                self.payload_type
            ));
        }
        if self.payload.len() > MAX_PAYLOAD * 4 / 3 + 4 {
            return Err(format!("it is larger than {MAX_PAYLOAD} bytes"));
        }
        let payload = STANDARD
            .decode(&self.payload)
            .map_err(|_| "its payload is not Base64")?;
        let signed = pae(payload_type, &payload);
        let mut signers: HashSet<Vec<u8>> = HashSet::new();
        for signature in self.signatures.iter().take(MAX_SIGNATURES) {
            let Ok(bytes) = STANDARD.decode(&signature.sig) else {
                continue;
            };
            let signer = keys.iter().find(|key| key.verifies(&signed, &bytes));
            signers.extend(signer.and_then(PublicKey::bytes));
        }
        match signers.len() {
            0 => Err("no key that this agent trusts signed it".into()),
            count if count < needed => Err(format!(
                "{count} of the keys that this agent trusts signed it; {needed} different ones \
                 must"
            )),
            _ => Ok(payload),
        }
    }

    /// SHA-256 of the payload, lower-case hexadecimal: the name of a release in an order.
    pub fn payload_digest(&self) -> Option<String> {
        STANDARD
            .decode(&self.payload)
            .ok()
            .map(|payload| crate::digest_hex(&payload))
    }

    /// The payload without a look at the signatures, for showing to a person.
    pub fn payload_unverified(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }
}

/// The bytes that are signed.
fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
