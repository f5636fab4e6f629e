//! Writes the catalog into one file: first what it will have is put together from one state of the
//! database, then it is written, part by part.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use fleetmend_archive::{MAX_ENTRY, Writer, archive_length};
use fleetmend_model::SourceId;
use fleetmend_model::recipe::{FileOrigin, Recipe, RecipeFile};
use fleetmend_store::carried_catalogs::{self, Carried, Direction};
use fleetmend_store::fetched_files::{self, FetchedFile};
use fleetmend_store::packages::{self, ListedVersion, Package};
use fleetmend_store::sources::{self, Source, SourceKind};
use fleetmend_store::{Db, Tx, settings};
use tempfile::TempPath;

use super::super::fetch::shown;
use super::super::regular;
use super::super::store_file::at_hand;
use super::lines::{Spool, Spooled};
use super::manifest::{self, FORMAT, Files, Manifest, SourceEntry};
use super::nupkg::{self, Lying, Nupkg};
use super::row::{AddressRow, PackageRow};
use super::scope::Scope;
use super::{ORIGIN, place};
use crate::app::App;
use crate::journal;
use crate::people::Actor;
use crate::server_id::{self, is_id};

/// How many things that are left out are noted one by one.
const MOST_NOTED: usize = 5;
/// Rows read at a time.
const BATCH: usize = 500;

/// An export that can be written.
pub struct Prepared {
    manifest: Manifest,
    entries: Vec<Entry>,
    /// The length of the whole, in bytes.
    pub length: u64,
    /// What cannot be carried, with the reason.
    pub left_out: Vec<String>,
}

struct Entry {
    name: String,
    length: u64,
    sha256: String,
    content: Content,
}

impl Entry {
    fn of_lines(name: &str, lines: Spooled) -> Self {
        Self {
            name: format!("{name}-{}.jsonl", lines.sha256),
            length: lines.length,
            sha256: lines.sha256,
            content: Content::Spooled(lines.path),
        }
    }
}

enum Content {
    Bytes(Vec<u8>),
    Spooled(TempPath),
    Kept,
    /// In a folder.
    Lying(PathBuf),
}

/// Puts an export together.
pub async fn prepare(app: &App, scope: &Scope) -> anyhow::Result<Prepared> {
    let origin = origin(&app.db).await?;
    let mut tx = app.db.read().await?;
    let mut all = sources::list(&mut tx).await?;
    all.retain(|it| it.settings.enabled);
    // What was imported of a source that this server reads itself is the same one's.
    all.sort_by_cached_key(|it| (place(it, &origin), it.kind == SourceKind::Imported));
    all.dedup_by(|it, before| place(it, &origin) == place(before, &origin));
    let mut gathering = Gathering {
        app,
        scope,
        addresses: BTreeMap::new(),
        files: BTreeMap::new(),
        lying: Vec::new(),
        missed: scope.ids().cloned().collect(),
        not_here: BTreeMap::new(),
        left_out: Vec::new(),
    };
    let (mut entries, mut carried) = (Vec::new(), Vec::new());
    for source in &all {
        let rows = gathering.rows(&mut tx, source).await?;
        // Nothing was ever pushed.
        if source.kind == SourceKind::Own && rows.count == 0 {
            continue;
        }
        if source.kind != SourceKind::Own && source.last_read.finished_at.is_none() {
            let line = format!("{}: it was never read to its end", name(source));
            gathering.left_out.push(line);
        }
        let addresses = gathering.addresses()?;
        let number = carried.len();
        carried.push(SourceEntry {
            place: place(source, &origin),
            name: name(source),
            priority: source.settings.priority,
            dialect: manifest::dialect(source.settings.dialect),
            read_at: source.last_read.finished_at,
            rows: rows.lines(),
            addresses: addresses.lines(),
        });
        for (kind, lines) in [("rows", rows), ("addresses", addresses)] {
            entries.push(Entry::of_lines(&format!("{kind}-{number:04}"), lines));
        }
    }
    drop(tx);
    gathering.look_at_lying().await?;
    let Gathering {
        files,
        missed,
        not_here,
        mut left_out,
        ..
    } = gathering;
    left_out.extend(not_here.iter().map(|(id, it)| nupkg::not_here(id, it)));
    let missed = missed.iter();
    left_out.extend(missed.map(|id| format!("the files of {id}: no source has such a package")));
    let manifest = Manifest {
        format: FORMAT,
        made_by: format!("Fleetmend {}", env!("CARGO_PKG_VERSION")),
        made_at: app.now(),
        origin,
        sources: carried,
        files: Files {
            count: files.len() as u64,
            bytes: files.values().map(|it| it.length).sum(),
        },
    };
    manifest
        .check()
        .map_err(|why| anyhow::anyhow!("no server could import this catalog: {why}"))?;
    entries.extend(files.into_iter().map(|(sha256, file)| Entry {
        name: format!("files/{sha256}"),
        length: file.length,
        sha256,
        content: file.lies_at.map_or(Content::Kept, Content::Lying),
    }));
    let bytes = serde_json::to_vec_pretty(&manifest)?;
    let sha256 = fleetmend_trust::digest_hex(&bytes);
    let first = Entry {
        name: format!("manifest-{sha256}.json"),
        length: bytes.len() as u64,
        sha256,
        content: Content::Bytes(bytes),
    };
    entries.insert(0, first);
    Ok(Prepared {
        length: archive_length(entries.iter().map(|it| it.length)),
        manifest,
        entries,
        left_out,
    })
}

impl Prepared {
    /// What it lacks, as far as a person reads on.
    fn note(&self) -> String {
        let mut lines: Vec<_> = self.left_out.iter().take(MOST_NOTED).cloned().collect();
        if self.left_out.len() > MOST_NOTED {
            lines.push(format!("{} in all", self.left_out.len()));
        }
        if lines.is_empty() {
            return String::new();
        }
        format!("Left out: {}.", lines.join("; "))
    }

    /// Writes it; gives what was written. `tell` hears how many bytes that are so far.
    pub fn write(
        &self,
        app: &App,
        actor: &Actor,
        out: impl Write,
        mut tell: impl FnMut(u64),
    ) -> io::Result<Carried> {
        let mut writer = Writer::new(out);
        let mut written = 0;
        for it in &self.entries {
            let (name, length, sha256) = (&it.name, it.length, &it.sha256);
            match &it.content {
                Content::Bytes(bytes) => writer.add(name, length, sha256, bytes.as_slice())?,
                Content::Spooled(path) => writer.add(name, length, sha256, File::open(path)?)?,
                Content::Lying(path) => writer.add(name, length, sha256, regular::open(path)?)?,
                Content::Kept => writer.add(name, length, sha256, app.blobs.get(sha256)?)?,
            }
            written += length;
            tell(written);
        }
        let (sha256, length) = writer.finish()?;
        Ok(Carried {
            direction: Direction::Export,
            at: app.now(),
            who: actor.name.clone(),
            sha256,
            length,
            made_at: self.manifest.made_at,
            made_by: self.manifest.made_by.clone(),
            origin: self.manifest.origin.clone(),
            sources: self.manifest.sources.len() as u64,
            versions: self.manifest.versions(),
            files: self.manifest.files.count,
            note: self.note(),
        })
    }
}

/// What a source is called where it is carried to.
fn name(source: &Source) -> String {
    match source.kind {
        SourceKind::Own => "The exporting server's feed".to_owned(),
        _ => source.settings.name.clone(),
    }
}

/// Notes that an export was written.
pub async fn note(app: &Arc<App>, carried: &Carried, actor: &Actor) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    carried_catalogs::insert(&mut tx, carried).await?;
    let after = format!(
        "{} sources, {} package versions, {} files, {} bytes, SHA-256 {}",
        carried.sources, carried.versions, carried.files, carried.length, carried.sha256
    );
    journal::record(
        &mut tx,
        actor,
        "export_catalog",
        "catalog",
        &after,
        app.now(),
    )
    .await?;
    tx.commit().await?;
    app.touch();
    Ok(())
}

/// The installation's id; made if it has none.
async fn origin(db: &Db) -> anyhow::Result<String> {
    if let Some(id) = settings::get(db, ORIGIN).await?.filter(|it| is_id(it)) {
        return Ok(id);
    }
    let made = server_id::make()?;
    let mut tx = db.begin().await?;
    settings::add(&mut tx, ORIGIN, &made).await?;
    let id = settings::get(&mut tx, ORIGIN).await?;
    tx.commit().await?;
    id.ok_or_else(|| anyhow::anyhow!("the installation's id cannot be stored"))
}

/// What an export will have, while it is put together.
struct Gathering<'a> {
    app: &'a App,
    scope: &'a Scope,
    /// SHA-256 by address and digest, of the source that is being read.
    addresses: BTreeMap<(String, String), String>,
    /// By SHA-256.
    files: BTreeMap<String, Carriable>,
    /// Files of folders that were not looked at yet.
    lying: Vec<Lying>,
    /// Ids of packages whose files are wanted and that did not come yet.
    missed: BTreeSet<String>,
    /// Versions of those that did come and whose nupkg is not here, by the package's id.
    not_here: BTreeMap<String, Vec<String>>,
    left_out: Vec<String>,
}

/// A file that can be carried.
struct Carriable {
    length: u64,
    /// Its path, where it is not in the store.
    lies_at: Option<PathBuf>,
}

impl Gathering<'_> {
    /// All versions of a source.
    async fn rows(&mut self, tx: &mut Tx, source: &Source) -> anyhow::Result<Spooled> {
        let mut spool = Spool::new(self.app)?;
        let all = packages::all_of(&mut *tx, source.id).await?;
        for some in all.chunks(BATCH) {
            for mut package in in_order(tx, some).await? {
                self.add_files(tx, source, &mut package).await?;
                let name = format!("{} {}", package.shown_id, package.version);
                let row = PackageRow::of(package);
                let fault = match row.fault() {
                    Some(fault) => Some(fault),
                    None => spool.push(&row)?.err(),
                };
                self.left_out
                    .extend(fault.map(|it| format!("{name}: {it}")));
            }
        }
        spool.end()
    }

    /// The addresses of the source whose versions came last.
    fn addresses(&mut self) -> anyhow::Result<Spooled> {
        let mut spool = Spool::new(self.app)?;
        for ((address, named), sha256) in std::mem::take(&mut self.addresses) {
            let row = AddressRow {
                address,
                named,
                sha256,
            };
            let fault = match row.fault() {
                Some(fault) => Some(fault),
                None => spool.push(&row)?.err(),
            };
            self.left_out
                .extend(fault.map(|it| format!("{}: {it}", row.address)));
        }
        spool.end()
    }

    /// The nupkg and the installers of a version, as far as they are here.
    async fn add_files(
        &mut self,
        tx: &mut Tx,
        source: &Source,
        package: &mut Package,
    ) -> anyhow::Result<()> {
        let has_files = self.scope.has(&package.id);
        let is_asked_for = self.scope.names(&package.id);
        self.missed.remove(&package.id);
        let mut wanted = Vec::new();
        match nupkg::find(self.app, tx, source, package).await? {
            Nupkg::Kept(sha256) => {
                package.content_sha256 = Some(sha256.clone());
                wanted.push(sha256);
            }
            Nupkg::Lying(file) => {
                package.content_sha256 = Some(file.sha256.clone());
                self.lying.extend(has_files.then_some(file));
            }
            Nupkg::Elsewhere if is_asked_for && package.listed => {
                let of_id = self.not_here.entry(package.shown_id.clone());
                of_id.or_default().push(package.version.clone());
            }
            Nupkg::Elsewhere => {}
        }
        let recipe = package.analysis.as_ref().and_then(|it| it.recipe.as_ref());
        for file in recipe.into_iter().flat_map(Recipe::all_files) {
            if let Some(it) = self.installer(tx, package.source, file).await? {
                wanted.push(it.sha256.clone());
                self.addresses.insert((it.address, it.named), it.sha256);
            }
        }
        for sha256 in wanted.into_iter().filter(|_| has_files) {
            let file = match self.app.blobs.get(&sha256) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.with_context(|| format!("cannot read the file {sha256}"))?,
            };
            let length = file.metadata()?.len();
            if length <= MAX_ENTRY {
                let lies_at = None;
                self.files.insert(sha256, Carriable { length, lies_at });
            } else {
                let name = format!("{} {}", package.shown_id, package.version);
                self.left_out
                    .push(format!("a file of {name}: it has {length} bytes"));
            }
        }
        Ok(())
    }

    /// Adds the files of folders that are as they were.
    async fn look_at_lying(&mut self) -> anyhow::Result<()> {
        for file in std::mem::take(&mut self.lying) {
            if self.files.contains_key(&file.sha256) {
                continue;
            }
            let looking = tokio::task::spawn_blocking(move || (file.length(), file));
            match looking.await? {
                (Ok(length), file) => {
                    let lies_at = Some(file.path);
                    self.files
                        .insert(file.sha256, Carriable { length, lies_at });
                }
                (Err(why), file) => {
                    self.left_out
                        .push(format!("the nupkg of {}: {why}", file.name));
                }
            }
        }
        Ok(())
    }

    /// Which file stood behind the address of an installer, as far as is known.
    async fn installer(
        &self,
        tx: &mut Tx,
        source: SourceId,
        file: &RecipeFile,
    ) -> anyhow::Result<Option<FetchedFile>> {
        let FileOrigin::Url { url } = &file.origin else {
            return Ok(None);
        };
        let (address, checksum) = (shown(url), file.checksum.as_ref());
        if let Some(known) = fetched_files::get(&mut *tx, source, &address, checksum).await? {
            return Ok(Some(known));
        }
        let found = checksum.and_then(|it| at_hand(&self.app.blobs, it));
        Ok(found.map(|it| FetchedFile {
            address,
            named: fetched_files::named(checksum),
            sha256: it.sha256,
        }))
    }
}

/// Versions by their identity, in its order.
async fn in_order(tx: &mut Tx, some: &[ListedVersion]) -> anyhow::Result<Vec<Package>> {
    let rows: Vec<_> = some.iter().map(|it| it.row).collect();
    let found = packages::get_many(&mut *tx, &rows).await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|it| (it.row, it)).collect();
    Ok(rows.iter().filter_map(|row| found.remove(row)).collect())
}
