//! Which policy a device has, and which settings can be kept to.

use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::{DeviceId, PolicyId};
use fleetmend_plan::policy::{Policies, Policy, Settings};
use fleetmend_plan::select::{DeviceFacts, Scope};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::select::facts;

fn policy(id: i64, is_enabled: bool, scope: Json) -> Policy {
    Policy {
        id: PolicyId(id),
        name: format!("policy {id}"),
        is_enabled,
        scope: serde_json::from_value(scope).unwrap(),
        generation: 1,
        settings: Settings::default(),
    }
}

fn policies(ranked: Vec<Policy>) -> Policies {
    Policies {
        ranked,
        rest: policy(99, false, json!({})),
    }
}

fn by_name(pattern: &str) -> Json {
    json!({"include": [{"kind": "host_name", "pattern": pattern}]})
}

fn but(pattern: &str, not: &str) -> Json {
    json!({
        "include": [{"kind": "host_name", "pattern": pattern}],
        "exclude": [{"kind": "host_name", "pattern": not}],
    })
}

#[test]
fn the_first_policy_that_takes_a_device_is_its_own_and_says_why() {
    for (ranked, id, why) in [
        (
            vec![
                policy(1, true, by_name("db*")),
                policy(2, true, by_name("web*")),
            ],
            2,
            "host name web*",
        ),
        (
            vec![
                policy(1, true, by_name("*01")),
                policy(2, true, by_name("web*")),
            ],
            1,
            "host name *01",
        ),
        (
            vec![
                policy(2, true, by_name("web*")),
                policy(1, true, by_name("*01")),
            ],
            2,
            "host name web*",
        ),
        (
            vec![
                policy(1, false, by_name("*01")),
                policy(2, true, by_name("web*")),
            ],
            2,
            "host name web*",
        ),
        (
            vec![
                policy(1, true, but("*01", "web*")),
                policy(2, true, by_name("*")),
            ],
            2,
            "host name *",
        ),
        (
            vec![policy(1, true, json!({}))],
            99,
            "no other policy takes it",
        ),
        (vec![], 99, "no other policy takes it"),
    ] {
        let policies = policies(ranked);
        let (policy, by) = policies.of(&facts());
        assert_eq!((policy.id, by.to_string().as_str()), (PolicyId(id), why));
    }
}

fn read(json: Json) -> Result<Settings, String> {
    let settings: Settings = serde_json::from_value(json).map_err(|error| error.to_string())?;
    settings.check().map_err(|error| error.to_string())?;
    Ok(settings)
}

#[test]
fn nothing_is_installed_or_approved_where_nothing_is_set() {
    let settings = read(json!({})).unwrap();
    assert_eq!(settings, Settings::default());
    insta::assert_snapshot!(serde_json::to_string_pretty(&settings).unwrap(), @r#"
    {
      "scan": {
        "schedule": "off",
        "retries": 1,
        "retry_seconds": 3600,
        "limit_seconds": 3600,
        "purge_days": 3
      },
      "deploy": {
        "schedule": "off",
        "retries": 3,
        "retry_seconds": 180,
        "limit_seconds": 3600,
        "deadline_days": 3,
        "download_tries": 5
      },
      "keep": {
        "archive_days": 180
      },
      "critical": [],
      "auto_approval": false,
      "cool_down": {
        "days": 0,
        "exploited_at_once": true
      },
      "rings": [],
      "install_windows": [],
      "restart_windows": [],
      "blackouts": [],
      "caps": {
        "devices_at_once": null,
        "devices_per_site": null,
        "device_bytes_s": null,
        "server_bytes_s": null
      },
      "open_applications": "ignore",
      "restart": {
        "mode": "off",
        "snooze_minutes": [],
        "max_snoozes": 0,
        "deadline_hours": 0,
        "warning_minutes": 0,
        "only_without_users": false,
        "windows": []
      },
      "per_user": "leave"
    }
    "#);
    let all = serde_json::to_value(&settings).unwrap();
    assert_eq!(read(all).unwrap(), settings);
}

#[test]
fn settings_that_cannot_be_kept_to_are_refused_in_words() {
    let ring = json!({"name": "Pilot"});
    for (json, words) in [
        (
            json!({"scan": {"retries": 21}}),
            "scan.retries is 21: from 0 to 20 is possible",
        ),
        (json!({"scan": {"schedule": "every day"}}), "'every day'"),
        (json!({"scan": {"retrys": 1}}), "unknown field `retrys`"),
        (json!({"colour": "blue"}), "unknown field `colour`"),
        (
            json!({"deploy": {"deadline_days": 1, "limit_seconds": 86_400}}),
            "nothing could ever start. Set a longer deadline",
        ),
        (
            json!({"deploy": {"deadline_days": 91}}),
            "deploy.deadline_days is 91",
        ),
        (
            json!({"install_windows": [{"opens": "off", "minutes": 60}]}),
            "it would never open",
        ),
        (
            json!({"install_windows": [{"opens": "0 2 * * *", "minutes": 1}]}),
            "minutes",
        ),
        (
            json!({"blackouts": [{"from": "2026-12-24", "to": "2026-12-23"}]}),
            "before they begin",
        ),
        (
            json!({"caps": {"devices_at_once": 0}}),
            "caps.devices_at_once is 0",
        ),
        (
            json!({"rings": [ring, {"name": "pilot "}]}),
            "two rings are called 'pilot'",
        ),
        (json!({"rings": [{"name": " "}]}), "each ring has a name"),
        (
            json!({"rings": [{"name": "x", "min_share_percent": 101}]}),
            "rings.min_share_percent is 101",
        ),
        (
            json!({"restart": {"windows": [{"from": 1, "until": 2}]}}),
            "restart.windows",
        ),
        (
            json!({"critical": [{"kind": "host_name", "pattern": "/(/"}]}),
            "no regular expression",
        ),
    ] {
        let error = read(json.clone()).unwrap_err();
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn what_is_set_is_read_as_it_was_written() {
    let settings = read(json!({
        "scan": {"schedule": "0 12 * * *"},
        "deploy": {"schedule": "second Tuesday + 3 days at 02:00", "retries": 1},
        "critical": [{"kind": "host_name", "pattern": "db-*"}],
        "rings": [
            {"name": "Pilot", "scope": by_name("pilot-*"), "soak_hours": 24},
            {"name": "Broad", "min_share_percent": 90, "min_done": 5, "max_failures": 3},
        ],
        "install_windows": [{"opens": "0 2 * * SAT", "minutes": 180}],
        "blackouts": [{"from": "2026-12-24", "to": "2027-01-01", "name": "Year's end"}],
        "caps": {"devices_at_once": 20},
        "open_applications": {"ask": {"times": 3, "minutes": 60, "deadline_hours": 24, "warning_minutes": 10}},
        "restart": {"mode": "remind", "snooze_minutes": [15, 60], "max_snoozes": 3},
    }))
    .unwrap();
    let again = serde_json::to_value(&settings).unwrap();
    assert_eq!(read(again).unwrap(), settings);
}

#[test]
fn a_device_is_critical_where_one_condition_says_so() {
    for (critical, system_type) in [
        (json!([]), SystemType::Normal),
        (
            json!([{"kind": "host_name", "pattern": "db*"}]),
            SystemType::Normal,
        ),
        (
            json!([{"kind": "host_name", "pattern": "db*"}, {"kind": "os_family", "os_family": "linux"}]),
            SystemType::Critical,
        ),
    ] {
        let settings = read(json!({ "critical": critical })).unwrap();
        assert_eq!(settings.system_type_of(&facts()), system_type);
    }
}

fn any_policy() -> impl Strategy<Value = (bool, bool, u8)> {
    (any::<bool>(), any::<bool>(), 0_u8..4)
}

proptest! {
    #[test]
    fn every_device_has_exactly_one_policy_and_the_same_whatever_others_there_are(
        drawn in prop::collection::vec(any_policy(), 0..6),
        names in prop::collection::vec("[ab]{1,3}", 1..6),
    ) {
        let ranked: Vec<_> = drawn.iter().enumerate().map(|(place, (is_enabled, excludes, kind))| {
            let pattern = ["*", "a*", "*b", "ab"][usize::from(*kind)];
            let scope = if *excludes { but(pattern, "*bb*") } else { by_name(pattern) };
            policy(i64::try_from(place).unwrap(), *is_enabled, scope)
        }).collect();
        let policies = policies(ranked);
        let devices: Vec<_> = names.iter().enumerate().map(|(place, name)| DeviceFacts {
            id: DeviceId(i64::try_from(place).unwrap()),
            hostname: name.clone(),
            os_family: OsFamily::Windows,
            ..facts()
        }).collect();
        for device in &devices {
            let (policy, _) = policies.of(device);
            let taking = policies.ranked.iter().filter(|it| it.is_enabled && it.scope.takes(device));
            let first = taking.map(|it| it.id).next().unwrap_or(policies.rest.id);
            prop_assert_eq!(policy.id, first);
        }
        let all = Scope::all();
        prop_assert!(devices.iter().all(|it| all.takes(it)));
    }
}
