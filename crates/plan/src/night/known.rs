//! A world with what is looked up in it at hand.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeviceId, Millis, PatchId, PolicyId};

use super::places::{Full, Places};
use super::when::Times;
use super::world::{Decided, Device, Held, Missing, OpenJob, Patch, World};
use crate::auto::{self, Hit};
use crate::moment::Moment;
use crate::pin::Pin;
use crate::policy::{Policy, Settings};
use crate::queue;
use crate::ring::{self, Rollout};
use crate::schedule::Zone;
use crate::version::Step;

/// A world that can be asked: see [`super::judge`].
#[derive(Debug)]
pub struct Known<'a> {
    pub(super) world: &'a World<'a>,
    zones: Vec<Zone>,
    devices: HashMap<DeviceId, Seen<'a>>,
    patches: HashMap<PatchId, Offered<'a>>,
    lacking: HashMap<DeviceId, Vec<Lacked<'a>>>,
    open: HashMap<DeviceId, Vec<&'a OpenJob>>,
    approvals: HashMap<(PatchId, SystemType), &'a Decided>,
    holds: HashMap<(PatchId, Option<DeviceId>), &'a Held>,
    /// By the place of their package.
    pins: HashMap<usize, Vec<&'a Pin>>,
    rollouts: HashMap<(PatchId, PolicyId), &'a Rollout>,
    pub(super) times: RefCell<Times>,
}

/// A device with what its policy says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) device: &'a Device,
    pub(super) policy: &'a Policy,
    pub(super) system_type: SystemType,
    /// Where its zone stands: see [`Known::zone`].
    pub(super) zone: usize,
    /// Its ring among the policy's.
    pub(super) ring: usize,
}

/// A patch with what rules say of it.
#[derive(Debug)]
pub(super) struct Offered<'a> {
    pub(super) patch: &'a Patch,
    /// The same for all patches of a package.
    pub(super) package: usize,
    /// The rule that approves it for normal systems, where nobody decided.
    pub(super) hit: Option<Hit<'a>>,
}

/// What a device lacks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lacked<'a> {
    pub(super) missing: &'a Missing,
    /// The patch's package: see [`Offered::package`].
    pub(super) package: usize,
}

impl Offered<'_> {
    /// How urgent it is.
    pub(super) fn priority(&self) -> u8 {
        queue::priority(!self.patch.exploited.is_empty(), self.patch.is_security)
    }
}

impl<'a> Known<'a> {
    /// Looks all of it up once.
    pub fn of(world: &'a World<'a>) -> Self {
        let approvals: HashMap<_, _> = by(world.approvals, |it| (it.patch, it.system_type));
        let mut zones = Zones::default();
        let devices = world.devices.iter().map(|device| {
            let (policy, _) = world.policies.of(&device.facts);
            let by_policy = || policy.settings.system_type_of(&device.facts);
            let seen = Seen {
                device,
                policy,
                system_type: device.system_type.unwrap_or_else(by_policy),
                zone: zones.of(&device.facts.time_zone, &world.zone),
                ring: ring::of(&policy.settings.rings, &device.facts),
            };
            (device.facts.id, seen)
        });
        let mut known = Self {
            devices: devices.collect(),
            zones: zones.all,
            patches: HashMap::new(),
            lacking: HashMap::new(),
            open: groups(world.open_jobs, |it| it.device),
            approvals,
            holds: by(world.holds, |it| (it.patch, it.device)),
            pins: HashMap::new(),
            rollouts: by(world.rollouts, |it| (it.patch, it.policy)),
            times: RefCell::default(),
            world,
        };
        let packages = packages(world.patches);
        known.patches = known.offered(&packages);
        for pin in world.pins {
            if let Some(package) = packages.get(&key_of(&pin.package)) {
                known.pins.entry(*package).or_default().push(pin);
            }
        }
        for missing in world.missing {
            if let Some(offered) = known.patches.get(&missing.patch) {
                let package = offered.package;
                let lacked = known.lacking.entry(missing.device).or_default();
                lacked.push(Lacked { missing, package });
            }
        }
        known
    }

    fn offered(&self, packages: &HashMap<String, usize>) -> HashMap<PatchId, Offered<'a>> {
        let steps = self.widest_steps();
        let offered = self.world.patches.iter().map(|patch| {
            let facts = auto::Facts {
                package: &patch.package,
                tags: &patch.tags,
                patch_type: patch.patch_type,
                step: steps.get(&patch.id).copied().unwrap_or(Step::Major),
                dates: patch.dates,
                is_security: patch.is_security,
                is_exploited: !patch.exploited.is_empty(),
            };
            let normal = SystemType::Normal;
            let is_open = !self.approvals.contains_key(&(patch.id, normal));
            let hit = || auto::decide(&facts, normal, self.world.rules, self.world.now);
            let offered = Offered {
                patch,
                package: packages.get(&key_of(&patch.package)).copied().unwrap_or(0),
                hit: is_open.then(hit).flatten(),
            };
            (patch.id, offered)
        });
        offered.collect()
    }

    /// The widest step to each patch from what any device has: a rule approves for all of them.
    fn widest_steps(&self) -> HashMap<PatchId, Step> {
        let mut widest = HashMap::new();
        if self.world.rules.is_empty() {
            return widest;
        }
        let patches: HashMap<_, _> = by(self.world.patches, |it| it.id);
        let mut told = HashSet::new();
        let here = self.world.missing.iter();
        let here = here.map(|it| (it.patch, it.installed.as_deref()));
        // What lacks a newer version of the package may be newer than this one.
        let elsewhere = self.world.installed.iter().filter(|(id, has)| {
            let patch = patches.get(id);
            patch.is_some_and(|it| it.scheme.compare(has, &it.version).is_lt())
        });
        let elsewhere = elsewhere.map(|(patch, has)| (*patch, Some(has.as_str())));
        for (id, installed) in here.chain(elsewhere) {
            let Some(patch) = patches.get(&id) else {
                continue;
            };
            if !told.insert((id, installed)) {
                continue;
            }
            let step = patch.scheme.step(installed, &patch.version);
            let widest = widest.entry(id).or_insert(step);
            *widest = step.max(*widest);
        }
        widest
    }

    pub(super) fn device(&self, id: DeviceId) -> Option<&Seen<'a>> {
        self.devices.get(&id)
    }

    pub(super) fn patch(&self, id: PatchId) -> Option<&Offered<'a>> {
        self.patches.get(&id)
    }

    pub(super) fn zone(&self, seen: &Seen<'_>) -> &Zone {
        self.zones.get(seen.zone).unwrap_or(&self.world.zone)
    }

    pub(super) fn lacking(&self, device: DeviceId) -> &[Lacked<'a>] {
        self.lacking.get(&device).map_or(&[], Vec::as_slice)
    }

    pub(super) fn open_jobs(&self, device: DeviceId) -> &[&'a OpenJob] {
        self.open.get(&device).map_or(&[], Vec::as_slice)
    }

    pub(super) fn decided(&self, patch: PatchId, system_type: SystemType) -> Option<&'a Decided> {
        self.approvals.get(&(patch, system_type)).copied()
    }

    /// What is held of a patch: on the device, or else everywhere.
    pub(super) fn held(&self, patch: PatchId, device: DeviceId) -> Option<&'a Held> {
        let of = |device| self.holds.get(&(patch, device)).copied();
        of(Some(device)).or_else(|| of(None))
    }

    pub(super) fn pins(&self, offered: &Offered<'_>) -> &[&'a Pin] {
        let pins = self.pins.get(&offered.package);
        pins.map_or(&[], Vec::as_slice)
    }

    pub(super) fn rollout(&self, patch: PatchId, policy: PolicyId) -> Option<&'a Rollout> {
        self.rollouts.get(&(patch, policy)).copied()
    }

    /// The rule that approves a patch for normal systems, where nobody decided.
    pub fn rule_of(&self, patch: PatchId) -> Option<Hit<'a>> {
        self.patch(patch).and_then(|it| it.hit)
    }

    /// Whether rules may approve for a device.
    pub fn takes_rules(&self, id: DeviceId) -> bool {
        self.device(id).is_some_and(|seen| {
            let is_normal = seen.system_type == SystemType::Normal;
            is_normal && seen.policy.settings.auto_approval
        })
    }

    /// What the policy of a device sets; that of all others for a device that is not there.
    pub fn settings(&self, id: DeviceId) -> &Settings {
        let policy = self
            .device(id)
            .map_or(&self.world.policies.rest, |it| it.policy);
        &policy.settings
    }

    /// The name of a device; empty where there is none.
    pub(crate) fn hostname(&self, id: DeviceId) -> &str {
        self.device(id).map_or("", |it| &it.device.facts.hostname)
    }

    /// How urgent a patch is.
    pub fn priority_of(&self, patch: PatchId) -> u8 {
        self.patch(patch)
            .map_or(RunRules::ORDINARY, Offered::priority)
    }

    /// Whether a device may have an order ahead of its window: its agent keeps to times, and no other
    /// device wants its place.
    pub(crate) fn may_go_ahead(&self, device: DeviceId) -> bool {
        self.device(device).is_some_and(|seen| {
            let has_caps = seen.policy.settings.caps.limit_devices();
            seen.device.abilities.contains(&Ability::StartTimes) && !has_caps
        })
    }

    /// A moment as it is told of a device.
    pub(crate) fn moment_on(&self, device: DeviceId, at: Millis) -> Moment {
        let zone = self.device(device).map(|seen| self.zone(seen));
        Moment::new(at, zone.unwrap_or(&self.world.zone), self.now())
    }

    /// Takes a place for a device.
    pub(crate) fn take_place(&self, device: DeviceId, places: &mut Places) -> Result<(), Full> {
        self.device(device).map_or(Ok(()), |seen| places.take(seen))
    }

    pub(crate) fn now(&self) -> Millis {
        self.world.now
    }
}

/// The zones that devices name, each once: a fleet is in few.
#[derive(Default)]
struct Zones<'a> {
    all: Vec<Zone>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Zones<'a> {
    fn of(&mut self, told: &'a str, servers: &Zone) -> usize {
        *self.places.entry(told).or_insert_with(|| {
            self.all.push(Zone::of_device(told, servers));
            self.all.len() - 1
        })
    }
}

/// A number for each package.
fn packages(patches: &[Patch]) -> HashMap<String, usize> {
    let mut packages = HashMap::new();
    for patch in patches {
        let next = packages.len();
        packages.entry(key_of(&patch.package)).or_insert(next);
    }
    packages
}

/// What two spellings of a package's id have in common.
pub(super) fn key_of(package: &str) -> String {
    package.trim().to_lowercase()
}

fn by<T, K: Eq + std::hash::Hash>(all: &[T], key: impl Fn(&T) -> K) -> HashMap<K, &T> {
    all.iter().map(|it| (key(it), it)).collect()
}

fn groups<T, K: Eq + std::hash::Hash>(all: &[T], key: impl Fn(&T) -> K) -> HashMap<K, Vec<&T>> {
    let mut groups: HashMap<K, Vec<&T>> = HashMap::new();
    for it in all {
        groups.entry(key(it)).or_default().push(it);
    }
    groups
}
