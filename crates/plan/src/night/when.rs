//! When something that nothing else is in the way of starts on a device, or what keeps it from starting
//! before the end of the night.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::{Millis, PolicyId};

use super::known::{Known, Offered, Seen};
use super::world::Occasion;
use crate::cool_down::Counted;
use crate::moment::Moment;
use crate::pin::Pin;
use crate::policy::Deploy;
use crate::reason::Reason;
use crate::ring::{self, State, Step};
use crate::schedule::Schedule;
use crate::window::{self, At, Windows};

/// When something starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// When its job is posted: at a run of the policy, or now.
    pub run: Millis,
    /// The first moment at which it may start.
    pub at: Millis,
    /// The first moment at which it may not any more; `None` where that is more than eight days away.
    pub window_end: Option<Millis>,
    /// When its job is given up.
    pub deadline: Millis,
    /// Whether the policy has jobs take as long as they do by default.
    pub is_default_deadline: bool,
    /// From when to when, in the words that the device's clock has for it.
    pub said: String,
}

impl Slot {
    /// When it starts, in words, where that is later than `now`.
    pub fn later(&self, now: Millis) -> Option<&str> {
        (self.at > now).then_some(self.said.as_str())
    }
}

/// Whose, in which zone, for which run, and whether at any time.
type SlotKey = (PolicyId, usize, Millis, bool);

/// What was worked out of times: a fleet has few policies and zones, and asks for the same again and again.
#[derive(Debug, Default)]
pub(super) struct Times {
    runs: HashMap<(PolicyId, usize, Millis), Option<Millis>>,
    slots: HashMap<SlotKey, Result<Arc<Slot>, Reason>>,
}

/// Something that ends by itself.
#[derive(Debug)]
pub(super) struct Delay<'a> {
    pub(super) until: Millis,
    pub(super) why: Because<'a>,
}

#[derive(Debug)]
pub(super) enum Because<'a> {
    Pin(&'a Pin),
    Rule(&'a str),
    CoolDown(Counted),
}

impl Known<'_> {
    /// When it starts, or the first thing in the way: that nothing runs by itself, what a person has to
    /// look at, what must be waited for, other devices, and at last the times that the policy sets.
    pub(super) fn start(
        &self,
        seen: &Seen<'_>,
        offered: &Offered<'_>,
        occasion: Occasion,
        delays: &[Delay<'_>],
    ) -> Result<Arc<Slot>, Reason> {
        let policy = || seen.policy.name.clone();
        let schedule = &seen.policy.settings.deploy.schedule;
        if occasion == Occasion::Foreseen && *schedule == Schedule::Off {
            return Err(Reason::NoDeploySchedule { policy: policy() });
        }
        if let Some(cause) = self.halted(seen, offered) {
            return Err(Reason::RolloutHalted { cause });
        }
        let longest = delays.iter().max_by_key(|delay| delay.until);
        let ready = longest.map_or(self.now(), |delay| delay.until.max(self.now()));
        let run = self.run(seen, occasion, ready);
        let is_tonight = |run: &Millis| *run < self.world.until;
        if !run.as_ref().is_some_and(is_tonight)
            && let Some(delay) = longest
            && let Some(undelayed) = self.run(seen, occasion, self.now())
            && undelayed < delay.until
        {
            return Err(self.of_delay(seen, delay));
        }
        if !occasion.is_asked() {
            self.has_its_turn(seen, offered)?;
        }
        match run {
            Some(run) if is_tonight(&run) => self.slot(seen, run, occasion),
            next => Err(Reason::NotDue {
                policy: policy(),
                next: next.map(|next| self.moment(seen, next)),
            }),
        }
    }

    /// The first run at `from` or later.
    fn run(&self, seen: &Seen<'_>, occasion: Occasion, from: Millis) -> Option<Millis> {
        if occasion != Occasion::Foreseen {
            return (from <= self.now()).then_some(self.now());
        }
        let key = (seen.policy.id, seen.zone, from);
        let mut times = self.times.borrow_mut();
        let run = times.runs.entry(key).or_insert_with(|| {
            let schedule = &seen.policy.settings.deploy.schedule;
            schedule.next(self.zone(seen), from - Duration::from_millis(1))
        });
        *run
    }

    /// When what a run posts starts on a device.
    fn slot(&self, seen: &Seen<'_>, run: Millis, occasion: Occasion) -> Result<Arc<Slot>, Reason> {
        let any_time = occasion == Occasion::AnyTime;
        let key = (seen.policy.id, seen.zone, run, any_time);
        let mut times = self.times.borrow_mut();
        let slot = times.slots.entry(key);
        slot.or_insert_with(|| self.new_slot(seen, run, any_time).map(Arc::new))
            .clone()
    }

    fn new_slot(&self, seen: &Seen<'_>, run: Millis, any_time: bool) -> Result<Slot, Reason> {
        let (settings, zone, now) = (&seen.policy.settings, self.zone(seen), self.now());
        let windows = if any_time {
            Windows::ALWAYS
        } else {
            Windows {
                windows: &settings.install_windows,
                blackouts: &settings.blackouts,
            }
        };
        let wait = Duration::from_hours(24) * settings.deploy.deadline_days;
        let deadline = window::deadline(run, wait, &windows, zone);
        let first = windows.first_start(zone, run);
        let Some(open) = first.filter(|open| open.opens < deadline) else {
            let policy = seen.policy.name.clone();
            return Err(Reason::NoWindow { policy });
        };
        if open.opens >= self.world.until {
            let next = self.moment(seen, open.opens);
            let at = windows.at(zone, run);
            if let At::Closed {
                blackout: Some(_), ..
            } = at
            {
                let (days, next) = (at.in_words(zone, now), Some(next));
                return Err(Reason::Blackout { days, next });
            }
            let window = open.in_words(zone, now);
            return Err(Reason::WindowOpens { window, next });
        }
        Ok(Slot {
            run,
            at: open.opens,
            window_end: open.closes,
            deadline,
            is_default_deadline: settings.deploy.deadline_days == Deploy::default().deadline_days,
            said: open.in_words(zone, now),
        })
    }

    /// Why nobody gets a version. What should be halted counts as halted before anybody has written that
    /// down.
    fn halted(&self, seen: &Seen<'_>, offered: &Offered<'_>) -> Option<String> {
        let rollout = self.rollout(offered.patch.id, seen.policy.id)?;
        match &rollout.state {
            State::Halted { cause } => return Some(cause.clone()),
            State::Done => return None,
            State::Running => {}
        }
        let ring = seen.policy.settings.rings.get(rollout.ring)?;
        let (since, now, zone) = (rollout.since, self.now(), &self.world.zone);
        match ring::judge(ring, rollout.counts, since, now, zone) {
            Step::Halt { why } => Some(why),
            Step::Wait { .. } | Step::Promote => None,
        }
    }

    /// Whether the rollout has come to the device's ring. What could be promoted was not yet: until then
    /// something may fail.
    fn has_its_turn(&self, seen: &Seen<'_>, offered: &Offered<'_>) -> Result<(), Reason> {
        let rings = &seen.policy.settings.rings;
        let rollout = self.rollout(offered.patch.id, seen.policy.id);
        let at = match rollout.map(|it| (&it.state, it.ring)) {
            Some((State::Done, _)) => return Ok(()),
            Some((_, ring)) => ring,
            None => 0,
        };
        let (Some(ring), Some(current)) = (rings.get(seen.ring), rings.get(at)) else {
            return Ok(());
        };
        if seen.ring <= at {
            return Ok(());
        }
        let (now, zone) = (self.now(), &self.world.zone);
        let step = rollout.map(|it| ring::judge(current, it.counts, it.since, now, zone));
        let what = match step {
            None => "it has not got the version yet".to_owned(),
            Some(Step::Promote) => "the next ring has its turn at once".to_owned(),
            Some(Step::Wait { what }) => what,
            Some(Step::Halt { why }) => why,
        };
        Err(Reason::RingWaits {
            ring: ring.name.clone(),
            at: current.name.clone(),
            what,
        })
    }

    fn of_delay(&self, seen: &Seen<'_>, delay: &Delay<'_>) -> Reason {
        let until = self.moment(seen, delay.until);
        match delay.why {
            Because::Pin(pin) => Reason::of_pin(pin, Some(until)),
            Because::Rule(rule) => Reason::RuleWaits {
                rule: rule.to_owned(),
                until,
            },
            Because::CoolDown(counted) => Reason::CoolingDown {
                days: seen.policy.settings.cool_down.days,
                until: (counted != Counted::Unknown).then_some(until),
                counted,
            },
        }
    }

    pub(super) fn moment(&self, seen: &Seen<'_>, at: Millis) -> Moment {
        Moment::new(at, self.zone(seen), self.now())
    }
}
