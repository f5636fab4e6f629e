//! Brings the stored missing patches of devices up to date.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fleetmend_model::inventory::{ChocolateyRecord, Software, UpdateScan};
use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_reconcile::{Answer, Catalog, MissingPatch, answer, combine, os};
use fleetmend_store::missing::{self, DeviceMissing, NewMissing};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::{Tx, software};

use super::unanswered;
use crate::app::App;

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

/// Remembers the answer for each installed application and the id of each patch.
#[derive(Default)]
pub struct Matcher {
    answers: HashMap<u32, Arc<Answer>>,
    catalog: Option<Arc<Catalog>>,
    patch_ids: HashMap<(PatchType, String, String, String), PatchId>,
}

impl Matcher {
    /// Forgets what the catalog's change may have made wrong.
    pub fn forget_answers(&mut self) {
        self.answers.clear();
        self.catalog = None;
    }

    /// The catalog as it is now; answers from another one are forgotten.
    fn catalog(&mut self, app: &App) -> Arc<Catalog> {
        let catalog = app.catalog();
        if self
            .catalog
            .as_ref()
            .is_none_or(|known| !Arc::ptr_eq(known, &catalog))
        {
            self.answers.clear();
            self.catalog = Some(Arc::clone(&catalog));
        }
        catalog
    }

    /// Answers for software that is at hand, so that [`Self::update`] need not read it.
    pub fn learn<'a>(&mut self, app: &App, software: impl Iterator<Item = (u32, &'a Software)>) {
        let catalog = self.catalog(app);
        for (id, row) in software {
            self.answers
                .entry(id)
                .or_insert_with(|| Arc::new(answer(&catalog, row)));
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
        self.learn_patches(tx, found.iter().flat_map(|it| &it.1), now)
            .await?;
        let mut unanswered = unanswered::rows(tx, &devices).await?;
        let rows: Vec<_> = found
            .into_iter()
            .map(|(device, missing)| {
                // What was found says more than what is kept, and stands behind it.
                let mut rows = unanswered.remove(&device).unwrap_or_default();
                rows.extend(missing.into_iter().filter_map(|it| self.row(it)));
                DeviceMissing { device, rows }
            })
            .collect();
        missing::replace_for_devices(tx, &rows, now).await?;
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
                .insert(row.id, Arc::new(answer(catalog, &row.software)));
        }
        Ok(())
    }

    fn missing(&self, catalog: &Catalog, device: &DeviceInput<'_>) -> Vec<MissingPatch> {
        let answers = device
            .software
            .iter()
            .filter_map(|id| self.answers.get(id))
            .map(|answer| &**answer)
            .filter(|answer| !matches!(answer, Answer::Unmatched));
        let mut missing = combine(catalog, answers, device.chocolatey);
        missing.extend(device.updates.iter().flat_map(|scan| os(scan)));
        missing
    }

    async fn learn_patches(
        &mut self,
        tx: &mut Tx,
        missing: impl Iterator<Item = &MissingPatch>,
        now: Millis,
    ) -> anyhow::Result<()> {
        let mut new: HashMap<_, NewPatch> = HashMap::new();
        for patch in missing {
            let key = key(patch);
            if !self.patch_ids.contains_key(&key) {
                new.insert(key, new_patch(patch));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let (keys, new): (Vec<_>, Vec<_>) = new.into_iter().unzip();
        let ids = patches::upsert_many(tx, &new, now).await?;
        self.patch_ids.extend(keys.into_iter().zip(ids));
        Ok(())
    }

    fn row(&self, missing: MissingPatch) -> Option<NewMissing> {
        Some(NewMissing {
            patch: *self.patch_ids.get(&key(&missing))?,
            installed_version: missing.installed,
            evidence: missing.evidence,
            confidence: missing.confidence,
            reason: missing.why,
            software: None,
        })
    }
}

fn key(missing: &MissingPatch) -> (PatchType, String, String, String) {
    (
        missing.patch_type,
        missing.package.clone(),
        missing.architecture.clone(),
        missing.available.clone(),
    )
}

fn new_patch(missing: &MissingPatch) -> NewPatch {
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
