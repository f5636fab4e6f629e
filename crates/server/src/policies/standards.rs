//! What counts for devices where time decides: what their policies set, and else what whoever starts the
//! server does.

use fleetmend_model::DeviceId;
use fleetmend_plan::policy::Settings;
use fleetmend_store::devices::{self, Having};
use fleetmend_store::{Read, Tx, policies as store};

use super::{load, read};
use crate::app::App;
use crate::config::Policy;

/// What counts for some devices.
#[derive(Debug, Clone)]
pub struct Standard<T> {
    /// What.
    pub what: T,
    /// For which.
    pub of: Having,
}

/// What counts for which devices, each thing once. Devices that have no policy yet are with those of the last.
pub async fn by<T: PartialEq>(
    from: impl Read,
    what: impl Fn(&Settings) -> T,
) -> anyhow::Result<Vec<Standard<T>>> {
    let policies = load(from).await?;
    let ranked = policies.ranked.iter();
    let all = ranked.map(|it| (Some(it.id), it));
    let rest = [
        (Some(policies.rest.id), &policies.rest),
        (None, &policies.rest),
    ];
    let mut found: Vec<(T, Vec<_>)> = Vec::new();
    for (id, policy) in all.chain(rest) {
        let what = what(&policy.settings);
        match found.iter_mut().find(|it| it.0 == what) {
            Some((_, ids)) => ids.push(id),
            None => found.push((what, vec![id])),
        }
    }
    let found = found.into_iter().map(|(what, ids)| Standard {
        what,
        of: Having::OneOf(ids),
    });
    Ok(found.collect())
}

/// What counts for a device.
pub async fn of_device(app: &App, tx: &mut Tx, device: DeviceId) -> anyhow::Result<Policy> {
    let id = devices::get(&mut *tx, device)
        .await?
        .and_then(|it| it.policy);
    let policy = match id {
        Some(id) => store::get(&mut *tx, id).await?.map(read).transpose()?,
        None => None,
    };
    let policy = match policy {
        Some(policy) => policy,
        None => load(&mut *tx).await?.rest,
    };
    Ok(app.policy.with(&policy.settings))
}
