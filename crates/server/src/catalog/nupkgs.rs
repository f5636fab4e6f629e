//! Fetches the packages that some device may have, and analyses them. One that cannot be had holds up
//! no other and is asked for ever more rarely; why is kept with it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::script;
use fleetmend_model::recipe::{Analysis, Checksum, Finding, Verdict};
use fleetmend_model::{Millis, PackageId};
use fleetmend_store::file_reader::FileReader;
use fleetmend_store::packages::{self, Package, Problem};
use fleetmend_store::quarantine::{self as quarantined, Accepted};
use fleetmend_store::sources::{self, Source, SourceKind};
use fleetmend_store::{carried_catalogs, inventories, package_extensions, software};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::address::Named;
use super::candidates::Names;
use super::extensions::{self, Extensions};
use super::fetch::{Ask, FetchError, shown};
use super::folder::MAX_NUPKG;
use super::known::renew;
use super::schedule::{self, Asked};
use super::store_file::{self, Fetched};
use super::sync::jitter;
use super::{offered, offline, quarantine};
use crate::app::App;
use crate::feed::again;
use crate::jobs;

/// Packages fetched at one time: a slow one holds up no other.
const WIDTH: usize = 4;
/// How many devices' inventories are read at a time.
const INVENTORIES: u32 = 100;
/// How often is looked whether what was analysed should wait any longer for those that are still
/// being fetched.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Fetches and analyses what is new and due, then puts the new catalog in place and has all devices
/// matched against it.
pub async fn fetch_packages(app: &Arc<App>) -> anyhow::Result<()> {
    let mut new = offered::all(app).await?;
    let outdated = extensions::outdated(app).await?;
    new.retain(|it| it.analysis.is_none() || outdated.packages.contains(&it.row));
    if !new.is_empty() {
        let names = names(app).await?;
        new.retain(|package| names.may_have(&package.id, &package.title));
    }
    // What stayed out of the own feed is looked at anew as well, whatever devices have.
    let refused = again::refused_of(app, &outdated.packages).await?;
    let known: HashSet<PackageId> = new.iter().map(|it| it.row).collect();
    let is_more = |it: &Package| it.analysis.is_some() && !known.contains(&it.row);
    new.extend(refused.into_iter().filter(is_more));
    let now = app.now();
    let (due, later): (Vec<_>, Vec<_>) = new.into_iter().partition(|package| {
        let problem = package.problem.as_ref();
        package.analysis.is_some() || problem.is_none_or(|it| it.is_due(now))
    });
    let mut next = later
        .iter()
        .filter_map(|package| package.problem.as_ref()?.retry_at)
        .chain(outdated.next)
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
                Taken::Analysed { again } => {
                    is_new = true;
                    next = next.into_iter().chain(again).min();
                }
                Taken::Later(at) => next = next.into_iter().chain(at).min(),
            },
            _ = tick.tick() => if is_new && Instant::now() >= renew_at {
                renew(app).await?;
                is_new = false;
                renew_at = Instant::now() + app.costs.rematch.wait(Duration::ZERO);
            }
        }
    }
    if is_new {
        renew(app).await?;
    }
    again::enqueue(app).await?;
    if let Some(at) = next {
        let mut tx = app.db.begin().await?;
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, at).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether a package's nupkg is in the store.
pub fn is_here(app: &App, package: &Package) -> bool {
    let sha256 = package.content_sha256.as_ref();
    sha256.is_some_and(|it| app.blobs.has(it))
}

/// Fetches and analyses one package out of turn. Why it cannot be had is kept with it.
pub async fn fetch_one(app: &Arc<App>, package: Package) -> anyhow::Result<()> {
    Box::pin(take(Arc::clone(app), package)).await.map(drop)
}

/// What became of a package.
enum Taken {
    Analysed {
        /// When extensions of it that cannot be had are tried again.
        again: Option<Millis>,
    },
    /// It cannot be had; tried again then, or never by itself.
    Later(Option<Millis>),
}

async fn take(app: Arc<App>, package: Package) -> anyhow::Result<Taken> {
    // Out of turn, unless it was asked for since, perhaps as the extension of another.
    let known = package.problem.clone();
    let (package, sha256) = match had(&app, package.row, |it| Some(it) == known.as_ref()).await {
        Ok(Ok(had)) => had,
        Ok(Err(problem)) => return Ok(Taken::Later(problem.retry_at)),
        Err(error) => {
            let error = FetchError::Internal(error);
            return Ok(Taken::Later(failed(&app, &package, &error).await?.retry_at));
        }
    };
    let name = format!("{} {}", package.shown_id, package.version);
    match Box::pin(analyse_and_store(&app, &package, &sha256)).await {
        Ok((verdict, again)) => {
            tracing::info!("{name}: {}", verdict.key());
            Ok(Taken::Analysed { again })
        }
        Err(error) => Ok(Taken::Later(failed(&app, &package, &error).await?.retry_at)),
    }
}

/// Keeps why a nupkg cannot be had. One that is another than its source says goes into quarantine.
pub async fn failed(
    app: &Arc<App>,
    package: &Package,
    error: &FetchError,
) -> anyhow::Result<Problem> {
    let (name, version) = (&package.shown_id, &package.version);
    tracing::warn!("{name} {version}: {error}");
    if let Some(named) = &named(package)
        && quarantine::is_put(app, package, error, named).await?
    {
        return Ok(quarantined_as(&error.to_string()));
    }
    let mut problem = problem(app, package, error);
    let mut tx = app.db.begin().await?;
    if let FetchError::NotImported { import, .. } = error
        && !carried_catalogs::hold(&mut tx, package.source, *import).await?
    {
        // Another import came meanwhile, and may have brought it.
        problem.retry_at = Some(app.now());
    }
    packages::set_problem(&mut tx, package.row, &problem).await?;
    tx.commit().await?;
    app.touch();
    Ok(problem)
}

/// What is wrong with a version in quarantine, for a package that needs it.
fn quarantined_as(cause: &str) -> Problem {
    Problem {
        why: format!("it is in quarantine: {cause}"),
        tries: 0,
        retry_at: None,
    }
}

/// Has a nupkg in the store, without an analysis of it, and gives its SHA-256; or says why it cannot be
/// had. One that could not be had is not asked for before its time.
pub async fn at_hand(app: &Arc<App>, id: PackageId) -> anyhow::Result<Result<String, Problem>> {
    let had = had(app, id, |_| false).await?;
    Ok(had.map(|(_, sha256)| sha256))
}

/// Has a nupkg in the store: one request serves all who want it at a time. One that could not be had is
/// asked for before its time where `is_asked_all_the_same` says so of its problem.
async fn had(
    app: &Arc<App>,
    id: PackageId,
    is_asked_all_the_same: impl Fn(&Problem) -> bool,
) -> anyhow::Result<Result<(Package, String), Problem>> {
    let _turn = app.downloads.take(&format!("nupkg {id}")).await;
    let package = packages::get(&app.db, id).await?;
    let mut package = package.with_context(|| format!("package {id} is gone"))?;
    if let Some((_, cause)) = &package.quarantine {
        return Ok(Err(quarantined_as(cause)));
    }
    if let Some(sha256) = package.content_sha256.clone()
        && app.blobs.has(&sha256)
    {
        return Ok(Ok((package, sha256)));
    }
    if let Some(problem) = package.problem.clone()
        && !problem.is_due(app.now())
        && !is_asked_all_the_same(&problem)
    {
        return Ok(Err(problem));
    }
    match fetch_nupkg(app, &package).await {
        Ok(Fetched { sha256, .. }) => {
            let mut tx = app.db.begin().await?;
            packages::set_content(&mut tx, id, &sha256).await?;
            tx.commit().await?;
            package.content_sha256 = Some(sha256.clone());
            Ok(Ok((package, sha256)))
        }
        Err(error) => Ok(Err(failed(app, &package, &error).await?)),
    }
}

/// What is kept of a package that cannot be had.
fn problem(app: &App, package: &Package, error: &FetchError) -> Problem {
    let now = app.now();
    let tries = package.problem.as_ref().map_or(0, |it| it.tries);
    let mut why = error.to_string();
    let (tries, retry_at) = match error {
        // Not the package's own fault.
        FetchError::Paused { until, .. } => (tries, Some(*until)),
        FetchError::Busy { .. } => (tries, Some(schedule::after_busy(now))),
        FetchError::Address { .. }
        | FetchError::Guarded { .. }
        | FetchError::Algorithm { .. }
        | FetchError::NotImported { .. } => (tries + 1, None),
        _ if tries + 1 >= schedule::NUPKG_TRIES => {
            let tries = tries + 1;
            why = format!(
                "{why}; it was tried {tries} times, and is again when a person has its source read"
            );
            (tries, None)
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
        why,
        tries,
        retry_at,
    }
}

/// What devices know software by.
pub(super) async fn names(app: &App) -> anyhow::Result<Names> {
    let software = software::load_matched(&app.db).await?;
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = inventories::held_after(&app.db, after, INVENTORIES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.device);
        let records = page.into_iter().flat_map(|it| it.chocolatey);
        ids.extend(records.map(|record| record.id));
    }
    Ok(Names::new(
        software.iter().map(|row| row.software.name.as_str()),
        ids.iter().map(String::as_str),
    ))
}

/// Gives what came of it, and when extensions that cannot be had are tried again.
async fn analyse_and_store(
    app: &Arc<App>,
    package: &Package,
    sha256: &str,
) -> Result<(Verdict, Option<Millis>), FetchError> {
    let internal = |error: fleetmend_store::Error| FetchError::Internal(error.into());
    let disk = |error| FetchError::Disk {
        url: package.content_location.clone(),
        error,
    };
    let reader = app.blobs.reader(sha256).map_err(disk)?;
    let tries = package.problem.as_ref().map_or(0, |it| it.tries);
    let (analysis, extensions, problem) = Box::pin(analyse(app, package, reader, tries)).await?;
    let mut tx = app.db.begin().await.map_err(internal)?;
    packages::set_analysis(&mut tx, package.row, &analysis, sha256, app.now())
        .await
        .map_err(internal)?;
    package_extensions::replace(&mut tx, package.row, &extensions.used)
        .await
        .map_err(internal)?;
    if let Some(problem) = problem {
        packages::set_problem(&mut tx, package.row, &problem)
            .await
            .map_err(internal)?;
    }
    tx.commit().await.map_err(internal)?;
    Ok((analysis.verdict, extensions.retry_at()))
}

/// A nupkg that cannot be read is a package that needs review, with why; it is not asked for again
/// until the source offers other bytes.
async fn analyse(
    app: &Arc<App>,
    package: &Package,
    reader: FileReader,
    tries: i64,
) -> anyhow::Result<(Analysis, Extensions, Option<Problem>)> {
    let named = (package.id.clone(), package.normalized.clone());
    let opened = tokio::task::spawn_blocking(move || open(reader, &named.0, &named.1)).await?;
    let nupkg = match opened {
        Ok(nupkg) => nupkg,
        Err(why) => {
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
            return Ok((analysis, Extensions::default(), Some(problem)));
        }
    };
    let extensions = Box::pin(extensions::of(app, nupkg.nuspec())).await?;
    let loaded = extensions.loaded.clone();
    let looked_at = tokio::task::spawn_blocking(move || script::analyse_with(&nupkg, loaded));
    let mut analysis = looked_at.await?;
    let problem = extensions.note_lacking(&mut analysis, tries);
    Ok((analysis, extensions, problem))
}

/// Opens the nupkg of a version, or says in words what is wrong with it.
pub(super) fn open(
    reader: FileReader,
    id: &str,
    normalized: &str,
) -> Result<NupkgIn<FileReader>, String> {
    let nupkg = NupkgIn::open(reader, &Limits::default())
        .map_err(|error| format!("the package cannot be read: {error}"))?;
    let found = nupkg.nuspec();
    let version = found.normalised.to_string();
    if found.id.to_lowercase() == id && version.eq_ignore_ascii_case(normalized) {
        return Ok(nupkg);
    }
    Err(format!(
        "the source says that this is {id} {normalized}, it is {} {version}",
        found.id
    ))
}

/// The digest that the source names for a nupkg.
pub(super) fn named(package: &Package) -> Option<Checksum> {
    let (algorithm, hex) = package.content_hash.as_deref()?.split_once(':')?;
    Some(Checksum {
        algorithm: algorithm.to_lowercase(),
        hex: hex.to_owned(),
    })
}

async fn fetch_nupkg(app: &App, package: &Package) -> Result<Fetched, FetchError> {
    let location = &package.content_location;
    let named = named(package);
    let accepted = quarantined::accepted(&app.db, package.row)
        .await
        .map_err(|error| FetchError::Internal(error.into()))?;
    let instead = named
        .as_ref()
        .and_then(|it| Accepted::instead_of(&accepted, &shown(location), it));
    let checksum = instead.or_else(|| named.clone());
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
            let read = store_file::from_disk(app, location, MAX_NUPKG, checksum.as_ref()).await;
            // Nobody but this server named the digest, when it read the folder.
            read.map_err(|error| match error {
                FetchError::Mismatch(_) => FetchError::FileChanged {
                    path: location.clone(),
                },
                error => error,
            })
        }
        SourceKind::Imported => {
            let (named, wanted) = (named.as_ref(), checksum.as_ref());
            Box::pin(offline::at_hand::file(
                app, &source, location, named, wanted,
            ))
            .await
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
pub async fn source(app: &App, package: &Package) -> anyhow::Result<Source> {
    let found = sources::get(&app.db, package.source).await?;
    found.ok_or_else(|| anyhow::anyhow!("source {} is gone", package.source))
}
