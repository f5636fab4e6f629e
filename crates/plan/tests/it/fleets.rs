//! Any fleet, for what holds for every night.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeviceId, GroupId, Millis, PatchId, PolicyId};
use fleetmend_plan::night::{Held, Occasion};
use fleetmend_plan::pin::{Keeps, On};
use fleetmend_plan::ring::State;
use fleetmend_plan::{Hold, Readiness};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::fleet::{Fleet, pin, rollout};

const DEVICES: i64 = 6;
const PATCHES: i64 = 6;
const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "",
];

fn settings() -> impl Strategy<Value = Json> {
    let schedules = [
        "off",
        "0 1 * * *",
        "30 2 * * *",
        "0 22 * * FRI",
        "*/30 * * * *",
    ];
    let windows = json!([
        [],
        [{"opens": "0 2 * * *", "minutes": 90}],
        [{"opens": "0 23 * * SAT", "minutes": 300}, {"opens": "15 2 * * *", "minutes": 10}],
    ]);
    let blackouts = json!([
        [],
        [{"from": "2026-10-25", "to": "2026-10-25"}],
        [{"from": "2026-03-20", "to": "2026-04-02"}, {"from": "2026-10-24", "to": "2026-10-24"}],
    ]);
    let rings = json!([
        [],
        [
            {"name": "Pilot", "scope": {"include": [{"kind": "group", "group": 1}]},
             "soak_hours": 12, "min_done": 2},
            {"name": "Early", "scope": {"include": [{"kind": "group", "group": 2}]}},
            {"name": "Broad"},
        ],
    ]);
    (
        prop::sample::select(schedules.to_vec()),
        0..3_usize,
        0..3_usize,
        0..2_usize,
        prop::sample::select(vec![0, 2, 30]),
        any::<bool>(),
        prop::option::of(1..3_u32),
        any::<bool>(),
    )
        .prop_map(
            move |(schedule, window, blackout, ring, days, at_once, cap, auto)| {
                json!({
                    "deploy": {"schedule": schedule},
                    "install_windows": windows[window],
                    "blackouts": blackouts[blackout],
                    "rings": rings[ring],
                    "cool_down": {"days": days, "exploited_at_once": at_once},
                    "caps": {"devices_at_once": cap, "devices_per_site": cap},
                    "auto_approval": auto,
                    "critical": [{"kind": "group", "group": 3}],
                })
            },
        )
}

/// What is drawn of each device.
type Drawn = (usize, Option<SystemType>, u8, Option<i64>, bool, bool);

fn devices() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (
        0..ZONES.len(),
        prop::option::weighted(0.4, prop::sample::select(SystemType::ALL.to_vec())),
        0..8_u8,
        prop::option::of(1..3_i64),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    prop::collection::vec(one, DEVICES as usize)
}

fn add_devices(fleet: &mut Fleet, drawn: Vec<Drawn>) {
    for (number, (zone, system_type, groups, master, is_removed, is_down)) in
        drawn.into_iter().enumerate()
    {
        let name = if number % 3 == 0 { "shop" } else { "desk" };
        fleet.device(&format!("{name}-{}", number / 2), ZONES[zone]);
        let now = fleet.now;
        let device = fleet.last_device();
        device.system_type = system_type;
        let in_groups = (0..3).filter(|bit| groups >> bit & 1 == 1);
        device.facts.groups = in_groups.map(|bit| GroupId(bit + 1)).collect();
        device.facts.master = master.map(DeviceId);
        device.is_removed = is_removed;
        device.down_since = is_down.then_some(Millis(now.0 - 7_200_000));
    }
}

/// What is drawn of each patch: version, hours old, flags, approvals, rollout.
type Offer = (
    u8,
    i64,
    u8,
    [(u8, Approval, bool); 2],
    Option<(usize, u8, [u64; 3])>,
);

fn patches() -> impl Strategy<Value = Vec<Offer>> {
    let approval = prop_oneof![
        1 => Just(Approval::NotApproved),
        6 => Just(Approval::Approved),
        1 => Just(Approval::Disapproved),
    ];
    let decided = (0..3_u8, approval, prop::bool::weighted(0.3));
    let rollout = (0..4_usize, 0..4_u8, prop::array::uniform3(0..4_u64));
    let one = (
        1..4_u8,
        -20..2000_i64,
        0..16_u8,
        [decided.clone(), decided],
        prop::option::of(rollout),
    );
    prop::collection::vec(one, PATCHES as usize)
}

fn add_patches(fleet: &mut Fleet, drawn: Vec<Offer>) {
    for (number, (version, age, flags, approvals, rollout)) in drawn.into_iter().enumerate() {
        // Two packages in three versions each, and two alone.
        let package = ["app", "app", "tool", "tool", "alone", "other"][number];
        let id = fleet.patch(package, &format!("1.{version}.{number}"));
        let published = Millis(fleet.now.0 - age * 3_600_000);
        let patch = fleet.last_patch();
        patch.dates.published = Some(published);
        patch.is_security = flags & 1 == 1;
        if flags & 2 == 2 {
            patch.exploited = vec!["CVE-2026-1".to_owned()];
        }
        if flags >> 2 == 3 {
            patch.readiness = Readiness::NotAnalysed;
        }
        for (system_type, (is_there, approval, is_by_rule)) in
            SystemType::ALL.into_iter().zip(approvals)
        {
            if is_there > 0 {
                fleet.decide(id, system_type, approval, is_by_rule.then_some("Rule"));
            }
        }
        if let Some((ring, state, [devices, done, failed])) = rollout {
            let mut it = self::rollout(id, ring, "2026-03-01T00:00Z", [devices, done, failed, 0]);
            it.since = Millis(fleet.now.0 - 40_000_000);
            it.policy = PolicyId(1 + (number as i64 & 1));
            it.state = match state {
                0 => State::Done,
                1 => State::Halted {
                    cause: "halted".to_owned(),
                },
                _ => State::Running,
            };
            fleet.rollouts.push(it);
        }
    }
}

fn occasion() -> impl Strategy<Value = Occasion> {
    prop_oneof![
        4 => Just(Occasion::Foreseen),
        2 => Just(Occasion::Due),
        1 => Just(Occasion::Asked),
        1 => Just(Occasion::AnyTime),
    ]
}

prop_compose! {
    pub(crate) fn fleet()(
        desk in settings(),
        shop in settings(),
        devices in devices(),
        patches in patches(),
        lacks in prop::collection::btree_set((1..=DEVICES, 1..=PATCHES + 1), 0..36),
        jobs in prop::collection::btree_map((1..=DEVICES, 1..=PATCHES), any::<bool>(), 0..4),
        extra in (0..8_u8, 0..3_u8),
        hours in 1..60_i64,
        begin in prop::sample::select(vec![
            "2026-03-28T18:00+01:00", "2026-10-24T18:07+02:00", "2026-11-27T01:00+01:00",
        ]),
        occasion in occasion(),
    ) -> Fleet {
        let mut fleet = Fleet::new(begin, begin, &[("desk", desk), ("shop", shop)]);
        fleet.until = Millis(fleet.now.0 + hours * 3_600_000);
        fleet.occasion = occasion;
        add_devices(&mut fleet, devices);
        add_patches(&mut fleet, patches);
        for (device, patch) in lacks {
            fleet.lacks(DeviceId(device), PatchId(patch));
        }
        for (number, ((device, patch), is_out)) in jobs.into_iter().enumerate() {
            fleet.job(number as i64 + 1, DeviceId(device), PatchId(patch), is_out);
        }
        let (pins, rules) = extra;
        if pins & 1 == 1 {
            fleet.pins.push(pin("APP", On::All, Keeps::At("1.2.0".to_owned()), "so", None));
            fleet.pins.push(pin("app", On::Device(DeviceId(2)), Keeps::Out, "", None));
        }
        if pins & 2 == 2 {
            let until = Some("2026-10-25T00:00Z");
            fleet.pins.push(pin("tool", On::All, Keeps::Out, "", until));
        }
        if pins & 4 == 4 {
            let hold = Hold::Device { cause: "in vain".to_owned() };
            fleet.holds.push(Held { device: Some(DeviceId(3)), patch: PatchId(5), hold });
        }
        if rules > 0 {
            fleet.rule(json!({"name": "Rule", "min_age_days": 2 * u32::from(rules - 1)}));
        }
        fleet
    }
}
