//! What agents report: stored once each, and turned into moves that the table has.

use std::sync::Arc;

use fleetmend_model::detection::Detected;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployState, DeployStatus, Ending, follow_agent};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::reports::What;
use fleetmend_store::deploy_jobs::{self, DeployJob};
use fleetmend_store::{Tx, anomalies, reports};

use super::afterwards::{self, Word};
use super::again;
use super::holds::{self, End};
use super::moves::{self, MoveError, With};
use super::restarted;
use crate::agents::epoch;
use crate::agents::reports::Taken;
use crate::app::App;
use crate::inventory::{clean, scan_reports};
use crate::registry::Device;

/// The longest output that is kept, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;

/// Stores a device's reports in one transaction; gives the number up to which all of this epoch
/// are stored.
pub async fn take(
    app: &Arc<App>,
    device: &Device,
    epoch: &str,
    batch: Vec<Taken>,
) -> anyhow::Result<i64> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let stored = epoch::enter(&mut tx, device, epoch, now).await?;
    let mut acknowledged = stored.sequence;
    for report in batch {
        let sequence = match &report {
            Ok(report) => report.sequence,
            Err((sequence, _)) => *sequence,
        };
        if sequence <= acknowledged {
            continue;
        }
        let applied = match report {
            Ok(report) => apply(app, &mut tx, device, report.what, now).await?,
            Err((_, why)) => Err(format!("its report {sequence} cannot be understood: {why}")),
        };
        if let Err(mut oddity) = applied {
            clean::clean_text(&mut oddity);
            anomalies::add(&mut tx, device.id, &oddity, now).await?;
        }
        acknowledged = sequence;
    }
    let is_new = acknowledged > stored.sequence;
    if is_new && !reports::advance(&mut tx, device.id, &stored.epoch, acknowledged).await? {
        // Another request stored the same meanwhile. What came of them here goes with the
        // transaction; the agent asks again.
        return Ok(stored.sequence);
    }
    tx.commit().await?;
    app.touch();
    Ok(acknowledged)
}

/// `Ok(Err(…))`: the report does not fit what the server knows. It is noted and changes nothing.
async fn apply(
    app: &App,
    tx: &mut Tx,
    device: &Device,
    what: What,
    now: Millis,
) -> anyhow::Result<Result<(), String>> {
    match what {
        What::ScanStarted { job } => scan_reports::started(tx, device, job, now).await,
        What::ScanCompleted { job, digest } => {
            scan_reports::completed(tx, device, job, &digest, now).await
        }
        What::ScanFailed { job, cause } => {
            scan_reports::failed(app, tx, device, job, cause, now).await
        }
        What::Deploy {
            job,
            attempt,
            change,
            mut cause,
            mut output,
            boot,
        } => {
            let Some(mut stored) = own(tx, device, job).await? else {
                return Ok(Err(format!(
                    "it reports on job {job}, which is not its own"
                )));
            };
            clean::clean_text(&mut cause);
            clean_output(&mut output);
            let word = Word {
                change,
                cause: &cause,
                attempt,
                output: &output,
            };
            if afterwards::note(tx, &stored, &word, now).await? {
                if let Change::Status { status } = change {
                    let state = DeployState {
                        status,
                        ending: None,
                    };
                    ended(tx, device, &stored, state, &cause, now).await?;
                }
                return Ok(Ok(()));
            }
            let is_dropped = change
                == (Change::End {
                    ending: Ending::Cancelled,
                });
            if is_dropped && stored.state.is_final() {
                // It was over here: the device says that it dropped it.
                return Ok(Ok(()));
            }
            let edges = match follow_agent(stored.state, change) {
                Ok(edges) => edges,
                Err(illegal) => return Ok(Err(format!("job {job}: {illegal}"))),
            };
            for (state, by) in edges {
                let restarts = change
                    == (Change::Status {
                        status: DeployStatus::NeedsRestart,
                    });
                let with = With {
                    cause: if by == Party::Agent {
                        cause.clone()
                    } else {
                        String::new()
                    },
                    attempt: (attempt > 0).then_some(attempt),
                    output: (!output.is_empty()).then(|| output.clone()),
                    restart_boot: restarts.then(|| restart_boot(boot.clone(), device)),
                    reboot_note: restarts.then(|| "Restart due".to_owned()),
                    release: None,
                };
                match moves::put(tx, &mut stored, state, by, with, now).await {
                    Ok(()) => {}
                    Err(MoveError::Illegal(illegal)) => {
                        return Ok(Err(format!("job {job}: {illegal}")));
                    }
                    Err(MoveError::Store(error)) => return Err(error.into()),
                }
                ended(tx, device, &stored, state, &cause, now).await?;
            }
            Ok(Ok(()))
        }
        What::Progress { job, mut cause } => {
            let Some(stored) = own(tx, device, job).await? else {
                return Ok(Err(format!(
                    "it reports on job {job}, which is not its own"
                )));
            };
            if !stored.state.is_final() {
                clean::clean_text(&mut cause);
                moves::note(tx, &stored, cause, now).await?;
            }
            Ok(Ok(()))
        }
        What::AfterRestart { job, boot, found } => {
            after_restart(tx, device, job, &boot, found, now).await
        }
        What::Restart { .. } | What::SiteFile { .. } | What::Fetched { .. } => Ok(Err(
            "it reports what this server keeps nothing of: install a newer server".to_owned(),
        )),
    }
}

/// What an agent found when it started in another boot.
async fn after_restart(
    tx: &mut Tx,
    device: &Device,
    job: DeployJobId,
    boot: &str,
    mut found: Detected,
    now: Millis,
) -> anyhow::Result<Result<(), String>> {
    let Some(stored) = own(tx, device, job).await? else {
        return Ok(Err(format!(
            "it reports on job {job}, which is not its own"
        )));
    };
    if stored.state.is_final() {
        // An inventory of that boot came first, or the job was closed.
        return Ok(Ok(()));
    }
    if stored.state.status != DeployStatus::NeedsRestart || !restarted::is_over(&stored, boot) {
        return Ok(Err(format!(
            "it reports a restart that job {job} did not wait for"
        )));
    }
    if let Detected::Installed { version } | Detected::Older { version } = &mut found {
        clean::clean_text(version);
    }
    if restarted::look(tx, stored, found, now).await? {
        device.mark_work();
    }
    Ok(Ok(()))
}

/// What the end of a job says of its patch. Where an inventory is needed to know more, the device's next
/// check-in asks for it.
async fn ended(
    tx: &mut Tx,
    device: &Device,
    job: &DeployJob,
    state: DeployState,
    cause: &str,
    now: Millis,
) -> anyhow::Result<()> {
    let end = End {
        job,
        state,
        cause,
        has_restarted: false,
    };
    if holds::job_ended(tx, &end, now).await? {
        device.mark_work();
    }
    if state.ending == Some(Ending::Expired) {
        again::window_closed(tx, job, now).await?;
    }
    Ok(())
}

/// The boot in which a restart became due: the one that the agent names, or the one that it last
/// checked in from.
fn restart_boot(named: Option<String>, device: &Device) -> String {
    named
        .filter(|boot| !boot.is_empty())
        .unwrap_or_else(|| device.known().boot)
}

async fn own(tx: &mut Tx, device: &Device, job: DeployJobId) -> anyhow::Result<Option<DeployJob>> {
    Ok(deploy_jobs::get(tx, job)
        .await?
        .filter(|job| job.device == device.id))
}

/// Keeps the end, where installers say what was wrong; line breaks and tabs stay.
fn clean_output(output: &mut String) {
    if output.len() > MAX_OUTPUT {
        let mut at = output.len() - MAX_OUTPUT;
        while !output.is_char_boundary(at) {
            at += 1;
        }
        output.drain(..at);
    }
    output.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
}
