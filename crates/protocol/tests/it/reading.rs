//! Unknown fields are accepted, absent ones have defaults, wrong types are refused by name.

use fleetmend_model::inventory::Inventory;
use fleetmend_protocol::checkin::{CheckIn, CheckInReply};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_protocol::reports::{Reports, ReportsReply};
use fleetmend_protocol::{CURRENT, ErrorBody, HISTORY, OLDEST};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    check_in, check_in_reply, enrol_reply, enrol_request, inventory, reports, small_replies,
};

fn to_value(message: &impl Serialize) -> Value {
    serde_json::to_value(message).expect("JSON")
}

/// Reads as the server does: with the path of what was wrong.
fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

/// What a newer side may add: a field in every object.
fn with_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_unknown_fields);
            if is_kind(fields) {
                return;
            }
            fields.insert("added_later".to_owned(), json!({"x": [1, null]}));
        }
        Value::Array(values) => values.iter_mut().for_each(with_unknown_fields),
        _ => {}
    }
}

/// Whether an object's one key is the kind of what is in it.
fn is_kind(fields: &serde_json::Map<String, Value>) -> bool {
    let kinds = [
        "scan_started",
        "scan_completed",
        "scan_failed",
        "deploy",
        "progress",
        "after_restart",
        "restart",
        "site_file",
        "fetched",
        "installed",
        "older",
        "status",
        "end",
    ];
    let mut keyed = fields.iter();
    matches!((keyed.next(), keyed.next()),
        (Some((key, Value::Object(_))), None) if kinds.contains(&key.as_str()))
}

fn check_old_reader<T>(message: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let mut value = to_value(message);
    assert_eq!(read::<T>(&value).as_ref(), Ok(message));
    with_unknown_fields(&mut value);
    assert_eq!(read::<T>(&value).as_ref(), Ok(message), "{value}");
}

#[test]
fn an_old_reader_reads_what_a_newer_side_writes() {
    check_old_reader(&enrol_request());
    check_old_reader(&enrol_reply());
    check_old_reader(&check_in());
    check_old_reader(&check_in_reply());
    check_old_reader(&inventory());
    check_old_reader(&reports());
    let (wait, inventory, reports, error) = small_replies();
    check_old_reader(&wait);
    check_old_reader(&inventory);
    check_old_reader(&reports);
    check_old_reader(&error);
}

/// The least that protocol 1 writes: what is absent here may never become required.
#[test]
fn a_new_reader_reads_the_least_that_the_first_protocol_wrote() {
    let check_in: CheckIn =
        read(&json!({"protocol": 1, "agent_version": "0", "boot": {"id": "b"}})).expect("read");
    assert!(check_in.holds.is_empty() && check_in.inventory_digest.is_none());
    assert_eq!(check_in.epoch, "");
    assert!(check_in.held.is_empty() && check_in.abilities.is_empty());
    assert_eq!((check_in.time_zone.as_str(), check_in.site), ("", 0));
    assert!(check_in.network.addresses.is_empty() && check_in.master.is_none());

    let reply: CheckInReply = read(&json!({"now": 1, "checkin_seconds": 180})).expect("read");
    assert!(reply.orders.is_empty() && !reply.want_inventory && reply.cancelled.is_empty());
    assert!(reply.resumed.is_empty() && reply.prefetch.is_empty());
    assert_eq!(reply.protocol, 0);
    assert!(reply.site.is_none() && reply.serve.is_none() && reply.rules.is_none());

    let host = json!({
        "hostname": "h", "os_family": "linux", "os_name": "o", "os_version": "v",
        "architecture": "x86_64",
    });
    let software = json!([{"place": "dpkg", "key": "curl:amd64", "name": "curl"}]);
    let updates = json!({"provider": "apt", "updates": [
        {"package": "curl", "architecture": "amd64", "installed": "7", "candidate": "8"},
    ]});
    let inventory: Inventory =
        read(&json!({"host": host, "software": software, "updates": updates})).expect("read");
    assert_eq!(inventory.software[0].version, "");
    assert!(
        inventory
            .updates
            .is_some_and(|it| it.unreachable.is_empty())
    );

    let change = json!({"status": {"status": 4}});
    let what = json!({"deploy": {"job": 7, "attempt": 0, "change": change}});
    let reports: Reports =
        read(&json!({"reports": [{"sequence": 1, "at": 1, "what": what}]})).expect("read");
    assert_eq!((reports.reports.len(), reports.epoch.as_str()), (1, ""));
    read::<ReportsReply>(&json!({"acknowledged": 0})).expect("read");
}

/// Puts a value at a path like `host.hostname` or `software.0.name`.
fn put(value: &mut Value, path: &str, new: Value) {
    let pointer = format!("/{}", path.replace('.', "/"));
    *value
        .pointer_mut(&pointer)
        .unwrap_or_else(|| panic!("no {path}")) = new;
}

fn check_refused<T: DeserializeOwned>(message: &impl Serialize, path: &str, new: Value) {
    let mut value = to_value(message);
    put(&mut value, path, new);
    let refusal = read::<T>(&value)
        .err()
        .unwrap_or_else(|| panic!("{path} was accepted"));
    let name = path
        .rsplit('.')
        .find(|part| part.parse::<usize>().is_err())
        .unwrap_or(path);
    assert!(
        refusal.contains(name),
        "'{refusal}' does not name {name} ({path})"
    );
}

#[test]
fn a_wrong_type_is_refused_with_the_fields_name() {
    check_refused::<EnrolRequest>(&enrol_request(), "protocol", json!("1"));
    check_refused::<EnrolRequest>(&enrol_request(), "protocol", json!(-1));
    check_refused::<EnrolRequest>(&enrol_request(), "secret", json!(null));
    check_refused::<EnrolRequest>(&enrol_request(), "host.os_family", json!("beos"));
    check_refused::<EnrolReply>(&enrol_reply(), "trust.level", json!(300));
    check_refused::<CheckIn>(&check_in(), "boot.id", json!(5));
    check_refused::<CheckIn>(&check_in(), "holds.0", json!("seven"));
    check_refused::<CheckIn>(&check_in(), "inventory_digest", json!([]));
    check_refused::<CheckInReply>(&check_in_reply(), "orders.0.order.payload", json!(1));
    check_refused::<Inventory>(&inventory(), "host.hostname", json!({}));
    check_refused::<Inventory>(&inventory(), "software", json!({}));
    check_refused::<Inventory>(&inventory(), "software.0.name", json!(7));
    check_refused::<Inventory>(&inventory(), "software.0.place", json!("moon"));
    check_refused::<Inventory>(&inventory(), "software.0.product_code", json!(true));
    check_refused::<Inventory>(&inventory(), "updates.updates.0.security", json!("yes"));
    check_refused::<Inventory>(&inventory(), "restart_pending", json!(1));
    check_refused::<CheckIn>(&check_in(), "epoch", json!(7));
    check_refused::<CheckIn>(&check_in(), "held.0.counter", json!("5"));
    check_refused::<CheckIn>(&check_in(), "time_zone", json!(1));
    check_refused::<CheckIn>(&check_in(), "network.gateways", json!("10.1.0.1"));
    check_refused::<CheckIn>(&check_in(), "master.port", json!(65536));
    check_refused::<CheckInReply>(&check_in_reply(), "protocol", json!("3"));
    check_refused::<CheckInReply>(&check_in_reply(), "site.master.addresses", json!("x"));
    check_refused::<CheckInReply>(&check_in_reply(), "serve.throttle", json!({"from": 1}));
    check_refused::<CheckInReply>(&check_in_reply(), "resumed.0.status", json!(14));
    check_refused::<Reports>(&reports(), "epoch", json!(7));
    check_refused::<Reports>(&reports(), "reports.0.sequence", json!("1"));
    check_refused::<Reports>(&reports(), "reports.0.at", json!(1.5));
    check_refused::<ErrorBody>(&small_replies().3, "error.code", json!(1));
}

/// Inside the kinds of a report, too.
#[test]
fn a_wrong_type_inside_a_report_is_refused_with_the_fields_name() {
    check_refused::<Reports>(&reports(), "reports.0.what.scan_started.job", json!("x"));
    check_refused::<Reports>(&reports(), "reports.1.what.scan_completed.digest", json!(1));
    check_refused::<Reports>(&reports(), "reports.3.what.deploy.attempt", json!(-1));
    check_refused::<Reports>(
        &reports(),
        "reports.3.what.deploy.change.status.status",
        json!(99),
    );
    check_refused::<Reports>(&reports(), "reports.4.what.deploy.output", json!({}));
    check_refused::<Reports>(
        &reports(),
        "reports.5.what.deploy.change.end.ending",
        json!("lost"),
    );
    check_refused::<Reports>(
        &reports(),
        "reports.7.what.after_restart.found",
        json!("gone"),
    );
    check_refused::<Reports>(&reports(), "reports.9.what.restart.state", json!("soon"));
    check_refused::<Reports>(&reports(), "reports.10.what.site_file.state", json!(1));
    check_refused::<Reports>(&reports(), "reports.11.what.fetched.bytes", json!(-1));
}

#[test]
fn a_field_that_is_required_is_named_when_it_is_absent() {
    let mut value = to_value(&check_in());
    value
        .as_object_mut()
        .expect("an object")
        .remove("agent_version");
    let refusal = read::<CheckIn>(&value).expect_err("accepted");
    assert!(refusal.contains("agent_version"), "{refusal}");
}

#[test]
fn the_history_ends_with_the_current_protocol_and_is_in_order() {
    let numbers: Vec<u32> = HISTORY.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.last(), Some(&CURRENT));
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(numbers.contains(&OLDEST));
}
