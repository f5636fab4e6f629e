//! Jobs whose files are here: which of their devices may have their orders now, and what the others wait
//! for. The decisions are the plan's ([`fleetmend_plan::gate`]).

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{Millis, PatchId, ReleaseId};
use fleetmend_plan::Reason;
use fleetmend_plan::gate::{Gate, Posted, round};
use fleetmend_plan::night::{Known, Occasion};
use fleetmend_plan::window::LONGEST_DEADLINE;
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::{self, DeployJob, Wait};
use fleetmend_store::releases::{self, StoredRelease};

use super::moves::{self, With};
use super::orders::{self, Terms};
use crate::app::App;
use crate::jobs;
use crate::plan::{self, Devices, Loaded};

/// Jobs looked at in one round: those beyond wait for the next, which follows at once.
const MOST: u32 = 20_000;
/// Jobs written down in one transaction.
const CHUNK: usize = 200;
/// What waits is looked at again after so long, if nothing happens before.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// The same where it waits for another device: that can be done at any time.
const SOON: Duration = Duration::from_secs(15);
/// How long after a look the next one is at the earliest.
const NOT_BEFORE: Duration = Duration::from_secs(1);

/// Has jobs looked at when their time comes, and takes back what no device had when its window closes.
pub async fn enqueue_due(app: &App, now: Millis) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    deploy_jobs::recall_late(&mut tx, now).await?;
    let is_due = !deploy_jobs::due_to_look_at(&mut tx, now, 1)
        .await?
        .is_empty();
    if is_due {
        jobs::enqueue(&mut tx, jobs::Kind::HandOut, 0, now).await?;
    }
    tx.commit().await?;
    if is_due {
        app.jobs_due.notify_one();
    }
    Ok(())
}

/// Has everything looked at again that no device has: what decides about it has changed.
pub async fn look_again(tx: &mut Tx, now: Millis) -> anyhow::Result<()> {
    deploy_jobs::recall(tx, None, now).await?;
    deploy_jobs::look_again(tx, now).await?;
    jobs::enqueue(tx, jobs::Kind::HandOut, 0, now).await
}

/// The same for patches.
pub async fn look_again_at(tx: &mut Tx, patches: &[PatchId], now: Millis) -> anyhow::Result<()> {
    deploy_jobs::recall(tx, Some(patches), now).await?;
    deploy_jobs::look_again_at_patches(tx, patches, now).await?;
    jobs::enqueue(tx, jobs::Kind::HandOut, 0, now).await
}

/// Looks at all jobs that are due.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    loop {
        let now = app.now();
        let mut tx = app.db.read().await?;
        let due = deploy_jobs::due_to_look_at(&mut tx, now, MOST).await?;
        if due.is_empty() {
            return Ok(());
        }
        let loaded = load(app, &mut tx, &due, now).await?;
        drop(tx);
        let count = due.len();
        let looked = look(app, loaded, due).await?;
        let mut releases = HashMap::new();
        for chunk in looked.chunks(CHUNK) {
            hand_out(app, chunk, &mut releases).await?;
        }
        app.touch();
        if count < MOST as usize {
            return Ok(());
        }
    }
}

async fn load(app: &App, tx: &mut Tx, due: &[DeployJob], now: Millis) -> anyhow::Result<Loaded> {
    let devices: BTreeSet<_> = due.iter().map(|it| it.device).collect();
    let devices: Vec<_> = devices.into_iter().collect();
    let patches: BTreeSet<_> = due.iter().map(|it| it.patch).collect();
    let patches: Vec<_> = patches.into_iter().collect();
    plan::load(app, tx, Devices::These(&devices), Some(&patches), now).await
}

/// A job with what was decided on it.
struct Looked {
    job: DeployJob,
    gate: Gate,
    terms: Terms,
}

/// In the order in which they go.
async fn look(app: &App, loaded: Loaded, due: Vec<DeployJob>) -> anyhow::Result<Vec<Looked>> {
    let standard = app.policy;
    let looked = tokio::task::spawn_blocking(move || {
        let posted: Vec<Posted> = due.iter().map(posted).collect::<Result<_, _>>()?;
        let until = loaded.now + LONGEST_DEADLINE;
        let world = loaded.world(until, Occasion::Due);
        let known = Known::of(&world);
        let mut due: HashMap<_, _> = due.into_iter().map(|it| (it.id, it)).collect();
        let looked = round(&posted, &known).into_iter().filter_map(|(id, gate)| {
            let job = due.remove(&id)?;
            let terms = Terms {
                policy: standard.with(known.settings(job.device)),
                priority: known.priority_of(job.patch),
            };
            Some(Looked { job, gate, terms })
        });
        anyhow::Ok(looked.collect())
    });
    looked.await?
}

/// A job as the plan looks at it.
pub fn posted(job: &DeployJob) -> anyhow::Result<Posted> {
    let occasion = Occasion::from_key(&job.occasion);
    Ok(Posted {
        job: job.id,
        device: job.device,
        patch: job.patch,
        at: job.posted_at,
        occasion: occasion.with_context(|| format!("the occasion of job {}", job.id))?,
    })
}

async fn hand_out(
    app: &App,
    looked: &[Looked],
    releases: &mut HashMap<ReleaseId, StoredRelease>,
) -> anyhow::Result<()> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let mut waits = Vec::new();
    let mut opened = Vec::new();
    for Looked { job, gate, terms } in looked {
        let mut job = job.clone();
        match gate {
            Gate::Open {
                not_before,
                not_after,
            } => {
                let release = release(&mut tx, &job, releases).await?;
                let times = (*not_before, *not_after);
                if orders::sign(app, &mut tx, &mut job, release, *terms, times, now).await? {
                    opened.push(job.device);
                }
            }
            Gate::Wait { reason, again } => {
                if moves::downloaded(&mut tx, &mut job, now).await? {
                    waits.push(wait(&job, reason, *again, now));
                }
            }
            Gate::End { reason } => end(&mut tx, &mut job, reason, now).await?,
        }
    }
    deploy_jobs::wait(&mut tx, &waits, now).await?;
    tx.commit().await?;
    for device in opened {
        app.registry.wake(device);
    }
    Ok(())
}

async fn release<'a>(
    tx: &mut Tx,
    job: &DeployJob,
    known: &'a mut HashMap<ReleaseId, StoredRelease>,
) -> anyhow::Result<&'a StoredRelease> {
    let id = job.release.context("a job without a release waits")?;
    match known.entry(id) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let found = releases::get(&mut *tx, id).await?;
            Ok(entry.insert(found.with_context(|| format!("release {id} is gone"))?))
        }
    }
}

fn wait(job: &DeployJob, reason: &Reason, again: Option<Millis>, now: Millis) -> Wait {
    let longest = match reason {
        Reason::CapReached { .. } => SOON,
        _ => AGAIN,
    };
    let again = again.map_or(now + longest, |at| at.min(now + longest));
    Wait {
        job: job.id,
        cause: reason.to_string(),
        next_step: reason.waits_for(),
        look_at: again.max(now + NOT_BEFORE),
    }
}

/// What was decided since the job was posted ends it.
async fn end(tx: &mut Tx, job: &mut DeployJob, reason: &Reason, now: Millis) -> anyhow::Result<()> {
    let change = match reason {
        Reason::NotMissing => Change::Status {
            status: DeployStatus::NotApplicable,
        },
        // The table has this edge from there alone.
        _ if !moves::downloaded(tx, job, now).await? => return Ok(()),
        _ => Change::End {
            ending: Ending::Cancelled,
        },
    };
    let with = With::cause(reason.to_string());
    match moves::advance(tx, job, change, Party::Server, with, now).await {
        Err(error) if error.is_outrun() => Ok(()),
        moved => Ok(moved?),
    }
}
