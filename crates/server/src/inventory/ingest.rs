//! Takes inventories in batches: one transaction stores what many devices sent, and matches it.
//!
//! One task owns what speeds this up (ids of known software, answers for it, ids of known
//! patches), so nothing of it needs a lock. All of it can be read from the database again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fleetmend_model::inventory::{Inventory, Place, Software, UpdateScan};
use fleetmend_model::{DeviceId, Millis};
use fleetmend_reconcile::{Answer, Fleet, os};
use fleetmend_store::devices::InventoryFacts;
use fleetmend_store::inventories::StoredInventory;
use fleetmend_store::software::SoftwareDigest;
use fleetmend_store::{Tx, deploy_jobs, devices, inventories, software, unnamed};
use tokio::sync::{mpsc, oneshot, watch};

use crate::app::App;
use crate::catalog::known::Known;
use crate::deployments::restarted::{self, Scanned};
use crate::error::ApiError;
use crate::inventory::one_by_one::Attempts;
use crate::inventory::prune::Step;
use crate::inventory::{kept, unread};
use crate::jobs;
use crate::missing::index::{self, Pending};
use crate::missing::matcher::{DeviceInput, Matcher};
use crate::policies::assign;
use crate::registry::{Device, Known as CheckedIn};
use crate::text_digest::text_digest;

/// The most inventories in one transaction.
const BATCH: usize = 64;
/// Inventories that wait for a transaction; further senders wait themselves.
const WAITING: usize = 256;
/// Entries of software whose ids are remembered; then it begins again.
const REMEMBERED: usize = 500_000;
/// Applications that are remembered although no device has them any more.
const IDLE: usize = 50_000;
/// How long new applications are gathered before packages are looked for that they may be.
const GATHER: Duration = Duration::from_secs(2);
/// How long inventories are gathered before the answers for their applications are stored for lists.
const COUNT: Duration = Duration::from_secs(10);

/// A cleaned inventory with what its storing needs.
pub struct Incoming {
    pub(super) device: Arc<Device>,
    pub(super) inventory: Inventory,
    digest: String,
    notes: Vec<String>,
    boot: Option<String>,
    pub(super) software_digests: Vec<SoftwareDigest>,
    /// See [`CheckedIn::digest_of`].
    host: u64,
}

impl Incoming {
    /// Prepares an inventory on the caller's thread. `boot`: the one that it was made in, if the agent
    /// says so.
    pub fn new(
        device: Arc<Device>,
        inventory: Inventory,
        digest: String,
        notes: Vec<String>,
        boot: Option<String>,
    ) -> Self {
        let software_digests = inventory.software.iter().map(digest_of).collect();
        let host = CheckedIn::digest_of(&inventory.host);
        Self {
            device,
            inventory,
            digest,
            notes,
            boot,
            software_digests,
            host,
        }
    }

    /// Whether conditions on devices may have another answer than for what is stored.
    fn is_another_host(&self) -> bool {
        !self.device.is_known(|known| known.host == self.host)
    }

    /// Whether there is something that its scan did not read.
    pub(super) fn is_partial(&self) -> bool {
        !self.inventory.unread.is_empty()
    }

    /// Its applications with the ids that they have.
    pub(super) fn rows<'a>(
        &'a self,
        ids: &'a HashMap<SoftwareDigest, u32>,
    ) -> impl Iterator<Item = (u32, &'a Software)> {
        let rows = self.software_digests.iter().zip(&self.inventory.software);
        rows.filter_map(|(digest, row)| Some((*ids.get(digest)?, row)))
    }

    /// The boot that it was made in. Of an agent that does not say it: the one of its last check-in, or
    /// one that it has not checked in from yet.
    fn boot(&self) -> String {
        let said = self.boot.clone();
        said.unwrap_or_else(|| self.device.known().boot)
    }
}

fn digest_of(row: &Software) -> SoftwareDigest {
    text_digest([
        row.place.key(),
        &row.key,
        &row.name,
        &row.version,
        &row.publisher,
        row.product_code.as_deref().unwrap_or_default(),
        row.upgrade_code.as_deref().unwrap_or_default(),
    ])
}

/// Why something was not done.
#[derive(Debug, Clone)]
enum Failure {
    /// Its device may name no more that is new for so long.
    TooMany(Duration),
    /// Something else, in words.
    Other(String),
}

type Reply = oneshot::Sender<Result<(), Failure>>;

enum Message {
    Store(Box<Incoming>, Reply),
    Renew(Box<Known>, Reply),
    Forget(Vec<DeviceId>),
    Unseen(Vec<DeviceId>, Reply),
    Prune(Step, Reply),
}

/// The way in.
#[derive(Clone)]
pub struct Queue(mpsc::Sender<Message>);

/// The other end of a [`Queue`], for [`run`].
pub struct Inbox(mpsc::Receiver<Message>);

/// A queue and its other end.
pub fn queue() -> (Queue, Inbox) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Queue(sender), Inbox(receiver))
}

impl Queue {
    /// Ends when the inventory is on disk and matched.
    pub async fn store(&self, incoming: Incoming) -> Result<(), ApiError> {
        let (reply, done) = oneshot::channel();
        self.send(Message::Store(Box::new(incoming), reply), done)
            .await
    }

    /// Whether anything is taken.
    pub fn is_taken(&self) -> bool {
        !self.0.is_closed()
    }

    /// Matches devices against what is known now.
    pub async fn renew(&self, known: Known) -> anyhow::Result<()> {
        let (reply, done) = oneshot::channel();
        self.send(Message::Renew(Box::new(known), reply), done)
            .await
            .map_err(|error| anyhow::anyhow!(error.message()))
    }

    /// Forgets what devices have that were removed, soon.
    pub fn forget(&self, devices: Vec<DeviceId>) {
        let queue = self.0.clone();
        // Nothing is there to forget where nothing takes inventories.
        tokio::spawn(async move { queue.send(Message::Forget(devices)).await });
    }

    /// Has what these devices do not count any more be missing no more.
    pub async fn unseen(&self, devices: Vec<DeviceId>) -> anyhow::Result<()> {
        let (reply, done) = oneshot::channel();
        self.send(Message::Unseen(devices, reply), done)
            .await
            .map_err(|error| anyhow::anyhow!(error.message()))
    }

    /// Does a step of taking away what no device names any more.
    pub async fn prune(&self, step: Step) -> anyhow::Result<()> {
        let (reply, done) = oneshot::channel();
        self.send(Message::Prune(step, reply), done)
            .await
            .map_err(|error| anyhow::anyhow!(error.message()))
    }

    async fn send(
        &self,
        message: Message,
        done: oneshot::Receiver<Result<(), Failure>>,
    ) -> Result<(), ApiError> {
        let stopping = || ApiError::Busy("the server is stopping".to_owned());
        self.0.send(message).await.map_err(|_| stopping())?;
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Failure::TooMany(wait))) => Err(ApiError::TooMany(wait.as_secs().max(1))),
            Ok(Err(Failure::Other(error))) => Err(ApiError::Internal(anyhow::anyhow!(error))),
            Err(_) => Err(stopping()),
        }
    }
}

/// Stores and matches until told to stop. While all devices are matched anew, what comes in is stored in
/// between.
pub async fn run(app: Arc<App>, mut inbox: Inbox, mut stop: watch::Receiver<bool>) {
    let mut state = State::default();
    let mut messages = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            count = inbox.0.recv_many(&mut messages, BATCH) => if count == 0 { return },
            () = std::future::ready(()), if !state.renewing.is_empty() => {}
        }
        let mut batch = Vec::new();
        let mut others = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Store(incoming, reply) => match state.may_name(&incoming, app.now()) {
                    Ok(()) => batch.push((*incoming, reply)),
                    // One that went away needs no answer.
                    Err(wait) => drop(reply.send(Err(Failure::TooMany(wait)))),
                },
                other => others.push(other),
            }
        }
        if !batch.is_empty() {
            let (incoming, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let mut attempts = Attempts::new(incoming.len());
            while let Some(some) = attempts.next() {
                attempts.came(try_to_store(&app, &mut state, &incoming[some]).await);
            }
            for (caller, outcome) in replies.into_iter().zip(attempts.outcomes()) {
                let outcome = outcome.map_err(anyhow::Error::msg);
                reply(vec![caller], outcome, "the inventory cannot be stored");
            }
        }
        for message in others {
            match message {
                Message::Store(..) => {}
                Message::Renew(known, reply) => {
                    state.renewing.push(reply);
                    let (matcher, pending) = (&mut state.matcher, &mut state.pending);
                    let outcome = index::put_in_place(&app, matcher, pending, *known).await;
                    state.renewed(outcome);
                }
                Message::Forget(devices) => {
                    let mut fleet = app.fleet_mut();
                    for device in devices {
                        fleet.remove(device);
                    }
                    fleet.forget_idle(IDLE);
                }
                Message::Unseen(devices, reply) => {
                    let outcome = unseen(&app, &mut state, &devices).await;
                    if outcome.is_err() {
                        state.forget_ids();
                    }
                    self::reply(vec![reply], outcome, "what does not count cannot be stored");
                }
                Message::Prune(step, reply) => {
                    let outcome = prune(&app, &mut state, step).await;
                    self::reply(vec![reply], outcome, "nothing can be taken away");
                }
            }
        }
        if !state.renewing.is_empty() {
            let (matcher, pending) = (&mut state.matcher, &mut state.pending);
            let outcome = index::store_next(&app, matcher, pending).await;
            state.renewed(outcome);
        }
    }
}

fn reply(replies: Vec<Reply>, outcome: anyhow::Result<()>, what: &str) {
    let outcome = outcome.map_err(|error| Failure::Other(format!("{what}: {error:#}")));
    for caller in replies {
        // One that went away needs no answer.
        let _ = caller.send(outcome.clone());
    }
}

#[derive(Default)]
struct State {
    software_ids: HashMap<SoftwareDigest, u32>,
    /// Applications that the index learnt in the transaction under way.
    fresh: Vec<u32>,
    matcher: Matcher,
    pending: Pending,
    /// Who waits until nothing is pending.
    renewing: Vec<Reply>,
}

impl State {
    /// Whether a device may bring what of an inventory is not remembered: it may be new, and then it is
    /// kept for a while, whatever becomes of the device.
    fn may_name(&self, incoming: &Incoming, now: Millis) -> Result<(), Duration> {
        let digests = incoming.software_digests.iter();
        let software = digests.filter(|it| !self.software_ids.contains_key(*it));
        let offered = incoming.inventory.updates.iter().flat_map(os);
        let patches = offered.filter(|it| self.matcher.row(it).is_none());
        let named = software.count() + patches.count();
        let named = u32::try_from(named).unwrap_or(u32::MAX);
        incoming.device.may_name(named, now)
    }

    /// Forgets how anything is stored.
    fn forget_ids(&mut self) {
        self.software_ids.clear();
        self.matcher = Matcher::default();
    }

    /// Answers those who wait, when a part of the renewal failed or all of it is done.
    fn renewed(&mut self, outcome: anyhow::Result<()>) {
        if outcome.is_err() {
            self.matcher = Matcher::default();
        }
        if outcome.is_err() || self.pending.is_empty() {
            let all = std::mem::take(&mut self.renewing);
            reply(all, outcome, "devices cannot be matched");
        }
    }
}

async fn try_to_store(app: &Arc<App>, state: &mut State, batch: &[Incoming]) -> anyhow::Result<()> {
    let outcome = store(app, state, batch).await;
    if outcome.is_err() {
        // Ids that were learned in a transaction that did not happen.
        state.forget_ids();
        app.fleet_mut().forget(state.fresh.drain(..));
    }
    outcome
}

async fn store(app: &Arc<App>, state: &mut State, batch: &[Incoming]) -> anyhow::Result<()> {
    // Of several by one device the last one counts.
    let mut latest: HashMap<DeviceId, &Incoming> = HashMap::new();
    for incoming in batch {
        latest.insert(incoming.device.id, incoming);
    }
    if state.software_ids.len() > REMEMBERED {
        state.software_ids.clear();
    }
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let is_new = intern(&mut tx, state, latest.values().copied()).await?;
    let mut facts = Vec::with_capacity(latest.len());
    let mut stored = Vec::with_capacity(latest.len());
    for (device, incoming) in &latest {
        facts.push(facts_of(*device, incoming, now));
        stored.push(stored_of(*device, incoming, state, now)?);
    }
    let kept = kept::add(&mut tx, &latest, &mut stored, &state.software_ids).await?;
    learn(
        app,
        state,
        latest.values().copied(),
        kept.values().flatten(),
    );
    devices::apply_inventories(&mut tx, &facts).await?;
    inventories::put_many(&mut tx, &stored).await?;
    let counting: Vec<Vec<u32>> = stored.iter().map(|it| it.counting(now)).collect();
    let inputs = stored
        .iter()
        .zip(&counting)
        .map(|(it, counting)| DeviceInput {
            device: it.device,
            software: counting,
            chocolatey: &it.chocolatey,
            updates: latest[&it.device].inventory.updates.as_ref(),
        });
    let managed = state
        .matcher
        .update(app, &mut tx, inputs.collect(), now)
        .await?;
    for job in deploy_jobs::awaiting_restart(&mut tx, latest.keys().copied()).await? {
        let incoming = latest[&job.device];
        let boot = incoming.boot();
        let kept = kept.get(&job.device).into_iter().flatten();
        let kept: Vec<Software> = kept.map(|it| it.1.clone()).collect();
        let scanned = Scanned {
            boot: &boot,
            read: &incoming.inventory.software,
            kept: &kept,
            has_gaps: unread::has_gaps(&incoming.inventory.unread),
        };
        restarted::conclude(&mut tx, job, scanned, now).await?;
    }
    let count_at = now + app.costs.applications.wait(COUNT);
    jobs::enqueue(&mut tx, jobs::Kind::Applications, 0, count_at).await?;
    if latest.values().any(|it| it.is_another_host()) {
        assign::soon(app, &mut tx, now).await?;
    }
    if is_new {
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now + GATHER).await?;
    }
    tx.commit().await?;
    state.fresh.clear();
    {
        let mut fleet = app.fleet_mut();
        put(&mut fleet, &stored, &counting, &managed);
        fleet.forget_idle(IDLE);
    }
    for incoming in latest.values() {
        incoming.device.confirm_scan(now);
        incoming.device.learn(|known| {
            known.inventory_digest = Some(incoming.digest.clone());
            known.host = incoming.host;
        });
    }
    Ok(())
}

/// Has the index know what counts on those devices that are managed.
fn put(
    fleet: &mut Fleet,
    stored: &[StoredInventory],
    counting: &[Vec<u32>],
    managed: &HashSet<DeviceId>,
) {
    for (it, counting) in stored.iter().zip(counting) {
        if managed.contains(&it.device) {
            fleet.put(it.device, counting, &it.chocolatey);
        }
    }
}

/// Matches these devices without what does not count any more: time alone changes that.
async fn unseen(app: &App, state: &mut State, devices: &[DeviceId]) -> anyhow::Result<()> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let stored = inventories::get_many(&mut tx, devices).await?;
    inventories::store_unseen(&mut tx, &stored, now).await?;
    let counting: Vec<Vec<u32>> = stored.iter().map(|it| it.counting(now)).collect();
    let inputs = stored
        .iter()
        .zip(&counting)
        .map(|(it, counting)| DeviceInput {
            device: it.device,
            software: counting,
            chocolatey: &it.chocolatey,
            updates: it.updates.as_ref(),
        });
    let managed = state
        .matcher
        .update(app, &mut tx, inputs.collect(), now)
        .await?;
    tx.commit().await?;
    put(&mut app.fleet_mut(), &stored, &counting, &managed);
    Ok(())
}

/// Does a step of taking away what no device names, and forgets it here.
async fn prune(app: &App, state: &mut State, step: Step) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let mut gone = HashSet::new();
    match step {
        Step::Software(ids, since) => {
            gone.extend(unnamed::forget_software(&mut tx, &ids, since).await?);
        }
        Step::Patches(ids) => drop(unnamed::forget_patches(&mut tx, &ids).await?),
        Step::Grounds(ids) => drop(unnamed::forget_grounds(&mut tx, &ids).await?),
    }
    let outcome = tx.commit().await;
    // Whether or not it is known to have happened.
    state.matcher = Matcher::default();
    state.software_ids.retain(|_, id| !gone.contains(id));
    outcome?;
    app.fleet_mut().forget(gone);
    Ok(())
}

/// Has the index know the applications that it has not met.
fn learn<'a>(
    app: &App,
    state: &mut State,
    batch: impl Iterator<Item = &'a Incoming>,
    kept: impl Iterator<Item = &'a (u32, Software)>,
) {
    let answered: Vec<(u32, &Software, Answer)> = {
        let fleet = app.fleet();
        let mut unknown: HashMap<u32, &Software> = HashMap::new();
        let rows = batch.flat_map(|it| it.rows(&state.software_ids));
        for (id, row) in rows.chain(kept.map(|it| (it.0, &it.1))) {
            if !fleet.knows(id) {
                unknown.insert(id, row);
            }
        }
        let answered = unknown.into_iter();
        answered
            .map(|(id, row)| (id, row, fleet.answer_to(row)))
            .collect()
    };
    if answered.is_empty() {
        return;
    }
    let mut fleet = app.fleet_mut();
    for (id, row, answer) in answered {
        fleet.learn_answered(id, row, answer);
        state.fresh.push(id);
    }
}

/// Gives every row its id; says whether an application was seen that no device had before.
async fn intern<'a>(
    tx: &mut Tx,
    state: &mut State,
    batch: impl Iterator<Item = &'a Incoming>,
) -> anyhow::Result<bool> {
    let mut named: HashMap<SoftwareDigest, &Software> = HashMap::new();
    for incoming in batch {
        let digests = incoming.software_digests.iter().copied();
        named.extend(digests.zip(&incoming.inventory.software));
    }
    let known = named.keys().filter_map(|it| state.software_ids.get(it));
    let known: Vec<u32> = known.copied().collect();
    // Another server may have taken some away.
    let gone: HashSet<u32> = unnamed::note_named(tx, &known).await?.into_iter().collect();
    if !gone.is_empty() {
        state.software_ids.retain(|_, id| !gone.contains(id));
    }
    named.retain(|digest, _| !state.software_ids.contains_key(digest));
    let new: Vec<_> = named.into_iter().collect();
    let ids = software::intern_many(tx, &new).await?;
    let gone = unnamed::note_named(tx, &ids).await?;
    ensure!(
        gone.is_empty(),
        "software was taken away while it was stored"
    );
    for ((digest, _), id) in new.iter().zip(ids) {
        state.software_ids.insert(*digest, id);
    }
    Ok(new.iter().any(|(_, row)| row.place != Place::Dpkg))
}

fn facts_of(device: DeviceId, incoming: &Incoming, now: fleetmend_model::Millis) -> InventoryFacts {
    let inventory = &incoming.inventory;
    let unreachable = inventory.updates.iter().flat_map(|scan| &scan.unreachable);
    let mut notes = incoming.notes.clone();
    notes.extend(unreachable.map(|it| format!("{} cannot be reached: {}", it.source, it.cause)));
    notes.extend(unread::note(&inventory.unread));
    InventoryFacts {
        device,
        host: inventory.host.clone(),
        digest: incoming.digest.clone(),
        at: now,
        complete: is_complete(inventory.updates.as_ref()) && !unread::has_gaps(&inventory.unread),
        note: notes.join("; "),
        restart_pending: inventory.restart_pending.clone(),
        cannot_deploy: inventory.cannot_deploy.clone(),
    }
}

/// Whether all sources were reached, so that what is not named is not missing.
pub fn is_complete(updates: Option<&UpdateScan>) -> bool {
    updates.is_none_or(|scan| scan.unreachable.is_empty())
}

fn stored_of(
    device: DeviceId,
    incoming: &Incoming,
    state: &State,
    now: fleetmend_model::Millis,
) -> anyhow::Result<StoredInventory> {
    let mut ids = incoming
        .software_digests
        .iter()
        .map(|digest| state.software_ids.get(digest).copied())
        .collect::<Option<Vec<_>>>()
        .context("software that was just stored has no id")?;
    ids.sort_unstable();
    ids.dedup();
    let mut updates = incoming.inventory.updates.clone();
    let withheld = updates
        .as_mut()
        .map(|scan| std::mem::take(&mut scan.withheld))
        .unwrap_or_default();
    Ok(StoredInventory {
        device,
        digest: incoming.digest.clone(),
        at: now,
        software: ids,
        chocolatey: incoming.inventory.chocolatey.clone(),
        updates,
        withheld,
        hives: Vec::new(),
        carried: Vec::new(),
    })
}
