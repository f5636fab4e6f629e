//! Background jobs: their table of contents, and the loop that claims them from the queue.
//!
//! A job takes only an id, reads the state again, and may be run twice. It is enqueued in the
//! transaction of the change that makes it necessary.

mod lane;

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::{Millis, PackageId, PatchId, SourceId};
use fleetmend_store::{Tx, queue};
use tokio::sync::watch;

use self::lane::{Lane, Taken};
use crate::app::App;
use crate::{catalog, deployments, feed, inventory, missing, plan, policies, upkeep};

/// Every kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Read a source. Subject: the source.
    SyncSource,
    /// Fetch and analyse packages that some device may have. Subject: 0.
    FetchPackages,
    /// Make the release of a patch. Subject: the patch.
    MirrorPatch,
    /// Let devices have the orders of jobs that waited for it. Subject: 0.
    HandOut,
    /// Post the scans and deployments that policies have due. Subject: 0.
    Schedules,
    /// Go through what time alone changes: down devices, deadlines, retries. Subject: 0.
    Upkeep,
    /// Read the sources that are due. Subject: 0.
    SyncDue,
    /// Put the catalog in place as the database has it, and match all devices against it. Subject: 0.
    Rematch,
    /// Store the answer for each application that devices have. Subject: 0.
    Applications,
    /// Bring a package into the feed of one's own, with what it depends on. Subject: the package.
    BringToFeed,
    /// The same for a package that a person asks for. Subject: the package.
    Internalize,
    /// Count on how many devices the answer that a patch is missing is old. Subject: 0.
    OldAnswers,
    /// Have each device have its policy. Subject: 0.
    AssignPolicies,
    /// Take away what no device, and files that nothing, names any more. Subject: 0.
    Prune,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::SyncSource,
        Self::FetchPackages,
        Self::MirrorPatch,
        Self::HandOut,
        Self::Schedules,
        Self::Upkeep,
        Self::SyncDue,
        Self::Rematch,
        Self::Applications,
        Self::OldAnswers,
        Self::BringToFeed,
        Self::Internalize,
        Self::AssignPolicies,
        Self::Prune,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::SyncSource => "sync_source",
            Self::FetchPackages => "fetch_packages",
            Self::MirrorPatch => "mirror_patch",
            Self::HandOut => "hand_out",
            Self::Schedules => "schedules",
            Self::Upkeep => "upkeep",
            Self::SyncDue => "sync_due",
            Self::Rematch => "rematch",
            Self::Applications => "applications",
            Self::OldAnswers => "old_answers",
            Self::BringToFeed => "bring_to_feed",
            Self::Internalize => "internalize",
            Self::AssignPolicies => "assign_policies",
            Self::Prune => "prune",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Whose places it takes.
    fn lane(self) -> Lane {
        match self {
            Self::FetchPackages
            | Self::HandOut
            | Self::Schedules
            | Self::Upkeep
            | Self::SyncDue
            | Self::Rematch
            | Self::Applications
            | Self::OldAnswers
            | Self::AssignPolicies
            | Self::Prune => Lane::Whole,
            Self::SyncSource => Lane::Sources,
            Self::MirrorPatch => Lane::Downloads,
            Self::BringToFeed | Self::Internalize => Lane::Feed,
        }
    }

    /// When it runs again by itself.
    fn again_after(self) -> Option<Duration> {
        match self {
            Self::Upkeep => Some(Duration::from_secs(5)),
            Self::SyncDue => Some(Duration::from_secs(5)),
            Self::OldAnswers => Some(Duration::from_mins(15)),
            Self::Prune => Some(Duration::from_hours(24)),
            Self::SyncSource
            | Self::FetchPackages
            | Self::MirrorPatch
            | Self::HandOut
            | Self::Schedules
            | Self::Rematch
            | Self::Applications
            | Self::BringToFeed
            | Self::Internalize
            | Self::AssignPolicies => None,
        }
    }

    /// The longest wait after failures. What runs for ever is about the whole fleet: it must not
    /// stand still for long because it failed a few times. What runs once a day can wait as anything else.
    fn longest_backoff(self) -> Duration {
        let pause = self.again_after().unwrap_or(queue::MAX_BACKOFF);
        pause.clamp(Duration::from_secs(60), queue::MAX_BACKOFF)
    }
}

/// How long a job keeps its claim without a sign of life: after a crash it waits so long.
const LEASE: Duration = Duration::from_secs(20);
/// How often a running job gives a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// How long after a start it may take until what can wait is done.
const SETTLED: Duration = Duration::from_hours(1);
/// How often the queue is looked at without a ring.
const POLL: Duration = Duration::from_secs(1);

/// Puts a job into the queue; once for each kind and subject, however often it is asked for.
pub async fn enqueue(tx: &mut Tx, kind: Kind, subject: i64, now: Millis) -> anyhow::Result<()> {
    Ok(queue::enqueue(tx, kind.key(), subject, now).await?)
}

/// Whether a server works on a job now.
pub async fn is_worked_on(app: &App, kind: Kind, subject: i64) -> anyhow::Result<bool> {
    let until = work(app, kind, subject)
        .await?
        .and_then(|it| it.locked_until);
    Ok(until.is_some_and(|it| it > app.now()))
}

/// What is said of a job that no server has begun for a while: none may run, or the one that runs may be
/// busy with others. `done` is what becomes of its subject.
pub fn not_begun(done: &str) -> String {
    format!("it has not begun yet: it is {done} when a server runs and is free to")
}

/// Whether a job is due or worked on.
pub async fn is_open(app: &App, kind: Kind, subject: i64) -> anyhow::Result<bool> {
    let work = work(app, kind, subject).await?;
    Ok(work.is_some_and(|it| it.run_at <= app.now()))
}

/// Why a job failed that is tried again later.
pub async fn last_error(app: &App, kind: Kind, subject: i64) -> anyhow::Result<Option<String>> {
    Ok(work(app, kind, subject).await?.and_then(|it| it.last_error))
}

/// Whether a job of a kind is due or worked on.
pub async fn is_asked_for(app: &App, kind: Kind) -> anyhow::Result<bool> {
    let first = queue::first_run(&app.db, kind.key()).await?;
    Ok(first.is_some_and(|at| at <= app.now()))
}

/// The job of a kind for a subject: there is one at most.
async fn work(app: &App, kind: Kind, subject: i64) -> anyhow::Result<Option<queue::Work>> {
    Ok(queue::get(&app.db, kind.key(), subject).await?)
}

/// Makes sure that the jobs that run for ever are in the queue, and that none waits for an earlier
/// life of this server. What that learned last it may not have told all devices' rows, and it may have
/// explained packages in a way of its own.
pub async fn start_standing(app: &App, server: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    queue::release(&mut tx, server).await?;
    for kind in [
        Kind::Upkeep,
        Kind::SyncDue,
        Kind::FetchPackages,
        Kind::Rematch,
        Kind::OldAnswers,
        Kind::AssignPolicies,
    ] {
        enqueue(&mut tx, kind, 0, app.now()).await?;
    }
    enqueue(&mut tx, Kind::Prune, 0, app.now() + SETTLED).await?;
    Ok(tx.commit().await?)
}

/// Claims and runs jobs for this server until told to stop.
pub async fn run(app: Arc<App>, server: String, mut stop: watch::Receiver<bool>) {
    let mut running = tokio::task::JoinSet::new();
    let mut taken = Taken::default();
    let mut said = String::new();
    while !*stop.borrow() {
        match claim(&app, &server, &taken).await {
            Ok(works) => {
                said.clear();
                for work in works {
                    let lane = Lane::of(&work.kind);
                    let task = running.spawn(work_on(Arc::clone(&app), work));
                    taken.add(task.id(), lane);
                }
            }
            Err(error) => {
                let line = format!("the queue cannot be read, and is tried each second: {error:#}");
                if line != said {
                    tracing::error!("{line}");
                }
                said = line;
            }
        }
        tokio::select! {
            () = app.jobs_due.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            Some(ended) = running.join_next_with_id(), if !running.is_empty() => {
                let task = ended.map_or_else(|error| error.id(), |(id, ())| id);
                taken.remove(task);
            }
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    running.shutdown().await;
}

/// Claims what is due, as far as its lane has places.
async fn claim(app: &App, server: &str, taken: &Taken) -> anyhow::Result<Vec<queue::Work>> {
    let due = queue::due_kinds(&app.db, app.now()).await?;
    let wanted: Vec<(usize, Vec<&str>)> = Lane::ALL
        .into_iter()
        .map(|lane| (taken.free(lane), lane.kinds(&due)))
        .filter(|(free, kinds)| *free > 0 && !kinds.is_empty())
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut works = Vec::new();
    let mut tx = app.db.begin().await?;
    for (free, kinds) in wanted {
        let most = u32::try_from(free)?;
        works.extend(queue::claim(&mut tx, server, &kinds, most, app.now(), LEASE).await?);
    }
    tx.commit().await?;
    Ok(works)
}

async fn work_on(app: Arc<App>, work: queue::Work) {
    // On a task of its own: what computes for long must not keep it from its signs of life.
    let mut claim = tokio::task::JoinSet::new();
    claim.spawn(keep_claim(Arc::clone(&app), work.clone()));
    let outcome = tokio::select! {
        outcome = caught(perform(Arc::clone(&app), work.clone())) => outcome,
        _ = claim.join_next() => {
            tracing::warn!("{} {}: another server works on it now", work.kind, work.subject);
            return;
        }
    };
    claim.shutdown().await;
    if let Err(error) = conclude(&app, &work, outcome).await {
        tracing::error!("the queue cannot be written: {error:#}");
    }
}

/// Runs work on a task of its own: one that panics has failed like any other, and waits like any
/// other.
async fn caught(
    work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
) -> anyhow::Result<()> {
    let mut task = tokio::task::JoinSet::new();
    task.spawn(work);
    match task.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(anyhow::anyhow!("it broke off: {error}")),
        None => Ok(()),
    }
}

/// Ends when the claim is lost.
async fn keep_claim(app: Arc<App>, work: queue::Work) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        match extend(&app, &work).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!("{} {}: {error:#}", work.kind, work.subject),
        }
    }
}

async fn extend(app: &App, work: &queue::Work) -> anyhow::Result<bool> {
    let mut tx = app.db.begin().await?;
    let is_ours = queue::extend(&mut tx, work, app.now(), LEASE).await?;
    tx.commit().await?;
    Ok(is_ours)
}

async fn perform(app: Arc<App>, work: queue::Work) -> anyhow::Result<()> {
    let Some(kind) = Kind::from_key(&work.kind) else {
        anyhow::bail!("there is no job of the kind '{}'", work.kind);
    };
    let (app, subject) = (&app, work.subject);
    match kind {
        Kind::SyncSource => catalog::sync::sync(app, SourceId(subject)).await,
        Kind::FetchPackages => catalog::nupkgs::fetch_packages(app).await,
        Kind::MirrorPatch => deployments::download::mirror_patch(app, PatchId(subject)).await,
        Kind::HandOut => deployments::gate::run(app).await,
        Kind::Schedules => plan::schedules::run(app).await,
        Kind::Upkeep => upkeep::run(app).await,
        Kind::SyncDue => catalog::sync::enqueue_due(app).await,
        Kind::BringToFeed => feed::bring::bring(app, PackageId(subject), false).await,
        Kind::Internalize => feed::bring::bring(app, PackageId(subject), true).await,
        Kind::Rematch => catalog::known::renew(app).await,
        Kind::Applications => {
            missing::applications::store(app).await?;
            missing::matched_packages::store(app).await
        }
        Kind::OldAnswers => missing::age::count(app).await,
        Kind::AssignPolicies => policies::assign::run(app).await,
        Kind::Prune => {
            // Both have their turn, also where one fails.
            let files = catalog::unneeded::remove(app).await;
            inventory::prune::run(app).await.and(files)
        }
    }
}

async fn conclude(
    app: &App,
    work: &queue::Work,
    outcome: anyhow::Result<()>,
) -> anyhow::Result<()> {
    let now = app.now();
    let kind = Kind::from_key(&work.kind);
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(()) => {
            queue::finish(&mut tx, work).await?;
            if let Some(kind) = kind
                && let Some(pause) = kind.again_after()
            {
                enqueue(&mut tx, kind, work.subject, now + pause).await?;
            }
        }
        Err(error) => {
            tracing::warn!("{} {}: {error:#}", work.kind, work.subject);
            let longest = kind.map_or(queue::MAX_BACKOFF, Kind::longest_backoff);
            queue::fail(&mut tx, work, &format!("{error:#}"), now, longest).await?;
        }
    }
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_failed() {
        assert!(caught(async { Ok(()) }).await.is_ok());
        let error = caught(async { panic!("no such row") }).await.unwrap_err();
        assert!(error.to_string().contains("no such row"), "{error}");
        let error = caught(async { anyhow::bail!("403") }).await.unwrap_err();
        assert_eq!(error.to_string(), "403");
    }

    #[test]
    fn what_time_makes_due_always_has_a_place() {
        let standing = Kind::ALL.iter().filter(|it| it.again_after().is_some());
        for kind in standing {
            assert_eq!(kind.lane(), Lane::Whole, "{kind:?}");
        }
        assert!(Lane::ALL.iter().all(|it| it.width() > 0));
    }

    #[test]
    fn what_runs_for_ever_never_stands_still_for_long() {
        for kind in Kind::ALL {
            let is_urgent = matches!(kind, Kind::Upkeep | Kind::SyncDue);
            let longest = kind.longest_backoff();
            assert_eq!(longest <= Duration::from_secs(60), is_urgent, "{kind:?}");
            assert!(longest <= queue::MAX_BACKOFF, "{kind:?}");
        }
    }
}
