//! What is said of one patch on one device.

use std::sync::Arc;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};

use super::known::{Known, Offered, Seen};
use super::note::Note;
use super::when::{Because, Delay, Slot};
use super::world::{Occasion, Patch};
use crate::cool_down::Counted;
use crate::judge::{Case, Word};
use crate::pin;
use crate::reason::Reason;

/// That a patch runs on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub slot: Arc<Slot>,
    /// The device's ring, where its policy has rings.
    pub ring: Option<String>,
    /// What a person is told beside.
    pub notes: Vec<Note>,
}

/// What is asked of a device and a patch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) occasion: Occasion,
    /// The job that is asked about itself, which is not in its own way: see [`crate::gate`] for what else
    /// is different of it.
    pub(crate) except: Option<DeployJobId>,
}

/// When a patch starts on a device, or the first thing in the way: the order in [`crate::judge`], then that
/// in `when.rs`. A device that the world does not have is one whose agent was removed.
pub fn judge(device: DeviceId, patch: PatchId, world: &Known<'_>) -> Result<Start, Reason> {
    let occasion = world.world.occasion;
    let except = None;
    world.judge_as(device, patch, Ask { occasion, except })
}

impl Known<'_> {
    pub(crate) fn judge_as(
        &self,
        device: DeviceId,
        patch: PatchId,
        ask: Ask,
    ) -> Result<Start, Reason> {
        let seen = self.device(device).ok_or(Reason::AgentRemoved)?;
        let offered = self.patch(patch).ok_or(Reason::NotMissing)?;
        self.judge_seen(seen, offered, ask)
    }

    pub(super) fn judge_seen(
        &self,
        seen: &Seen<'_>,
        offered: &Offered<'_>,
        ask: Ask,
    ) -> Result<Start, Reason> {
        let alone = self.judge_alone(seen, offered, ask, None);
        match self.superseded_by(seen, offered, ask, alone.as_ref().ok()) {
            None => alone,
            by => self.judge_alone(seen, offered, ask, by),
        }
    }

    /// Without a look at other versions of the package.
    fn judge_alone<'a>(
        &'a self,
        seen: &Seen<'a>,
        offered: &Offered<'a>,
        ask: Ask,
        superseded_by: Option<&'a str>,
    ) -> Result<Start, Reason> {
        let mut delays = Vec::new();
        let case = self.case(seen, offered, ask, superseded_by, &mut delays);
        if let Some(reason) = case.reason() {
            return Err(reason);
        }
        let (cool_down, mut notes) = self.cool_down(seen, offered, ask.occasion);
        delays.extend(cool_down);
        let slot = self.start(seen, offered, ask.occasion, &delays)?;
        self.note(seen, offered, ask, &mut notes);
        let ring = seen.policy.settings.rings.get(seen.ring);
        Ok(Start {
            slot,
            ring: ring.map(|ring| ring.name.clone()),
            notes,
        })
    }

    fn case<'a>(
        &'a self,
        seen: &Seen<'a>,
        offered: &Offered<'a>,
        ask: Ask,
        superseded_by: Option<&'a str>,
        delays: &mut Vec<Delay<'a>>,
    ) -> Case<'a> {
        let (device, patch) = (seen.device, offered.patch);
        let id = device.facts.id;
        let open = self.open_jobs(id).iter();
        let open = open.filter(|it| it.patch == patch.id && Some(it.job) != ask.except);
        let lacks = patch.needs.iter();
        Case {
            is_removed: device.is_removed,
            is_missing: self.lacks(seen, offered, ask),
            open_job: open.map(|it| it.job).min(),
            superseded_by,
            pin: self.pinned(seen, offered, delays),
            hold: self.held(patch.id, id).map(|held| &held.hold),
            system_type: seen.system_type,
            approval: self.approval(seen, offered, delays),
            readiness: &patch.readiness,
            cannot_deploy: device
                .cannot_deploy
                .as_deref()
                .or(self.unread(id, patch.id)),
            lacks: lacks
                .copied()
                .find(|needed| !device.abilities.contains(needed)),
        }
    }

    /// Whether the device lacks the patch, or for what was posted a newer version of the package, while what
    /// it has is older than the patch.
    fn lacks(&self, seen: &Seen<'_>, offered: &Offered<'_>, ask: Ask) -> bool {
        let mut lacking = self.lacking(seen.device.facts.id).iter();
        let patch = offered.patch;
        lacking.any(|it| {
            it.missing.patch == patch.id
                || ask.except.is_some()
                    && it.package == offered.package
                    && is_older(it.missing.installed.as_deref(), patch)
        })
    }

    /// Why the device cannot be brought to a patch, see [`Missing::unread`](super::Missing::unread).
    fn unread(&self, device: DeviceId, patch: PatchId) -> Option<&str> {
        let mut lacking = self.lacking(device).iter();
        let lacked = lacking.find(|it| it.missing.patch == patch)?;
        lacked.missing.unread.as_deref()
    }

    /// A pin that ends during the night only has it begin later.
    fn pinned<'a>(
        &'a self,
        seen: &Seen<'a>,
        offered: &Offered<'a>,
        delays: &mut Vec<Delay<'a>>,
    ) -> Option<Reason> {
        let pins = self.pins(offered);
        if pins.is_empty() {
            return None;
        }
        let (patch, facts) = (offered.patch, &seen.device.facts);
        let pins = pins.iter().copied();
        let pin = pin::judge(pins, &patch.version, patch.scheme, facts, self.now())?;
        match pin.until {
            Some(until) if until < self.world.until => {
                let why = Because::Pin(pin);
                delays.push(Delay { until, why });
                None
            }
            until => {
                let until = until.map(|until| self.moment(seen, until));
                Some(Reason::of_pin(pin, until))
            }
        }
    }

    /// What a person decided; else what a rule did or does, where the policy lets rules count. For
    /// critical systems only a person's word counts, whatever stands there.
    fn approval<'a>(
        &'a self,
        seen: &Seen<'a>,
        offered: &Offered<'a>,
        delays: &mut Vec<Delay<'a>>,
    ) -> Word<'a> {
        let not = Word::Is(Approval::NotApproved);
        let by_rules = seen.policy.settings.auto_approval;
        let is_critical = seen.system_type == SystemType::Critical;
        if let Some(decided) = self.decided(offered.patch.id, seen.system_type) {
            let word = Word::Is(decided.approval);
            return match &decided.rule {
                Some(_) if is_critical => not,
                Some(rule) if !by_rules => Word::ByRuleAlone {
                    rule,
                    policy: &seen.policy.name,
                },
                _ => word,
            };
        }
        match offered.hit {
            Some(hit) if by_rules && !is_critical => {
                if hit.from > self.now() {
                    let (until, why) = (hit.from, Because::Rule(&hit.rule.name));
                    delays.push(Delay { until, why });
                }
                Word::Is(Approval::Approved)
            }
            _ => not,
        }
    }

    /// Until when it is left to others, and what is said of that. What a person asks for is not.
    fn cool_down<'a>(
        &self,
        seen: &Seen<'_>,
        offered: &Offered<'_>,
        occasion: Occasion,
    ) -> (Option<Delay<'a>>, Vec<Note>) {
        let (patch, cool_down) = (offered.patch, &seen.policy.settings.cool_down);
        let never = (Millis(i64::MAX), Counted::Unknown);
        let (until, counted) = patch.dates.aged(cool_down.days).unwrap_or(never);
        let is_young = cool_down.days > 0 && until > self.now() && !occasion.is_asked();
        let is_exploited = !patch.exploited.is_empty();
        let is_let_through = is_young && is_exploited && cool_down.exploited_at_once;
        let mut notes = Vec::new();
        if is_exploited {
            notes.push(Note::Exploited {
                cves: patch.exploited.clone(),
                days: is_let_through.then_some(cool_down.days),
            });
        }
        let why = Because::CoolDown(counted);
        let delay = (is_young && !is_let_through).then_some(Delay { until, why });
        (delay, notes)
    }

    fn note(&self, seen: &Seen<'_>, offered: &Offered<'_>, ask: Ask, notes: &mut Vec<Note>) {
        let decided = self.decided(offered.patch.id, seen.system_type);
        let by_hit = || offered.hit.map(|hit| &hit.rule.name);
        let rule = decided.map_or_else(by_hit, |decided| decided.rule.as_ref());
        notes.extend(rule.map(|rule| Note::ByRule { rule: rule.clone() }));
        notes.extend(self.beside(seen, offered, ask));
        let zone = self.zone(seen).note();
        notes.extend(zone.map(|note| Note::Zone(note.to_owned())));
        let down = seen.device.down_since;
        notes.extend(down.map(|since| Note::Down {
            since: self.moment(seen, since),
        }));
    }

    /// A job for an older version of the package.
    fn beside(&self, seen: &Seen<'_>, offered: &Offered<'_>, ask: Ask) -> Option<Note> {
        let open = self.open_jobs(seen.device.facts.id).iter();
        let open = open.filter(|it| Some(it.job) != ask.except);
        let others = open.filter_map(|it| Some((it.job, self.patch(it.patch)?)));
        let first = others
            .filter(|(_, other)| is_other(other, offered))
            .min_by_key(|(job, _)| *job);
        first.map(|(job, other)| Note::Beside {
            job,
            version: other.patch.version.clone(),
        })
    }

    /// The newest version of the package that the device gets instead: one with a job, or one that
    /// starts no later than `start`, where this one could start by itself. One that does not run, be it that
    /// nobody approved it or that it is too young, keeps no older one back.
    fn superseded_by(
        &self,
        seen: &Seen<'_>,
        offered: &Offered<'_>,
        ask: Ask,
        start: Option<&Start>,
    ) -> Option<&str> {
        let id = seen.device.facts.id;
        let is_newer = |other: &&Offered<'_>| {
            let (one, other) = (offered.patch, other.patch);
            one.scheme.compare(&other.version, &one.version).is_gt()
        };
        let open = self.open_jobs(id).iter();
        let with_job = open
            .filter(|it| Some(it.job) != ask.except)
            .filter_map(|it| self.patch(it.patch))
            .filter(|other| is_other(other, offered))
            .filter(is_newer);
        let runs = |other: &&Offered<'_>| {
            let other = self.judge_alone(seen, other, ask, None);
            other.is_ok_and(|it| start.is_none_or(|start| it.slot.run <= start.slot.run))
        };
        let lacking = self.lacking(id).iter();
        let running = lacking
            .filter(|it| ask.except.is_none() && it.package == offered.package)
            .filter(|it| it.missing.patch != offered.patch.id)
            .filter_map(|it| self.patch(it.missing.patch))
            .filter(is_newer)
            .filter(runs);
        let newest = with_job.chain(running).max_by(|a, b| {
            let (one, other) = (a.patch, b.patch);
            let by_version = one.scheme.compare(&one.version, &other.version);
            by_version.then(one.id.cmp(&other.id))
        });
        newest.map(|it| it.patch.version.as_str())
    }
}

/// Whether what is installed is older than a patch, as far as that can be told: the device looks itself.
fn is_older(installed: Option<&str>, patch: &Patch) -> bool {
    installed.is_none_or(|it| patch.scheme.compare(it, &patch.version).is_lt())
}

fn is_other(one: &Offered<'_>, other: &Offered<'_>) -> bool {
    one.package == other.package && one.patch.id != other.patch.id
}
