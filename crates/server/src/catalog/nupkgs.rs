//! Fetches the packages that some device may have, and analyses them. One that cannot be had holds up
//! no other and is asked for ever more rarely; why is kept with it.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::script;
use fleetmend_model::Millis;
use fleetmend_model::inventory::Place;
use fleetmend_model::recipe::{Analysis, Checksum, Finding, Verdict};
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::{self, Package, Problem};
use fleetmend_store::quarantine::{self as quarantined, Accepted};
use fleetmend_store::sources::{self, Source, SourceKind};
use fleetmend_store::{inventories, software};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::address::Named;
use super::candidates::Names;
use super::fetch::{Ask, FetchError, shown};
use super::folder::MAX_NUPKG;
use super::known::renew;
use super::schedule::{self, Asked};
use super::store_file::{self, Fetched};
use super::sync::jitter;
use super::{offered, quarantine};
use crate::app::App;
use crate::jobs;

/// Packages fetched at one time: a slow one holds up no other.
const WIDTH: usize = 4;
/// How many devices' inventories are read at a time.
const INVENTORIES: u32 = 100;
/// How often is looked whether what was analysed should wait any longer for those that are still
/// being fetched.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Matching all devices anew takes one part in so many of the time, at most.
const RENEW_SHARE: u32 = 10;

/// Fetches and analyses what is new and due, then puts the new catalog in place and has all devices
/// matched against it.
pub async fn fetch_packages(app: &Arc<App>) -> anyhow::Result<()> {
    let mut new = offered::all(app).await?;
    new.retain(|package| package.analysis.is_none());
    if new.is_empty() {
        return Ok(());
    }
    let names = names(app).await?;
    new.retain(|package| names.may_have(&package.id, &package.title));
    let now = app.now();
    let (due, later): (Vec<_>, Vec<_>) = new.into_iter().partition(|package| {
        let problem = package.problem.as_ref();
        problem.is_none_or(|it| it.retry_at.is_some_and(|at| at <= now))
    });
    let mut next = later
        .iter()
        .filter_map(|package| package.problem.as_ref()?.retry_at)
        .min();
    let mut waiting = due.into_iter();
    let mut running = JoinSet::new();
    let mut is_new = false;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut renew_at = Instant::now();
    loop {
        while running.len() < WIDTH
            && let Some(package) = waiting.next()
        {
            running.spawn(take(Arc::clone(app), package));
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            Some(taken) = running.join_next() => match taken?? {
                Taken::Analysed => is_new = true,
                Taken::Later(at) => next = next.into_iter().chain(at).min(),
            },
            now = tick.tick() => if is_new && now >= renew_at {
                renew(app).await?;
                is_new = false;
                renew_at = Instant::now() + now.elapsed() * RENEW_SHARE;
            }
        }
    }
    if is_new {
        renew(app).await?;
    }
    if let Some(at) = next {
        let mut tx = app.db.begin().await?;
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Fetches and analyses one package out of turn. Why it cannot be had is kept with it.
pub async fn fetch_one(app: &Arc<App>, package: Package) -> anyhow::Result<()> {
    Box::pin(take(Arc::clone(app), package)).await.map(drop)
}

/// What became of a package.
enum Taken {
    Analysed,
    /// It cannot be had; tried again then, or never by itself.
    Later(Option<Millis>),
}

async fn take(app: Arc<App>, package: Package) -> anyhow::Result<Taken> {
    let name = format!("{} {}", package.shown_id, package.version);
    match fetch_and_analyse(&app, &package).await {
        Ok(verdict) => {
            tracing::info!("{name}: {}", verdict.key());
            Ok(Taken::Analysed)
        }
        Err(error) => {
            tracing::warn!("{name}: {error}");
            if let (FetchError::Mismatch(wrong), Some(named)) = (&error, &named(&package)) {
                quarantine::put(&app, &package, wrong, named, &error.to_string()).await?;
                return Ok(Taken::Later(None));
            }
            let problem = problem(&app, &package, &error);
            let mut tx = app.db.begin().await?;
            packages::set_problem(&mut tx, package.row, &problem).await?;
            tx.commit().await?;
            app.touch();
            Ok(Taken::Later(problem.retry_at))
        }
    }
}

/// What is kept of a package that cannot be had.
fn problem(app: &App, package: &Package, error: &FetchError) -> Problem {
    let now = app.now();
    let tries = package.problem.as_ref().map_or(0, |it| it.tries);
    let (tries, retry_at) = match error {
        // Not the package's own fault.
        FetchError::Paused { until, .. } => (tries, Some(*until)),
        FetchError::Address { .. } | FetchError::Guarded { .. } | FetchError::Algorithm { .. } => {
            (tries + 1, None)
        }
        _ => {
            let is_refused = matches!(
                error,
                FetchError::Status {
                    status: 403 | 429,
                    ..
                }
            );
            let at = schedule::after_failed_fetch(now, tries + 1, is_refused, jitter());
            (tries + 1, Some(at))
        }
    };
    Problem {
        why: error.to_string(),
        tries,
        retry_at,
    }
}

async fn names(app: &App) -> anyhow::Result<Names> {
    let software = software::load_all(&app.db).await?;
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = inventories::after(&app.db, after, INVENTORIES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.device);
        let records = page.into_iter().flat_map(|it| it.chocolatey);
        ids.extend(records.map(|record| record.id));
    }
    let windows = software
        .iter()
        .filter(|row| row.software.place != Place::Dpkg);
    Ok(Names::new(
        windows.map(|row| row.software.name.as_str()),
        ids.iter().map(String::as_str),
    ))
}

async fn fetch_and_analyse(app: &Arc<App>, package: &Package) -> Result<Verdict, FetchError> {
    let internal = |error: fleetmend_store::Error| FetchError::Internal(error.into());
    let sha256 = match &package.content_sha256 {
        // It was fetched before and is to be looked at anew.
        Some(sha256) if app.blobs.has(sha256) => sha256.clone(),
        _ => fetch_nupkg(app, package).await?.sha256,
    };
    let disk = |error| FetchError::Disk {
        url: package.content_location.clone(),
        error,
    };
    let reader = app.blobs.reader(&sha256).map_err(disk)?;
    let named = (package.id.clone(), package.normalized.clone());
    let looked_at = tokio::task::spawn_blocking(move || analyse(reader, &named.0, &named.1)).await;
    let (analysis, problem) = looked_at.map_err(|error| FetchError::Internal(error.into()))?;
    let mut tx = app.db.begin().await.map_err(internal)?;
    packages::set_analysis(&mut tx, package.row, &analysis, &sha256, app.now())
        .await
        .map_err(internal)?;
    if let Some(problem) = problem {
        packages::set_problem(&mut tx, package.row, &problem)
            .await
            .map_err(internal)?;
    }
    tx.commit().await.map_err(internal)?;
    Ok(analysis.verdict)
}

/// A nupkg that cannot be read is a package that needs review, with why; it is not asked for again
/// until the source offers other bytes.
fn analyse(reader: FileReader, id: &str, normalized: &str) -> (Analysis, Option<Problem>) {
    let why = match NupkgIn::open(reader, &Limits::default()) {
        Ok(nupkg) => {
            let found = nupkg.nuspec();
            let version = found.normalised.to_string();
            if found.id.to_lowercase() == id && version.eq_ignore_ascii_case(normalized) {
                return (script::analyse(&nupkg), None);
            }
            format!(
                "the source says that this is {id} {normalized}, it is {} {version}",
                found.id
            )
        }
        Err(error) => format!("the package cannot be read: {error}"),
    };
    let analysis = Analysis::needs_review(Finding {
        file: String::new(),
        line: 0,
        what: why.clone(),
    });
    let problem = Problem {
        why,
        tries: 1,
        retry_at: None,
    };
    (analysis, Some(problem))
}

/// The digest that the source names for a nupkg.
fn named(package: &Package) -> Option<Checksum> {
    let (algorithm, hex) = package.content_hash.as_deref()?.split_once(':')?;
    Some(Checksum {
        algorithm: algorithm.to_lowercase(),
        hex: hex.to_owned(),
    })
}

async fn fetch_nupkg(app: &App, package: &Package) -> Result<Fetched, FetchError> {
    let location = &package.content_location;
    let checksum = named(package);
    let accepted = quarantined::accepted(&app.db, package.row)
        .await
        .map_err(|error| FetchError::Internal(error.into()))?;
    let instead = checksum
        .as_ref()
        .and_then(|it| Accepted::instead_of(&accepted, &shown(location), it));
    let checksum = instead.or(checksum);
    let disk = |error| FetchError::Disk {
        url: location.clone(),
        error,
    };
    let source = source(app, package).await?;
    match source.kind {
        SourceKind::Feed => {
            let login = app.sealing.login(&source)?;
            let ask = Ask {
                url: location,
                named: Named::Feed(&source.settings.location),
                asked: Asked::Nupkg,
                login: login.as_ref(),
                private_hosts: &source.private_hosts,
                cap: MAX_NUPKG,
            };
            store_file::from_outside(app, &ask, checksum.as_ref()).await
        }
        SourceKind::Folder => {
            store_file::from_disk(app, location, MAX_NUPKG, checksum.as_ref()).await
        }
        // The mirror has it already.
        SourceKind::Own => {
            let sha256 = checksum.map(|it| it.hex).unwrap_or_default();
            let file = app.blobs.get(&sha256).map_err(disk)?;
            let length = file.metadata().map_err(disk)?.len();
            Ok(Fetched { sha256, length })
        }
    }
}

/// The source of a package.
pub(super) async fn source(app: &App, package: &Package) -> anyhow::Result<Source> {
    let found = sources::get(&app.db, package.source).await?;
    found.ok_or_else(|| anyhow::anyhow!("source {} is gone", package.source))
}
