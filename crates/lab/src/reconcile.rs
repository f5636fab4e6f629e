//! `lab reconcile`: the index of what all devices have, against the catalog. A world is written into a
//! database by one process; another one starts on it, and is measured.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::{CatalogPackage, Fleet, Loading, Overrides};
use fleetmend_server::{App, Config};
use fleetmend_store::devices::{self, NewDevice};
use fleetmend_store::inventories::{self, StoredInventory};
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::queue;
use fleetmend_store::software;
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_versions::nuget::Version;
use serde_json::{Value, json};

use crate::apps;
use crate::catalog_file;
use crate::percentile::percentile_ms;
use crate::server::resident_kb;
use crate::world::{self, Chance, World};

/// Rows that one statement writes.
const BATCH: usize = 2_000;
/// Times that everything is put together.
const TURNS: usize = 15;
/// How long a server may take to store what all devices lack.
const STORED: Duration = Duration::from_mins(30);
/// Packages of which a new version is put in place, one after another.
const NEW_VERSIONS: usize = 400;

/// How much.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Devices.
    #[arg(long, default_value_t = 100_000)]
    devices: usize,
    /// Applications of each.
    #[arg(long, default_value_t = 150)]
    apps: usize,
    /// Packages in the catalog.
    #[arg(long, default_value_t = 12_000)]
    packages: usize,
    /// Real packages, a JSON object a line, gzip or plain; others are made up.
    #[arg(long)]
    catalog: Option<PathBuf>,
    /// Real changes: lines of when, id and version, with tabs between them; gzip or plain. Those of the last
    /// year are replayed. Made up without it.
    #[arg(long)]
    history: Option<PathBuf>,
    /// Devices of the replay.
    #[arg(long, default_value_t = 10_000)]
    replay_devices: usize,
    /// A PostgreSQL database for the world, empty; SQLite without it.
    #[arg(long)]
    database: Option<String>,
    /// A part of the measure, by a process of its own.
    #[arg(long, hide = true)]
    part: Option<Part>,
    /// Where the world is.
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Write,
    Start,
    Versions,
    Replay,
}

/// Measures.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    if let (Some(part), Some(data)) = (options.part, &options.data) {
        return match part {
            Part::Write => write(&options, data).await,
            Part::Start => start(&options, data).await,
            Part::Versions => new_versions(&options),
            Part::Replay => replay(&options),
        };
    }
    let folder = tempfile::tempdir()?;
    let mut all = serde_json::Map::new();
    for part in ["write", "start", "versions", "replay"] {
        eprintln!("{part}");
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1));
        command.args(["--part", part, "--data"]).arg(folder.path());
        command.kill_on_drop(true);
        let done = command
            .stderr(std::process::Stdio::inherit())
            .output()
            .await?;
        ensure!(
            done.status.success(),
            "the part '{part}' ended with {}",
            done.status
        );
        let text = String::from_utf8(done.stdout)?;
        let line = text.lines().last().context("a part printed nothing")?;
        all.extend(serde_json::from_str::<serde_json::Map<String, Value>>(
            line,
        )?);
    }
    Ok(Value::Object(all))
}

fn world(options: &Options) -> anyhow::Result<World> {
    let real = match &options.catalog {
        Some(path) => catalog_file::read(path)?,
        None => Vec::new(),
    };
    Ok(World::new(real, options.packages))
}

fn config(options: &Options, data: &Path) -> anyhow::Result<Config> {
    let mut config = Config::new(data.to_owned(), "127.0.0.1:0".parse()?);
    config.database.clone_from(&options.database);
    Ok(config)
}

/// Writes the world into the database.
async fn write(options: &Options, data: &Path) -> anyhow::Result<Value> {
    let world = world(options)?;
    let server = fleetmend_server::start(config(options, data)?).await?;
    let ids = write_catalog(server.app(), &world).await?;
    let mut next = 0;
    while next < options.devices {
        let end = (next + BATCH).min(options.devices);
        let mut tx = server.app().db.begin().await?;
        let mut stored = Vec::new();
        for number in next..end {
            let device = devices::insert(&mut tx, &device(number), Millis(0)).await?;
            let (has, records) = world.device(number as u64, options.apps);
            stored.push(StoredInventory {
                device,
                digest: number.to_string(),
                at: Millis(0),
                software: has.iter().map(|it| ids[*it]).collect(),
                chocolatey: records,
                updates: None,
                withheld: Vec::new(),
                hives: Vec::new(),
                carried: Vec::new(),
            });
        }
        inventories::put_many(&mut tx, &stored).await?;
        tx.commit().await?;
        next = end;
    }
    server.stop().await;
    Ok(json!({}))
}

/// Gives the ids that the applications have, by their number.
async fn write_catalog(app: &App, world: &World) -> anyhow::Result<Vec<u32>> {
    let mut tx = app.db.begin().await?;
    let mut settings = Settings::new("https://feed.example/api/v2/", "the measure's");
    // The server must not ask for it by itself.
    settings.enabled = true;
    let source = sources::insert(&mut tx, SourceKind::Imported, &settings).await?;
    let rows = world.packages().iter().map(|it| NewPackage {
        source,
        id: it.name.clone(),
        version: it.version.clone(),
        normalized: Version::parse(&it.version)
            .map_or_else(|_| it.version.clone(), |it| it.to_string()),
        prerelease: false,
        title: it.title.clone(),
        authors: it.authors.clone(),
        project_url: it.project_url.clone(),
        metadata: json!({ "tags": it.tags.split(' ').collect::<Vec<_>>() }).to_string(),
        content_location: String::new(),
        content_hash: None,
        listed: true,
    });
    let rows: Vec<NewPackage> = rows.collect();
    for some in rows.chunks(BATCH) {
        packages::store_many(&mut tx, some, Millis(0)).await?;
    }
    let mut ids = Vec::with_capacity(world.applications());
    let all: Vec<usize> = (0..world.applications()).collect();
    for some in all.chunks(BATCH) {
        let software: Vec<_> = some.iter().map(|it| world.application(*it)).collect();
        let digests = some.iter().map(|it| (*it as u128 + 1).to_be_bytes());
        let rows: Vec<_> = digests.zip(&software).collect();
        ids.extend(software::intern_many(&mut tx, &rows).await?);
    }
    tx.commit().await?;
    Ok(ids)
}

fn device(number: usize) -> NewDevice {
    NewDevice {
        host: apps::host(&format!("lab-{number}")),
        system_type: SystemType::Normal,
        agent_version: "0".to_owned(),
        protocol: 1,
        certificate_sha256: format!("{number:064x}"),
    }
}

/// Starts a server on the world: its index is read before it serves (`cold_s`). When it has stored what all
/// devices lack for the first time (`stored_s`) and has nothing else to do, everything that is missing is put
/// together: `warm_sets_ms` for each patch the set of devices that lack it, with their number,
/// from which the server stores its rows; `warm_ms` the list of all pairs of a device and a patch.
async fn start(options: &Options, data: &Path) -> anyhow::Result<Value> {
    let began = Instant::now();
    let server = fleetmend_server::start(config(options, data)?).await?;
    let cold = began.elapsed();
    stored(server.app()).await?;
    let stored = began.elapsed();
    let rss = resident_kb(std::process::id())?;
    let (mut turns, mut by_patch) = (Vec::new(), Vec::new());
    // Listed in the same place each time.
    let mut all: Vec<(DeviceId, u32)> = Vec::new();
    let mut missing = 0;
    for _ in 0..TURNS {
        let fleet = server.app().fleet();
        let began = Instant::now();
        missing = fleet.all_lacking().map(|it| it.count()).sum();
        by_patch.push(began.elapsed());
        let began = Instant::now();
        all.clear();
        for (number, it) in fleet.all_lacking().enumerate() {
            all.extend(fleet.devices_of(&it).map(|device| (device, number as u32)));
        }
        turns.push(began.elapsed());
        ensure!(all.len() as u64 == missing, "the two ways differ");
    }
    ensure!(missing > 0, "no device lacks anything");
    let (known, matched) = {
        let fleet = server.app().fleet();
        (fleet.applications().count(), fleet.all_matched().len())
    };
    server.stop().await;
    Ok(json!({
        "devices": options.devices,
        "packages": options.packages,
        "applications": known,
        "matched": matched,
        "missing": missing,
        "cold_s": cold.as_secs_f64(),
        "stored_s": stored.as_secs_f64(),
        "server_rss_mb": rss / 1024,
        "warm_sets_ms": percentile_ms(&mut by_patch, 0.5),
        "warm_ms": percentile_ms(&mut turns, 0.5),
        "warm_max_ms": percentile_ms(&mut turns, 1.0),
    }))
}

/// Ends when no match of all devices is due or under way.
async fn stored(app: &App) -> anyhow::Result<()> {
    let done = async {
        loop {
            let work = queue::get(&app.db, "rematch", 0).await?;
            if work.is_none_or(|it| it.run_at > app.now()) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(STORED, done)
        .await
        .context("what devices lack was not stored in time")?
}

/// Puts new versions in place, of packages that most devices have and of others; each until it is known
/// which devices lack it.
fn new_versions(options: &Options) -> anyhow::Result<Value> {
    let world = world(options)?;
    let known = world
        .packages()
        .iter()
        .map(|it| (it.name.clone(), vec![it.clone()]));
    let mut fleet = fleet_of(&world, known.collect(), options.devices, options.apps);
    let count = world.packages().len();
    let most = 0..(NEW_VERSIONS / 2).min(count);
    let step = (count / (NEW_VERSIONS / 2)).max(1);
    let rss = resident_kb(std::process::id())?;
    let (mut times, mut devices) = (Vec::new(), 0);
    for number in most.chain((0..count).step_by(step)) {
        let package = &world.packages()[number];
        let next = CatalogPackage {
            version: format!("{}.1", package.version),
            ..package.clone()
        };
        let began = Instant::now();
        let told = put(&mut fleet, next);
        times.push(began.elapsed());
        devices = devices.max(told);
    }
    Ok(json!({
        "rss_mb": rss / 1024,
        "new_version_ms": percentile_ms(&mut times, 0.5),
        "new_version_p99_ms": percentile_ms(&mut times, 0.99),
        "new_version_max_ms": percentile_ms(&mut times, 1.0),
        "new_version_devices_max": devices,
    }))
}

fn fleet_of(
    world: &World,
    known: BTreeMap<String, Vec<CatalogPackage>>,
    devices: usize,
    apps: usize,
) -> Fleet {
    let mut loading = Loading::new(Fleet::new(known, Overrides::default()));
    for number in 0..devices {
        let (has, records) = world.device(number as u64, apps);
        let has: Vec<u32> = has.iter().map(|it| *it as u32).collect();
        loading.device(DeviceId(number as i64), &has, &records);
    }
    let all: Vec<usize> = (0..world.applications()).collect();
    for some in all.chunks(BATCH) {
        let some = some.iter().map(|it| (*it as u32, world.application(*it)));
        loading.applications(some.collect());
    }
    let mut fleet = loading.done();
    fleet.take_changed();
    fleet
}

/// Gives how many devices lack something of what changed.
fn put(fleet: &mut Fleet, version: CatalogPackage) -> usize {
    let name = version.name.clone();
    fleet.put_package(&name, vec![version]);
    let changed = fleet.take_changed();
    let lacking = changed.copies.iter().flat_map(|it| fleet.lacking(it));
    lacking.map(|it| fleet.devices_of(&it).count()).sum()
}

/// Replays changes of a catalog against some devices.
fn replay(options: &Options) -> anyhow::Result<Value> {
    let world = world(options)?;
    let (before, changes) = match &options.history {
        Some(path) => history(path)?,
        None => (BTreeMap::new(), made_up_changes(&world)),
    };
    let mut known: BTreeMap<String, CatalogPackage> = BTreeMap::new();
    for it in world.packages() {
        let mut it = it.clone();
        if let Some(version) = before.get(&it.name.to_lowercase()) {
            it.version.clone_from(version);
        }
        known.insert(it.name.to_lowercase(), it);
    }
    let all = known
        .iter()
        .map(|(name, it)| (name.clone(), vec![it.clone()]));
    let mut fleet = fleet_of(&world, all.collect(), options.replay_devices, options.apps);
    let began = Instant::now();
    let (mut told, mut ids) = (0, BTreeSet::new());
    for (id, version) in &changes {
        let package = known.entry(id.clone()).or_insert_with(|| bare(id));
        package.version.clone_from(version);
        told += put(&mut fleet, package.clone());
        ids.insert(id);
    }
    let time = began.elapsed();
    Ok(json!({
        "replay_changes": changes.len(),
        "replay_packages": ids.len(),
        "replay_devices": options.replay_devices,
        "replay_told": told,
        "replay_per_s": (changes.len() as f64 / time.as_secs_f64()).round(),
    }))
}

fn bare(id: &str) -> CatalogPackage {
    CatalogPackage {
        title: id.to_owned(),
        authors: String::new(),
        project_url: String::new(),
        tags: String::new(),
        software_names: Vec::new(),
        name: id.to_owned(),
        ..world::made_up(0)
    }
}

/// New versions as in a year of a public repository, most of packages that change often.
fn made_up_changes(world: &World) -> Vec<(String, String)> {
    const CHANGES: usize = 19_000;
    let mut chance = Chance(2024);
    let mut steps: BTreeMap<usize, usize> = BTreeMap::new();
    let mut change = || {
        let package = chance.popular(world.packages().len());
        let step = steps.entry(package).or_default();
        *step += 1;
        let package = &world.packages()[package];
        let version = format!("{}.{step}", package.version);
        (package.name.to_lowercase(), version)
    };
    (0..CHANGES).map(|_| change()).collect()
}

type Versions = BTreeMap<String, String>;

/// What each package's version was before the last year, and the changes of that year in their order.
fn history(path: &Path) -> anyhow::Result<(Versions, Vec<(String, String)>)> {
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for line in catalog_file::open(path)?.lines().skip(1) {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        let mut fields = line.split('\t').map(str::to_owned);
        if let (Some(at), Some(id), Some(version)) = (fields.next(), fields.next(), fields.next()) {
            rows.push((at, id.to_lowercase(), version));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let last = rows.last().context("the history is empty")?;
    let year = last.0.get(..4).unwrap_or_default().to_owned();
    let (before, changes): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|it| !it.0.starts_with(&year));
    let before = before.into_iter().map(|(_, id, version)| (id, version));
    let changes = changes.into_iter().map(|(_, id, version)| (id, version));
    Ok((before.collect(), changes.collect()))
}
