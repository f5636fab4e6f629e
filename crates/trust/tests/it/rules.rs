//! Rules in orders: what older sides make of them, and what is made of older orders.

use std::num::NonZeroU64;

use fleetmend_model::restart::{RestartMode, RestartRule};
use fleetmend_model::run_rules::{AskRule, OpenRule, PerUser, RunRules};
use fleetmend_model::time::Span;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{Order, OrderPolicy, sign_release, verify};
use insta::assert_json_snapshot;
use serde::{Deserialize, Serialize};
use serde_json::{json, to_value};

use crate::{DEVICE, NOW, keys, order_for, release, signed, signed_with};

/// An order as protocol 2 had it.
#[derive(Serialize, Deserialize)]
struct Order2 {
    job: DeployJobId,
    device_certificate: String,
    release_digest: String,
    counter: i64,
    issued: Millis,
    expires: Millis,
    policy: OrderPolicy,
}

fn rules() -> RunRules {
    RunRules {
        not_before: Some(Millis(1_000)),
        not_after: Some(Millis(2_000)),
        priority: 0,
        rank: 3,
        open_applications: OpenRule::Ask(AskRule {
            times: 2,
            minutes: 60,
            deadline_hours: 24,
            warning_minutes: 10,
        }),
        programs: vec!["example.exe".to_owned()],
        restart: RestartRule {
            mode: RestartMode::Force,
            snooze_minutes: vec![15, 60],
            max_snoozes: 3,
            deadline_hours: 48,
            warning_minutes: 10,
            only_without_users: true,
            windows: vec![Span {
                from: Millis(1_000),
                until: Millis(2_000),
            }],
        },
        bytes_s: NonZeroU64::new(1_000_000),
        per_user: PerUser::Convert,
        via_master: true,
    }
}

#[test]
fn rules_are_signed_with_the_order_and_reach_the_agent_as_they_were() {
    let keys = keys();
    let order = signed_with(&keys, &release(), |order| order.rules = rules());
    let verified = verify(&order, &keys.root, DEVICE, 0, NOW).unwrap();
    assert_eq!(verified.order().rules, rules());
}

#[test]
fn an_order_of_protocol_2_is_taken_and_has_no_rules() {
    let keys = keys();
    let verified = verify(&signed(&keys), &keys.root, DEVICE, 0, NOW).unwrap();
    assert!(verified.order().rules.is_default());
    let mut release = to_value(order_for(
        &sign_release(&self::release(), &keys.release).unwrap(),
    ));
    let order = release.as_mut().unwrap();
    assert_eq!(
        order.get("rules"),
        None,
        "an order without rules names none"
    );
    let read: Order = serde_json::from_value(order.clone()).unwrap();
    assert_eq!(read.rules, RunRules::default());
    assert_eq!(read.rules.priority, RunRules::ORDINARY);
}

#[test]
fn an_agent_of_protocol_2_reads_an_order_with_rules() {
    let keys = keys();
    let mut order = order_for(&sign_release(&release(), &keys.release).unwrap());
    order.rules = rules();
    let read: Order2 = serde_json::from_value(to_value(&order).unwrap()).unwrap();
    assert_eq!((read.job, read.expires), (order.job, order.expires));
}

#[test]
fn rules_with_absent_and_unknown_fields_are_read_and_unknown_words_are_not() {
    let some = json!({"rank": 4, "added_later": {}, "restart": {"mode": "remind"}});
    let read: RunRules = serde_json::from_value(some).unwrap();
    assert_eq!((read.rank, read.priority), (4, 2));
    assert_eq!(read.restart.mode, RestartMode::Remind);
    assert_eq!(read.open_applications, OpenRule::Ignore);
    for unknown in [
        json!({"restart": {"mode": "at_once"}}),
        json!({"open_applications": "kill"}),
        json!({"per_user": "remove"}),
        json!({"bytes_s": 0}),
    ] {
        assert!(
            serde_json::from_value::<RunRules>(unknown.clone()).is_err(),
            "{unknown}"
        );
    }
}

#[test]
fn rules_as_json() {
    assert_json_snapshot!((rules(), RunRules::default()), @r#"
    [
      {
        "not_before": 1000,
        "not_after": 2000,
        "priority": 0,
        "rank": 3,
        "open_applications": {
          "ask": {
            "times": 2,
            "minutes": 60,
            "deadline_hours": 24,
            "warning_minutes": 10
          }
        },
        "programs": [
          "example.exe"
        ],
        "restart": {
          "mode": "force",
          "snooze_minutes": [
            15,
            60
          ],
          "max_snoozes": 3,
          "deadline_hours": 48,
          "warning_minutes": 10,
          "only_without_users": true,
          "windows": [
            {
              "from": 1000,
              "until": 2000
            }
          ]
        },
        "bytes_s": 1000000,
        "per_user": "convert",
        "via_master": true
      },
      {
        "not_before": null,
        "not_after": null,
        "priority": 2,
        "rank": 0,
        "open_applications": "ignore",
        "programs": [],
        "restart": {
          "mode": "off",
          "snooze_minutes": [],
          "max_snoozes": 0,
          "deadline_hours": 0,
          "warning_minutes": 0,
          "only_without_users": false,
          "windows": []
        },
        "bytes_s": null,
        "per_user": "leave",
        "via_master": false
      }
    ]
    "#);
}
