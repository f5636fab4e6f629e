//! The devices in memory: who is behind a certificate, what was last heard, and whether there is
//! something to check in for. Everything here can be read from the database again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use fleetmend_model::device::Host;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::devices::{self, Refusal};
use tokio::sync::Notify;

use crate::inventory::allowance::Allowance;

/// No time.
const NEVER: i64 = i64::MIN;

/// One device.
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// SHA-256 of its certificate.
    pub certificate_sha256: Arc<str>,
    last_seen: AtomicI64,
    /// Not yet in the database.
    last_seen_is_new: AtomicBool,
    /// When a scan found last what is stored; `NEVER` before the first. Goes to the database with
    /// `last_seen`.
    scanned_at: AtomicI64,
    /// A check-in must look into the database.
    has_work: AtomicBool,
    /// So must the next one that comes by itself.
    looks_again: AtomicBool,
    wake: Notify,
    known: Mutex<Known>,
    /// Whether an inventory of it is taken in.
    is_reporting: AtomicBool,
    allowances: Mutex<Allowances>,
}

/// What a device may still bring.
struct Allowances {
    unasked: Allowance,
    asked: Allowance,
    named: Allowance,
}

/// A device's turn: one inventory of it is taken in at a time.
pub struct Turn(Arc<Device>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.is_reporting.store(false, Ordering::Release);
    }
}

/// What a check-in is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The digest of the stored inventory.
    pub inventory_digest: Option<String>,
    /// The boot of the last check-in.
    pub boot: String,
    /// The agent's version at the last check-in.
    pub agent_version: String,
    /// The agent's protocol at the last check-in.
    pub protocol: u32,
    /// The epoch of the agent's state at the last check-in; empty before.
    pub epoch: String,
    /// A digest of what the last check-in said of the machine.
    pub facts: u64,
    /// A digest of what the stored inventory says of the machine itself.
    pub host: u64,
    /// When the last scan failed and why, as it is stored.
    pub scan_failure: Option<(Millis, String)>,
    /// What was refused, as it is stored.
    pub refusal: Option<Refusal>,
}

impl Known {
    /// [`Self::host`] of a machine.
    pub fn digest_of(host: &Host) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&host.hostname, host.os_family, &host.os_name).hash(&mut hasher);
        hasher.finish()
    }
}

impl Device {
    fn new(id: DeviceId, certificate_sha256: &str, last_seen: Millis, known: Known) -> Self {
        Self {
            id,
            certificate_sha256: Arc::from(certificate_sha256),
            last_seen: AtomicI64::new(last_seen.0),
            last_seen_is_new: AtomicBool::new(false),
            scanned_at: AtomicI64::new(NEVER),
            has_work: AtomicBool::new(true),
            looks_again: AtomicBool::new(false),
            wake: Notify::new(),
            known: Mutex::new(known),
            is_reporting: AtomicBool::new(false),
            allowances: Mutex::new(Allowances {
                unasked: Allowance::INVENTORIES,
                asked: Allowance::ASKED_FOR,
                named: Allowance::NAMED,
            }),
        }
    }

    /// Notes that the device was heard from.
    pub fn heard(&self, now: Millis) {
        self.last_seen.store(now.0, Ordering::Relaxed);
        self.last_seen_is_new.store(true, Ordering::Relaxed);
    }

    /// When it was last heard from.
    pub fn last_seen(&self) -> Millis {
        Millis(self.last_seen.load(Ordering::Relaxed))
    }

    /// Notes that a scan found what is stored. An older one takes nothing back.
    pub fn confirm_scan(&self, at: Millis) {
        self.scanned_at.fetch_max(at.0, Ordering::Relaxed);
    }

    /// When a scan found last what is stored, as far as was heard since the server started.
    pub fn scanned_at(&self) -> Option<Millis> {
        let at = self.scanned_at.load(Ordering::Relaxed);
        (at != NEVER).then_some(Millis(at))
    }

    /// What a check-in is compared with.
    pub fn known(&self) -> Known {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What of it was refused.
    pub fn refusal(&self) -> Option<Refusal> {
        let known = self.known.lock();
        known
            .unwrap_or_else(PoisonError::into_inner)
            .refusal
            .clone()
    }

    /// Whether `known` says what the last check-in said, without a copy.
    pub fn is_known(&self, same: impl FnOnce(&Known) -> bool) -> bool {
        same(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what check-ins are compared with.
    pub fn learn(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Its turn to bring an inventory; `None` while another one of it is taken in.
    pub fn turn(self: &Arc<Self>) -> Option<Turn> {
        let is_first = !self.is_reporting.swap(true, Ordering::AcqRel);
        is_first.then(|| Turn(Arc::clone(self)))
    }

    /// Whether it may bring one more inventory that nobody asked for; or in what time.
    pub fn may_report(&self, now: Millis) -> Result<(), Duration> {
        self.allowances().unasked.take(1, now)
    }

    /// The same of one that was asked for: a scan stays open for as long as its device likes.
    pub fn may_answer(&self, now: Millis) -> Result<(), Duration> {
        self.allowances().asked.take(1, now)
    }

    /// Whether it may name so many entries that the server does not remember; or in what time.
    pub fn may_name(&self, entries: u32, now: Millis) -> Result<(), Duration> {
        self.allowances().named.take(entries, now)
    }

    fn allowances(&self) -> MutexGuard<'_, Allowances> {
        let allowances = self.allowances.lock();
        allowances.unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the mark that a check-in must look into the database. Taken before the look, so that
    /// what comes in between marks it again.
    pub fn take_work(&self) -> bool {
        let looks_again = self.looks_again.swap(false, Ordering::AcqRel);
        self.has_work.swap(false, Ordering::AcqRel) || looks_again
    }

    /// The next check-in must look into the database, whenever it comes: the agent's wait does not
    /// end for it.
    pub fn look_again(&self) {
        self.looks_again.store(true, Ordering::Release);
    }

    /// Whether a check-in must look into the database.
    pub fn has_work(&self) -> bool {
        self.has_work.load(Ordering::Acquire)
    }

    /// Marks it without ringing: a wait that begins now ends at once, one that stands does not.
    pub fn mark_work(&self) {
        self.has_work.store(true, Ordering::Release);
    }

    /// Marks it, and ends the agent's wait.
    pub fn wake(&self) {
        self.mark_work();
        self.wake.notify_one();
    }

    /// Ends when there is something to check in for.
    pub async fn woken(&self) {
        // A ring that nobody waited for is kept, and may be about what was taken since.
        while !self.has_work() {
            self.wake.notified().await;
        }
    }
}

/// All devices.
#[derive(Default)]
pub struct Registry {
    maps: RwLock<Maps>,
    woken_until: AtomicI64,
}

#[derive(Default)]
struct Maps {
    by_certificate: HashMap<Arc<str>, Arc<Device>>,
    by_id: HashMap<DeviceId, Arc<Device>>,
}

impl Registry {
    /// Adds a device, or replaces it.
    pub fn add(
        &self,
        id: DeviceId,
        certificate_sha256: &str,
        last_seen: Millis,
        known: Known,
    ) -> Arc<Device> {
        let device = Arc::new(Device::new(id, certificate_sha256, last_seen, known));
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        maps.by_certificate
            .insert(Arc::clone(&device.certificate_sha256), Arc::clone(&device));
        maps.by_id.insert(id, Arc::clone(&device));
        device
    }

    /// The device behind a certificate.
    pub fn by_certificate(&self, sha256: &str) -> Option<Arc<Device>> {
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        maps.by_certificate.get(sha256).cloned()
    }

    /// A device.
    pub fn by_id(&self, id: DeviceId) -> Option<Arc<Device>> {
        self.maps
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_id
            .get(&id)
            .cloned()
    }

    /// When a scan found last what is stored of a device: memory is newer than the database.
    pub fn scanned_at(&self, stored: &devices::Device) -> Option<Millis> {
        let heard = self.by_id(stored.id).and_then(|it| it.scanned_at());
        heard.max(stored.scanned_at)
    }

    /// Forgets a device: its certificate opens nothing any more.
    pub fn remove(&self, id: DeviceId) {
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(device) = maps.by_id.remove(&id) {
            maps.by_certificate.remove(&device.certificate_sha256);
            device.wake();
        }
    }

    /// All devices.
    pub fn all(&self) -> Vec<Arc<Device>> {
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        maps.by_id.values().cloned().collect()
    }

    /// Wakes a device that has something to check in for.
    pub fn wake(&self, id: DeviceId) {
        if let Some(device) = self.by_id(id) {
            device.wake();
        }
    }

    /// Up to when devices were woken for what was posted for later.
    pub fn woken_until(&self) -> Millis {
        Millis(self.woken_until.load(Ordering::Relaxed))
    }

    /// Notes that they were woken up to a time.
    pub fn set_woken_until(&self, now: Millis) {
        self.woken_until.store(now.0, Ordering::Relaxed);
    }

    /// Takes back what [`Self::take_heard`] gave: it could not be stored.
    pub fn put_back_heard(&self, heard: &[(DeviceId, Millis)]) {
        for (id, _) in heard {
            if let Some(device) = self.by_id(*id) {
                device.last_seen_is_new.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Devices heard from since the last call, to be stored.
    pub fn take_heard(&self) -> Vec<(DeviceId, Millis)> {
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        maps.by_id
            .values()
            .filter(|device| device.last_seen_is_new.swap(false, Ordering::Relaxed))
            .map(|device| (device.id, device.last_seen()))
            .collect()
    }
}
