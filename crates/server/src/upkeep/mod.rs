//! What time alone changes: who is down, what is over its deadline, what is due again.

mod deploys;
pub mod life;
mod scans;

use std::sync::Arc;

use fleetmend_model::inventory::Boot;
use fleetmend_store::devices;

use crate::app::App;
use crate::deployments::{gate, holds};
use crate::inventory::unseen;
use crate::missing::fixed;
use crate::plan::schedules;

/// Rows of one kind that are read at a time.
const BATCH: u32 = 1_000;
/// Rows changed in one transaction.
const CHUNK: usize = 100;

/// One round. A part of it that fails keeps no other from its turn.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    let now = app.now();
    let life = life::sign(app, now).await?;
    let of_scans = async {
        // Without what was heard meanwhile nobody can be called silent.
        store_last_seen(app).await?;
        scans::run(app, &life).await
    };
    let outcomes = [
        of_scans.await,
        deploys::expire(app, &life).await,
        schedules::round(app, now).await,
        gate::enqueue_due(app, now).await,
        deploys::archive(app, now).await,
        holds::look::round(app, now).await,
        fixed::round(app).await,
        unseen::round(app).await,
    ];
    let failures: Vec<_> = outcomes
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// Brings what is known in memory to the database.
pub async fn store_last_seen(app: &Arc<App>) -> anyhow::Result<()> {
    let heard = app.registry.take_heard();
    let touches: Vec<_> = heard
        .iter()
        .filter_map(|(id, last_seen)| {
            let device = app.registry.by_id(*id)?;
            let known = device.known();
            // Before its first check-in there is nothing to store but the time of enrolment.
            (!known.boot.is_empty()).then_some(devices::Touch {
                device: *id,
                last_seen: *last_seen,
                boot: Boot {
                    id: known.boot,
                    at: None,
                },
                agent_version: known.agent_version,
                protocol: known.protocol,
                scanned_at: device.scanned_at(),
            })
        })
        .collect();
    if touches.is_empty() {
        return Ok(());
    }
    let stored = async {
        let mut tx = app.db.begin().await?;
        devices::touch_many(&mut tx, &touches, app.policy.silence()).await?;
        tx.commit().await
    };
    let outcome = stored.await;
    if outcome.is_err() {
        app.registry.put_back_heard(&heard);
    }
    Ok(outcome?)
}
