//! The server's keys: devices trust one set of them, so a server never comes up with another in
//! silence.

use std::fs;
use std::path::Path;

use fleetmend_model::Millis;
use fleetmend_model::patch::PatchType;
use fleetmend_model::release::{Action, AptUpgrade, Release};
use fleetmend_server::Clock;
use fleetmend_store::settings;
use fleetmend_store::{Db, releases};
use fleetmend_trust::{EnrolToken, Envelope, PublicKey, digest_hex, sign_release};
use tempfile::TempDir;

use crate::folder::{config, refusal, run_once};
use crate::seed::THEN;

const FILES: [&str; 4] = ["ca.key.pem", "ca.cert.pem", "release.key", "order.key"];

async fn database(data: &Path) -> Db {
    Db::open_sqlite(&data.join("fleetmend.db")).await.unwrap()
}

/// What the administrator's commands say.
async fn commands_refuse(data: &Path) -> String {
    let opened = fleetmend_server::open(config(data)).await;
    format!("{:#}", opened.err().expect("it is refused"))
}

#[tokio::test]
async fn a_key_that_devices_trust_is_never_made_anew() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    let keys = data.join("keys");
    for name in FILES {
        let (file, away) = (keys.join(name), folder.path().join(name));
        fs::rename(&file, &away).unwrap();
        for said in [refusal(&data).await, commands_refuse(&data).await] {
            for word in [file.to_str().unwrap(), "is missing", "backup", "new-keys"] {
                assert!(said.contains(word), "'{word}': {said}");
            }
        }
        assert!(!file.exists(), "{name} was made");
        fs::rename(&away, &file).unwrap();
    }
    let away = folder.path().join("all");
    fs::rename(&keys, &away).unwrap();
    let said = refusal(&data).await;
    assert!(said.contains("keys is missing"), "{said}");
    assert!(!keys.exists());
    fs::rename(&away, &keys).unwrap();
    run_once(&data).await;
}

#[tokio::test]
async fn keys_of_another_server_are_refused_by_the_name_of_their_file() {
    let folder = TempDir::new().unwrap();
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    run_once(&data).await;
    run_once(&other).await;
    for (names, told) in [
        (
            &["ca.key.pem", "ca.cert.pem"][..],
            "ca.cert.pem is not the one",
        ),
        (&["release.key"], "release.key is not the one"),
        (&["order.key"], "order.key is not the one"),
        (&["ca.cert.pem"], "ca.cert.pem do not belong together"),
        (&["ca.key.pem"], "ca.cert.pem do not belong together"),
    ] {
        for name in names {
            let own = data.join("keys").join(name);
            fs::copy(&own, folder.path().join(name)).unwrap();
            fs::copy(other.join("keys").join(name), own).unwrap();
        }
        for said in [refusal(&data).await, commands_refuse(&data).await] {
            for word in [told, "backup", "new-keys"] {
                assert!(said.contains(word), "'{word}': {said}");
            }
        }
        for name in names {
            fs::copy(folder.path().join(name), data.join("keys").join(name)).unwrap();
        }
    }
    run_once(&data).await;
}

#[tokio::test]
async fn a_file_that_is_no_key_is_named() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    for name in FILES {
        let file = data.join("keys").join(name);
        let good = fs::read(&file).unwrap();
        for broken in [&b""[..], b"nonsense", &good[..good.len() / 2]] {
            fs::write(&file, broken).unwrap();
            let said = refusal(&data).await;
            assert!(said.contains(name) && said.contains("damaged"), "{said}");
        }
        fs::write(&file, good).unwrap();
    }
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_goes_on_with_the_keys_that_it_made() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    fs::remove_file(data.join("fleetmend.db")).unwrap();
    let ca = fs::read(data.join("keys/ca.cert.pem")).unwrap();
    fs::remove_file(data.join("keys/order.key")).unwrap();
    run_once(&data).await;
    assert_eq!(fs::read(data.join("keys/ca.cert.pem")).unwrap(), ca);
    assert!(data.join("keys/order.key").exists());
}

#[tokio::test]
async fn a_database_that_does_not_know_its_keys_learns_them_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    let db = database(&data).await;
    let mut tx = db.begin().await.unwrap();
    settings::delete(&mut tx, "keys").await.unwrap();
    tx.commit().await.unwrap();
    assert!(commands_refuse(&data).await.contains("start one"));
    run_once(&data).await;
    let known = settings::get(&db, "keys").await.unwrap().unwrap();
    let der = rustls_pem(&fs::read(data.join("keys/ca.cert.pem")).unwrap());
    assert!(known.contains(&digest_hex(&der)), "{known}");
}

fn rustls_pem(pem: &[u8]) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

#[tokio::test]
async fn starting_over_makes_other_keys_and_signs_the_releases_with_them() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let old = fleetmend_server::start(config(&data)).await.unwrap();
    let running = fleetmend_server::new_keys(&config(&data)).await;
    let said = format!("{:#}", running.expect_err("the server runs"));
    assert!(said.contains("another server runs"), "{said}");
    let release = Release {
        package: "tool".to_owned(),
        version: "2".to_owned(),
        title: "Tool".to_owned(),
        action: Action::AptUpgrade(AptUpgrade {
            package: "tool".to_owned(),
            architecture: "amd64".to_owned(),
            version: "2".to_owned(),
        }),
    };
    let app = old.app();
    let signed = sign_release(&release, &app.keys.release).unwrap();
    let digest = signed.payload_digest().unwrap();
    let text = serde_json::to_string(&signed).unwrap();
    let mut tx = app.db.begin().await.unwrap();
    releases::insert(&mut tx, PatchType::Os, &release, &digest, &text, THEN)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let old_token = old.handle().enrol_token("", 1).await.unwrap();
    let old_key = app.keys.release.public();
    old.stop().await;
    let old_ca = fs::read(data.join("keys/ca.cert.pem")).unwrap();
    fs::write(data.join("keys/of-another-kind.key"), "kept").unwrap();
    // As it is when a key is lost.
    fs::remove_file(data.join("keys/order.key")).unwrap();

    let done = fleetmend_server::new_keys(&config(&data)).await.unwrap();
    assert_eq!(done.devices, 0);
    let aside = done.set_aside.unwrap();
    assert_eq!(fs::read(aside.join("ca.cert.pem")).unwrap(), old_ca);
    let kept = fs::read(data.join("keys/of-another-kind.key")).unwrap();
    assert_eq!(kept, b"kept");
    let server = fleetmend_server::start(config(&data)).await.unwrap();
    let token = server.handle().enrol_token("", 1).await.unwrap();
    let ca = |token: &str| EnrolToken::from_text(token).unwrap().ca_sha256;
    assert_ne!(ca(&token), ca(&old_token));
    let app = server.app();
    let stored = releases::by_digest(&app.db, &digest)
        .await
        .unwrap()
        .unwrap();
    let again: Envelope = serde_json::from_str(&stored.envelope).unwrap();
    assert_eq!(again.payload, signed.payload);
    let signers: Vec<_> = again.signatures.iter().map(|it| &it.keyid).collect();
    assert_eq!(signers, [&app.keys.release.public().id()]);
    assert_ne!(PublicKey::id(&old_key), app.keys.release.public().id());
    server.stop().await;
}

#[tokio::test]
async fn a_clock_outside_of_what_the_keys_are_valid_for_is_said() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    run_once(&data).await;
    for (now, words) in [
        (
            "1970-01-01T00:01:00Z",
            &["1970-01-01", "from 2020-01-01", "set the clock"][..],
        ),
        (
            "2050-01-02T00:00:00Z",
            &["2050-01-02", "until 2049-12-31", "new-keys"],
        ),
    ] {
        let now: jiff::Timestamp = now.parse().unwrap();
        let mut config = config(&data);
        config.clock = Clock::new(move || Millis(now.as_millisecond()));
        let started = fleetmend_server::start(config).await;
        let said = format!("{:#}", started.err().expect("it does not start"));
        for word in words {
            assert!(said.contains(word), "'{word}': {said}");
        }
    }
}
