//! Brings the stored missing patches of devices up to date with what they have.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use fleetmend_model::inventory::{ChocolateyRecord, UpdateScan};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::observed::{self, Installed};
use fleetmend_reconcile::{MissingPatch, os};
use fleetmend_store::missing::{self, DeviceMissing, Grounds, GroundsDigest, NewMissing};
use fleetmend_store::observations::{self, NewObservation};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::{Tx, devices};

use super::unanswered;
use crate::app::App;
use crate::jobs;
use crate::text_digest::text_digest;

/// How long what devices teach about versions is gathered before the catalog learns it, at least.
const LEARN: Duration = Duration::from_secs(60);

/// One device's inventory, as matching needs it.
pub struct DeviceInput<'a> {
    /// Whose.
    pub device: DeviceId,
    /// Ids of its software.
    pub software: &'a [u32],
    /// Chocolatey's own records.
    pub chocolatey: &'a [ChocolateyRecord],
    /// What the package manager offers.
    pub updates: Option<&'a UpdateScan>,
}

/// Remembers how each missing patch is stored.
#[derive(Default)]
pub struct Matcher {
    rows: HashMap<MissingPatch, NewMissing>,
}

/// Patches that are remembered; then it begins again.
const REMEMBERED: usize = 100_000;

impl Matcher {
    /// How a patch is stored that [`Self::learn_rows`] was asked for.
    pub fn row(&self, patch: &MissingPatch) -> Option<NewMissing> {
        self.rows.get(patch).copied()
    }

    /// Stores what these devices lack now. All of their applications are known to the index. Gives
    /// those of them that are managed.
    pub async fn update(
        &mut self,
        app: &App,
        tx: &mut Tx,
        devices: Vec<DeviceInput<'_>>,
        now: Millis,
    ) -> anyhow::Result<HashSet<DeviceId>> {
        let mut found = Vec::with_capacity(devices.len());
        {
            let fleet = app.fleet();
            for device in &devices {
                let mut missing = fleet.missing(device.software, device.chocolatey);
                missing.extend(device.updates.iter().flat_map(|scan| os(scan)));
                found.push((device.device, missing));
            }
        }
        self.learn_rows(tx, found.iter().flat_map(|it| &it.1), now)
            .await?;
        let mut unanswered = unanswered::rows(tx, &devices).await?;
        let rows: Vec<_> = found
            .into_iter()
            .map(|(device, missing)| {
                // What was found says more than what is kept, and stands behind it.
                let mut rows = unanswered.remove(&device).unwrap_or_default();
                rows.extend(missing.iter().filter_map(|it| self.rows.get(it)));
                DeviceMissing { device, rows }
            })
            .collect();
        missing::replace_for_devices(tx, &rows, now).await?;
        Self::observe(app, tx, &devices, now).await
    }

    /// Keeps what these devices teach about versions. What is new to the catalog is learnt soon. Gives
    /// those of them that are managed.
    pub async fn observe(
        app: &App,
        tx: &mut Tx,
        devices: &[DeviceInput<'_>],
        now: Millis,
    ) -> anyhow::Result<HashSet<DeviceId>> {
        let ids: Vec<DeviceId> = devices.iter().map(|it| it.device).collect();
        let ids = devices::lock(tx, ids).await?;
        let deployed = observations::deployed(&mut *tx, &ids).await?;
        let mut deployed_on: HashMap<DeviceId, Vec<(&str, &str)>> = HashMap::new();
        for it in &deployed {
            let versions = deployed_on.entry(it.device).or_default();
            versions.push((it.package.as_str(), it.version.as_str()));
        }
        let locked: HashSet<DeviceId> = ids.iter().copied().collect();
        let mut seen = Vec::new();
        let has_lesson = {
            let fleet = app.fleet();
            for device in devices.iter().filter(|it| locked.contains(&it.device)) {
                let installed = device.software.iter().filter_map(|id| {
                    Some(Installed {
                        id: *id,
                        answer: fleet.answer(*id)?,
                        registered: fleet.registered_version(*id)?,
                    })
                });
                let deployed = deployed_on.remove(&device.device).unwrap_or_default();
                let sightings = observed::sightings(installed, device.chocolatey, deployed);
                seen.extend(sightings.into_iter().map(|it| NewObservation {
                    device: device.device,
                    package: it.package,
                    version: it.version,
                    software: it.id,
                }));
            }
            seen.iter().any(|it| {
                let registered = fleet.registered_version(it.software);
                registered.is_some_and(|registered| {
                    let catalog = fleet.catalog();
                    !catalog.has_seen(&it.package, registered, &it.version)
                })
            })
        };
        if observations::replace(tx, &ids, &seen).await? && has_lesson {
            let at = now + app.costs.rematch.wait(LEARN);
            jobs::enqueue(tx, jobs::Kind::Rematch, 0, at).await?;
        }
        Ok(locked)
    }

    /// Learns how these patches are stored, and stores what is not yet.
    pub async fn learn_rows(
        &mut self,
        tx: &mut Tx,
        missing: impl Iterator<Item = &MissingPatch>,
        now: Millis,
    ) -> anyhow::Result<()> {
        if self.rows.len() > REMEMBERED {
            self.rows.clear();
        }
        let new: HashSet<_> = missing.filter(|it| !self.rows.contains_key(*it)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let new: Vec<_> = new.into_iter().collect();
        let patches: Vec<_> = new.iter().map(|it| patch_of(it)).collect();
        let patches = patches::upsert_many(tx, &patches, now).await?;
        let grounds: Vec<_> = new.iter().map(|it| grounds_of(it)).collect();
        let grounds: Vec<_> = grounds.iter().map(|it| (digest_of(it), it)).collect();
        let grounds = missing::intern_grounds(tx, &grounds).await?;
        for ((missing, patch), grounds) in new.into_iter().zip(patches).zip(grounds) {
            let row = NewMissing {
                patch,
                patch_type: missing.patch_type,
                grounds,
            };
            self.rows.insert(missing.clone(), row);
        }
        Ok(())
    }
}

fn patch_of(missing: &MissingPatch) -> NewPatch {
    NewPatch {
        patch_type: missing.patch_type,
        name: missing.package.clone(),
        architecture: missing.architecture.clone(),
        version: missing.available.clone(),
        title: missing.title.clone(),
        security: missing.security,
        origin: missing.origin.clone(),
        package: missing.offered,
    }
}

fn grounds_of(missing: &MissingPatch) -> Grounds {
    Grounds {
        installed_version: missing.installed.clone(),
        evidence: missing.evidence,
        confidence: missing.confidence,
        reason: missing.why.clone(),
    }
}

fn digest_of(grounds: &Grounds) -> GroundsDigest {
    text_digest([
        grounds.installed_version.as_str(),
        grounds.evidence.key(),
        grounds.confidence.key(),
        &grounds.reason,
    ])
}
