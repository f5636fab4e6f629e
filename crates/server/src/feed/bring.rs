//! What is mirrored comes into the feed, with what it depends on: clients install nothing without
//! that.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_chocolatey::dependency::{Dependency, Range};
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_model::{Millis, PackageId};
use fleetmend_store::feed_refusals::{self, NewRefusal};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::OWN;

use super::again::basis;
use super::internalize::InternalizeError;
use super::take_in::is_made_of_it;
use super::{AddError, take_in};
use crate::app::App;
use crate::catalog::{dependency, nupkgs, offered};
use crate::deployments::tries;
use crate::jobs;
use crate::people::Actor;

/// The most packages that one brings along.
const MOST: usize = 200;

/// Has a package of the catalog brought into the feed.
pub async fn enqueue(app: &App, package: PackageId) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, jobs::Kind::BringToFeed, package.0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    Ok(())
}

/// Brings a package of the catalog into the feed, with its dependencies and with the packages that
/// install nothing but it. Why one of them stays out is kept with it. One that a person asks for is
/// internalized whatever its source is set to.
pub async fn bring(app: &Arc<App>, root: PackageId, is_asked_for: bool) -> anyhow::Result<()> {
    let mut waiting = VecDeque::from([root]);
    if let Some(package) = packages::get(&app.db, root).await? {
        waiting.extend(through(app, &package).await?);
    }
    let (mut seen, mut left) = (HashSet::new(), Vec::new());
    while let Some(id) = waiting.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        if seen.len() > MOST {
            left.push(id);
            continue;
        }
        if let Came::In(package) = came(app, id, is_asked_for && id == root).await? {
            for dependency in dependencies(app, &package).await? {
                waiting.extend(best(app, &dependency).await?);
            }
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    left_out(app, root, &left).await
}

/// Says of packages that they were not looked at, because one brings too many along. Of one that stayed
/// out before, what is known says more.
async fn left_out(app: &App, root: PackageId, left: &[PackageId]) -> anyhow::Result<()> {
    let Some(root) = packages::get(&app.db, root).await? else {
        return Ok(());
    };
    let why = format!(
        "it was not looked at: it is one of more than {MOST} packages that {} {} brings along. Ask for \
         it by itself",
        root.shown_id, root.version
    );
    for package in packages::get_many(&app.db, left).await? {
        let is_known = feed_refusals::get(&app.db, package.row).await?.is_some();
        if package.source != OWN && !is_known && is_made_of_it(app, &package).await?.is_none() {
            let why = Why {
                cause: &why,
                tries: 0,
                at: None,
            };
            refused(app, &package, false, &why).await?;
        }
    }
    Ok(())
}

/// The job that brings a package.
pub(super) fn kind(is_asked_for: bool) -> jobs::Kind {
    if is_asked_for {
        jobs::Kind::Internalize
    } else {
        jobs::Kind::BringToFeed
    }
}

/// What became of a package.
enum Came {
    /// The feed has it.
    In(Box<Package>),
    /// It stays out.
    Not,
}

/// The latest packages without an installer of their own that bring this one.
async fn through(app: &App, package: &Package) -> anyhow::Result<Vec<PackageId>> {
    let latest = offered::all(app).await?;
    let is_through = |it: &Package| {
        let analysis = it.analysis.as_ref();
        analysis.is_some_and(|it| it.through.iter().any(|id| id.to_lowercase() == package.id))
    };
    Ok(latest
        .iter()
        .filter(|it| is_through(it))
        .map(|it| it.row)
        .collect())
}

/// Takes a package in, if it may be; keeps why not with it.
async fn came(app: &Arc<App>, id: PackageId, is_asked_for: bool) -> anyhow::Result<Came> {
    let Some(package) = fetched(app, id).await? else {
        return Ok(Came::Not);
    };
    // What a person asked for once stays asked for.
    let known = feed_refusals::get(&app.db, id).await?;
    let is_asked_for = is_asked_for || known.as_ref().is_some_and(|it| it.is_asked_for);
    let before = known.map_or(0, |it| it.tries);
    let refused = async |why: &str, tries, at| {
        let why = Why {
            cause: why,
            tries,
            at,
        };
        refused(app, &package, is_asked_for, &why).await
    };
    if package.source == OWN && !is_asked_for {
        return Ok(Came::In(Box::new(package)));
    }
    if package.analysis.is_none()
        && let Some(problem) = package.problem.clone()
    {
        let why = format!("its nupkg cannot be had: {}", problem.why);
        return refused(&why, before, problem.retry_at).await;
    }
    let actor = Actor {
        name: "mirror".to_owned(),
        address: String::new(),
    };
    let name = format!("{} {}", package.shown_id, package.version);
    match take_in(app, &package, is_asked_for, &actor).await {
        Ok(added) => {
            if added.is_new {
                tracing::info!("{name}: it is in the feed");
            }
            let mut tx = app.db.begin().await?;
            feed_refusals::clear(&mut tx, id).await?;
            tx.commit().await?;
            Ok(Came::In(Box::new(package)))
        }
        Err(error @ InternalizeError::Add(AddError::Taken(_))) => {
            if is_asked_for {
                refused(&error.to_string(), before, None).await?;
            }
            Ok(Came::In(Box::new(package)))
        }
        // No try: a host wants to be left alone.
        Err(InternalizeError::Again {
            cause,
            at: Some(at),
        }) => refused(&cause, before, Some(at)).await,
        Err(InternalizeError::Again { cause, at: None }) => {
            let (cause, at) = after(app, before + 1, &cause);
            refused(&cause, before + 1, at).await
        }
        // It is one package's, for all that is known: the others come in.
        Err(InternalizeError::Add(AddError::Internal(error))) => {
            let cause = format!("the server failed at it: {error:#}");
            let (cause, at) = after(app, before + 1, &cause);
            refused(&cause, before + 1, at).await
        }
        Err(error) => refused(&error.to_string(), before, None).await,
    }
}

/// When a package is tried again that was tried so often in vain, and what is said of it: as often as the
/// files of a patch.
fn after(app: &App, tries: i64, cause: &str) -> (String, Option<Millis>) {
    let most = app.policy.download_tries;
    let first_wait = Duration::from_secs(app.policy.download_retry_seconds);
    let tries = u32::try_from(tries).unwrap_or(u32::MAX);
    let at = tries::next(app.now(), tries, most, first_wait);
    let cause = match at {
        Some(_) => cause.to_owned(),
        None => format!(
            "{}, and so does asking for it",
            tries::given_up(cause, tries, most)
        ),
    };
    (cause, at)
}

/// Why a package does not come in.
struct Why<'a> {
    /// In words.
    cause: &'a str,
    /// After how many tries in a row.
    tries: i64,
    /// When it is tried again.
    at: Option<Millis>,
}

/// Keeps why a package does not come in this time, and has it tried again at its time.
async fn refused(
    app: &App,
    package: &Package,
    is_asked_for: bool,
    why: &Why<'_>,
) -> anyhow::Result<Came> {
    let (name, version) = (&package.shown_id, &package.version);
    let Why {
        cause: why,
        tries,
        at: retry_at,
    } = *why;
    tracing::warn!("{name} {version} is not in the feed: {why}");
    let basis = settled_basis(app, package).await?;
    let new = NewRefusal {
        package: package.row,
        why,
        tries,
        retry_at,
        basis: basis.as_deref(),
        is_asked_for,
    };
    let mut tx = app.db.begin().await?;
    feed_refusals::set(&mut tx, &new, app.now()).await?;
    if let Some(at) = retry_at {
        // By itself: what it is a dependency of may be in the feed, and is then not gone through again.
        jobs::enqueue(&mut tx, kind(is_asked_for), package.row.0, at).await?;
    }
    tx.commit().await?;
    app.touch();
    Ok(Came::Not)
}

/// What a package was refused on; nothing where that changed meanwhile (its file may have put it in
/// quarantine): it is then looked at once more.
async fn settled_basis(app: &App, package: &Package) -> anyhow::Result<Option<String>> {
    let Some(now) = packages::get(&app.db, package.row).await? else {
        return Ok(None);
    };
    let source = nupkgs::source(app, package).await?;
    let decided_on = basis(package, &source);
    Ok((basis(&now, &source) == decided_on).then_some(decided_on))
}

/// A package of the catalog, fetched and analysed if that was not done yet and can be.
async fn fetched(app: &Arc<App>, id: PackageId) -> anyhow::Result<Option<Package>> {
    let Some(package) = packages::get(&app.db, id).await? else {
        return Ok(None);
    };
    let is_at_hand = package.analysis.is_some() && nupkgs::is_here(app, &package);
    if is_at_hand || package.quarantine.is_some() {
        return Ok(Some(package));
    }
    nupkgs::fetch_one(app, package).await?;
    Ok(packages::get(&app.db, id).await?)
}

async fn dependencies(app: &App, package: &Package) -> anyhow::Result<Vec<Dependency>> {
    let sha256 = package.content_sha256.clone().unwrap_or_default();
    let blobs = app.blobs.clone();
    let read = tokio::task::spawn_blocking(move || {
        let nupkg = NupkgIn::open(blobs.reader(&sha256)?, &Limits::default())?;
        anyhow::Ok(nupkg.nuspec().dependencies.clone())
    });
    read.await?
        .with_context(|| format!("{} {} cannot be read", package.shown_id, package.version))
}

/// The newest version that a dependency takes, of the source that its package is taken from; none
/// where the feed has one.
async fn best(app: &App, dependency: &Dependency) -> anyhow::Result<Option<PackageId>> {
    let Ok(range) = Range::parse(dependency.range.as_deref().unwrap_or_default()) else {
        return Ok(None);
    };
    if app.feed.read(|it| it.has_in(&dependency.id, &range)) {
        return Ok(None);
    }
    let newest = dependency::newest(app, &dependency.id, &range).await?;
    Ok(newest.map(|it| it.row))
}
