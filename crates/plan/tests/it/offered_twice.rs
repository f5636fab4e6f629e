//! An update whose version did not change is not offered again: over any sequence of what devices, the
//! catalog, time and people do.

use std::collections::{BTreeMap, BTreeSet};

use fleetmend_model::detection::Detected;
use fleetmend_model::status::deploy::{DeployState, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, DeviceId};
use fleetmend_plan::hold::{
    Inventory, Outcome, Scan, Seen, Step, after_job, is_held_everywhere, look,
};
use fleetmend_plan::{Hold, Readiness};
use proptest::prelude::*;

use crate::asked::{Device, device, plan};

const DEVICES: usize = 5;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A person deploys to all devices.
    Deploy,
    /// A device's job ends so; where it installed, the version changes or does not.
    End(usize, DeployState, bool),
    /// A device sends an inventory.
    Inventory(usize),
    /// Time passes, and holds are looked at.
    Round,
    /// The version is not on offer for a while, or is again.
    Offer(bool),
    /// A person releases the hold of a device, or that everywhere.
    Release(Option<usize>),
    /// Somebody puts a version on the device, or takes it all away.
    Change(usize, Has),
}

/// What a device has of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Has {
    New,
    Old(u8),
    Nothing,
}

impl Has {
    fn detected(self) -> Detected {
        match self {
            Self::New => Detected::Installed {
                version: "2".to_owned(),
            },
            Self::Old(number) => Detected::Older {
                version: format!("1.{number}"),
            },
            Self::Nothing => Detected::Absent,
        }
    }
}

/// A hold, as it is kept.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Whether it is known that the version did not change.
    is_confirmed: bool,
    /// Whether an inventory came since.
    has_reported: bool,
    /// What the device had then.
    at: Option<Has>,
}

fn ended() -> impl Strategy<Value = DeployState> {
    let state = |status, ending| DeployState { status, ending };
    prop::sample::select(vec![
        state(DeployStatus::Completed, None),
        state(DeployStatus::UnknownError, None),
        state(DeployStatus::NeedsRestart, Some(Ending::Expired)),
        state(DeployStatus::Failed, None),
        state(DeployStatus::DeployPosted, Some(Ending::Cancelled)),
    ])
}

fn event() -> impl Strategy<Value = Event> {
    let one = 0..DEVICES;
    prop_oneof![
        4 => Just(Event::Deploy),
        6 => (one.clone(), ended(), any::<bool>()).prop_map(|(it, end, went)| Event::End(it, end, went)),
        4 => one.clone().prop_map(Event::Inventory),
        4 => Just(Event::Round),
        1 => any::<bool>().prop_map(Event::Offer),
        1 => prop::option::of(one.clone()).prop_map(Event::Release),
        2 => (one, has()).prop_map(|(it, has)| Event::Change(it, has)),
    ]
}

fn has() -> impl Strategy<Value = Has> {
    prop_oneof![
        Just(Has::New),
        Just(Has::Nothing),
        (0..3_u8).prop_map(Has::Old),
    ]
}

/// A device as it is and as the server knows it.
#[derive(Debug, Clone)]
struct Machine {
    has: Has,
    /// What its last inventory said.
    known: Has,
    job: Option<DeployJobId>,
    hold: Option<Held>,
    /// The version was installed in vain, and no inventory said anything else since then, nor did a person
    /// release it.
    in_vain: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            has: Has::Old(0),
            known: Has::Old(0),
            job: None,
            hold: None,
            in_vain: false,
        }
    }
}

#[derive(Debug)]
struct Fleet {
    machines: Vec<Machine>,
    is_offered: bool,
    everywhere: bool,
    /// Those on which the last installation changed the version.
    well: BTreeSet<usize>,
    jobs: i64,
}

impl Fleet {
    fn is_missing(&self, it: usize) -> bool {
        self.is_offered && matches!(self.machines[it].known, Has::Old(_))
    }

    fn as_planned(&self) -> Vec<Device> {
        let hold = |machine: &Machine| match machine.hold {
            Some(it) if it.is_confirmed => Some(Hold::Device {
                cause: String::new(),
            }),
            _ if self.everywhere => Some(Hold::Everywhere {
                cause: String::new(),
            }),
            Some(_) => Some(Hold::Unconfirmed {
                job: DeployJobId(0),
            }),
            None => None,
        };
        let each = self.machines.iter().enumerate();
        each.map(|(it, machine)| Device {
            is_missing: self.is_missing(it),
            open_job: machine.job,
            hold: hold(machine),
            ..device(it as i64, &format!("host {it}"))
        })
        .collect()
    }

    fn weigh(&mut self) {
        let held = |it: &&Machine| it.hold.is_some_and(|it| it.is_confirmed);
        let in_vain = self.machines.iter().filter(held).count() as u64;
        let well = self.well.len() as u64;
        self.everywhere |= is_held_everywhere(in_vain, well);
        self.everywhere &= in_vain > 0;
    }

    fn ends(&mut self, it: usize, state: DeployState, went: bool) {
        if self.machines[it].job.take().is_none() {
            return;
        }
        let went = went && state.status == DeployStatus::Completed;
        if went {
            self.machines[it].has = Has::New;
        }
        let has_restarted = state.status == DeployStatus::NeedsRestart;
        if has_restarted {
            if !matches!(self.machines[it].has, Has::Old(_)) {
                // It would have ended as completed, or without anything to hold.
                return;
            }
            self.machines[it].known = self.machines[it].has;
        }
        let is_in_vain = match state.status {
            DeployStatus::UnknownError | DeployStatus::NeedsRestart => true,
            // Found by the device, and not by the server.
            DeployStatus::Completed => self.is_missing(it),
            _ => false,
        };
        let outcome = after_job(state, self.is_missing(it), has_restarted);
        if went {
            self.well.insert(it);
        } else {
            self.well.remove(&it);
        }
        let machine = &mut self.machines[it];
        machine.in_vain = is_in_vain && matches!(machine.has, Has::Old(_));
        let held = |is_confirmed, at| Held {
            is_confirmed,
            has_reported: false,
            at,
        };
        machine.hold = match outcome {
            Outcome::Open => machine.hold,
            Outcome::Unconfirmed => Some(held(false, None)),
            Outcome::InVain => Some(held(true, Some(machine.known))),
        };
        self.weigh();
    }

    fn round(&mut self) {
        for it in 0..self.machines.len() {
            let is_missing = self.is_missing(it);
            let machine = &mut self.machines[it];
            let Some(hold) = machine.hold else {
                continue;
            };
            let found = machine.known.detected();
            let held_at = hold.at.map(Has::detected);
            let seen = Seen {
                is_confirmed: hold.is_confirmed,
                is_missing,
                inventory: if hold.has_reported {
                    Inventory::Settled
                } else {
                    Inventory::Awaited
                },
                scan: Scan::Whole,
                found: Some(&found),
                held_at: match &held_at {
                    Some(Detected::Older { version }) => Some(version),
                    _ => None,
                },
            };
            match look(seen) {
                Step::Wait | Step::Later => {}
                Step::Hold => {
                    machine.hold = Some(Held {
                        is_confirmed: true,
                        at: Some(machine.known),
                        ..hold
                    });
                }
                Step::End(_) => machine.hold = None,
            }
        }
        self.weigh();
    }

    fn happens(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Deploy => {
                let planned = plan(Readiness::Ready, &self.as_planned());
                for entry in planned.entries {
                    if entry.decision.start().is_some() {
                        let DeviceId(it) = entry.device;
                        let machine = &mut self.machines[it as usize];
                        prop_assert!(
                            !machine.in_vain,
                            "host {it} is offered it again: {machine:?}"
                        );
                        self.jobs += 1;
                        machine.job = Some(DeployJobId(self.jobs));
                    }
                }
            }
            Event::End(it, state, went) => self.ends(it, state, went),
            Event::Inventory(it) => {
                let machine = &mut self.machines[it];
                machine.in_vain &= machine.known == machine.has;
                machine.known = machine.has;
                machine.hold = machine.hold.map(|it| Held {
                    has_reported: true,
                    ..it
                });
            }
            Event::Round => self.round(),
            Event::Offer(is_offered) => self.is_offered = is_offered,
            Event::Release(Some(it)) => {
                self.machines[it].hold = None;
                self.machines[it].in_vain = false;
                self.weigh();
            }
            Event::Release(None) => self.everywhere = false,
            Event::Change(it, has) => self.machines[it].has = has,
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_update_is_offered_twice_whose_version_did_not_change(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let mut fleet = Fleet {
            machines: vec![Machine::default(); DEVICES],
            is_offered: true,
            everywhere: false,
            well: BTreeSet::new(),
            jobs: 0,
        };
        for event in events {
            fleet.happens(event)?;
        }
    }

    #[test]
    fn one_device_alone_has_no_version_held_everywhere(reports in prop::collection::vec(ended(), 1..40)) {
        let mut fleet = Fleet {
            machines: vec![Machine::default(); DEVICES],
            is_offered: true,
            everywhere: false,
            well: BTreeSet::new(),
            jobs: 0,
        };
        for state in reports {
            fleet.machines[0].job = Some(DeployJobId(1));
            fleet.ends(0, state, false);
            fleet.happens(Event::Round)?;
            prop_assert!(!fleet.everywhere);
        }
        let planned = plan(Readiness::Ready, &fleet.as_planned());
        let by_device: BTreeMap<_, _> = planned.entries.iter().map(|it| (it.device, &it.decision)).collect();
        prop_assert!(by_device[&DeviceId(1)].start().is_some());
    }
}
