//! Takes an export into the catalog, all of it or nothing.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_model::{Millis, PackageId, SourceId};
use fleetmend_store::carried_catalogs::{self, Carried, Direction};
use fleetmend_store::fetched_files::{self, FetchedFile};
use fleetmend_store::source_pages::{self, KnownPage, NewPage};
use fleetmend_store::sources::{self, ReadNote, Settings, Source, SourceKind, Withheld};
use fleetmend_store::{Tx, packages, quarantine, settings};

use super::super::intake::READER;
use super::super::vanished;
use super::lines::batches;
use super::manifest::{Manifest, SourceEntry};
use super::report::{Imported, ImportedSource};
use super::row::{AddressRow, PackageRow};
use super::stage::{ImportError, Staged, StagedSource, stage};
use super::{ORIGIN, is_of, location};
use crate::api::time;
use crate::app::App;
use crate::deployments::reset;
use crate::people::Actor;
use crate::{jobs, journal};

/// What stands for the page that an import is of its source.
const PAGE: &str = "import";
/// Why an imported source is not read.
const NOT_READ: &str = "it comes with imports";

/// How much another server's clock may be fast.
const CLOCKS_DIFFER: Duration = Duration::from_hours(24);

/// What a person wants of an import.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The SHA-256 that the file must have.
    pub sha256: Option<String>,
    /// Whether it may be older than what was imported last.
    pub older: bool,
}

/// Reads an export of at most `cap` bytes and takes it in.
pub async fn import(
    app: &Arc<App>,
    input: impl Read + Send + 'static,
    cap: u64,
    wanted: &Wanted,
    actor: &Actor,
) -> Result<Imported, ImportError> {
    let _turn = app.downloads.take("an import of the catalog").await;
    let (blobs, sha256) = (app.blobs.clone(), wanted.sha256.clone());
    let staged = tokio::task::spawn_blocking(move || stage(&blobs, input, cap, sha256.as_deref()));
    let mut staged = staged.await.context("an import broke off")??;
    refuse_future(&staged.manifest, app.now())?;
    refuse_older(&mut app.db.read().await?, &staged.manifest, wanted).await?;
    let new_files = staged.new_files();
    let blobs = app.blobs.clone();
    let keeping = tokio::task::spawn_blocking(move || {
        staged.keep_files(&blobs)?;
        Ok::<_, ImportError>(staged)
    });
    let staged = keeping.await.context("an import broke off")??;
    let imported = Box::pin(take_in(app, &staged, new_files, wanted, actor)).await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(imported)
}

/// After an export of a later day, every right one would be older than what is known.
fn refuse_future(manifest: &Manifest, now: Millis) -> Result<(), ImportError> {
    if manifest.made_at <= now + CLOCKS_DIFFER {
        return Ok(());
    }
    Err(ImportError::FromTheFuture {
        made_at: time(manifest.made_at),
        now: time(now),
    })
}

/// An export must not be older than what is known of its sources.
async fn refuse_older(
    tx: &mut Tx,
    manifest: &Manifest,
    wanted: &Wanted,
) -> Result<(), ImportError> {
    for entry in &manifest.sources {
        let Some(source) = sources::at(&mut *tx, &location(&entry.place)).await? else {
            continue;
        };
        let known = carried_catalogs::of_source(&mut *tx, source.id).await?;
        if let Some((_, known)) = known
            && known.made_at > manifest.made_at
            && !wanted.older
        {
            return Err(ImportError::Older {
                source_name: source.settings.name,
                made_at: time(manifest.made_at),
                known: time(known.made_at),
            });
        }
    }
    Ok(())
}

/// What is said of an earlier import of these sources is said before this one, or not of it; and no
/// other import of them goes on meanwhile.
async fn hold(tx: &mut Tx, manifest: &Manifest) -> Result<(), ImportError> {
    for entry in &manifest.sources {
        if let Some(source) = sources::at(&mut *tx, &location(&entry.place)).await? {
            carried_catalogs::hold(tx, source.id, None).await?;
        }
    }
    Ok(())
}

async fn take_in(
    app: &Arc<App>,
    staged: &Staged,
    new_files: u64,
    wanted: &Wanted,
    actor: &Actor,
) -> Result<Imported, ImportError> {
    let manifest = &staged.manifest;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    hold(&mut tx, manifest).await?;
    refuse_older(&mut tx, manifest, wanted).await?;
    let mut taken = Vec::new();
    let own = settings::get(&mut tx, ORIGIN).await?;
    for (entry, lines) in manifest.sources.iter().zip(&staged.sources) {
        if own.as_ref().is_some_and(|it| is_of(&entry.place, it)) {
            continue;
        }
        taken.push(take_source(app, &mut tx, entry, lines).await?);
    }
    let carried = Carried {
        direction: Direction::Import,
        at: now,
        who: actor.name.clone(),
        sha256: staged.sha256.clone(),
        length: staged.length,
        made_at: manifest.made_at,
        made_by: manifest.made_by.clone(),
        origin: manifest.origin.clone(),
        sources: manifest.sources.len() as u64,
        versions: manifest.versions(),
        files: manifest.files.count,
        note: String::new(),
    };
    let mut imported = Imported {
        carried,
        own: (manifest.sources.len() - taken.len()) as u64,
        sources: taken,
        new_files,
    };
    imported.carried.note = imported.sentences().join(" ");
    let row = carried_catalogs::insert(&mut tx, &imported.carried).await?;
    for source in &imported.sources {
        carried_catalogs::set_of_source(&mut tx, source.id, row).await?;
    }
    let after = format!(
        "{} SHA-256 {}",
        imported.carried.note, imported.carried.sha256
    );
    journal::record(&mut tx, actor, "import_catalog", "catalog", &after, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    tx.commit().await?;
    Ok(imported)
}

async fn take_source(
    app: &Arc<App>,
    tx: &mut Tx,
    entry: &SourceEntry,
    lines: &StagedSource,
) -> Result<ImportedSource, ImportError> {
    let now = app.now();
    let source = source(tx, entry).await?;
    let before = packages::listed_of(&mut *tx, source.id).await?;
    let stored = store_rows(app, tx, source.id, &lines.rows).await?;
    take_addresses(app, tx, source.id, &lines.addresses).await?;
    let gone = vanished::gone(source.kind, &before, stored.listed.iter().copied());
    let known = source.last_read.withheld;
    let withheld = vanished::withheld(before.len(), gone.len(), known, now);
    if withheld.is_none() {
        packages::set_listed(tx, &gone, false).await?;
    }
    take_quarantine(tx, source.id, &stored, now).await?;
    note_read(tx, &source, entry, stored.listed, withheld, now).await?;
    // What could not be had before may be here now.
    packages::retry_now(tx, source.id, now).await?;
    reset::reset_of_source(app, tx, source.id).await?;
    let gone = gone.len() as u64;
    let kept = withheld.map_or(0, |it| it.gone);
    Ok(ImportedSource {
        id: source.id,
        name: source.settings.name,
        changed: stored.changed,
        gone: gone - kept,
        withheld: kept,
        was_read: entry.read_at.is_some(),
    })
}

/// The source that stands for one of an export. What a person set of it here stays.
async fn source(tx: &mut Tx, entry: &SourceEntry) -> Result<Source, ImportError> {
    let location = location(&entry.place);
    if sources::at(&mut *tx, &location).await?.is_none() {
        let settings = Settings {
            priority: entry.priority,
            dialect: entry.dialect(),
            ..Settings::new(&location, &entry.name)
        };
        sources::insert(tx, SourceKind::Imported, &settings).await?;
    }
    let source = sources::at(&mut *tx, &location).await?;
    Ok(source.with_context(|| format!("there is no source {location}"))?)
}

/// What was stored of a source.
struct Stored {
    /// Versions that are new or other than before.
    changed: u64,
    /// The marks of those that are listed.
    listed: Vec<source_pages::VersionMark>,
    /// Ids, normalized versions and causes of those that are in quarantine where they come from.
    quarantined: Vec<(String, String, String)>,
    /// Those that an import put into quarantine and that are not in it there.
    let_out: Vec<PackageId>,
}

async fn store_rows(
    app: &Arc<App>,
    tx: &mut Tx,
    source: SourceId,
    rows: &Path,
) -> Result<Stored, ImportError> {
    let now = app.now();
    let mut stored = Stored {
        changed: 0,
        listed: Vec::new(),
        quarantined: Vec::new(),
        let_out: Vec::new(),
    };
    let held = quarantine::without_file(&mut *tx, source).await?;
    let held = packages::get_many(&mut *tx, &held).await?;
    let held: HashMap<_, _> = held
        .into_iter()
        .map(|it| ((it.id, it.normalized), it.row))
        .collect();
    let mut batches = batches::<PackageRow>(rows);
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        let mut files = Vec::new();
        for row in &batch {
            if row.listed {
                stored.listed.push(vanished::mark(&row.id, &row.normalized));
            }
            let key = (row.id.to_lowercase(), row.normalized.clone());
            match (&row.quarantine, held.get(&key)) {
                (Some(cause), _) => stored.quarantined.push((key.0, key.1, cause.clone())),
                (None, held) => stored.let_out.extend(held),
            }
            files.extend(row.nupkg().filter(|it| app.blobs.has(&it.sha256)));
        }
        let new: Vec<_> = batch.into_iter().map(|row| row.package(source)).collect();
        stored.changed += packages::store_many(tx, &new, now).await?;
        fetched_files::put_imported(tx, source, &files, now).await?;
    }
    Ok(stored)
}

async fn take_addresses(
    app: &Arc<App>,
    tx: &mut Tx,
    source: SourceId,
    addresses: &Path,
) -> Result<(), ImportError> {
    let mut batches = batches::<AddressRow>(addresses);
    while let Some(batch) = batches.recv().await {
        let files = batch?.into_iter().map(FetchedFile::from);
        let files: Vec<_> = files.filter(|it| app.blobs.has(&it.sha256)).collect();
        fetched_files::put_imported(tx, source, &files, app.now()).await?;
    }
    Ok(())
}

/// A version that is in quarantine where it comes from is so here as well, without the file that was
/// wrong, which never was here; once it is out there, it is out here. What this server found itself
/// stays, and so does what the import says nothing of.
async fn take_quarantine(
    tx: &mut Tx,
    source: SourceId,
    stored: &Stored,
    now: Millis,
) -> Result<(), ImportError> {
    for (id, version, cause) in &stored.quarantined {
        let found = packages::find(&mut *tx, source, id, version).await?;
        let Some(package) = found else { continue };
        if package.quarantine.is_none() {
            let cause = format!("it is in quarantine on the server that it comes from: {cause}");
            packages::quarantine(tx, package.row, Some(&cause), now).await?;
        }
    }
    for row in &stored.let_out {
        packages::quarantine(tx, *row, None, now).await?;
    }
    Ok(())
}

async fn note_read(
    tx: &mut Tx,
    source: &Source,
    entry: &SourceEntry,
    listed: Vec<source_pages::VersionMark>,
    withheld: Option<Withheld>,
    now: Millis,
) -> Result<(), ImportError> {
    let read_at = source_pages::next_mark(&mut *tx, source.id, now).await?;
    let page = NewPage {
        known: KnownPage {
            url: PAGE.to_owned(),
            entries: entry.rows.count,
            ..KnownPage::default()
        },
        versions: listed,
        ..NewPage::default()
    };
    source_pages::put_many(tx, source.id, &[page], READER, read_at).await?;
    let note = ReadNote {
        finished_at: entry.read_at,
        entries: Some(entry.rows.count),
        measure: Some(entry.rows.count),
        next_read_why: NOT_READ.to_owned(),
        withheld,
        ..ReadNote::default()
    };
    Ok(sources::note_read(tx, source.id, &note).await?)
}
