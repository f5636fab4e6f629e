//! The server's own life: waiting for devices that could not reach a server that was down is
//! nothing that they can be blamed for.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::uptime::Uptime;
use fleetmend_store::{deploy_jobs, outages};

use crate::app::App;

/// Without a sign for longer than this, the server was down. Of several servers, one takes over
/// from another that is gone within half of it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// As long as any policy may have a scan wait for its device.
const LONGEST_WAIT: Duration = Duration::from_hours(90 * 24);
/// The longest time that an agent lets pass between two tries to reach the server.
const RETURN: Duration = Duration::from_secs(60);

/// What a round must know of it.
#[derive(Debug, Clone)]
pub struct Life {
    /// The time of this round.
    pub now: Millis,
    /// The outages, as far back as somebody may have waited through them.
    uptime: Uptime,
    up_since: Option<Millis>,
}

/// Notes that the server is up.
pub async fn sign(app: &App, now: Millis) -> anyhow::Result<Life> {
    let mut tx = app.db.begin().await?;
    if let Some(outage) = outages::sign(&mut tx, now, LONGEST_PAUSE).await? {
        // What waits for the server had no chance to be handed out.
        deploy_jobs::postpone(&mut tx, outage.from, outage.to.since(outage.from)).await?;
    }
    let uptime = Uptime::new(outages::all(&mut tx).await?);
    let longest_wait = LONGEST_WAIT.max(Duration::from_secs(app.policy.purge_seconds));
    let forgotten = uptime.before(now, longest_wait);
    outages::forget_ended_before(&mut tx, forgotten).await?;
    tx.commit().await?;
    // A clock that was set back shows a start that is still to come.
    let started_at = Some(app.started_at).filter(|at| *at <= now);
    Ok(Life {
        now,
        up_since: uptime.back_since(now).max(started_at),
        uptime,
    })
}

impl Life {
    /// The moment since which a server was up for so long.
    pub fn before(&self, up: Duration) -> Millis {
        self.uptime.before(self.now, up)
    }

    /// Whether a device that was not heard from for so long had the chance to be.
    pub fn can_judge_silence(&self, silence: Duration) -> bool {
        self.up_since
            .is_none_or(|since| self.now.since(since) >= silence + RETURN)
    }
}
