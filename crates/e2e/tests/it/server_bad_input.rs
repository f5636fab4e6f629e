//! What the agent API answers to callers that are broken, careless or hostile: a clear error,
//! nothing lost, nothing changed.

use fleetmend_e2e::msi::Msi;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::wait_until;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_trust::{EnrolToken, digest_hex};
use serde_json::{Value, json};

use crate::agent_client::{Device, check_in, enrol_request, host, secret_of, try_enrol};
use crate::console_client::PATIENCE;
use crate::server_process::Server;

const CHECKIN: &str = "/agent/v1/checkin";
const INVENTORY: &str = "/agent/v1/inventory";
const REPORTS: &str = "/agent/v1/reports";

#[test]
fn a_token_enrols_once_and_neither_late_nor_forged() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let used = server.token().unwrap();
    Device::enrol(server.url(), &used).unwrap();
    let expired = server.admin(&["enrol-token", "--hours", "0"]).unwrap();
    let expired = expired.success().unwrap();
    // Right in all but the secret.
    let forged = EnrolToken {
        secret: [7; 16],
        ..EnrolToken::from_text(&used).unwrap()
    };
    for (secret, code, words) in [
        (secret_of(&used).unwrap(), "token_used", "was used before"),
        (secret_of(&expired).unwrap(), "token_expired", "expired"),
        (
            forged.secret_hex(),
            "token_unknown",
            "not one of this server's",
        ),
        (String::new(), "token_unknown", "not one of this server's"),
    ] {
        let (body, _) = enrol_request(&secret).unwrap();
        let answer = try_enrol(server.url(), &body).unwrap();
        assert_eq!((answer.status, answer.code()), (403, code), "{answer:?}");
        assert!(answer.message().contains(words), "{answer:?}");
    }
    // A request that is refused for another reason does not use the token up.
    let good = server.token().unwrap();
    let (mut body, _) = enrol_request(&secret_of(&good).unwrap()).unwrap();
    body["signing_request"] = json!("none");
    let answer = try_enrol(server.url(), &body).unwrap();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.message().contains("signing_request"), "{answer:?}");
    Device::enrol(server.url(), &good).unwrap();
    assert_eq!(console.devices().unwrap().len(), 2);
}

#[test]
fn unknown_fields_are_accepted_and_wrong_types_refused_by_name() {
    let server = Server::start().unwrap();
    let device = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let with = |mut body: Value, field: &str, value: Value| {
        let mut at = &mut body;
        for name in field.split('/') {
            at = match name.parse::<usize>() {
                Ok(index) => &mut at[index],
                Err(_) => &mut at[name],
            };
        }
        *at = value;
        body
    };
    let reports = json!({"reports": [
        {"sequence": 1, "at": 1, "what": {"progress": {"job": 1, "cause": "x"}}}
    ]});
    for (path, body) in [
        (CHECKIN, with(check_in(), "news", json!({"a": [1]}))),
        (CHECKIN, with(check_in(), "boot/news", json!(null))),
        (INVENTORY, with(inventory(&[]), "news", json!(1))),
        (REPORTS, with(reports.clone(), "reports/0/news", json!("x"))),
    ] {
        let answer = device.post(path, &body).unwrap();
        assert_eq!(answer.status, 200, "{path} {body}: {answer:?}");
    }
    for (path, body, field) in [
        (
            CHECKIN,
            with(check_in(), "protocol", json!("one")),
            "protocol",
        ),
        (CHECKIN, with(check_in(), "boot/id", json!(7)), "boot.id"),
        (CHECKIN, with(check_in(), "holds", json!({"a": 1})), "holds"),
        (
            INVENTORY,
            with(inventory(&["a"]), "software/0/version", json!([])),
            "software[0].version",
        ),
        (INVENTORY, with(inventory(&[]), "host", json!(null)), "host"),
        (
            REPORTS,
            with(reports.clone(), "reports/0/sequence", json!("1")),
            "reports[0].sequence",
        ),
    ] {
        let answer = device.post(path, &body).unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (400, "bad_request"),
            "{body}"
        );
        let named = format!("field '{field}'");
        assert!(answer.message().contains(&named), "{body}: {answer:?}");
    }
    for text in ["", "{", "[1,2", "\u{0}", "{\"protocol\": 1} {}"] {
        let answer = device.post_text(CHECKIN, text).unwrap();
        assert_eq!(answer.status, 400, "{text:?}: {answer:?}");
    }
    // One report that cannot be understood keeps none behind it back.
    let mut batch = reports;
    let good = json!({"progress": {"job": 1, "cause": "x"}});
    let bad = json!({"progress": {"job": "1", "cause": "x"}});
    batch["reports"] = json!([report(2, &bad), report(3, &good)]);
    let answer = device.post(REPORTS, &batch).unwrap();
    assert_eq!(answer.body["acknowledged"], 3, "{answer:?}");
    assert_eq!(device.check_in().unwrap().status, 200);
}

#[test]
fn a_hostile_inventory_is_cleaned_or_refused_and_shown_as_text() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let device = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let page = format!("/devices/{}", device.id);

    // A body past the cap changes nothing.
    let huge = "x".repeat(10 * 1024 * 1024);
    let answer = device.post(INVENTORY, &inventory(&[&huge])).unwrap();
    assert_eq!((answer.status, answer.code()), (413, "too_large"));
    assert!(console.devices().unwrap()[0]["inventory_at"].is_null());

    let html = "<script>alert('x')</script><img src=x onerror=alert(1)>";
    let long = "long".repeat(1_000_000);
    let mut hostile = inventory(&[
        "zlib1g",
        "a\u{0}b\u{1b}[31m\r\nc",
        "left\u{202e}right",
        html,
        &long,
    ]);
    hostile["host"] = host("host\u{0}\u{7}<b>name</b>");
    hostile["restart_pending"] = json!(html);
    hostile["updates"] = json!({
        "provider": "apt",
        "updates": [{
            "package": html, "architecture": "all", "installed": "1", "candidate": "2",
        }],
        "unreachable": [{"source": html, "cause": "line\nbreak\u{9b}"}],
    });
    let answer = device.post(INVENTORY, &hostile).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");

    let row = &console.devices().unwrap()[0];
    assert_eq!(row["hostname"], "host  <b>name</b>");
    let note = row["inventory_note"].as_str().unwrap();
    assert!(note.contains("cut"), "{note}");
    assert!(!row.to_string().contains("\\u00"), "{row}");
    let missing = console.missing().unwrap();
    assert_eq!(missing[0]["patch"]["name"], html);
    for path in [page.as_str(), "/devices", "/missing"] {
        let page = console.page(path).unwrap();
        assert!(!page.contains("<script>alert"), "{path}");
        assert!(!page.contains("<img src=x"), "{path}");
        assert!(!page.contains("<b>name"), "{path}");
        assert!(page.len() < 1024 * 1024, "{path} has {} bytes", page.len());
        assert!(
            !page.contains(['\u{0}', '\u{1b}', '\u{202e}', '\u{9b}']),
            "{path}"
        );
    }
    assert!(
        console.page(&page).unwrap().contains("&lt;b&gt;name")
            || console.page(&page).unwrap().contains("&#60;b&#62;name")
    );
}

#[test]
fn one_device_reaches_nothing_of_another_and_nothing_of_the_console() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let owner = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let stranger = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let mut lacking = inventory(&["tool"]);
    lacking["updates"] = json!({"provider": "apt", "updates": [{
        "package": "tool", "architecture": "all", "installed": "1", "candidate": "2",
    }]});
    assert_eq!(owner.post(INVENTORY, &lacking).unwrap().status, 200);
    let job = console.approve_and_deploy("tool").unwrap();
    console.wait_status(job, 3).unwrap();
    let before = console.job(job).unwrap();

    // Orders go to their device alone.
    let theirs = owner.check_in().unwrap();
    assert_eq!(theirs.body["orders"][0]["job"], job, "{theirs:?}");
    let nothing = stranger.check_in().unwrap();
    assert_eq!(nothing.body["orders"], json!([]), "{nothing:?}");
    let scan = &theirs.body["scans"][0];

    // Reports on what is another's are taken, so that they do not come again, and change nothing.
    let change = json!({"status": {"status": 9}});
    let told = json!({"reports": [
        report(1, &json!({"deploy": {"job": job, "attempt": 1, "change": change}})),
        report(2, &json!({"progress": {"job": job, "cause": "all is well"}})),
        report(3, &json!({"scan_failed": {"job": scan, "cause": "no"}})),
        report(4, &json!({"progress": {"job": 999_999, "cause": "no such job"}})),
    ]});
    let answer = stranger.post(REPORTS, &told).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["acknowledged"], 4);
    assert_eq!(console.job(job).unwrap(), before);
    let cancelled =
        json!({"protocol": 1, "agent_version": "0", "boot": {"id": "b"}, "holds": [job]});
    let answer = stranger.post(CHECKIN, &cancelled).unwrap();
    assert_eq!(answer.body["cancelled"], json!([job]), "not one of its own");
    assert_eq!(console.job(job).unwrap(), before);

    // Files: the same answer whether there is none or it is another's.
    for name in [
        "0".repeat(64),
        "../../keys/order.key".to_owned(),
        "..%2f..%2fkeys%2forder.key".to_owned(),
    ] {
        let answer = stranger.get(&format!("/agent/v1/files/{name}")).unwrap();
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
    }
    // A device's certificate opens nothing of the console.
    for path in ["/api/v1/devices", "/api/v1/session", "/api/v1/audit"] {
        let answer = stranger.get(path).unwrap();
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}

#[test]
fn a_release_file_is_for_devices_with_an_order_for_it_alone() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let owner = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let stranger = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let source = WorkDir::new("source").unwrap();
    let msi_file = source.path().join("app.msi");
    let (old, new) = (Msi::new("Notes", "1.0.0"), Msi::new("Notes", "2.0.0"));
    new.build(&msi_file).unwrap();
    let msi = std::fs::read(&msi_file).unwrap();
    Nupkg::new("notes", "2.0.0")
        .embedding_msi("app.msi", msi.clone(), "Notes")
        .build_into(source.path())
        .unwrap();
    let windows = json!({
        "host": {
            "hostname": "made-by-a-test", "os_family": "windows", "os_name": "Windows 11",
            "os_version": "10.0.22631", "architecture": "x86_64",
        },
        "software": [{
            "place": "machine64", "key": old.product_code, "name": "Notes", "version": "1.0.0",
            "product_code": old.product_code,
        }],
        "chocolatey": [{"id": "notes", "version": "1.0.0"}],
    });
    assert_eq!(owner.post(INVENTORY, &windows).unwrap().status, 200);
    let location = source.path().to_str().unwrap();
    console
        .post("/api/v1/sources", &json!({"location": location}))
        .unwrap();
    let job = console.approve_and_deploy("notes").unwrap();
    console.wait_status(job, 3).unwrap();

    let path = format!("/agent/v1/files/{}", digest_hex(&msi));
    assert_eq!(owner.get_bytes(&path).unwrap(), (200, msi));
    let (refused, body) = stranger.get_bytes(&path).unwrap();
    let (none, other) = stranger
        .get_bytes(&format!("/agent/v1/files/{}", "0".repeat(64)))
        .unwrap();
    assert_eq!((refused, none), (404, 404));
    assert_eq!(body, other, "nothing tells them apart");
    // What was mirrored and fetches nothing is in the feed as well.
    let brought = wait_until("it is in the feed", PATIENCE, || {
        Ok(console.items("/api/v1/feed/packages")?.first().cloned())
    });
    let brought = brought.unwrap();
    assert_eq!(
        (&brought["package"], &brought["provenance"]),
        (&json!("notes"), &json!("mirrored"))
    );
    // Over with the order, over with the file.
    console
        .post(&format!("/api/v1/deploy-jobs/{job}/cancel"), &json!({}))
        .unwrap();
    assert_eq!(owner.get_bytes(&path).unwrap().0, 404);
}

fn report(sequence: i64, what: &Value) -> Value {
    json!({"sequence": sequence, "at": 1, "what": what})
}

/// An inventory with packages of these names.
fn inventory(names: &[&str]) -> Value {
    let software = names.iter().map(
        |name| json!({"place": "dpkg", "key": format!("{name}:all"), "name": name, "version": "1"}),
    );
    json!({"host": host("made-by-a-test"), "software": software.collect::<Vec<_>>()})
}
