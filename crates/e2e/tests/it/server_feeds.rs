//! What the server makes of feeds that are broken or hostile: it says what is wrong, keeps what it
//! knew, and goes on with the others.

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::wait_until;
use serde_json::{Value, json};

use crate::agent_client::{Device, host};
use crate::console_client::{Console, PATIENCE};
use crate::server_process::Server;

const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn package(id: &str, version: &str, name: &str) -> Nupkg {
    Nupkg::new(id, version).title(name).downloading_exe(
        "http://127.0.0.1:9/never-fetched.exe",
        DIGEST,
        &format!("{name}*"),
    )
}

/// A Windows machine with these applications in version 1.0.
fn enrol_with(server: &Server, names: &[&str]) -> Device {
    let device = Device::enrol(server.url(), &server.token().unwrap()).unwrap();
    let mut windows = host("windows-machine");
    windows["os_family"] = json!("windows");
    let software: Vec<Value> = names
        .iter()
        .map(|name| json!({"place": "machine64", "key": name, "name": name, "version": "1.0"}))
        .collect();
    let inventory = json!({ "host": windows, "software": software });
    let answer = device.post("/agent/v1/inventory", &inventory).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    device
}

fn add(console: &Console, site: &FeedSite) {
    console
        .post("/api/v1/sources", &json!({ "location": site.url() }))
        .unwrap();
}

/// What the sources page says of a source, once it was read.
fn error_of(console: &Console, location: &str) -> Option<String> {
    let mut error = None;
    wait_until("the source was read", PATIENCE, || {
        let sources = console.get("/api/v1/sources")?;
        let source = sources
            .as_array()
            .into_iter()
            .flatten()
            .find(|it| it["location"] == location)
            .cloned()
            .unwrap_or_default();
        error = source["last_error"].as_str().map(str::to_owned);
        Ok((error.is_some() || !source["last_read_at"].is_null()).then_some(()))
    })
    .unwrap();
    error
}

#[test]
fn a_feed_that_is_broken_or_hostile_is_named_and_holds_up_no_other() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    let cases = [
        (Fault::Status(503), "503"),
        (Fault::NotXml, "not a feed"),
        (Fault::Dtd, "DTD"),
        (Fault::Truncated, "cannot reach"),
        (Fault::Endless, "larger than"),
        (Fault::Body(b"<feed".to_vec()), "not a feed"),
    ];
    for (fault, words) in cases {
        let site = FeedSite::start().unwrap();
        site.add_package(&package("bad", "2.0", "Bad Application"))
            .unwrap();
        let shown = format!("{fault:?}");
        site.set_fault("/api/v2/Packages", fault);
        add(&console, &site);
        let error = error_of(&console, &site.url());
        assert!(
            error.as_ref().is_some_and(|error| error.contains(words)),
            "{shown}: '{words}' is not in {error:?}"
        );
    }
    let good = FeedSite::start().unwrap();
    good.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    add(&console, &good);
    assert_eq!(error_of(&console, &good.url()), None);
    console.wait_missing("good").unwrap();
    let missing = console.missing().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
}

#[test]
fn a_package_that_cannot_be_read_holds_up_no_other_and_is_not_deployed() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application", "Torn Application"]);
    let site = FeedSite::start().unwrap();
    let torn = package("torn", "2.0", "Torn Application");
    site.add_package_bytes(&torn, b"PK but no zip".to_vec());
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    add(&console, &site);
    console.wait_missing("good").unwrap();
    let missing = console.missing().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(
        !site
            .requests()
            .iter()
            .any(|request| request.path.contains("never-fetched")),
        "nothing is downloaded before it is approved"
    );
}
