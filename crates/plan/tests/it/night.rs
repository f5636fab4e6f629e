//! Whole nights as text: when things start, and on which devices.

use fleetmend_model::abilities::Ability;
use fleetmend_model::{DeployJobId, DeviceId, GroupId, PatchId};
use fleetmend_plan::night::{Held, Occasion};
use fleetmend_plan::pin::{Keeps, On};
use fleetmend_plan::{Hold, Readiness};
use insta::assert_snapshot;
use serde_json::json;

use crate::fleet::{Fleet, group, pin};
use crate::zoned::instant;

/// Each night at 01:00.
pub(crate) fn nightly() -> serde_json::Value {
    json!({"schedule": "0 1 * * *"})
}

#[test]
fn each_device_goes_by_its_own_clock_also_in_the_night_in_which_clocks_are_put_forward() {
    // In Berlin clocks go from 02:00 to 03:00; New York and Kathmandu keep theirs that night.
    let settings = json!({
        "deploy": {"schedule": "30 1 * * *"},
        "install_windows": [{"opens": "0 2 * * *", "minutes": 120}],
    });
    let mut fleet = Fleet::new(
        "2026-03-28T18:00+01:00",
        "2026-03-30T12:00+02:00",
        &[("desk", settings)],
    );
    fleet.device("desk-berlin", "Europe/Berlin");
    fleet.device("desk-kathmandu", "Asia/Kathmandu");
    fleet.device("desk-new-york", "America/New_York");
    fleet.device("desk-nowhere", "Mars/Olympus");
    fleet.device("desk-silent", "");
    fleet.approved("firefox", "128.0.1");
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Sat 28 Mar 18:00 (Europe/Berlin) to Mon 30 Mar 12:00 (Europe/Berlin): 5 of 5 run
    desk-berlin (device 1)
      + firefox 128.0.1: Sun 29 Mar 03:00–04:00 (Europe/Berlin), turn 1
    desk-kathmandu (device 2)
      + firefox 128.0.1: Sun 29 Mar 02:00–04:00 (Asia/Kathmandu), turn 1
    desk-new-york (device 3)
      + firefox 128.0.1: Sun 29 Mar 02:00–04:00 (America/New_York), turn 1
    desk-nowhere (device 4)
      + firefox 128.0.1: Sun 29 Mar 03:00–04:00 (Europe/Berlin), turn 1; the machine's time zone 'Mars/Olympus' is not a known one: the server's, Europe/Berlin, counts
    desk-silent (device 5)
      + firefox 128.0.1: Sun 29 Mar 03:00–04:00 (Europe/Berlin), turn 1; the machine's time zone is not known: the server's, Europe/Berlin, counts
    "#);

    // And in the autumn night in which they are put back.
    fleet.now = instant("2026-10-24T18:00+02:00");
    fleet.until = instant("2026-10-25T12:00+01:00");
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Sat 24 Oct 18:00 (Europe/Berlin) to Sun 25 Oct 12:00 (Europe/Berlin): 5 of 5 run
    desk-berlin (device 1)
      + firefox 128.0.1: Sun 25 Oct 02:00–04:00 (Europe/Berlin), turn 1
    desk-kathmandu (device 2)
      + firefox 128.0.1: Sun 25 Oct 02:00–04:00 (Asia/Kathmandu), turn 1
    desk-new-york (device 3)
      + firefox 128.0.1: Sun 25 Oct 02:00–04:00 (America/New_York), turn 1
    desk-nowhere (device 4)
      + firefox 128.0.1: Sun 25 Oct 02:00–04:00 (Europe/Berlin), turn 1; the machine's time zone 'Mars/Olympus' is not a known one: the server's, Europe/Berlin, counts
    desk-silent (device 5)
      + firefox 128.0.1: Sun 25 Oct 02:00–04:00 (Europe/Berlin), turn 1; the machine's time zone is not known: the server's, Europe/Berlin, counts
    "#);
}

#[test]
fn pins_exclusions_and_days_without_changes_keep_things_as_they_are() {
    let settings = json!({
        "deploy": nightly(),
        "blackouts": [{"from": "2026-12-24", "to": "2027-01-01", "name": "Year's end"}],
    });
    let shop = json!({
        "deploy": nightly(),
        "install_windows": [{"opens": "0 3 * * SUN", "minutes": 180}],
    });
    let mut fleet = Fleet::new(
        "2026-12-23T18:00+01:00",
        "2026-12-24T12:00+01:00",
        &[
            ("desk", settings),
            ("shop", shop),
            ("free", json!({"deploy": nightly()})),
        ],
    );
    fleet.device("desk-1", "Europe/Berlin");
    fleet.device("desk-far", "America/New_York");
    fleet.device("free", "Europe/Berlin");
    fleet.device("shop-1", "Europe/Berlin");
    fleet.last_device().facts.groups = vec![GroupId(4)];
    fleet.approved("7zip", "24.9.0");
    fleet.approved("java", "21.0.5");
    fleet.approved("kiosk", "3.0.0");
    fleet.approved("viewer", "5.1.0");
    fleet.approved("later", "5.1.0");
    fleet.pins = vec![
        pin(
            "JAVA",
            On::All,
            Keeps::At("21.0.4".to_owned()),
            "the tax program needs it",
            None,
        ),
        pin(
            "7zip",
            On::All,
            Keeps::At("24.9".to_owned()),
            "no newer one than this",
            None,
        ),
        pin(
            "kiosk",
            group(4, "Shops"),
            Keeps::Out,
            "",
            Some("2027-02-01T00:00+01:00"),
        ),
        pin("viewer", On::Device(DeviceId(1)), Keeps::Out, "", None),
        pin(
            "viewer",
            On::Device(DeviceId(3)),
            Keeps::Out,
            "has ended",
            Some("2026-12-01T00:00Z"),
        ),
        pin(
            "later",
            On::Device(DeviceId(3)),
            Keeps::Out,
            "",
            Some("2026-12-24T00:00Z"),
        ),
    ];
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Wed 23 Dec 18:00 (Europe/Berlin) to Thu 24 Dec 12:00 (Europe/Berlin): 4 of 20 run
    desk-1 (device 1)
      - 7zip 24.9.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (Europe/Berlin)
      - java 21.0.5: the package is pinned at 21.0.4 on all machines: the tax program needs it
      - kiosk 3.0.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (Europe/Berlin)
      - later 5.1.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (Europe/Berlin)
      - viewer 5.1.0: the package is excluded on this machine
    desk-far (device 2)
      - 7zip 24.9.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (America/New_York)
      - java 21.0.5: the package is pinned at 21.0.4 on all machines: the tax program needs it
      - kiosk 3.0.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (America/New_York)
      - later 5.1.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (America/New_York)
      - viewer 5.1.0: no changes from 2026-12-24 to 2027-01-01 (Year's end); goes on Sat 2 Jan 00:00 (America/New_York)
    free (device 3)
      + 7zip 24.9.0: Thu 24 Dec 01:00 (Europe/Berlin), turn 1
      + kiosk 3.0.0: Thu 24 Dec 01:00 (Europe/Berlin), turn 2; after 7zip
      + viewer 5.1.0: Thu 24 Dec 01:00 (Europe/Berlin), turn 3; after kiosk
      + later 5.1.0: Thu 24 Dec 01:00 (Europe/Berlin), turn 4; after viewer
      - java 21.0.5: the package is pinned at 21.0.4 on all machines: the tax program needs it
    shop-1 (device 4)
      - 7zip 24.9.0: the next window is Sun 27 Dec 03:00–06:00 (Europe/Berlin)
      - java 21.0.5: the package is pinned at 21.0.4 on all machines: the tax program needs it
      - kiosk 3.0.0: the package is excluded on group 'Shops' until Mon 1 Feb 00:00 (Europe/Berlin)
      - later 5.1.0: the next window is Sun 27 Dec 03:00–06:00 (Europe/Berlin)
      - viewer 5.1.0: the next window is Sun 27 Dec 03:00–06:00 (Europe/Berlin)
    "#);
}

#[test]
fn as_many_devices_as_may_go_at_once_and_the_rest_stand_in_line() {
    let settings = json!({
        "deploy": nightly(),
        "install_windows": [{"opens": "0 1 * * *", "minutes": 240}],
        "caps": {"devices_at_once": 3, "devices_per_site": 1},
    });
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings)],
    );
    for number in 1..=6 {
        fleet.device(&format!("desk-{number}"), "Europe/Berlin");
        let site = (number <= 3).then_some(DeviceId(90));
        fleet.last_device().facts.master = site;
    }
    let other = fleet.approved("other", "2.0.0");
    let security = fleet.approved("security", "2.0.0");
    fleet.last_patch().is_security = true;
    let exploited = fleet.approved("exploited", "2.0.0");
    fleet.last_patch().exploited = vec!["CVE-2026-1234".to_owned()];
    for device in 1..=6 {
        fleet.lacks(DeviceId(device), other);
    }
    for device in [3, 6] {
        fleet.lacks(DeviceId(device), security);
    }
    fleet.lacks(DeviceId(6), exploited);
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 9 of 9 run
    desk-1 (device 1)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 1 at once behind its master, number 1 in the line
    desk-2 (device 2)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 1 at once behind its master, number 2 in the line
    desk-3 (device 3)
      + security 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 2; after security
    desk-4 (device 4)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1
    desk-5 (device 5)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 3 at once, number 1 in the line
    desk-6 (device 6)
      + exploited 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; fixes what is exploited (CVE-2026-1234)
      + security 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 2; after exploited
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 3; after security
    "#);

    // Who installs already has a place; in a run that is due now that counts.
    fleet.occasion = Occasion::Due;
    fleet.now = instant("2026-11-27T01:00+01:00");
    let another = fleet.approved("another", "2.0.0");
    fleet.job(40, DeviceId(4), another, true);
    fleet.job(41, DeviceId(5), another, true);
    fleet.job(42, DeviceId(1), another, false);
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Fri 27 Nov 01:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 9 of 9 run
    desk-1 (device 1)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 3 at once, number 2 in the line
    desk-2 (device 2)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 3 at once, number 3 in the line
    desk-3 (device 3)
      + security 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; waits for a free place: 3 at once, number 1 in the line
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 2; after security
    desk-4 (device 4)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1
    desk-5 (device 5)
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1
    desk-6 (device 6)
      + exploited 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 1; fixes what is exploited (CVE-2026-1234)
      + security 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 2; after exploited
      + other 2.0.0: Fri 27 Nov 01:00–05:00 (Europe/Berlin), turn 3; after security
    "#);
}

#[test]
fn a_policy_without_a_schedule_deploys_nothing_by_itself_and_that_is_said_last() {
    let rare = json!({"deploy": {"schedule": "second Tuesday + 3 days at 02:00"}});
    let closed = json!({
        "deploy": {"schedule": "0 1 * * *"},
        "install_windows": [{"opens": "0 2 29 2 *", "minutes": 60}],
    });
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("rare", rare), ("closed", closed)],
    );
    fleet.device("anything", "Europe/Berlin");
    fleet.device("closed-1", "Europe/Berlin");
    fleet.device("rare-1", "America/New_York");
    fleet.approved("approved", "2.0.0");
    fleet.patch("not-approved", "2.0.0");
    fleet.approved("not-analysed", "2.0.0");
    fleet.last_patch().readiness = Readiness::NotAnalysed;
    fleet.all_lack_all();
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 0 of 9 run
    anything (device 1)
      - approved 2.0.0: policy 'Default' deploys nothing by itself: give it a deploy schedule, or deploy the patch by hand
      - not-analysed 2.0.0: its package was not fetched and analysed yet: that happens by itself, try later
      - not-approved 2.0.0: not approved for Normal Systems: approve the patch first
    closed-1 (device 2)
      - approved 2.0.0: no window comes in which it could begin: look at the install windows and blackouts of policy 'closed'
      - not-analysed 2.0.0: its package was not fetched and analysed yet: that happens by itself, try later
      - not-approved 2.0.0: not approved for Normal Systems: approve the patch first
    rare-1 (device 3)
      - approved 2.0.0: policy 'rare' deploys next on Fri 11 Dec 02:00 (America/New_York)
      - not-analysed 2.0.0: its package was not fetched and analysed yet: that happens by itself, try later
      - not-approved 2.0.0: not approved for Normal Systems: approve the patch first
    "#);
}

#[test]
fn what_the_device_is_and_has_is_said_before_its_times() {
    let settings = json!({"deploy": nightly()});
    let mut fleet = Fleet::new(
        "2026-11-26T18:00+01:00",
        "2026-11-27T12:00+01:00",
        &[("desk", settings)],
    );
    fleet.device("desk-1-removed", "Europe/Berlin");
    fleet.last_device().is_removed = true;
    fleet.device("desk-2-no-root", "Europe/Berlin");
    fleet.last_device().cannot_deploy = Some("the agent does not run as root".to_owned());
    fleet.device("desk-3-choco", "Europe/Berlin");
    fleet.last_device().abilities.push(Ability::Choco);
    fleet.device("desk-4-down", "Europe/Berlin");
    fleet.last_device().down_since = Some(instant("2026-11-20T09:30+01:00"));
    let held = fleet.approved("held", "2.0.0");
    fleet.approved("odd\nname", "2.0.0");
    fleet.last_patch().needs = vec![Ability::Choco];
    fleet.holds.push(Held {
        device: None,
        patch: held,
        hold: Hold::Everywhere {
            cause: "in vain on 3 machines".to_owned(),
        },
    });
    fleet.holds.push(Held {
        device: Some(DeviceId(4)),
        patch: held,
        hold: Hold::Unconfirmed {
            job: DeployJobId(7),
        },
    });
    fleet.approved("plain", "2.0.0");
    fleet.all_lack_all();
    fleet.job(8, DeviceId(3), PatchId(3), false);
    assert_snapshot!(fleet.text(), @r#"
    generation 7, Thu 26 Nov 18:00 (Europe/Berlin) to Fri 27 Nov 12:00 (Europe/Berlin): 2 of 12 run
    desk-1-removed (device 1)
      - held 2.0.0: its agent was removed: enrol the machine again to patch it
      - odd\nname 2.0.0: its agent was removed: enrol the machine again to patch it
      - plain 2.0.0: its agent was removed: enrol the machine again to patch it
    desk-2-no-root (device 2)
      - held 2.0.0: this version is held everywhere: in vain on 3 machines. Release, on the page Held Updates, has it offered again
      - odd\nname 2.0.0: the machine's agent cannot deploy: the agent does not run as root
      - plain 2.0.0: the machine's agent cannot deploy: the agent does not run as root
    desk-3-choco (device 3)
      + odd\nname 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1
      - held 2.0.0: this version is held everywhere: in vain on 3 machines. Release, on the page Held Updates, has it offered again
      - plain 2.0.0: deploy job 8 for this patch is not over
    desk-4-down (device 4)
      + plain 2.0.0: Fri 27 Nov 01:00 (Europe/Berlin), turn 1; down since Fri 20 Nov 09:30 (Europe/Berlin): starts when it is back, if the window is open then
      - held 2.0.0: deploy job 7 installed it: the machine's next inventory tells whether the version changed
      - odd\nname 2.0.0: Chocolatey is not installed on the machine, and only it can run this package
    "#);
}
