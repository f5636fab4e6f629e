//! Whether a job that was posted gets its order.

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};
use fleetmend_plan::gate::{Gate, Posted, round};
use fleetmend_plan::night::{Known, Occasion, OpenJob};
use fleetmend_plan::pin::{Keeps, On};
use fleetmend_plan::ring::State;
use fleetmend_plan::{Readiness, Reason};
use serde_json::{Value as Json, json};

use crate::fleet::{Fleet, pin, rollout};
use crate::zoned::instant;

const JOB: DeployJobId = DeployJobId(100);

/// A device with a posted job, on a Saturday at 01:00; the window is open from 02:00 to 04:00.
fn posted(settings: Json) -> Fleet {
    let now = "2026-11-28T01:00+01:00";
    let mut fleet = Fleet::new(now, "2027-11-28T01:00+01:00", &[("desk", settings)]);
    let device = fleet.device("desk-1", "Europe/Berlin");
    let patch = fleet.approved("firefox", "128.0.1");
    fleet.lacks(device, patch);
    fleet.job(JOB.0, device, patch, false);
    fleet
}

fn with_window() -> Fleet {
    posted(json!({"install_windows": [{"opens": "0 2 * * SAT", "minutes": 120}]}))
}

fn look(fleet: &Fleet, occasion: Occasion) -> Vec<(i64, String)> {
    let waiting = fleet.open_jobs.iter().filter(|it| !it.is_out);
    let jobs: Vec<Posted> = waiting
        .map(|it: &OpenJob| Posted {
            job: it.job,
            device: it.device,
            patch: it.patch,
            at: Millis(it.job.0),
            occasion,
        })
        .collect();
    let world = fleet.world();
    let seen = round(&jobs, &Known::of(&world));
    seen.into_iter()
        .map(|(job, gate)| (job.0, said(gate)))
        .collect()
}

fn said(gate: Gate) -> String {
    let at = |at: Millis| crate::zoned::shown(&crate::zoned::zone("Europe/Berlin"), at);
    match gate {
        Gate::Open {
            not_before,
            not_after,
        } => {
            let from = not_before.map_or("now".to_owned(), at);
            let until = not_after.map_or("ever".to_owned(), at);
            format!("from {from} until {until}")
        }
        Gate::Wait { reason, again } => {
            let again = again.map_or("a change".to_owned(), at);
            format!("wait: {reason}; again at {again}")
        }
        Gate::End { reason } => format!("end: {reason}"),
    }
}

fn one(fleet: &Fleet) -> String {
    let mut seen = look(fleet, Occasion::Due);
    assert_eq!(seen.len(), 1);
    seen.remove(0).1
}

#[test]
fn an_agent_that_keeps_to_times_gets_its_order_ahead_and_any_other_inside_the_window() {
    let mut fleet = with_window();
    let inside = "from now until Sat 2026-11-28 03:55 +01:00";
    assert_eq!(
        one(&fleet),
        "from Sat 2026-11-28 02:00 +01:00 until Sat 2026-11-28 03:55 +01:00"
    );
    fleet.devices[0].abilities = vec![Ability::Apt];
    assert_eq!(
        one(&fleet),
        "wait: the next window is Sat 28 Nov 02:00–04:00 (Europe/Berlin); \
         again at Sat 2026-11-28 02:00 +01:00"
    );
    fleet.now = instant("2026-11-28T02:30+01:00");
    assert_eq!(one(&fleet), inside);
    // Shortly before it closes nothing begins; there is a window in a week.
    fleet.now = instant("2026-11-28T03:56+01:00");
    assert!(one(&fleet).contains("Sat 5 Dec 02:00–04:00"));
    // A day ahead is early enough.
    fleet.devices[0].abilities = vec![Ability::StartTimes];
    assert!(one(&fleet).ends_with("again at Fri 2026-12-04 02:00 +01:00"));
    fleet.now = instant("2026-12-04T02:00+01:00");
    assert!(one(&fleet).starts_with("from Sat 2026-12-05 02:00"));
}

#[test]
fn where_devices_share_places_none_has_one_before_its_window_opens() {
    let mut fleet = posted(json!({
        "install_windows": [{"opens": "0 2 * * SAT", "minutes": 120}],
        "caps": {"devices_at_once": 1},
    }));
    fleet.device("desk-far", "Asia/Kathmandu");
    fleet.lacks(DeviceId(2), PatchId(1));
    fleet.job(101, DeviceId(2), PatchId(1), false);
    // 02:00 in Berlin is 06:45 in Kathmandu: there it was open before.
    fleet.now = instant("2026-11-27T21:30+01:00");
    assert_eq!(
        look(&fleet, Occasion::Due),
        [
            (
                100,
                "wait: the next window is Sat 28 Nov 02:00–04:00 (Europe/Berlin); \
                 again at Sat 2026-11-28 02:00 +01:00"
                    .to_owned()
            ),
            (101, "from now until Fri 2026-11-27 23:10 +01:00".to_owned()),
        ]
    );
}

#[test]
fn a_newer_version_takes_a_posted_job_s_place_only_once_it_has_a_job_itself() {
    let mut fleet = with_window();
    fleet.now = instant("2026-11-28T02:30+01:00");
    // What is listed as missing now is the newer one; what is installed is older than both.
    fleet.missing.clear();
    let newer = fleet.approved("firefox", "129.0.0");
    fleet.lacks(DeviceId(1), newer);
    assert!(one(&fleet).starts_with("from now"));
    fleet.missing[0].installed = Some("128.0.1".to_owned());
    assert!(one(&fleet).starts_with("end: the machine does not lack"));
    fleet.missing[0].installed = Some("127.5".to_owned());
    fleet.job(101, DeviceId(1), newer, false);
    let seen = look(&fleet, Occasion::Due);
    assert_eq!(
        seen[0].1,
        "end: version 129.0.0 of the same package is deployed instead"
    );
    assert!(seen[1].1.starts_with("from now"));
    fleet.open_jobs.pop();
    fleet.patches[0].readiness = Readiness::Withdrawn;
    assert_eq!(
        one(&fleet),
        "end: its source does not offer this version any more"
    );
}

#[test]
fn what_was_decided_since_ends_a_job_and_what_passes_has_it_wait() {
    let ends = |change: fn(&mut Fleet)| {
        let mut fleet = with_window();
        fleet.now = instant("2026-11-28T02:30+01:00");
        change(&mut fleet);
        one(&fleet)
    };
    for (change, starts) in [
        (
            (|it| it.approvals.clear()) as fn(&mut Fleet),
            "end: not approved",
        ),
        (
            |it| it.approvals[0].approval = Approval::Disapproved,
            "end: disapproved",
        ),
        (|it| it.missing.clear(), "end: the machine does not lack"),
        (
            |it| it.pins.push(pin("firefox", On::All, Keeps::Out, "", None)),
            "end: the package is excluded",
        ),
        (
            |it| it.devices[0].system_type = Some(SystemType::Critical),
            "end: not approved for Critical Systems",
        ),
        (|it| it.devices.clear(), "end: its agent was removed"),
        (
            |it| it.devices[0].cannot_deploy = Some("no root".to_owned()),
            "wait: the machine's agent cannot deploy",
        ),
        (
            |it| {
                let mut rollout = rollout(PatchId(1), 0, "2026-11-27T01:00Z", [0; 4]);
                rollout.state = State::Halted {
                    cause: "by ada".to_owned(),
                };
                it.rollouts.push(rollout);
            },
            "wait: its rollout is halted: by ada",
        ),
    ] {
        let said = ends(change);
        assert!(said.starts_with(starts), "{said}");
    }
}

#[test]
fn what_a_person_asked_for_waits_for_no_ring_and_what_a_schedule_posted_does() {
    let mut fleet = posted(json!({
        "rings": [
            {"name": "Pilot", "scope": {"include": [{"kind": "host_name", "pattern": "nobody"}]}},
            {"name": "Broad"},
        ],
        "cool_down": {"days": 7},
    }));
    assert_eq!(look(&fleet, Occasion::Asked)[0].1, "from now until ever");
    assert!(one(&fleet).starts_with("wait: ring Broad waits for ring Pilot"));
    fleet.rollouts = vec![rollout(PatchId(1), 1, "2026-11-27T01:00Z", [1, 0, 0, 0])];
    assert_eq!(one(&fleet), "from now until ever");
    fleet.policies.ranked[0].settings.install_windows = with_window().policies.ranked[0]
        .settings
        .install_windows
        .clone();
    assert_eq!(
        look(&fleet, Occasion::AnyTime)[0].1,
        "from now until ever",
        "a person chose so"
    );
    fleet.policies.ranked[0].settings.install_windows.clear();
    fleet.patches[0].dates.published = Some(instant("2026-11-27T01:00Z"));
    assert!(one(&fleet).starts_with("wait: in its cool-down of 7 days until Fri 4 Dec 02:00"));
}

#[test]
fn no_more_orders_are_out_than_there_are_places_and_the_most_urgent_go_first() {
    let mut fleet = posted(json!({"caps": {"devices_at_once": 3}}));
    let security = fleet.approved("openssl", "3.0.9");
    fleet.last_patch().is_security = true;
    for number in 2..=5 {
        let device = fleet.device(&format!("desk-{number}"), "Europe/Berlin");
        let patch = if number == 5 { security } else { PatchId(1) };
        fleet.lacks(device, patch);
        fleet.job(100 + number, device, patch, number == 2);
    }
    // A second job on a device that has a place needs none.
    fleet.lacks(DeviceId(2), security);
    fleet.job(110, DeviceId(2), security, false);
    let open = "from now until ever".to_owned();
    let waits = |position: usize| {
        let reason = Reason::CapReached {
            places: 3,
            position,
            of_site: false,
        };
        format!("wait: {reason}; again at a change")
    };
    assert_eq!(
        look(&fleet, Occasion::Due),
        [
            (105, open.clone()),
            (110, open.clone()),
            (100, open),
            (103, waits(1)),
            (104, waits(2)),
        ]
    );
}
