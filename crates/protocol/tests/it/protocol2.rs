//! Sides that speak protocol 2, with the fields that it had.

use fleetmend_model::device::Network;
use fleetmend_model::inventory::Boot;
use fleetmend_model::{DeployJobId, Millis, ScanJobId};
use fleetmend_protocol::checkin::{CheckIn, CheckInReply, Resumed};
use fleetmend_protocol::reports::{Reports, What};
use fleetmend_trust::SignedOrder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, from_value, json, to_value};

use crate::{check_in, check_in_reply, reports};

#[derive(Serialize, Deserialize)]
struct CheckIn2 {
    protocol: u32,
    agent_version: String,
    boot: Boot,
    inventory_digest: Option<String>,
    holds: Vec<DeployJobId>,
    scans: Vec<ScanJobId>,
    epoch: String,
}

#[derive(Serialize, Deserialize)]
struct CheckInReply2 {
    now: Millis,
    checkin_seconds: u64,
    want_inventory: bool,
    scans: Vec<ScanJobId>,
    orders: Vec<SignedOrder>,
    cancelled: Vec<DeployJobId>,
    resumed: Vec<Resumed>,
}

/// A message of protocol 3 as the older side reads it, and as it comes back from there.
fn through<Old: Serialize + for<'de> Deserialize<'de>>(message: &impl Serialize) -> Value {
    let old: Old = from_value(to_value(message).expect("JSON")).expect("read");
    to_value(old).expect("JSON")
}

#[test]
fn a_server_of_protocol_2_reads_a_check_in_of_protocol_3_and_a_newer_one_reads_what_it_kept() {
    let kept: CheckIn = from_value(through::<CheckIn2>(&check_in())).expect("read");
    let expected = CheckIn {
        scanned_at: None,
        scan_failure: None,
        held: Vec::new(),
        time_zone: String::new(),
        network: Network::default(),
        abilities: Vec::new(),
        site: 0,
        master: None,
        ..check_in()
    };
    assert_eq!(kept, expected);
}

#[test]
fn an_agent_of_protocol_2_reads_a_reply_of_protocol_3_and_a_newer_one_reads_what_it_kept() {
    let kept: CheckInReply = from_value(through::<CheckInReply2>(&check_in_reply())).expect("read");
    let expected = CheckInReply {
        protocol: 0,
        site: None,
        serve: None,
        prefetch: Vec::new(),
        rules: None,
        ..check_in_reply()
    };
    assert_eq!(kept, expected);
}

#[test]
fn a_site_is_read_without_what_may_be_absent_in_it() {
    let reply = json!({"now": 1, "checkin_seconds": 180, "site": {"generation": 2},
        "serve": {"generation": 3, "cap": 0}});
    let reply: CheckInReply = from_value(reply).expect("read");
    assert!(reply.site.is_some_and(|site| site.master.is_none()));
    assert!(reply.serve.is_some_and(|serve| serve.members.is_empty()));
}

/// A server reads each report on its own: one of a kind that it does not know holds none back.
#[test]
fn a_kind_of_report_that_protocol_2_did_not_have_is_known_by_its_name() {
    let Reports { reports, .. } = reports();
    let is_new = |what: &What| {
        !matches!(
            what,
            What::ScanStarted { .. }
                | What::ScanCompleted { .. }
                | What::ScanFailed { .. }
                | What::Deploy { .. }
                | What::Progress { .. }
        )
    };
    let names: Vec<String> = reports
        .iter()
        .filter(|report| is_new(&report.what))
        .filter_map(|report| {
            let what = to_value(&report.what).expect("JSON");
            what.as_object()?.keys().next().cloned()
        })
        .collect();
    assert_eq!(
        names,
        [
            "after_restart",
            "after_restart",
            "restart",
            "site_file",
            "fetched"
        ]
    );
}
