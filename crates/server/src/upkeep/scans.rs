//! What time does to scans: devices that are down or back, answers that do not come, retries.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::status::Party;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_store::devices::Having;
use fleetmend_store::scan_jobs::{self, ScanJob};
use fleetmend_store::{Tx, devices};

use super::life::Life;
use super::{BATCH, CHUNK};
use crate::app::App;
use crate::config::Policy;
use crate::inventory::scans::{self, MoveError};
use crate::policies::standards::{self, Standard};

/// Why time moves a scan on. Each lists the jobs that it moves, and no other: what stayed would
/// keep those behind it out of the next list.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// The device was down, and is heard from again.
    Back,
    /// The device is down.
    Down,
    /// The device is heard from, and gives no answer.
    Overdue,
    /// The device is silent, and was for too long.
    Unanswered,
}

/// Goes through all open scans.
pub async fn run(app: &Arc<App>, life: &Life) -> anyhow::Result<()> {
    let all = Standard {
        what: app.policy,
        of: Having::Any,
    };
    apply(app, life, Rule::Back, &all).await?;
    // Devices that could not reach a server that was down are not down themselves, and what they
    // did meanwhile is on its way.
    if life.can_judge_silence(app.policy.silence()) {
        apply(app, life, Rule::Down, &all).await?;
        for some in standards::by(&app.db, |it| app.policy.with(it)).await? {
            apply(app, life, Rule::Overdue, &some).await?;
            apply(app, life, Rule::Unanswered, &some).await?;
        }
    }
    wake_due(app, life).await
}

async fn apply(
    app: &Arc<App>,
    life: &Life,
    rule: Rule,
    standard: &Standard<Policy>,
) -> anyhow::Result<()> {
    loop {
        let jobs = list(app, life, rule, standard).await?;
        let mut moved = 0;
        for chunk in jobs.chunks(CHUNK) {
            let mut tx = app.db.begin().await?;
            devices::lock(&mut tx, chunk.iter().map(|job| job.device)).await?;
            for job in chunk {
                match move_on(&mut tx, job, rule, &standard.what, life).await {
                    Ok(()) => moved += 1,
                    Err(error) if error.is_outrun() => tracing::debug!("scan {}: {error}", job.id),
                    Err(error) => return Err(error.into()),
                }
            }
            tx.commit().await?;
            for job in chunk {
                match rule {
                    Rule::Back => app.registry.wake(job.device),
                    // What comes next is up to the device's next check-in.
                    Rule::Down | Rule::Overdue | Rule::Unanswered => {
                        app.registry
                            .by_id(job.device)
                            .inspect(|device| device.mark_work());
                    }
                }
            }
        }
        if moved > 0 {
            app.touch();
        }
        if jobs.len() < BATCH as usize || moved == 0 {
            return Ok(());
        }
    }
}

async fn list(
    app: &App,
    life: &Life,
    rule: Rule,
    standard: &Standard<Policy>,
) -> fleetmend_store::Result<Vec<ScanJob>> {
    let Standard { what, of } = standard;
    let (db, now) = (&app.db, life.now);
    let heard_since = now - app.policy.silence();
    let ago = |seconds| life.before(Duration::from_secs(seconds));
    match rule {
        Rule::Back => scan_jobs::answered_again(db, heard_since, BATCH).await,
        Rule::Down => scan_jobs::of_silent_devices(db, now, heard_since, BATCH).await,
        Rule::Overdue => {
            let since = ago(what.scan_limit_seconds);
            scan_jobs::overdue(db, since, heard_since, of, BATCH).await
        }
        Rule::Unanswered => {
            let since = ago(what.purge_seconds);
            scan_jobs::unanswered(db, since, heard_since, of, BATCH).await
        }
    }
}

async fn move_on(
    tx: &mut Tx,
    job: &ScanJob,
    rule: Rule,
    policy: &Policy,
    life: &Life,
) -> Result<(), MoveError> {
    let now = life.now;
    let (to, cause) = match rule {
        Rule::Back => (ScanStatus::Posted, scans::BACK.to_owned()),
        Rule::Down => {
            let time = shown(policy.silence().as_secs());
            let cause = format!("nothing was heard from the device for more than {time}");
            (ScanStatus::PingFailed, cause)
        }
        Rule::Unanswered => {
            let time = shown(policy.purge_seconds);
            (ScanStatus::Aborted, format!("no answer within {time}"))
        }
        Rule::Overdue => {
            let time = shown(policy.scan_limit_seconds);
            let is_taken = job.status == ScanStatus::Started;
            let what = if is_taken {
                "the scan gave no result"
            } else {
                "the agent did not begin the scan"
            };
            let cause = format!("{what} within {time}, and the device is heard from");
            if is_taken && job.retries < policy.scan_retries {
                let run_at = now + Duration::from_secs(policy.scan_retry_seconds);
                let cause = format!("{cause}; it is made again");
                return scans::retry(tx, job, &cause, run_at, now).await;
            }
            (ScanStatus::AgentUnreadable, cause)
        }
    };
    scans::advance(tx, job, to, Party::Server, &cause, now).await
}

/// Seconds as a person says them.
fn shown(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "seconds"),
        120..7200 => (seconds / 60, "minutes"),
        _ => (seconds / 3600, "hours"),
    };
    format!("{count} {unit}")
}

/// Scans that were posted for later reach their device when their time comes.
async fn wake_due(app: &Arc<App>, life: &Life) -> anyhow::Result<()> {
    let since = app.registry.woken_until();
    for device in scan_jobs::due_between(&app.db, since, life.now).await? {
        app.registry.wake(device);
    }
    app.registry.set_woken_until(life.now);
    Ok(())
}
