//! Whole nights as text: what is decided on versions.

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_plan::cool_down::Dates;
use fleetmend_plan::night::Held;
use fleetmend_plan::pin::{Keeps, On};
use fleetmend_plan::ring::State;
use fleetmend_plan::{Hold, Readiness};
use insta::assert_snapshot;
use serde_json::json;

use crate::fleet::{Fleet, pin, rollout};
use crate::night::nightly;
use crate::zoned::instant;

#[test]
fn a_young_version_is_left_to_others_unless_it_fixes_what_is_exploited() {
    let settings = json!({"deploy": nightly(), "cool_down": {"days": 7}});
    let strict = json!({
        "deploy": nightly(),
        "cool_down": {"days": 7, "exploited_at_once": false},
    });
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-28T12:00+01:00",
        &[("desk", settings), ("strict", strict)],
    );
    fleet.device("desk-1", "Europe/Berlin");
    fleet.device("strict-1", "Europe/Berlin");
    let ages = [
        ("old", "2026-11-01T10:00Z"),
        ("tomorrow-old-enough", "2026-11-20T10:00Z"),
        ("too-young", "2026-11-25T10:00Z"),
        ("undated", "1900-01-01T00:00Z"),
    ];
    for (package, published) in ages {
        fleet.approved(package, "2.0.0");
        let dates = &mut fleet.last_patch().dates;
        dates.published = Some(instant(published));
        dates.in_catalog = Some(instant("2026-11-24T10:00Z"));
    }
    fleet.approved("exploited", "2.0.0");
    let patch = fleet.last_patch();
    patch.dates.published = Some(instant("2026-11-25T10:00Z"));
    patch.exploited = vec!["CVE-2026-1234".to_owned(), "CVE-2026-1235".to_owned()];
    patch.is_security = true;
    fleet.approved("security", "2.0.0");
    fleet.last_patch().is_security = true;
    fleet.approved("without-date", "2.0.0");
    fleet.last_patch().dates = Dates::default();
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Sat 28 Nov 12:00 (Europe/Berlin): 7 of 14 run
    desk-1 (device 1)
      + exploited 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; fixes what is exploited (CVE-2026-1234, CVE-2026-1235), so not left to others for 7 days
      + security 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; after exploited
      + old 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; after security
      + tomorrow-old-enough 2.0.0: Sat 28 Nov 01:00 (Europe/Berlin), turn 1
      - too-young 2.0.0: in its cool-down of 7 days until Tue 1 Dec 11:00 (Europe/Berlin), counted from when it came into the catalog
      - undated 2.0.0: in its cool-down of 7 days until Tue 1 Dec 11:00 (Europe/Berlin), counted from when it came into the catalog
      - without-date 2.0.0: in its cool-down of 7 days, as how old it is is not known
    strict-1 (device 2)
      + security 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1
      + old 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; after security
      + tomorrow-old-enough 2.0.0: Sat 28 Nov 01:00 (Europe/Berlin), turn 1
      - exploited 2.0.0: in its cool-down of 7 days until Wed 2 Dec 11:00 (Europe/Berlin), counted from when it was published
      - too-young 2.0.0: in its cool-down of 7 days until Tue 1 Dec 11:00 (Europe/Berlin), counted from when it came into the catalog
      - undated 2.0.0: in its cool-down of 7 days until Tue 1 Dec 11:00 (Europe/Berlin), counted from when it came into the catalog
      - without-date 2.0.0: in its cool-down of 7 days, as how old it is is not known
    "#);
}

#[test]
fn rules_approve_for_normal_systems_of_policies_that_let_them_and_never_for_critical_ones() {
    let settings = json!({
        "deploy": nightly(),
        "auto_approval": true,
        "critical": [{"kind": "host_name", "pattern": "desk-till*"}],
    });
    let by_hand = json!({"deploy": nightly()});
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings), ("hand", by_hand)],
    );
    fleet.device("desk-1", "Europe/Berlin");
    fleet.device("desk-till", "Europe/Berlin");
    fleet.device("desk-till-2", "Europe/Berlin");
    fleet.last_device().system_type = Some(SystemType::Normal);
    fleet.device("desk-vip", "Europe/Berlin");
    fleet.last_device().system_type = Some(SystemType::Critical);
    fleet.device("hand-1", "Europe/Berlin");
    fleet.rule(json!({"name": "Browsers", "packages": ["firefox*"], "min_age_days": 2}));
    fleet.rule(json!({"name": "Small steps", "widest_step": "minor", "tags": ["Tools"]}));
    fleet.rule(json!({"name": "Off", "is_enabled": false}));
    for (package, published) in [
        ("firefox", "2026-11-01T00:00Z"),
        ("firefox-esr", "2026-11-26T00:00Z"),
        ("firefox-next", "2026-11-24T20:00Z"),
    ] {
        fleet.patch(package, "128.0.0");
        fleet.last_patch().dates.published = Some(instant(published));
    }
    let stored = fleet.patch("stored", "2.0.0");
    for system_type in SystemType::ALL {
        fleet.decide(stored, system_type, Approval::Approved, Some("Browsers"));
    }
    let no = fleet.patch("firefox-beta", "129.0.0");
    fleet.decide(no, SystemType::Normal, Approval::Disapproved, None);
    for version in ["1.4.0", "2.0.0"] {
        fleet.patch("tool", version);
        fleet.last_patch().tags = vec!["tools".to_owned()];
        fleet.last_patch().title = format!("tool {version}");
        fleet.last_patch().package = format!("tool {version}");
    }
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 8 of 35 run
    desk-1 (device 1)
      + firefox 128.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; approved by rule 'Browsers'
      + firefox-next 128.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; approved by rule 'Browsers'; after firefox
      + stored 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; approved by rule 'Browsers'; after firefox-next
      + tool 1.4.0 1.4.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 4; approved by rule 'Small steps'; after stored
      - firefox-beta 129.0.0: disapproved for Normal Systems
      - firefox-esr 128.0.0: not approved yet: rule 'Browsers' approves it on Sat 28 Nov 01:00 (Europe/Berlin)
      - tool 2.0.0 2.0.0: not approved for Normal Systems: approve the patch first
    desk-till (device 2)
      - firefox 128.0.0: not approved for Critical Systems: approve the patch first
      - firefox-beta 129.0.0: not approved for Critical Systems: approve the patch first
      - firefox-esr 128.0.0: not approved for Critical Systems: approve the patch first
      - firefox-next 128.0.0: not approved for Critical Systems: approve the patch first
      - stored 2.0.0: not approved for Critical Systems: approve the patch first
      - tool 1.4.0 1.4.0: not approved for Critical Systems: approve the patch first
      - tool 2.0.0 2.0.0: not approved for Critical Systems: approve the patch first
    desk-till-2 (device 3)
      + firefox 128.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; approved by rule 'Browsers'
      + firefox-next 128.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 2; approved by rule 'Browsers'; after firefox
      + stored 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 3; approved by rule 'Browsers'; after firefox-next
      + tool 1.4.0 1.4.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 4; approved by rule 'Small steps'; after stored
      - firefox-beta 129.0.0: disapproved for Normal Systems
      - firefox-esr 128.0.0: not approved yet: rule 'Browsers' approves it on Sat 28 Nov 01:00 (Europe/Berlin)
      - tool 2.0.0 2.0.0: not approved for Normal Systems: approve the patch first
    desk-vip (device 4)
      - firefox 128.0.0: not approved for Critical Systems: approve the patch first
      - firefox-beta 129.0.0: not approved for Critical Systems: approve the patch first
      - firefox-esr 128.0.0: not approved for Critical Systems: approve the patch first
      - firefox-next 128.0.0: not approved for Critical Systems: approve the patch first
      - stored 2.0.0: not approved for Critical Systems: approve the patch first
      - tool 1.4.0 1.4.0: not approved for Critical Systems: approve the patch first
      - tool 2.0.0 2.0.0: not approved for Critical Systems: approve the patch first
    hand-1 (device 5)
      - firefox 128.0.0: not approved for Normal Systems: approve the patch first
      - firefox-beta 129.0.0: disapproved for Normal Systems
      - firefox-esr 128.0.0: not approved for Normal Systems: approve the patch first
      - firefox-next 128.0.0: not approved for Normal Systems: approve the patch first
      - stored 2.0.0: rule 'Browsers' approved it, and policy 'hand' takes no approvals by rules: approve the patch, or have the policy take them
      - tool 1.4.0 1.4.0: not approved for Normal Systems: approve the patch first
      - tool 2.0.0 2.0.0: not approved for Normal Systems: approve the patch first
    "#);
}

#[test]
fn of_several_versions_the_newest_that_runs_goes_and_one_that_does_not_keeps_none_back() {
    let settings = json!({"deploy": nightly(), "cool_down": {"days": 7}});
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings)],
    );
    fleet.device("desk-1", "Europe/Berlin");
    fleet.device("desk-2-old-job", "Europe/Berlin");
    fleet.device("desk-3-new-job", "Europe/Berlin");
    for version in ["1.9.0", "1.10.0", "1.11.0"] {
        fleet.approved("app", version);
    }
    fleet.last_patch().dates.published = Some(instant("2026-11-25T10:00Z"));
    fleet.patch("app", "2.0.0");
    fleet.all_lack_all();
    fleet.job(50, DeviceId(2), PatchId(1), true);
    fleet.job(51, DeviceId(3), PatchId(4), true);
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 2 of 12 run
    desk-1 (device 1)
      + app 1.10.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1
      - app 1.9.0: version 1.10.0 of the same package is deployed instead
      - app 1.11.0: in its cool-down of 7 days until Wed 2 Dec 11:00 (Europe/Berlin), counted from when it was published
      - app 2.0.0: not approved for Normal Systems: approve the patch first
    desk-2-old-job (device 2)
      + app 1.10.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; deploy job 50 for version 1.9.0 is not over
      - app 1.9.0: deploy job 50 for this patch is not over
      - app 1.11.0: in its cool-down of 7 days until Wed 2 Dec 11:00 (Europe/Berlin), counted from when it was published
      - app 2.0.0: not approved for Normal Systems: approve the patch first
    desk-3-new-job (device 3)
      - app 1.9.0: version 2.0.0 of the same package is deployed instead
      - app 1.10.0: version 2.0.0 of the same package is deployed instead
      - app 1.11.0: version 2.0.0 of the same package is deployed instead
      - app 2.0.0: deploy job 51 for this patch is not over
    "#);
}

#[test]
fn whoever_takes_the_first_thing_away_sees_the_next() {
    // Everything is in the way at once.
    let settings = json!({"cool_down": {"days": 7}});
    let rings = json!([
        {"name": "Pilot", "scope": {"include": [{"kind": "group", "group": 1}]}},
        {"name": "Broad"},
    ]);
    let windows = json!([{"opens": "0 3 * * SUN", "minutes": 180}]);
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings)],
    );
    let device = fleet.device("desk-1", "Europe/Berlin");
    let older = fleet.patch("app", "1.1.0");
    fleet.last_patch().readiness = Readiness::NoInstaller;
    fleet.last_patch().needs = vec![Ability::Choco];
    fleet.last_patch().dates.published = Some(instant("2026-11-25T10:00Z"));
    let newer = fleet.patch("app", "1.2.0");
    fleet.lacks(device, older);
    fleet.lacks(device, newer);
    fleet.job(5, device, older, false);
    fleet.job(6, device, newer, false);
    let at = Keeps::At("1.0.0".to_owned());
    fleet.pins = vec![pin("app", On::All, at, "not yet", None)];
    fleet.holds.push(Held {
        device: Some(device),
        patch: older,
        hold: Hold::Device {
            cause: "no change".to_owned(),
        },
    });
    let state = State::Halted {
        cause: "by ada".to_owned(),
    };
    fleet.rollouts = vec![rollout(older, 0, "2026-11-26T01:00+01:00", [5, 0, 0, 0])];
    fleet.rollouts[0].state = state;
    fleet.last_device().is_removed = true;
    fleet.last_device().cannot_deploy = Some("no root".to_owned());

    let mut text = String::new();
    let mut look = |fleet: &Fleet| {
        let all = fleet.text();
        let line = all.lines().find(|line| line.contains("app 1.1.0"));
        text += line.unwrap().trim();
        text += "\n";
    };
    let steps: [fn(&mut Fleet); 15] = [
        |it| it.devices[0].is_removed = false,
        |it| it.open_jobs.retain(|job| job.job.0 != 5),
        |it| it.open_jobs.clear(),
        |it| it.pins.clear(),
        |it| it.holds.clear(),
        |it| {
            let (normal, approved) = (SystemType::Normal, Approval::Approved);
            it.decide(PatchId(1), normal, approved, Some("Browsers"));
        },
        |it| it.approvals[0].rule = None,
        |it| it.patches[0].readiness = Readiness::Ready,
        |it| it.devices[0].cannot_deploy = None,
        |it| it.devices[0].abilities.push(Ability::Choco),
        |it| {
            it.policies.ranked[0].settings.deploy.schedule = "0 1 * * *".parse().unwrap();
        },
        |it| it.rollouts[0].state = State::Running,
        |it| it.patches[0].dates.published = Some(instant("2026-01-01T00:00Z")),
        |it| it.rollouts[0].ring = 1,
        |it| it.policies.ranked[0].settings.install_windows.clear(),
    ];
    fleet.policies.ranked[0].settings.rings = serde_json::from_value(rings).unwrap();
    fleet.policies.ranked[0].settings.install_windows = serde_json::from_value(windows).unwrap();
    look(&fleet);
    for step in steps {
        step(&mut fleet);
        look(&fleet);
    }
    assert_snapshot!(text, @r#"
    - app 1.1.0: its agent was removed: enrol the machine again to patch it
    - app 1.1.0: deploy job 5 for this patch is not over
    - app 1.1.0: version 1.2.0 of the same package is deployed instead
    - app 1.1.0: the package is pinned at 1.0.0 on all machines: not yet
    - app 1.1.0: held on this machine: no change. Release, on the page Held Updates, has it offered again
    - app 1.1.0: not approved for Normal Systems: approve the patch first
    - app 1.1.0: rule 'Browsers' approved it, and policy 'desk' takes no approvals by rules: approve the patch, or have the policy take them
    - app 1.1.0: the package has no installer that could be run on the machine
    - app 1.1.0: the machine's agent cannot deploy: no root
    - app 1.1.0: Chocolatey is not installed on the machine, and only it can run this package
    - app 1.1.0: policy 'desk' deploys nothing by itself: give it a deploy schedule, or deploy the patch by hand
    - app 1.1.0: its rollout is halted: by ada. Resume has it go on
    - app 1.1.0: in its cool-down of 7 days until Wed 2 Dec 11:00 (Europe/Berlin), counted from when it was published
    - app 1.1.0: ring Broad waits for ring Pilot: done on 0 of 1 machines
    - app 1.1.0: the next window is Sun 29 Nov 03:00–06:00 (Europe/Berlin)
    + app 1.1.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; ring Broad
    "#);
}

#[test]
fn a_rule_goes_by_the_widest_step_of_all_devices_also_of_those_that_are_not_planned_for() {
    let settings = json!({"deploy": nightly(), "auto_approval": true});
    let with = |elsewhere: &[&str]| {
        let mut fleet = Fleet::new(
            "2026-11-26T18:00+01:00",
            "2026-11-27T12:00+01:00",
            &[("desk", settings.clone())],
        );
        let device = fleet.device("desk-1", "Europe/Berlin");
        fleet.rule(json!({"name": "Small steps", "widest_step": "minor"}));
        let patch = fleet.patch("tool", "1.3.0");
        fleet.lacks(device, patch);
        let installed = elsewhere.iter().map(|it| (patch, (*it).to_owned()));
        fleet.installed = installed.collect();
        fleet.text().contains("approved by rule 'Small steps'")
    };
    for (elsewhere, is_approved) in [
        (vec![], true),
        (vec!["1.2.0"], true),
        (vec!["1.2.0", "0.9.0"], false),
        (vec!["2.0.0"], true),
    ] {
        assert_eq!(with(&elsewhere), is_approved, "{elsewhere:?}");
    }
}
