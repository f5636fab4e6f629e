//! A fleet, its policies and what it lacks, as tests of nights write it.

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::{DeployJobId, DeviceId, GroupId, Millis, PatchId, PolicyId};
use fleetmend_plan::Readiness;
use fleetmend_plan::auto::ApprovalRule;
use fleetmend_plan::cool_down::Dates;
use fleetmend_plan::night::{
    By, Decided, Device, Held, Missing, Night, Occasion, OpenJob, Patch, World, night,
};
use fleetmend_plan::pin::{Keeps, On, Pin};
use fleetmend_plan::policy::{Policies, Policy};
use fleetmend_plan::ring::{Counts, Rollout, State};
use fleetmend_plan::select::DeviceFacts;
use fleetmend_plan::version::Scheme;
use serde_json::{Value as Json, json};

use crate::select::facts;
use crate::zoned::{instant, zone};

#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(crate) now: Millis,
    pub(crate) until: Millis,
    pub(crate) occasion: Occasion,
    pub(crate) policies: Policies,
    pub(crate) devices: Vec<Device>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) installed: Vec<(PatchId, String)>,
    pub(crate) approvals: Vec<Decided>,
    pub(crate) rules: Vec<ApprovalRule>,
    pub(crate) holds: Vec<Held>,
    pub(crate) pins: Vec<Pin>,
    pub(crate) rollouts: Vec<Rollout>,
    pub(crate) open_jobs: Vec<OpenJob>,
}

impl Fleet {
    /// Without anything in it but policies: each device has the first of them whose name its own begins
    /// with, as `desk` has `desk-01`.
    pub(crate) fn new(now: &str, until: &str, policies: &[(&str, Json)]) -> Self {
        let ranked = policies.iter().zip(1..);
        let ranked = ranked.map(|((name, settings), id)| policy(id, name, settings));
        Self {
            now: instant(now),
            until: instant(until),
            occasion: Occasion::Foreseen,
            policies: Policies {
                ranked: ranked.collect(),
                rest: policy(99, "Default", &json!({})),
            },
            devices: Vec::new(),
            patches: Vec::new(),
            missing: Vec::new(),
            installed: Vec::new(),
            approvals: Vec::new(),
            rules: Vec::new(),
            holds: Vec::new(),
            pins: Vec::new(),
            rollouts: Vec::new(),
            open_jobs: Vec::new(),
        }
    }

    /// A device, with the next free id.
    pub(crate) fn device(&mut self, hostname: &str, time_zone: &str) -> DeviceId {
        let id = DeviceId(self.devices.len() as i64 + 1);
        self.devices.push(device(id, hostname, time_zone));
        id
    }

    pub(crate) fn last_device(&mut self) -> &mut Device {
        self.devices.last_mut().unwrap()
    }

    /// A patch, with the next free id, that is approved for normal systems.
    pub(crate) fn approved(&mut self, package: &str, version: &str) -> PatchId {
        let id = self.patch(package, version);
        self.decide(id, SystemType::Normal, Approval::Approved, None);
        id
    }

    /// A patch on which nobody decided.
    pub(crate) fn patch(&mut self, package: &str, version: &str) -> PatchId {
        let id = PatchId(self.patches.len() as i64 + 1);
        self.patches.push(patch(id, package, version));
        id
    }

    pub(crate) fn last_patch(&mut self) -> &mut Patch {
        self.patches.last_mut().unwrap()
    }

    pub(crate) fn decide(
        &mut self,
        patch: PatchId,
        system_type: SystemType,
        approval: Approval,
        rule: Option<&str>,
    ) {
        self.approvals.push(Decided {
            patch,
            system_type,
            approval,
            rule: rule.map(str::to_owned),
        });
    }

    pub(crate) fn lacks(&mut self, device: DeviceId, patch: PatchId) {
        self.missing.push(Missing {
            device,
            patch,
            since: instant("2026-11-01T00:00Z"),
            installed: Some("1.0.0".to_owned()),
            unread: None,
        });
    }

    /// Every device lacks every patch.
    pub(crate) fn all_lack_all(&mut self) {
        for device in 1..=self.devices.len() {
            for patch in 1..=self.patches.len() {
                self.lacks(DeviceId(device as i64), PatchId(patch as i64));
            }
        }
    }

    pub(crate) fn job(&mut self, job: i64, device: DeviceId, patch: PatchId, is_out: bool) {
        self.open_jobs.push(OpenJob {
            job: DeployJobId(job),
            device,
            patch,
            is_out,
        });
    }

    pub(crate) fn rule(&mut self, json: Json) {
        self.rules.push(serde_json::from_value(json).unwrap());
    }

    pub(crate) fn world(&self) -> World<'_> {
        World {
            generation: 7,
            now: self.now,
            until: self.until,
            occasion: self.occasion,
            zone: zone("Europe/Berlin"),
            policies: &self.policies,
            devices: &self.devices,
            patches: &self.patches,
            missing: &self.missing,
            installed: &self.installed,
            approvals: &self.approvals,
            rules: &self.rules,
            holds: &self.holds,
            pins: &self.pins,
            rollouts: &self.rollouts,
            open_jobs: &self.open_jobs,
        }
    }

    pub(crate) fn night(&self) -> Night {
        night(&self.world())
    }

    pub(crate) fn text(&self) -> String {
        self.night().to_text(&self.world(), By::Device)
    }
}

pub(crate) fn policy(id: i64, name: &str, settings: &Json) -> Policy {
    let scope = json!({"include": [{"kind": "host_name", "pattern": format!("{name}*")}]});
    let policy = Policy {
        id: PolicyId(id),
        name: name.to_owned(),
        is_enabled: true,
        scope: serde_json::from_value(scope).unwrap(),
        generation: 1,
        settings: serde_json::from_value(settings.clone()).unwrap(),
    };
    policy.settings.check().unwrap();
    policy
}

pub(crate) fn device(id: DeviceId, hostname: &str, time_zone: &str) -> Device {
    Device {
        facts: DeviceFacts {
            id,
            hostname: hostname.to_owned(),
            system_type: SystemType::Normal,
            time_zone: time_zone.to_owned(),
            groups: Vec::new(),
            master: None,
            ..facts()
        },
        system_type: None,
        cannot_deploy: None,
        abilities: vec![Ability::Apt, Ability::StartTimes],
        is_removed: false,
        down_since: None,
    }
}

pub(crate) fn patch(id: PatchId, package: &str, version: &str) -> Patch {
    Patch {
        id,
        title: package.to_owned(),
        package: package.to_owned(),
        version: version.to_owned(),
        scheme: Scheme::Nuget,
        patch_type: PatchType::ThirdParty,
        tags: Vec::new(),
        is_security: false,
        exploited: Vec::new(),
        dates: Dates {
            published: Some(instant("2026-01-01T00:00Z")),
            ..Dates::default()
        },
        readiness: Readiness::Ready,
        needs: Vec::new(),
    }
}

pub(crate) fn pin(package: &str, on: On, keeps: Keeps, reason: &str, until: Option<&str>) -> Pin {
    Pin {
        package: package.to_owned(),
        on,
        keeps,
        reason: reason.to_owned(),
        until: until.map(instant),
    }
}

pub(crate) fn group(id: i64, name: &str) -> On {
    On::Group {
        group: GroupId(id),
        name: name.to_owned(),
    }
}

pub(crate) fn rollout(
    patch: PatchId,
    ring: usize,
    since: &str,
    [devices, done, failed, down]: [u64; 4],
) -> Rollout {
    Rollout {
        patch,
        policy: PolicyId(1),
        ring,
        since: instant(since),
        state: State::Running,
        counts: Counts {
            devices,
            done,
            failed,
            down,
        },
    }
}
