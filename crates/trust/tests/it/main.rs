//! Nothing runs that was not signed, for this device, as it was signed.

mod envelope;
mod files;
mod refusals;
mod rules;
mod token;

use fleetmend_model::detection::Detection;
use fleetmend_model::recipe::{Bitness, InstallerKind};
use fleetmend_model::release::{Action, Release, ReleaseFile, RunInstaller};
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{
    Envelope, Order, OrderPolicy, SignedOrder, SigningKey, TrustRoot, sign_order, sign_release,
};

pub(crate) const DEVICE: &str = "device-certificate";
pub(crate) const NOW: Millis = Millis(1_000_000);

/// One key for orders, one for releases, and a root that trusts each for its own use.
pub(crate) struct Keys {
    pub(crate) order: SigningKey,
    pub(crate) release: SigningKey,
    pub(crate) root: TrustRoot,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::generate().expect("random bytes").0
}

pub(crate) fn keys() -> Keys {
    let (order, release) = (key(), key());
    let root = TrustRoot {
        level: 0,
        release_keys: vec![release.public()],
        order_keys: vec![order.public()],
    };
    Keys {
        order,
        release,
        root,
    }
}

pub(crate) fn release() -> Release {
    Release {
        package: "example".to_owned(),
        version: "2.0".to_owned(),
        title: "Example".to_owned(),
        action: Action::RunInstaller(RunInstaller {
            kind: InstallerKind::Exe,
            files: vec![ReleaseFile {
                name: "setup.exe".to_owned(),
                sha256: "0123456789abcdef".repeat(4),
                length: 17,
                bitness: Bitness::Any,
            }],
            arguments: "/S".to_owned(),
            exit_codes: vec![0, 3010],
            detection: Detection::default(),
        }),
    }
}

pub(crate) fn order_for(release: &Envelope) -> Order {
    Order {
        job: DeployJobId(7),
        device_certificate: DEVICE.to_owned(),
        release_digest: release.payload_digest().expect("Base64"),
        counter: 5,
        issued: Millis(NOW.0 - 1000),
        expires: Millis(NOW.0 + 1000),
        policy: OrderPolicy {
            retries: 3,
            retry_seconds: 180,
            limit_seconds: 3600,
        },
        rules: RunRules::default(),
    }
}

/// A right order, changed before it is signed.
pub(crate) fn signed_with(
    keys: &Keys,
    release: &Release,
    change: impl FnOnce(&mut Order),
) -> SignedOrder {
    let release = sign_release(release, &keys.release).expect("JSON");
    let mut order = order_for(&release);
    change(&mut order);
    let envelope = sign_order(&order, &keys.order).expect("JSON");
    SignedOrder {
        job: DeployJobId(7),
        order: envelope,
        release,
    }
}

pub(crate) fn signed(keys: &Keys) -> SignedOrder {
    signed_with(keys, &release(), |_| {})
}
