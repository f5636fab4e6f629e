//! What policies have due by their schedules: scans, and deployments of what is approved.
//!
//! Each due time is seen to once, also across restarts: up to when they were is in the database, for each
//! schedule in each time zone that devices are in. What became due while no server ran is made up for, but for
//! deployments whose window is over: those are told in the audit log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::status::Party;
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::Moment;
use fleetmend_plan::jitter::{jitter, scheduled_spread};
use fleetmend_plan::night::{Entry, Note, Occasion, What, night};
use fleetmend_plan::policy::Policy;
use fleetmend_plan::schedule::{Schedule, Zone};
use fleetmend_plan::window::{LONGEST_DEADLINE, START_MARGIN, Windows};
use fleetmend_store::deploy_jobs::{self, NewJob};
use fleetmend_store::scan_jobs;
use fleetmend_store::schedules::{self, Key, Mark};
use fleetmend_store::{Tx, approvals, deployments};

use super::{Devices, load, wanted};
use crate::app::App;
use crate::console::counted;
use crate::deployments::{NEXT_STEP, deadline};
use crate::people::Actor;
use crate::{jobs, journal, policies};

const SCAN: &str = "scan";
const DEPLOY: &str = "deploy";
/// What is seen to later than this was missed: no server ran.
const LATE: Duration = Duration::from_secs(10 * 60);
/// Scans that are posted in one transaction.
const CHUNK: usize = 200;

/// A schedule of a policy in one zone.
struct Line {
    key: Key,
    policy: Policy,
    schedule: Schedule,
    zone: Zone,
}

/// What is to be done about schedules.
#[derive(Default)]
struct Seen {
    new: Vec<Key>,
    old: Vec<Mark>,
    due: Vec<(Line, Millis)>,
}

/// Notes which schedules there are, and has what is due by them seen to.
pub async fn round(app: &App, now: Millis) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let seen = look(app, &mut tx, now).await?;
    drop(tx);
    if seen.new.is_empty() && seen.old.is_empty() && seen.due.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    schedules::forget(&mut tx, &seen.old).await?;
    schedules::begin(&mut tx, &seen.new, now).await?;
    if !seen.due.is_empty() {
        jobs::enqueue(&mut tx, jobs::Kind::Schedules, 0, now).await?;
    }
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(())
}

async fn look(app: &App, tx: &mut Tx, now: Millis) -> anyhow::Result<Seen> {
    let mut old = schedules::marks(&mut *tx).await?;
    let policies = policies::load(&mut *tx).await?;
    let mut seen = Seen::default();
    for (id, zone) in schedules::zones(&mut *tx).await? {
        let Some(policy) = policies.all().find(|it| it.id == id) else {
            continue;
        };
        let settings = &policy.settings;
        for (kind, schedule) in [
            (SCAN, &settings.scan.schedule),
            (DEPLOY, &settings.deploy.schedule),
        ] {
            if *schedule == Schedule::Off {
                continue;
            }
            let key = Key {
                kind,
                policy: id,
                zone: zone.clone(),
                schedule: schedule.to_string(),
            };
            let Some(place) = old.iter().position(|it| it.is_of(&key)) else {
                seen.new.push(key);
                continue;
            };
            let mark = old.swap_remove(place);
            let zone = Zone::of_device(&zone, &app.zone);
            let due = schedule.latest(&zone, now);
            if let Some(due) = due.filter(|due| *due > mark.seen_to) {
                let line = Line {
                    key,
                    policy: policy.clone(),
                    schedule: schedule.clone(),
                    zone,
                };
                seen.due.push((line, due));
            }
        }
    }
    seen.old = old;
    Ok(seen)
}

/// Sees to all that is due.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let seen = look(app, &mut tx, app.now()).await?;
    drop(tx);
    for (line, due) in seen.due {
        match line.key.kind {
            SCAN => scan(app, &line, due).await?,
            _ => deploy(app, line, due).await?,
        }
    }
    app.touch();
    Ok(())
}

async fn scan(app: &App, line: &Line, due: Millis) -> anyhow::Result<()> {
    let now = app.now();
    let again = line.schedule.next(&line.zone, due);
    let spread = scheduled_spread(due, again);
    // What was missed must not come all at once either.
    let from = if is_late(due, now) { now } else { due };
    let reason = format!("by the scan schedule of policy '{}'", line.policy.name);
    let devices = schedules::devices(&app.db, line.key.policy, &line.key.zone).await?;
    for chunk in devices.chunks(CHUNK) {
        let mut tx = app.db.begin().await?;
        for device in chunk {
            let at = jitter(*device, from, spread).max(now);
            scan_jobs::post_by(&mut tx, *device, &reason, at, Party::Server, now).await?;
        }
        tx.commit().await?;
        for device in chunk {
            app.registry.wake(*device);
        }
    }
    // Last: what is posted again after a crash serves a job that is open.
    let mut tx = app.db.begin().await?;
    schedules::see_to(&mut tx, &line.key, due).await?;
    Ok(tx.commit().await?)
}

fn is_late(due: Millis, now: Millis) -> bool {
    due + LATE < now
}

async fn deploy(app: &Arc<App>, line: Line, due: Millis) -> anyhow::Result<()> {
    let now = app.now();
    let actor = Actor {
        name: format!("policy '{}'", line.policy.name),
        address: String::new(),
    };
    let subject = format!("policy {}", line.policy.id);
    let at = Moment::new(due, &line.zone, now);
    if is_late(due, now) && is_over(&line, due, now) {
        let mut tx = app.db.begin().await?;
        if schedules::see_to(&mut tx, &line.key, due).await? {
            let says = format!("no server ran when it was due on {at}, and its window is over");
            journal::record(&mut tx, &actor, "miss_run", &subject, &says, now).await?;
        }
        return Ok(tx.commit().await?);
    }
    let runs = planned(app, &line, now).await?;
    let count: usize = runs.values().map(|it| it.jobs.len()).sum();
    let mut tx = app.db.begin().await?;
    if !schedules::see_to(&mut tx, &line.key, due).await? {
        return Ok(());
    }
    for (patch, Run { jobs, rule }) in &runs {
        if let Some(rule) = rule {
            approve(&mut tx, *patch, rule, now).await?;
        }
        let deployment =
            deployments::insert(&mut tx, *patch, &actor.name, "scheduled", now).await?;
        deploy_jobs::create_many(&mut tx, deployment, jobs, now).await?;
        jobs::enqueue(&mut tx, jobs::Kind::MirrorPatch, patch.0, now).await?;
    }
    let jobs = counted(count, "deploy job", "deploy jobs");
    let patches = counted(runs.len(), "patch", "patches");
    let says = format!("due on {at}: {jobs} for {patches}");
    journal::record(&mut tx, &actor, "run_deployments", &subject, &says, now).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(())
}

/// What one run does of a patch.
#[derive(Default)]
struct Run {
    jobs: Vec<NewJob>,
    /// The rule that approved it, where no person did.
    rule: Option<String>,
}

/// Writes down that a rule approved what now runs by it.
async fn approve(tx: &mut Tx, patch: PatchId, rule: &str, now: Millis) -> anyhow::Result<()> {
    let normal = SystemType::Normal;
    let reason = "nobody had decided when it was due";
    if approvals::set_by_rule(&mut *tx, patch, normal, rule, reason, now).await? {
        let actor = Actor {
            name: format!("rule '{rule}'"),
            address: String::new(),
        };
        let subject = format!("patch {patch} for {}", normal.label());
        let says = Approval::Approved.label();
        journal::record(tx, &actor, "decide_patch", &subject, says, now).await?;
    }
    Ok(())
}

/// Whether the window in which a run could have begun is over.
fn is_over(line: &Line, due: Millis, now: Millis) -> bool {
    let windows = Windows {
        windows: &line.policy.settings.install_windows,
        blackouts: &line.policy.settings.blackouts,
    };
    let open = windows.first_start(&line.zone, due);
    let closes = open.and_then(|it| it.closes);
    !windows.windows.is_empty() && closes.is_some_and(|at| at <= now + START_MARGIN)
}

/// The jobs of a run that is due now, by patch.
async fn planned(
    app: &Arc<App>,
    line: &Line,
    now: Millis,
) -> anyhow::Result<BTreeMap<PatchId, Run>> {
    let mut tx = app.db.read().await?;
    let devices = schedules::devices(&mut tx, line.key.policy, &line.key.zone).await?;
    let patches = wanted(&mut tx).await?;
    let loaded = load(
        app,
        &mut tx,
        Devices::These(&devices),
        patches.as_deref(),
        now,
    )
    .await?;
    drop(tx);
    let next = line.schedule.next(&line.zone, now);
    let until = next.unwrap_or(now + LONGEST_DEADLINE);
    let cause = format!("by the deploy schedule of policy '{}'", line.policy.name);
    let app = Arc::clone(app);
    let planned = tokio::task::spawn_blocking(move || {
        let night = night(&loaded.world(until, Occasion::Due));
        let mut runs: BTreeMap<PatchId, Run> = BTreeMap::new();
        for entry in &night.entries {
            if let Some((job, rule)) = job(&app, entry, &devices, &cause) {
                let run = runs.entry(entry.patch).or_default();
                run.jobs.push(job);
                run.rule = rule.or(run.rule.take());
            }
        }
        runs
    });
    Ok(planned.await?)
}

fn job(app: &App, entry: &Entry, of: &[DeviceId], cause: &str) -> Option<(NewJob, Option<String>)> {
    // Others are in the world for the places that they take up.
    let What::Runs(run) = &entry.what else {
        return None;
    };
    of.binary_search(&entry.device).ok()?;
    let rule = run.start.notes.iter().find_map(|note| match note {
        Note::ByRule { rule } => Some(rule.clone()),
        _ => None,
    });
    let job = NewJob {
        device: entry.device,
        patch: entry.patch,
        release: None,
        cause: cause.to_owned(),
        next_step: NEXT_STEP.to_owned(),
        deadline_at: deadline(app, &run.start.slot),
        redeploy_of: None,
        occasion: Occasion::Due.key(),
        by: Party::Server,
    };
    Some((job, rule))
}
