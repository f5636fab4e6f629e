//! What every handler and job works with.

use std::sync::atomic::AtomicU64;

use fleetmend_model::Millis;
use fleetmend_plan::schedule::Zone;
use fleetmend_reconcile::Fleet;
use fleetmend_store::Db;
use fleetmend_store::blobs::Blobs;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Policy;
use crate::inventory::ingest;
use crate::net::keys::Keys;
use crate::registry::Registry;

/// The server's parts. One a process, shared by all.
pub struct App {
    /// The database.
    pub db: Db,
    /// Keys and the certificate authority.
    pub keys: Keys,
    /// Files by digest.
    pub blobs: Blobs,
    /// Devices in memory.
    pub registry: Registry,
    /// Intervals and counts.
    pub policy: Policy,
    /// The address by which the server is reached.
    pub url: String,
    /// The address by which this machine itself reaches it, whatever stands in front of it.
    pub local_url: String,
    /// The clients for everything outside.
    pub outside: crate::catalog::guard::Outside,
    /// What is being downloaded.
    pub downloads: crate::catalog::turns::Turns,
    /// Takes inventories.
    pub ingest: ingest::Queue,
    /// Rung when the queue of background jobs may have something.
    pub jobs_due: Notify,
    /// Becomes true when the server stops: answers that go on for long end then.
    pub stop: tokio::sync::watch::Sender<bool>,
    /// Rung when a page that watches should look again.
    pub changed: tokio::sync::broadcast::Sender<()>,
    /// Keeps requests to what the operators of feeds and sites allow.
    pub pace: crate::catalog::pace::Pace,
    /// Seals the passwords that sources are read with.
    pub sealing: crate::catalog::credentials::Sealing,
    /// The feed of one's own.
    pub feed: crate::feed::Feed,
    /// What recomputing everything costs.
    pub costs: crate::costs::Costs,
    /// How many package versions are in quarantine.
    pub quarantined: AtomicU64,
    /// The time zone of this machine, for devices whose own is not known.
    pub zone: Zone,
    /// When this server started.
    pub started_at: Millis,
    /// The clock.
    pub clock: Clock,
    pub(crate) fleet: RwLock<Fleet>,
    /// Held while the catalog is put together and put in place: an older one must not replace a
    /// newer one.
    pub(crate) renewing: tokio::sync::Mutex<()>,
}

impl App {
    /// Now.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// What all devices have, against the catalog, as it is now. To be held for a moment.
    pub fn fleet(&self) -> RwLockReadGuard<'_, Fleet> {
        self.fleet.read()
    }

    /// [`Self::fleet`], to change it: on the task that takes inventories alone, and before it runs.
    pub(crate) fn fleet_mut(&self) -> RwLockWriteGuard<'_, Fleet> {
        self.fleet.write()
    }

    /// Ends when the server stops.
    pub async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Tells pages that watch that something changed.
    pub fn touch(&self) {
        let _ = self.changed.send(());
    }
}
