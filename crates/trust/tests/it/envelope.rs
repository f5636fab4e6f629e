//! Every byte of a signed statement counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_trust::{Envelope, Refusal, SignedOrder, SigningKey, verify};
use proptest::prelude::*;

use crate::{DEVICE, Keys, NOW, keys, signed};

fn is_accepted(signed: &SignedOrder, keys: &Keys) -> bool {
    verify(signed, &keys.root, DEVICE, 4, NOW).is_ok()
}

fn flipped(base64: &str, at: usize, bit: u8) -> String {
    let mut bytes = STANDARD.decode(base64).expect("Base64");
    bytes[at] ^= 1 << bit;
    STANDARD.encode(bytes)
}

fn decoded_length(base64: &str) -> usize {
    STANDARD.decode(base64).expect("Base64").len()
}

#[test]
fn every_flipped_byte_of_payload_or_signature_is_refused() {
    let keys = keys();
    let right = signed(&keys);
    assert!(is_accepted(&right, &keys));
    for which in 0..2 {
        let envelope = if which == 0 {
            &right.order
        } else {
            &right.release
        };
        let put = |changed: Envelope| {
            let mut signed = right.clone();
            *(if which == 0 {
                &mut signed.order
            } else {
                &mut signed.release
            }) = changed;
            signed
        };
        for at in 0..decoded_length(&envelope.payload) {
            let bit = (at % 8) as u8;
            let payload = flipped(&envelope.payload, at, bit);
            let changed = put(Envelope {
                payload,
                ..envelope.clone()
            });
            assert!(!is_accepted(&changed, &keys), "payload {which}, byte {at}");
        }
        for at in 0..decoded_length(&envelope.signatures[0].sig) {
            for bit in 0..8 {
                let mut changed = envelope.clone();
                changed.signatures[0].sig = flipped(&envelope.signatures[0].sig, at, bit);
                assert!(
                    !is_accepted(&put(changed), &keys),
                    "signature {which}, byte {at}"
                );
            }
        }
        let length = envelope.signatures[0].sig.len();
        for sig in [
            "",
            "AAAA",
            "not Base64!",
            &envelope.signatures[0].sig[..length - 4],
        ] {
            let mut changed = envelope.clone();
            changed.signatures[0].sig = sig.to_owned();
            assert!(
                !is_accepted(&put(changed), &keys),
                "signature {which}: '{sig}'"
            );
        }
    }
}

#[test]
fn the_key_id_is_a_hint_and_decides_nothing() {
    let keys = keys();
    let mut signed = signed(&keys);
    signed.order.signatures[0].keyid = "anything".to_owned();
    assert!(is_accepted(&signed, &keys));
}

#[test]
fn a_payload_beyond_the_cap_is_not_looked_at() {
    let keys = keys();
    let mut signed = signed(&keys);
    let kind = signed.order.payload_type.clone();
    signed.order = Envelope::sign(&kind, &vec![b' '; 300 * 1024], &keys.order);
    let refusal = verify(&signed, &keys.root, DEVICE, 4, NOW).expect_err("too large");
    assert!(
        matches!(&refusal, Refusal::Order(why) if why.contains("262144")),
        "{refusal}"
    );
}

#[test]
fn more_signatures_than_anyone_needs_are_not_tried() {
    let keys = keys();
    let mut signed = signed(&keys);
    let right = signed.order.signatures.remove(0);
    let mut wrong = right.clone();
    wrong.sig = STANDARD.encode([0; 64]);
    signed.order.signatures = vec![wrong; 16];
    signed.order.signatures.push(right);
    assert!(!is_accepted(&signed, &keys));
}

#[test]
fn a_key_is_read_back_and_anything_else_is_not_a_key() {
    let (key, document) = SigningKey::generate().expect("random bytes");
    let again = SigningKey::from_pkcs8(&document).expect("a key");
    assert_eq!(key.public(), again.public());
    assert_eq!(key.public().id().len(), 16);
    assert!(SigningKey::from_pkcs8(&document[1..]).is_err());
    assert!(SigningKey::from_pkcs8(b"").is_err());
}

/// The bytes that are signed are those of the specification, so that other tools can sign.
#[test]
fn the_signed_bytes_are_those_of_the_dsse_specification() {
    use ring::signature::{ED25519, UnparsedPublicKey};
    let (key, _) = SigningKey::generate().expect("random bytes");
    let envelope = Envelope::sign("http://example.com/HelloWorld", b"hello world", &key);
    let signed = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    let public = STANDARD.decode(key.public().0).expect("Base64");
    let signature = STANDARD
        .decode(&envelope.signatures[0].sig)
        .expect("Base64");
    assert_eq!(
        UnparsedPublicKey::new(&ED25519, public).verify(signed, &signature),
        Ok(())
    );
    let json = serde_json::to_value(&envelope).expect("JSON");
    assert_eq!(json["payloadType"], "http://example.com/HelloWorld");
    assert_eq!(json["payload"], "aGVsbG8gd29ybGQ=");
    assert!(json["signatures"][0]["sig"].is_string() && json["signatures"][0]["keyid"].is_string());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// Not one character of the texts on the wire can be another.
    #[test]
    fn every_changed_character_is_refused(
        field in 0..4_usize,
        at in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9+/=\\-_. ]",
    ) {
        let keys = keys();
        let right = signed(&keys);
        let mut changed = right.clone();
        let text = match field {
            0 => &mut changed.order.payload,
            1 => &mut changed.order.signatures[0].sig,
            2 => &mut changed.release.payload,
            _ => &mut changed.release.signatures[0].sig,
        };
        let at = at.index(text.len());
        text.replace_range(at..=at, &with);
        prop_assert_eq!(is_accepted(&changed, &keys), changed == right);
    }
}
