//! Where the server goes for a source, behind a proxy and from the command line.

use fleetmend_e2e::feed::{Fault, FeedSite};
use serde_json::json;

use crate::server_feeds::package;
use crate::server_process::Server;
use crate::source_view::{SourceView, enrol_with};

#[test]
fn behind_a_proxy_what_can_be_judged_here_is_judged_and_the_rest_is_the_proxys() {
    // The site takes the proxy's part: it answers for any host.
    let proxy = FeedSite::start().unwrap();
    proxy
        .add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    proxy.set_base("http://feed.invalid/api/v2/");
    let server = Server::start_behind(&format!("http://localhost:{}", proxy.port())).unwrap();
    let log = server.log().unwrap();
    assert!(log.contains("through the proxy localhost"), "{log}");
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    for location in [
        "http://10.1.2.3/api/v2/",
        "http://localhost/api/v2/",
        "http://metadata.google.internal/api/v2/",
        "http://[::ffff:169.254.169.254]/api/v2/",
    ] {
        let body = json!({ "location": location });
        let answer = console.try_post("/api/v1/sources", &body).unwrap();
        assert_eq!(answer.status, 400, "{location}: {answer:?}");
    }
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
    // A name that only the proxy knows.
    let body = json!({ "location": "http://feed.invalid/api/v2/" });
    let source = SourceView::add_with(&console, &body).unwrap();
    assert_eq!(source.wait_read().unwrap(), None);
    console.wait_missing("good").unwrap();
    // A redirect is judged there as well.
    proxy.set_fault(
        "/api/v2/Packages",
        Fault::Redirect("https://10.9.9.9/api/v2/".to_owned()),
    );
    assert_eq!(source.read_now().unwrap().status, 204);
    let seen = source
        .wait("it failed", |it| it["source"]["failures"] == 1)
        .unwrap();
    let error = seen["source"]["last_error"].as_str().unwrap();
    assert!(error.contains("in a private network"), "{error}");
}

#[test]
fn the_command_line_names_the_remedy_takes_it_and_changes_it() {
    let server = Server::start().unwrap();
    let site = FeedSite::start().unwrap();
    let url = site.url();
    let admin = |arguments: &[&str]| server.admin(arguments).unwrap();
    let refused = admin(&["source", "add", &url]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("--allow-private"), "{refused:?}");
    let added = admin(&[
        "source",
        "add",
        &url,
        "--allow-private",
        "--private-host",
        "Nexus",
    ]);
    added.success().unwrap();
    let console = server.console().unwrap();
    let hosts = || console.get("/api/v1/sources/1").unwrap()["source"]["private_hosts"].clone();
    assert_eq!(hosts(), json!(["127.0.0.1", "nexus"]));
    admin(&["source", "private-hosts", "1"]).success().unwrap();
    assert_eq!(hosts(), json!([]));
}
