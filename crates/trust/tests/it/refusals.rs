//! Each way in which an order can be wrong, by its refusal.

use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{
    Envelope, Refusal, SignedOrder, TrustRoot, sign_order, sign_release, verify, verify_again,
};

use crate::{DEVICE, NOW, key, keys, order_for, release, signed, signed_with};

fn refused(signed: &SignedOrder, root: &TrustRoot) -> Refusal {
    verify(signed, root, DEVICE, 4, NOW).expect_err("accepted")
}

#[test]
fn a_right_order_is_accepted_with_what_was_signed() {
    let keys = keys();
    let signed = signed(&keys);
    let verified = verify(&signed, &keys.root, DEVICE, 4, NOW).expect("a right order");
    assert_eq!(verified.order(), &order_for(&signed.release));
    assert_eq!(verified.release(), &release());
    assert_eq!(verify_again(&signed, &keys.root, DEVICE), Ok(verified));

    let json = serde_json::to_string(&signed).expect("JSON");
    let read: SignedOrder = serde_json::from_str(&json).expect("JSON");
    assert!(verify(&read, &keys.root, DEVICE, 4, NOW).is_ok());
}

#[test]
fn an_order_for_another_device_or_job_is_refused() {
    let keys = keys();
    let signed = signed(&keys);
    let other = verify(&signed, &keys.root, "other-certificate", 4, NOW);
    assert_eq!(other, Err(Refusal::OtherDevice));
    assert_eq!(
        verify_again(&signed, &keys.root, "other-certificate"),
        Err(Refusal::OtherDevice)
    );
    let relabelled = SignedOrder {
        job: DeployJobId(8),
        ..signed
    };
    assert_eq!(refused(&relabelled, &keys.root), Refusal::OtherDevice);
}

#[test]
fn an_order_with_another_release_is_refused() {
    let keys = keys();
    let mut other = release();
    other.version = "2.0.1".to_owned();
    let swapped = SignedOrder {
        release: sign_release(&other, &keys.release).expect("JSON"),
        ..signed(&keys)
    };
    assert_eq!(refused(&swapped, &keys.root), Refusal::OtherRelease);
    assert_eq!(
        verify_again(&swapped, &keys.root, DEVICE),
        Err(Refusal::OtherRelease)
    );
}

#[test]
fn an_order_is_accepted_until_its_time_is_over() {
    let keys = keys();
    let signed = signed(&keys);
    let at = |now| verify(&signed, &keys.root, DEVICE, 4, Millis(now));
    assert!(at(NOW.0 + 999).is_ok());
    assert_eq!(at(NOW.0 + 1000), Err(Refusal::Expired));
    assert_eq!(at(i64::MAX), Err(Refusal::Expired));
    // What was accepted in time may be taken up after a crash.
    assert!(verify_again(&signed, &keys.root, DEVICE).is_ok());
}

#[test]
fn an_order_older_than_the_last_is_refused() {
    let keys = keys();
    let signed = signed(&keys);
    let after = |counter| verify(&signed, &keys.root, DEVICE, counter, NOW);
    assert!(after(4).is_ok());
    assert_eq!(after(5), Err(Refusal::RolledBack));
    assert_eq!(after(6), Err(Refusal::RolledBack));
}

#[test]
fn keys_are_trusted_for_their_own_use_only() {
    let keys = keys();
    let release_envelope = sign_release(&release(), &keys.order).expect("JSON");
    let by_order_key = SignedOrder {
        job: DeployJobId(7),
        order: sign_order(&order_for(&release_envelope), &keys.order).expect("JSON"),
        release: release_envelope,
    };
    assert!(matches!(
        refused(&by_order_key, &keys.root),
        Refusal::Release(_)
    ));

    let right = signed(&keys);
    let order = order_for(&right.release);
    for signer in [&keys.release, &key()] {
        let forged = SignedOrder {
            order: sign_order(&order, signer).expect("JSON"),
            ..right.clone()
        };
        assert!(matches!(refused(&forged, &keys.root), Refusal::Order(_)));
    }

    let nobody = TrustRoot {
        level: 0,
        release_keys: Vec::new(),
        order_keys: Vec::new(),
    };
    assert!(matches!(refused(&right, &nobody), Refusal::Order(_)));
}

#[test]
fn any_trusted_key_will_do_and_unknown_signatures_beside_it_do_no_harm() {
    let keys = keys();
    let mut root = keys.root.clone();
    root.order_keys.insert(0, key().public());
    root.order_keys
        .insert(0, fleetmend_trust::PublicKey("not Base64!".to_owned()));
    let mut signed = signed(&keys);
    let foreign = sign_order(&order_for(&signed.release), &key()).expect("JSON");
    signed.order.signatures.splice(0..0, foreign.signatures);
    assert!(verify(&signed, &root, DEVICE, 4, NOW).is_ok());
    signed.order.signatures.clear();
    assert!(matches!(refused(&signed, &root), Refusal::Order(_)));
}

#[test]
fn a_release_needs_as_many_different_signers_as_the_trust_level_says() {
    let mut keys = keys();
    let second = key();
    let (one, two) = (keys.release.public(), second.public());
    let right = signed(&keys);
    let by_second = sign_release(&release(), &second).expect("JSON");
    let by_order_key = sign_release(&release(), &keys.order).expect("JSON");
    let with = |others: &[&Envelope]| {
        let mut signed = right.clone();
        for other in others {
            let signatures = other.signatures.iter().cloned();
            signed.release.signatures.extend(signatures);
        }
        signed
    };
    let (alone, twice) = (with(&[]), with(&[&right.release]));
    let (both, foreign) = (with(&[&by_second]), with(&[&by_order_key]));
    for (level, signed, release_keys, is_accepted) in [
        (0, &alone, vec![&one, &two], true),
        (1, &alone, vec![&one, &two], true),
        (1, &alone, vec![&two], false),
        (2, &alone, vec![&one, &two], false),
        (2, &twice, vec![&one, &two], false),
        (2, &twice, vec![&one, &one, &two], false),
        (2, &foreign, vec![&one, &two], false),
        (2, &both, vec![&one], false),
        (2, &both, vec![&one, &two], true),
        (2, &both, vec![&two, &key().public(), &one], true),
        (3, &both, vec![&one, &two], false),
        (u8::MAX, &both, vec![&one, &two], false),
    ] {
        keys.root.level = level;
        keys.root.release_keys = release_keys.into_iter().cloned().collect();
        let verified = verify(signed, &keys.root, DEVICE, 4, NOW);
        assert_eq!(verified.is_ok(), is_accepted, "level {level}: {verified:?}");
        assert_eq!(
            verify_again(signed, &keys.root, DEVICE).is_ok(),
            is_accepted
        );
    }
    keys.root.release_keys = vec![one, two];
    keys.root.level = 2;
    assert_eq!(
        refused(&alone, &keys.root).to_string(),
        "the release was refused: 1 of the keys that this agent trusts signed it; 2 different \
         ones must"
    );
    keys.root.level = 3;
    assert_eq!(refused(&both, &keys.root), Refusal::Level(3));
}

#[test]
fn a_statement_of_one_kind_is_not_one_of_another() {
    let mut keys = keys();
    // Even where one key signs both.
    keys.root.release_keys = keys.root.order_keys.clone();
    let release = sign_release(&release(), &keys.order).expect("JSON");
    let order = sign_order(&order_for(&release), &keys.order).expect("JSON");
    let job = DeployJobId(7);
    let crossed = SignedOrder {
        job,
        order: release.clone(),
        release: order.clone(),
    };
    assert!(matches!(refused(&crossed, &keys.root), Refusal::Order(_)));
    let relabelled = Envelope {
        payload_type: order.payload_type.clone(),
        ..release.clone()
    };
    let crossed = SignedOrder {
        job,
        order: relabelled,
        release: release.clone(),
    };
    assert!(matches!(refused(&crossed, &keys.root), Refusal::Order(_)));
    assert!(
        verify(
            &SignedOrder {
                job,
                order,
                release
            },
            &keys.root,
            DEVICE,
            4,
            NOW
        )
        .is_ok()
    );
}

#[test]
fn a_signed_payload_that_is_no_order_says_what_is_wrong_with_it() {
    let keys = keys();
    let right = signed(&keys);
    let kind = right.order.payload_type.clone();
    for payload in ["", "null", "[]", "{}", r#"{"job":"seven"}"#] {
        let forged = SignedOrder {
            order: Envelope::sign(&kind, payload.as_bytes(), &keys.order),
            ..right.clone()
        };
        let refusal = refused(&forged, &keys.root);
        assert!(
            matches!(refusal, Refusal::Order(_)),
            "{payload}: {refusal:?}"
        );
        assert!(
            refusal.to_string().starts_with("the order was refused: "),
            "{refusal}"
        );
    }
}

#[test]
fn an_action_that_the_agent_does_not_know_is_refused_and_not_guessed() {
    let keys = keys();
    let right = signed(&keys);
    let kind = right.release.payload_type.clone();
    let payload = br#"{"package":"p","version":"1","title":"t","action":{"do":"dnf_upgrade"}}"#;
    let release = Envelope::sign(&kind, payload, &keys.release);
    let order = sign_order(&order_for(&release), &keys.order).expect("JSON");
    let refusal = refused(
        &SignedOrder {
            job: right.job,
            order,
            release,
        },
        &keys.root,
    );
    assert!(refusal.to_string().contains("dnf_upgrade"), "{refusal}");
}

#[test]
fn fields_that_a_newer_server_adds_are_accepted() {
    let keys = keys();
    let right = signed(&keys);
    let with_extra = |envelope: &Envelope, key: &fleetmend_trust::SigningKey| {
        let payload = envelope.payload_unverified().expect("Base64");
        let mut value: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
        value["added_later"] = serde_json::json!({"x": [1]});
        Envelope::sign(&envelope.payload_type, value.to_string().as_bytes(), key)
    };
    let release = with_extra(&right.release, &keys.release);
    let order = sign_order(&order_for(&release), &keys.order).expect("JSON");
    let order = with_extra(&order, &keys.order);
    assert!(
        verify(
            &SignedOrder {
                job: right.job,
                order,
                release
            },
            &keys.root,
            DEVICE,
            4,
            NOW
        )
        .is_ok()
    );
}

#[test]
fn refusals_say_what_was_refused() {
    let keys = keys();
    let expired = signed_with(&keys, &release(), |order| order.expires = Millis(0));
    assert_eq!(
        refused(&expired, &keys.root).to_string(),
        "the order was refused: it expired"
    );
}
