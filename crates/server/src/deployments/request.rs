//! What a plan is made from, read in one transaction.

use fleetmend_model::patch::PatchType;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::{Device, Input, Patch, Readiness};
use fleetmend_reconcile::Answer;
use fleetmend_reconcile::catalog::family;
use fleetmend_store::{
    Tx, approvals, deploy_jobs, devices, downloads, inventories, missing, packages, patches,
};

use super::{failed, holds};
use crate::app::App;
use crate::catalog;
use crate::error::ApiError;
use crate::inventory::unseen::not_seen;

/// The plan's input for a patch and the devices named, or all that lack it.
pub async fn input(
    app: &App,
    tx: &mut Tx,
    patch: PatchId,
    wanted: Option<&[DeviceId]>,
    now: Millis,
) -> Result<Input, ApiError> {
    let stored = patches::get(&mut *tx, patch)
        .await
        .map_err(failed)?
        .ok_or_else(|| ApiError::Missing(format!("there is no patch {patch}")))?;
    let decisions = approvals::of_patch(&mut *tx, patch).await.map_err(failed)?;
    let ids = match wanted {
        Some(ids) => ids.to_vec(),
        None => missing::devices_of(&mut *tx, patch, None)
            .await
            .map_err(failed)?,
    };
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let device = devices::get(&mut *tx, id)
            .await
            .map_err(failed)?
            .ok_or_else(|| ApiError::Missing(format!("there is no device {id}")))?;
        let is_missing = missing::get(&mut *tx, id, patch)
            .await
            .map_err(failed)?
            .is_some();
        let open = deploy_jobs::open_of_device(&mut *tx, id)
            .await
            .map_err(failed)?;
        let hold = holds::of(&mut *tx, id, patch).await.map_err(failed)?;
        let cannot_deploy = match device.cannot_deploy {
            Some(why) => Some(why),
            None => unread(app, tx, id, &stored).await?,
        };
        let approval = decisions
            .iter()
            .find(|row| row.system_type == device.system_type)
            .map(|row| row.decision)
            .unwrap_or_default();
        found.push(Device {
            id,
            hostname: device.host.hostname,
            system_type: device.system_type,
            approval,
            is_missing,
            open_job: open.iter().find(|job| job.patch == patch).map(|job| job.id),
            hold,
            cannot_deploy,
            is_removed: device.removed_at.is_some(),
        });
    }
    let readiness = readiness(tx, &stored).await?;
    let patch = Patch {
        id: patch,
        title: stored.title,
        version: stored.version,
    };
    Ok(Input {
        now,
        patch,
        readiness,
        devices: found,
    })
}

/// Why an installer would find nothing: of all that has the patch's package and is older, the last scan read
/// nothing.
async fn unread(
    app: &App,
    tx: &mut Tx,
    device: DeviceId,
    patch: &patches::Patch,
) -> Result<Option<String>, ApiError> {
    if patch.patch_type == PatchType::Os {
        return Ok(None);
    }
    let inventory = inventories::get(&mut *tx, device).await.map_err(failed)?;
    let Some(inventory) = inventory.filter(|it| !it.carried.is_empty()) else {
        return Ok(None);
    };
    let name = family(&patch.name);
    if inventory
        .chocolatey
        .iter()
        .any(|it| family(&it.id.to_lowercase()) == name)
    {
        return Ok(None);
    }
    let fleet = app.fleet();
    let is_older = |id: &u32| match fleet.answer(*id) {
        Some(Answer::Missing { package, .. }) => family(package) == name,
        _ => false,
    };
    let older = inventory.software.iter().filter(|it| is_older(it));
    let mut whys = older.map(|id| not_seen(&inventory, *id));
    Ok(whys
        .next()
        .flatten()
        .filter(|_| whys.all(|it| it.is_some())))
}

async fn readiness(tx: &mut Tx, patch: &patches::Patch) -> Result<Readiness, ApiError> {
    if patch.patch_type == PatchType::Os {
        return Ok(Readiness::Ready);
    }
    let package = match patch.package {
        Some(id) => packages::get(&mut *tx, id).await.map_err(failed)?,
        None => None,
    };
    let readiness = package.map_or(Readiness::NotAnalysed, |it| catalog::readiness::of(&it));
    let given_up = downloads::given_up(tx, &[patch.id]).await.map_err(failed)?;
    Ok(match (readiness, given_up.into_iter().next()) {
        (Readiness::Ready, Some(it)) => Readiness::DownloadFailed { cause: it.cause },
        (readiness, _) => readiness,
    })
}
