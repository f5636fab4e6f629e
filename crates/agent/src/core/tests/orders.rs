//! The device's identity, and signed orders for it.

use std::sync::OnceLock;

use fleetmend_model::detection::Detection;
use fleetmend_model::recipe::{Bitness, InstallerKind};
use fleetmend_model::release::{Action, Release, ReleaseFile, RunInstaller};
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{
    Order, OrderPolicy, SignedOrder, SigningKey, TrustRoot, sign_order, sign_release,
};

use crate::core::Identity;

pub(super) const DEVICE: &str = "device-certificate";
pub(super) const RETRY_SECONDS: u64 = 180;
const MINUTE: i64 = 60_000;

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().expect("random bytes").0)
}

pub(super) fn identity() -> Identity {
    let keys = vec![key().public()];
    Identity {
        certificate_sha256: DEVICE.to_owned(),
        trust: TrustRoot {
            level: 0,
            release_keys: keys.clone(),
            order_keys: keys,
        },
    }
}

/// An order for `device`, good for `minutes`.
pub(super) fn order(job: i64, device: &str, now: Millis, minutes: i64) -> SignedOrder {
    let release = Release {
        package: format!("package-{job}"),
        version: "2.0".to_owned(),
        title: format!("Package {job}"),
        action: Action::RunInstaller(RunInstaller {
            kind: InstallerKind::Exe,
            files: vec![ReleaseFile {
                name: "setup.exe".to_owned(),
                sha256: "0".repeat(64),
                length: 1,
                bitness: Bitness::Any,
            }],
            arguments: "/S".to_owned(),
            exit_codes: vec![0],
            detection: Detection::default(),
        }),
    };
    let release = sign_release(&release, key()).expect("JSON");
    let order = Order {
        job: DeployJobId(job),
        device_certificate: device.to_owned(),
        release_digest: release.payload_digest().expect("Base64"),
        counter: job,
        issued: now,
        expires: Millis(now.0 + minutes * MINUTE),
        policy: OrderPolicy {
            retries: 3,
            retry_seconds: RETRY_SECONDS,
            limit_seconds: 3600,
        },
        rules: RunRules::default(),
    };
    SignedOrder {
        job: DeployJobId(job),
        order: sign_order(&order, key()).expect("JSON"),
        release,
    }
}
