//! When patches were fixed. A patch that a device lacks no more was installed, or is not on offer, or its
//! software is gone: which of these is looked at in the inventory afterwards, on some devices for each
//! patch, until one has it.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use fleetmend_model::PatchId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use fleetmend_model::patch::PatchType;
use fleetmend_reconcile::Fleet;
use fleetmend_reconcile::catalog::family;
use fleetmend_store::missing::{self, FixCandidate};
use fleetmend_store::patches::{self, Patch};
use fleetmend_store::{inventories, software};
use fleetmend_versions::{debian, nuget};

use crate::app::App;

/// Patches that are looked at in a round.
const ROUND: u32 = 500;

/// One round over what devices lack no more.
pub async fn round(app: &Arc<App>) -> anyhow::Result<()> {
    let candidates = missing::fix_candidates(&app.db, ROUND).await?;
    if candidates.is_empty() {
        return Ok(());
    }
    let ids: Vec<PatchId> = candidates.iter().map(|it| it.patch).collect();
    let known = patches::get_many(&app.db, &ids).await?;
    let mut fixed = Vec::new();
    let mut done: HashSet<PatchId> = HashSet::new();
    for of_device in candidates.chunk_by(|a, b| a.device == b.device) {
        let open = of_device.iter().filter(|it| !done.contains(&it.patch));
        let open: Vec<FixCandidate> = open.copied().collect();
        for it in fixed_on(app, &open, &known).await? {
            done.insert(it.patch);
            fixed.push(it);
        }
    }
    let mut tx = app.db.begin().await?;
    missing::looked_at(&mut tx, &candidates, &fixed).await?;
    tx.commit().await?;
    Ok(())
}

/// Those of one device's candidates that it has.
async fn fixed_on(
    app: &App,
    candidates: &[FixCandidate],
    known: &[Patch],
) -> anyhow::Result<Vec<FixCandidate>> {
    let Some(device) = candidates.first().map(|it| it.device) else {
        return Ok(Vec::new());
    };
    let Some(inventory) = inventories::get(&app.db, device).await? else {
        return Ok(Vec::new());
    };
    let known: Vec<(FixCandidate, &Patch)> = candidates
        .iter()
        .filter(|it| !it.is_missing)
        .filter_map(|it| {
            let patch = known.iter().find(|patch| patch.id == it.patch)?;
            Some((*it, patch))
        })
        .collect();
    // What the package manager has is asked for OS patches alone.
    let asks_for_os = known.iter().any(|it| it.1.patch_type == PatchType::Os);
    let rows = if asks_for_os {
        software::get_many(&app.db, &inventory.software).await?
    } else {
        Vec::new()
    };
    let rows: Vec<Software> = rows.into_iter().map(|row| row.software).collect();
    let fleet = app.fleet();
    let has = Has {
        software: &rows,
        records: &inventory.chocolatey,
        applications: &inventory.software,
        fleet: &fleet,
    };
    let fixed = known.iter().filter(|(_, patch)| has.has(patch));
    Ok(fixed.map(|(it, _)| *it).collect())
}

/// What a device has.
struct Has<'a> {
    software: &'a [Software],
    records: &'a [ChocolateyRecord],
    /// Ids of all of it.
    applications: &'a [u32],
    fleet: &'a Fleet,
}

impl Has<'_> {
    fn has(&self, patch: &Patch) -> bool {
        match patch.patch_type {
            PatchType::Os => self.has_package(patch),
            PatchType::ThirdParty => self.has_application(patch) || self.is_recorded(patch),
        }
    }

    /// What is on offer today may be older than the patch, which was withdrawn, or newer.
    fn has_application(&self, patch: &Patch) -> bool {
        let name = family(&patch.name);
        self.applications.iter().any(|id| {
            let package = self.fleet.answer(*id).and_then(|it| it.package());
            package.is_some_and(|it| family(it) == name)
                && self.fleet.is_at_least(*id, &patch.version)
        })
    }

    fn has_package(&self, patch: &Patch) -> bool {
        let key = format!("{}:{}", patch.name, patch.architecture);
        let mut rows = self.software.iter().filter(|it| it.place == Place::Dpkg);
        rows.any(|row| {
            row.key == key && debian::compare(&row.version, &patch.version) != Ordering::Less
        })
    }

    fn is_recorded(&self, patch: &Patch) -> bool {
        let Ok(wanted) = nuget::Version::parse_any(&patch.version) else {
            return false;
        };
        let mut records = self.records.iter();
        records.any(|it| {
            it.id.eq_ignore_ascii_case(&patch.name)
                && nuget::Version::parse_any(&it.version).is_ok_and(|found| found >= wanted)
        })
    }
}
