//! Keeps the index of what all devices have in step with the database, and the stored missing patches in
//! step with the index.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fleetmend_model::DeviceId;
use fleetmend_reconcile::device::copy_of;
use fleetmend_reconcile::{Changed, Fleet, Loading, MissingPatch};
use fleetmend_store::inventories::Held;
use fleetmend_store::missing::{self, PackagesMissing};
use fleetmend_store::software::SoftwareRow;
use fleetmend_store::{inventories, observations, software};
use parking_lot::RwLockWriteGuard;
use tokio::sync::mpsc;

use super::matcher::{DeviceInput, Matcher};
use crate::app::App;
use crate::catalog::known::{self, Known};

/// Devices that are read at once.
const DEVICES: u32 = 2_000;
/// Applications that are read at once.
const APPLICATIONS: u32 = 5_000;
/// Of both, what is read and waits to be worked on.
const PARTS: usize = 2;
/// Packages that are put in place while nobody else may look.
const PACKAGES: usize = 20;
/// Devices whose lessons are kept in one transaction.
const OBSERVED: usize = 500;
/// Answers that are looked for while nobody else may change anything.
const ANSWERS: usize = 200;
/// Packages and rows that are written in one transaction, about.
const COPIES: usize = 200;
const ROWS: usize = 20_000;

/// Reads the catalog alone, for commands that need no devices.
pub async fn load_catalog(app: &App) -> anyhow::Result<()> {
    let fleet = without_devices(app).await?;
    *app.fleet_mut() = fleet;
    Ok(())
}

/// A part of what the database knows.
enum Part {
    Devices(Vec<Held>),
    Applications(Vec<SoftwareRow>),
}

/// Reads all of it: the catalog, what each device has, and these applications. What is read is worked on
/// while the next is.
pub async fn load(app: &App) -> anyhow::Result<()> {
    let fleet = without_devices(app).await?;
    let (tell, told) = mpsc::channel(PARTS);
    let work = tokio::task::spawn_blocking(move || put_together(fleet, told));
    let read = read_parts(app, tell).await;
    let fleet = work.await?;
    // Where reading ended early the index is not whole.
    read?;
    *app.fleet_mut() = fleet;
    Ok(())
}

fn put_together(fleet: Fleet, mut parts: mpsc::Receiver<Part>) -> Fleet {
    let mut loading = Loading::new(fleet);
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Devices(all) => {
                for it in all {
                    loading.device(it.device, &it.counting(), &it.chocolatey);
                }
            }
            Part::Applications(all) => {
                loading.applications(all.into_iter().map(|it| (it.id, it.software)).collect());
            }
        }
    }
    let mut fleet = loading.done();
    fleet.take_changed();
    fleet
}

async fn read_parts(app: &App, tell: mpsc::Sender<Part>) -> anyhow::Result<()> {
    let mut from = app.db.read().await?;
    let mut after = None;
    loop {
        let page = inventories::held_after(&mut from, after, DEVICES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.device);
        tell.send(Part::Devices(page)).await?;
    }
    let mut after = None;
    loop {
        let page = software::matched_after(&mut from, after, APPLICATIONS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        tell.send(Part::Applications(page)).await?;
    }
    Ok(())
}

async fn without_devices(app: &App) -> anyhow::Result<Fleet> {
    let Known {
        packages,
        overrides,
    } = known::load(app).await?;
    let fleet = move || Fleet::new(packages, overrides);
    Ok(tokio::task::spawn_blocking(fleet).await?)
}

/// What of the index is not stored yet.
#[derive(Debug)]
pub struct Pending {
    /// Whether the last process may have left anything unstored.
    is_first: bool,
    /// Packages of which devices may lack something else.
    copies: BTreeSet<String>,
    /// Applications that may teach something else of versions, with their packages.
    matched: BTreeSet<(u32, String)>,
    /// Devices that may teach something else of versions.
    teachers: BTreeSet<DeviceId>,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            is_first: true,
            copies: BTreeSet::new(),
            matched: BTreeSet::new(),
            teachers: BTreeSet::new(),
        }
    }
}

impl Pending {
    /// Whether all is stored that was known when something was put in place the last time.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty() && self.matched.is_empty() && self.teachers.is_empty()
    }
}

/// Puts what is known of packages and said about matches in place. What devices lack now is stored by
/// [`store_next`].
pub async fn put_in_place(
    app: &Arc<App>,
    matcher: &mut Matcher,
    pending: &mut Pending,
    known: Known,
) -> anyhow::Result<()> {
    if pending.is_first {
        pending.copies = all_copies(app).await?;
        pending.matched = app.fleet().all_matched();
        let stored = observations::matched(&app.db).await?;
        pending.matched.extend(stored);
        pending.is_first = false;
    }
    let place = {
        let app = Arc::clone(app);
        move || put(&app, known)
    };
    let changed = tokio::task::spawn_blocking(place).await?;
    if !changed.copies.is_empty() {
        // A patch of the same version may be another source's now.
        *matcher = Matcher::default();
    }
    pending.copies.extend(changed.copies);
    pending.matched.extend(changed.matched);
    Ok(())
}

/// Stores some of what devices lack now, or of what they teach, where it is something else: of a large
/// fleet all of it takes minutes, in which other things are to be stored as well. What cannot be stored
/// is pending still.
pub async fn store_next(
    app: &App,
    matcher: &mut Matcher,
    pending: &mut Pending,
) -> anyhow::Result<()> {
    if !pending.copies.is_empty() {
        let stored = store_some(app, matcher, &pending.copies).await?;
        pending.copies.retain(|it| !stored.contains(it));
    } else if !pending.matched.is_empty() {
        let teachers = teachers(app, &pending.matched).await?;
        pending.teachers.extend(teachers);
        pending.matched.clear();
    } else {
        let some: Vec<DeviceId> = pending.teachers.iter().copied().take(OBSERVED).collect();
        observe(app, &some).await?;
        pending.teachers.retain(|it| !some.contains(it));
    }
    Ok(())
}

/// The devices that teach something of versions by applications that are matched to other packages than
/// before.
async fn teachers(
    app: &App,
    matched: &BTreeSet<(u32, String)>,
) -> anyhow::Result<BTreeSet<DeviceId>> {
    let names: BTreeSet<String> = matched
        .iter()
        .flat_map(|it| packages_of(copy_of(&it.1)))
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut deployed: HashMap<String, Vec<DeviceId>> = HashMap::new();
    for (package, device) in observations::devices_deployed(&app.db, &names).await? {
        let copy = copy_of(&package).to_owned();
        deployed.entry(copy).or_default().push(device);
    }
    let mut devices = BTreeSet::new();
    let fleet = app.fleet();
    for (application, package) in matched {
        devices.extend(fleet.recorded_beside(*application, package));
        let deployed = deployed.get(copy_of(package)).into_iter().flatten();
        devices.extend(deployed.filter(|it| fleet.has(**it, *application)));
    }
    Ok(devices)
}

/// Keeps what devices teach of versions.
async fn observe(app: &App, devices: &[DeviceId]) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let held = inventories::held_by(&mut tx, devices).await?;
    let counting: Vec<_> = held.iter().map(Held::counting).collect();
    let inputs: Vec<DeviceInput<'_>> = held
        .iter()
        .zip(&counting)
        .map(|(it, counting)| DeviceInput {
            device: it.device,
            software: counting,
            chocolatey: &it.chocolatey,
            updates: None,
        })
        .collect();
    Matcher::observe(app, &mut tx, &inputs, app.now()).await?;
    Ok(tx.commit().await?)
}

/// All packages of which a device may lack something, now or as it was stored.
async fn all_copies(app: &App) -> anyhow::Result<BTreeSet<String>> {
    let stored = missing::packages(&app.db).await?;
    let mut copies: BTreeSet<String> = stored.iter().map(|it| copy_of(it).to_owned()).collect();
    let fleet = app.fleet();
    copies.extend(fleet.copies().into_iter().map(str::to_owned));
    Ok(copies)
}

fn put(app: &App, known: Known) -> Changed {
    let Known {
        mut packages,
        overrides,
    } = known;
    let differing = app.fleet().differing(&packages);
    let mut concerned = BTreeSet::new();
    for some in differing.chunks(PACKAGES) {
        let mut fleet = app.fleet_mut();
        for name in some {
            let versions = packages.remove(name).unwrap_or_default();
            concerned.extend(fleet.change_package(name, versions));
        }
        RwLockWriteGuard::unlock_fair(fleet);
    }
    if *app.fleet().catalog().overrides() != overrides {
        concerned.extend(app.fleet_mut().change_overrides(overrides));
    }
    // Nobody else changes the index meanwhile.
    let concerned: Vec<u32> = concerned.into_iter().collect();
    for some in concerned.chunks(ANSWERS) {
        let answers = app.fleet().answers(some.iter().copied());
        let mut fleet = app.fleet_mut();
        fleet.put_answers(answers);
        RwLockWriteGuard::unlock_fair(fleet);
    }
    app.fleet_mut().take_changed()
}

/// Ids of the packages that share a copy.
fn packages_of(copy: &str) -> impl Iterator<Item = String> {
    let all = [copy.to_owned(), format!("{copy}.install")];
    let copy = copy.to_owned();
    all.into_iter().filter(move |it| copy_of(it) == copy)
}

/// Stores what devices lack of the first of these packages; gives which those are.
async fn store_some(
    app: &App,
    matcher: &mut Matcher,
    copies: &BTreeSet<String>,
) -> anyhow::Result<BTreeSet<String>> {
    let mut stored = BTreeSet::new();
    let mut lacking: Vec<(MissingPatch, Vec<DeviceId>)> = Vec::new();
    {
        let fleet = app.fleet();
        let mut rows = 0;
        for copy in copies {
            stored.insert(copy.clone());
            for it in fleet.lacking(copy) {
                let devices: Vec<_> = fleet.devices_of(&it).collect();
                rows += devices.len();
                lacking.push((it.patch(), devices));
            }
            if rows >= ROWS || stored.len() >= COPIES {
                break;
            }
        }
    }
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let patches = lacking.iter().map(|it| &it.0);
    matcher.learn_rows(&mut tx, patches, now).await?;
    let mut new = PackagesMissing {
        packages: stored.iter().flat_map(|it| packages_of(it)).collect(),
        rows: Vec::new(),
    };
    for (patch, devices) in lacking {
        let row = matcher.row(&patch);
        new.rows
            .extend(devices.into_iter().filter_map(|it| Some((it, row?))));
    }
    missing::replace_for_packages(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(stored)
}
