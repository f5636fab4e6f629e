//! Brings the stored missing patches of devices up to date.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::inventory::{ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::observed::{self, Installed};
use fleetmend_reconcile::{Answer, Catalog, MissingPatch, answer, combine, os};
use fleetmend_store::missing::{self, DeviceMissing, Grounds, GroundsDigest, NewMissing};
use fleetmend_store::observations::{self, NewObservation};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::{Tx, devices, software};

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

/// An application's answer, and what it was given for.
struct Answered {
    answer: Answer,
    registered: String,
}

impl Answered {
    fn new(catalog: &Catalog, software: &Software) -> Self {
        Self {
            answer: answer(catalog, software),
            registered: software.version.clone(),
        }
    }
}

/// Remembers the answer for each installed application, and how each missing patch is stored.
#[derive(Default)]
pub struct Matcher {
    catalog: Option<Arc<Catalog>>,
    answers: HashMap<u32, Answered>,
    rows: HashMap<MissingPatch, NewMissing>,
}

impl Matcher {
    /// The catalog as it is now; what was made with another one is forgotten.
    fn catalog(&mut self, app: &App) -> Arc<Catalog> {
        let catalog = app.catalog();
        if self
            .catalog
            .as_ref()
            .is_none_or(|known| !Arc::ptr_eq(known, &catalog))
        {
            *self = Self {
                catalog: Some(Arc::clone(&catalog)),
                ..Self::default()
            };
        }
        catalog
    }

    /// Answers for software that is at hand, so that [`Self::update`] need not read it.
    pub fn learn<'a>(&mut self, app: &App, software: impl Iterator<Item = (u32, &'a Software)>) {
        let catalog = self.catalog(app);
        for (id, row) in software {
            self.answers
                .entry(id)
                .or_insert_with(|| Answered::new(&catalog, row));
        }
    }

    /// Stores what these devices lack now.
    pub async fn update(
        &mut self,
        app: &App,
        tx: &mut Tx,
        devices: Vec<DeviceInput<'_>>,
        now: Millis,
    ) -> anyhow::Result<()> {
        let catalog = self.catalog(app);
        self.learn_answers(tx, &catalog, &devices).await?;
        let mut found = Vec::with_capacity(devices.len());
        for device in &devices {
            found.push((device.device, self.missing(&catalog, device)));
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
        self.observe(app, tx, &catalog, &devices, now).await
    }

    /// Keeps what these devices teach about versions. What is new to the catalog is learnt soon.
    async fn observe(
        &self,
        app: &App,
        tx: &mut Tx,
        catalog: &Catalog,
        devices: &[DeviceInput<'_>],
        now: Millis,
    ) -> anyhow::Result<()> {
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
        for device in devices.iter().filter(|it| locked.contains(&it.device)) {
            let installed = device.software.iter().filter_map(|id| {
                let answered = self.answers.get(id)?;
                Some(Installed {
                    id: *id,
                    answer: &answered.answer,
                    registered: &answered.registered,
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
        let is_lesson = |it: &NewObservation| {
            let answered = self.answers.get(&it.software);
            answered.is_some_and(|row| !catalog.has_seen(&it.package, &row.registered, &it.version))
        };
        if observations::replace(tx, &ids, &seen).await? && seen.iter().any(is_lesson) {
            let at = now + app.costs.rematch.wait(LEARN);
            jobs::enqueue(tx, jobs::Kind::Rematch, 0, at).await?;
        }
        Ok(())
    }

    async fn learn_answers(
        &mut self,
        tx: &mut Tx,
        catalog: &Catalog,
        devices: &[DeviceInput<'_>],
    ) -> anyhow::Result<()> {
        let unknown: HashSet<u32> = devices
            .iter()
            .flat_map(|device| device.software)
            .filter(|id| !self.answers.contains_key(id))
            .copied()
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<u32> = unknown.into_iter().collect();
        for row in software::get_many(tx, &unknown).await? {
            self.answers
                .insert(row.id, Answered::new(catalog, &row.software));
        }
        Ok(())
    }

    fn missing(&self, catalog: &Catalog, device: &DeviceInput<'_>) -> Vec<MissingPatch> {
        let answers = device
            .software
            .iter()
            .filter_map(|id| self.answers.get(id))
            .map(|it| &it.answer)
            .filter(|answer| !matches!(answer, Answer::Unmatched));
        let mut missing = combine(catalog, answers, device.chocolatey);
        missing.extend(device.updates.iter().flat_map(|scan| os(scan)));
        missing
    }

    async fn learn_rows(
        &mut self,
        tx: &mut Tx,
        missing: impl Iterator<Item = &MissingPatch>,
        now: Millis,
    ) -> anyhow::Result<()> {
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
