//! The approvals stage: a person's decision on a patch for a system type.

pub mod rules;

use std::sync::Arc;

use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_store::{approvals, patches};

use crate::app::App;
use crate::deployments::gate;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// The longest reason, in characters.
const MAX_REASON: usize = 1_000;

/// Decides on patches.
pub async fn set(
    app: &Arc<App>,
    decided: &[(PatchId, SystemType)],
    decision: Approval,
    reason: &str,
    actor: &Actor,
) -> Result<(), ApiError> {
    if decided.is_empty() {
        return Err(ApiError::Bad("no patch was named".to_owned()));
    }
    if reason.chars().count() > MAX_REASON {
        return Err(ApiError::Bad(format!(
            "the reason is longer than {MAX_REASON} characters"
        )));
    }
    let now = app.now();
    let ids: Vec<_> = decided.iter().map(|it| it.0).collect();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let known = patches::get_many(&mut tx, &ids)
        .await
        .map_err(anyhow::Error::from)?;
    if let Some(unknown) = ids
        .iter()
        .find(|id| known.iter().all(|patch| patch.id != **id))
    {
        return Err(ApiError::Missing(format!("there is no patch {unknown}")));
    }
    approvals::set_many(&mut tx, decided, decision, &actor.name, reason, now)
        .await
        .map_err(anyhow::Error::from)?;
    gate::look_again_at(&mut tx, &ids, now).await?;
    for (patch, system_type) in decided {
        let subject = format!("patch {patch} for {}", system_type.label());
        let after = format!("{} {reason}", decision.label());
        journal::record(&mut tx, actor, "decide_patch", &subject, after.trim(), now).await?;
    }
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}
