//! How sources are read: ever more rarely while they fail, never against a host's wish, on from where
//! a read was interrupted, past the cap on results, and with a name and a password.

use fleetmend_e2e::feed::{Dialect, Fault, FeedSite};
use serde_json::json;

use crate::server_feeds::package;
use crate::server_process::Server;
use crate::source_view::{SourceView, enrol_with};

fn reads(site: &FeedSite) -> usize {
    let requests = site.requests().into_iter();
    requests
        .filter(|it| it.path.starts_with("/api/v2/Packages"))
        .count()
}

#[test]
fn a_source_that_fails_says_when_and_why_it_is_read_next_and_a_person_may_read_it_before() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    let site = FeedSite::start().unwrap();
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    site.set_fault("/api/v2/Packages", Fault::Status(502));
    let source = SourceView::add(&console, &site).unwrap();
    source.wait_read().unwrap();
    let seen = source.get().unwrap();
    assert!(seen["source"]["next_read_at"].is_string(), "{seen}");
    assert_eq!(seen["source"]["next_read_why"], "its last read failed");
    assert_eq!(reads(&site), 1);
    assert!(source.page().unwrap().contains("its last read failed"));
    let list = server.admin(&["source", "list"]).unwrap();
    let list = list.success().unwrap();
    assert!(list.contains("next read at"), "{list}");
    assert!(list.contains("because its last read failed"), "{list}");

    // By its name, waiting for the end, which is not a good one.
    let name = site.url();
    let read = server.admin(&["source", "read", &name]).unwrap();
    assert!(read.stderr.contains("502"), "{read:?}");
    let seen = source
        .wait("it failed twice", |it| it["source"]["failures"] == 2)
        .unwrap();
    assert_eq!(seen["source"]["next_read_why"], "its last 2 reads failed");
    site.repair();
    assert_eq!(source.read_now().unwrap().status, 204);
    console.wait_missing("good").unwrap();
    let seen = source.get().unwrap();
    assert_eq!(seen["source"]["failures"], 0, "{seen}");
    assert!(seen["source"]["last_error"].is_null(), "{seen}");
}

#[test]
fn a_host_that_bans_is_left_alone_even_after_a_restart_and_against_a_persons_word() {
    let mut server = Server::start().unwrap();
    let console = server.console().unwrap();
    let site = FeedSite::start().unwrap();
    site.set_fault("/api/v2/Packages", Fault::Refused(429, 7200));
    let source = SourceView::add(&console, &site).unwrap();
    source.wait_read().unwrap();
    let seen = source.get().unwrap();
    let why = seen["source"]["next_read_why"].as_str().unwrap();
    assert!(why.contains("wants to be left alone"), "{seen}");
    site.repair();
    server.crash_and_run().unwrap();
    let answer = source.read_now().unwrap();
    assert_eq!((answer.status, answer.code()), (409, "conflict"));
    assert!(answer.message().contains("it answered 429"), "{answer:?}");

    // What is on the same host waits, too, and is not asked once.
    enrol_with(&server, &["Good Application"]);
    let other = FeedSite::start().unwrap();
    other
        .add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let other_source = SourceView::add(&console, &other).unwrap();
    let error = other_source.wait_read().unwrap();
    assert!(error.unwrap().contains("is not asked for anything"));
    assert_eq!((reads(&site), reads(&other)), (1, 0));
}

/// A feed of more packages than are asked for at once, the last of which a machine lacks.
fn long_feed(packages: usize) -> FeedSite {
    let site = FeedSite::start().unwrap();
    for number in 0..packages {
        let package = package(&format!("p{number:05}"), "1.0", "Some Application");
        site.add_package_bytes(&package, b"never fetched".to_vec());
    }
    site.add_package(&package("zz-last", "2.0", "Last Application"))
        .unwrap();
    site.set_page_size(500);
    site
}

#[test]
fn a_feed_is_read_to_its_end_whatever_it_understands_of_a_question() {
    const MANY: usize = 5_600;
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Last Application"]);
    for (packages, dialect, most_skipped) in [
        // Past the cap on results.
        (MANY, Dialect::Full, 5_000),
        (MANY, Dialect::FirstConditionOnly, usize::MAX),
        (MANY, Dialect::NothingBehindFirstCondition, usize::MAX),
        (1_100, Dialect::RefusesOrder, usize::MAX),
    ] {
        let site = long_feed(packages);
        site.set_dialect(dialect);
        site.set_most_skipped(most_skipped);
        let source = SourceView::add(&console, &site).unwrap();
        assert_eq!(source.wait_read().unwrap(), None, "{dialect:?}");
        let page = source.page().unwrap();
        let count = format!("<dd>{}</dd>", packages + 1);
        assert!(page.contains(&count), "{dialect:?}: {page}");
        // From the first one on, the source that is asked first keeps it.
        console.wait_missing("zz-last").unwrap();
    }
}

#[test]
fn a_read_that_was_interrupted_goes_on_where_it_was() {
    let mut server = Server::start().unwrap();
    let console = server.console().unwrap();
    let site = long_feed(1_200);
    site.set_page_size(100);
    site.set_stall_at_skip(1_000);
    let source = SourceView::add(&console, &site).unwrap();
    source
        .wait("the read has come to the page that stalls", |it| {
            it["source"]["progress"]["entries"] == 1000
        })
        .unwrap();
    let before = reads(&site);
    server.crash();
    site.set_stall_at_skip(usize::MAX);
    server.run().unwrap();
    assert_eq!(source.wait_read().unwrap(), None);
    let page = source.page().unwrap();
    assert!(page.contains("<dd>1201</dd>"), "{page}");
    assert!(
        reads(&site) - before <= 4,
        "{} more requests: it began anew",
        reads(&site) - before
    );
}

#[test]
fn a_feed_with_a_login_is_read_with_it_and_nobody_sees_the_password() {
    const PASSWORD: &str = "s3cret: wörd";
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    let site = FeedSite::start().unwrap();
    site.require_login("reader", PASSWORD);
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let without = SourceView::add(&console, &site).unwrap();
    let error = without.wait_read().unwrap().unwrap();
    assert!(
        error.contains("401: it wants a name and a password"),
        "{error}"
    );
    let location = format!("{}?", site.url());
    let refused = console
        .try_post("/api/v1/sources", &json!({ "location": location }))
        .unwrap();
    assert_eq!(refused.status, 400, "{refused:?}");
    // The same feed, by another spelling of its address, with a password that is wrong at first.
    let location = site.url().replace("127.0.0.1", "localhost");
    let body = json!({
        "location": location, "user": "reader", "password": "s3cret: word", "allow_private": true,
    });
    site.set_base(&location);
    let source = SourceView::add_with(&console, &body).unwrap();
    assert!(source.wait_read().unwrap().unwrap().contains("401"));
    let path = format!("/api/v1/sources/{}/login", source.id);
    let login = json!({ "user": "reader", "password": PASSWORD });
    console.post(&path, &login).unwrap();
    console.wait_missing("good").unwrap();
    assert!(source.get().unwrap()["source"]["last_error"].is_null());
    let seen = source.get().unwrap();
    assert_eq!(seen["source"]["user"], "reader");
    for text in [
        seen.to_string(),
        source.page().unwrap(),
        console.page("/sources").unwrap(),
        console.page("/audit").unwrap(),
        console.get("/api/v1/audit").unwrap().to_string(),
        server.log().unwrap(),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    let database = std::fs::read(server.data().join("fleetmend.db")).unwrap();
    let wal = std::fs::read(server.data().join("fleetmend.db-wal")).unwrap_or_default();
    for bytes in [database, wal] {
        assert!(!bytes.windows(6).any(|it| it == b"s3cret"));
    }
}
