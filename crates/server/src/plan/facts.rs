//! What the plan asks of patches.

use std::collections::HashMap;

use fleetmend_model::PatchId;
use fleetmend_model::patch::PatchType;
use fleetmend_plan::Readiness;
use fleetmend_plan::cool_down::Dates;
use fleetmend_plan::night::Patch;
use fleetmend_plan::version::Scheme;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::patches::Patch as Stored;
use fleetmend_store::{Tx, downloads, missing, patches};

use crate::catalog::metadata::Metadata;
use crate::catalog::readiness;
use crate::missing::published;

/// These patches, as far as there are any.
pub(super) async fn patches(tx: &mut Tx, ids: &[PatchId]) -> anyhow::Result<Vec<Patch>> {
    let stored = patches::get_many(&mut *tx, ids).await?;
    let packages: Vec<_> = stored.iter().filter_map(|it| it.package).collect();
    let packages = packages::get_many(&mut *tx, &packages).await?;
    let packages: HashMap<_, _> = packages.into_iter().map(|it| (it.row, it)).collect();
    let given_up = downloads::given_up(&mut *tx, ids).await?;
    let given_up: HashMap<_, _> = given_up
        .into_iter()
        .map(|it| (it.patch, it.cause))
        .collect();
    let dates = missing::dates_of(&mut *tx, ids).await?;
    let dates: HashMap<_, _> = dates.into_iter().collect();
    let all = stored.into_iter().map(|it| {
        let package = it.package.and_then(|id| packages.get(&id));
        let ready = ready(&it, package, given_up.get(&it.id));
        let dates = dates.get(&it.id).cloned().unwrap_or_default();
        of(it, package, ready, &dates)
    });
    Ok(all.collect())
}

fn of(it: Stored, package: Option<&Package>, ready: Readiness, dates: &missing::Dates) -> Patch {
    let tags = package.map(|it| Metadata::from_json(&it.metadata).tags);
    Patch {
        id: it.id,
        title: it.title,
        package: it.name,
        version: it.version,
        scheme: match it.patch_type {
            PatchType::ThirdParty => Scheme::Nuget,
            PatchType::Os => Scheme::Debian,
        },
        patch_type: it.patch_type,
        tags: tags.unwrap_or_default(),
        is_security: it.security,
        exploited: Vec::new(),
        dates: Dates {
            published: dates.published.as_deref().and_then(published::at),
            in_catalog: dates.seen,
            first_missing: Some(it.first_seen),
        },
        readiness: ready,
        needs: Vec::new(),
    }
}

fn ready(patch: &Stored, package: Option<&Package>, given_up: Option<&String>) -> Readiness {
    if patch.patch_type == PatchType::Os {
        return Readiness::Ready;
    }
    readiness::of_patch(package, given_up)
}
