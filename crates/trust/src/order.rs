//! Orders and releases: signing them, and the one check before anything runs.

use fleetmend_model::release::Release;
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeployJobId, Millis, hex};
use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::keys::{PublicKey, SigningKey};

const ORDER_TYPE: &str = "application/vnd.fleetmend.order+json";
const RELEASE_TYPE: &str = "application/vnd.fleetmend.release+json";

/// Whose signatures an agent accepts. Fixed at enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRoot {
    /// 0: the server holds the release key. 1: one person signs. 2: two persons.
    pub level: u8,
    /// Keys that sign releases.
    pub release_keys: Vec<PublicKey>,
    /// Keys that sign orders.
    pub order_keys: Vec<PublicKey>,
}

impl TrustRoot {
    /// How many different release keys must have signed a release.
    fn release_signatures(&self) -> Result<usize, Refusal> {
        match self.level {
            0 | 1 => Ok(1),
            2 => Ok(2),
            level => Err(Refusal::Level(level)),
        }
    }
}

/// Who runs what now. The payload of an order's envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The deploy job that it is.
    pub job: DeployJobId,
    /// SHA-256 of the device's certificate: an order for one device is none for another.
    pub device_certificate: String,
    /// SHA-256 of the release's payload.
    pub release_digest: String,
    /// Higher than that of any earlier order for this device.
    pub counter: i64,
    /// When it was made.
    pub issued: Millis,
    /// From when on it must not start.
    pub expires: Millis,
    /// How failures are handled.
    pub policy: OrderPolicy,
    /// When it runs, and what is done about what is in its way. Only what the agent has the
    /// [ability](fleetmend_model::abilities) for is asked of it: it passes over the rest.
    #[serde(default, skip_serializing_if = "RunRules::is_default")]
    pub rules: RunRules,
}

/// How an agent handles failures of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPolicy {
    /// How often a failed installer is started again.
    pub retries: u32,
    /// The time between two starts, in seconds.
    pub retry_seconds: u64,
    /// How long one start may take, in seconds.
    pub limit_seconds: u64,
}

/// An order with the release that it names, as the server hands them out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOrder {
    /// The job, so that a refusal can be reported even if the order cannot be read. Unsigned.
    pub job: DeployJobId,
    /// The signed [`Order`].
    pub order: Envelope,
    /// The signed [`Release`].
    pub release: Envelope,
}

/// Something that passed [`verify`]. Nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    inner: T,
    release: Release,
}

impl Verified<Order> {
    /// The order.
    pub fn order(&self) -> &Order {
        &self.inner
    }

    /// The release that it runs.
    pub fn release(&self) -> &Release {
        &self.release
    }
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order's signature or shape.
    #[error("the order was refused: {0}")]
    Order(String),
    /// The release's signature or shape.
    #[error("the release was refused: {0}")]
    Release(String),
    /// The device was enrolled with a trust level that this agent does not have.
    #[error(
        "the release was refused: the device's trust level is {0}, and this agent knows 0, 1 and \
         2: install a newer agent"
    )]
    Level(u8),
    /// The order names another release than the one that came with it.
    #[error("the order was refused: it is for another release than the one that came with it")]
    OtherRelease,
    /// The order is for another device, or for another job than it came as.
    #[error("the order was refused: it is for another device or job")]
    OtherDevice,
    /// The order's time is over.
    #[error("the order was refused: it expired")]
    Expired,
    /// A newer order was accepted before.
    #[error("the order was refused: it is older than one that was accepted before")]
    RolledBack,
    /// A file's name, digest or length cannot be right.
    #[error("the release was refused: its file '{0}' has an impossible name, digest or length")]
    File(String),
}

/// SHA-256 of some bytes, lower-case hexadecimal.
pub fn digest_hex(bytes: &[u8]) -> String {
    hex::of(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// Signs a release statement.
pub fn sign_release(release: &Release, key: &SigningKey) -> Result<Envelope, serde_json::Error> {
    Ok(Envelope::sign(
        RELEASE_TYPE,
        &serde_json::to_vec(release)?,
        key,
    ))
}

/// Signs an order.
pub fn sign_order(order: &Order, key: &SigningKey) -> Result<Envelope, serde_json::Error> {
    Ok(Envelope::sign(ORDER_TYPE, &serde_json::to_vec(order)?, key))
}

/// The one check before anything runs: signatures of order and release, the binding between
/// them and to the device, expiry, and the counter.
///
/// `device_certificate` is the SHA-256 of the device's certificate, `last_counter` the highest
/// counter accepted so far.
pub fn verify(
    signed: &SignedOrder,
    root: &TrustRoot,
    device_certificate: &str,
    last_counter: i64,
    now: Millis,
) -> Result<Verified<Order>, Refusal> {
    let verified = verify_again(signed, root, device_certificate)?;
    if verified.inner.expires <= now {
        return Err(Refusal::Expired);
    }
    if verified.inner.counter <= last_counter {
        return Err(Refusal::RolledBack);
    }
    Ok(verified)
}

/// [`verify`] for an order that was accepted before and comes from the agent's own journal: all
/// but time and counter, which were right when it was accepted.
pub fn verify_again(
    signed: &SignedOrder,
    root: &TrustRoot,
    device_certificate: &str,
) -> Result<Verified<Order>, Refusal> {
    let needed = root.release_signatures()?;
    let payload = signed
        .order
        .open(ORDER_TYPE, &root.order_keys, 1)
        .map_err(Refusal::Order)?;
    let order: Order =
        serde_json::from_slice(&payload).map_err(|error| Refusal::Order(error.to_string()))?;
    let payload = signed
        .release
        .open(RELEASE_TYPE, &root.release_keys, needed)
        .map_err(Refusal::Release)?;
    let release: Release =
        serde_json::from_slice(&payload).map_err(|error| Refusal::Release(error.to_string()))?;
    if order.release_digest != digest_hex(&payload) {
        return Err(Refusal::OtherRelease);
    }
    if order.device_certificate != device_certificate || order.job != signed.job {
        return Err(Refusal::OtherDevice);
    }
    check_files(&release)?;
    Ok(Verified {
        inner: order,
        release,
    })
}

fn check_files(release: &Release) -> Result<(), Refusal> {
    let fleetmend_model::release::Action::RunInstaller(run) = &release.action else {
        return Ok(());
    };
    for file in &run.files {
        let is_digest = file.sha256.len() == 64
            && file
                .sha256
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let is_one_component = !file.name.is_empty()
            && file.name.len() <= 200
            && !file.name.starts_with('.')
            && !file.name.ends_with(['.', ' '])
            && !is_device_name(&file.name)
            && file
                .name
                .chars()
                .all(|c| !c.is_control() && !"/\\:*?\"<>|".contains(c));
        if !is_digest || !is_one_component || file.length == 0 {
            return Err(Refusal::File(file.name.clone()));
        }
    }
    Ok(())
}

/// Whether Windows takes a name for a device, with whatever extension: `NUL`, `com1.exe`.
///
/// Source: Microsoft, 'Naming Files, Paths, and Namespaces'.
fn is_device_name(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_uppercase();
    let is_numbered = ["COM", "LPT"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|number| {
            let mut digits = number.chars();
            digits.next().is_some_and(|c| "0123456789¹²³".contains(c)) && digits.next().is_none()
        })
    });
    is_numbered || ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str())
}
