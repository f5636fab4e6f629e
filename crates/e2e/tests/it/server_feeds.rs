//! What the server makes of feeds that are broken or hostile: it says what is wrong, keeps what it
//! knew, and goes on with the others.

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;

use crate::server_process::Server;
use crate::source_view::{SourceView, enrol_with};

const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A package of an application, whose installer nobody can download.
pub fn package(id: &str, version: &str, name: &str) -> Nupkg {
    Nupkg::new(id, version).title(name).downloading_exe(
        "http://127.0.0.1:9/never-fetched.exe",
        DIGEST,
        &format!("{name}*"),
    )
}

/// The ways in which a feed is broken or hostile, and what of it must be said.
fn faults() -> Vec<(Fault, &'static str)> {
    vec![
        (Fault::Status(503), "503"),
        (Fault::NotXml, "not a feed"),
        (Fault::Dtd, "DTD"),
        (Fault::Truncated, "cannot reach"),
        (Fault::Endless, "larger than"),
        (Fault::Body(b"<feed".to_vec()), "not a feed"),
        // Packed bytes that nobody asked for are not unpacked.
        (
            Fault::Body(b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
            "not a feed",
        ),
    ]
}

#[test]
fn a_feed_that_worked_and_then_breaks_loses_nothing_that_was_known() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    let site = FeedSite::start().unwrap();
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let source = SourceView::add(&console, &site).unwrap();
    console.wait_missing("good").unwrap();
    let before = console.missing().unwrap();
    let has_error = |words: &'static str| {
        move |it: &serde_json::Value| match it["source"]["last_error"].as_str() {
            Some(error) => !words.is_empty() && error.contains(words),
            None => words.is_empty(),
        }
    };
    for (fault, words) in faults() {
        let shown = format!("{fault:?}");
        site.set_fault("/api/v2/Packages", fault);
        assert_eq!(source.read_now().unwrap().status, 204, "{shown}");
        source.wait(&shown, has_error(words)).unwrap();
        assert_eq!(console.missing().unwrap(), before, "{shown}");
        site.repair();
        assert_eq!(source.read_now().unwrap().status, 204, "{shown}");
        source
            .wait("the source is whole again", has_error(""))
            .unwrap();
        assert_eq!(console.missing().unwrap(), before, "{shown}");
    }
}

#[test]
fn a_feed_that_is_broken_or_hostile_is_named_and_holds_up_no_other() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application"]);
    for (fault, words) in faults() {
        let site = FeedSite::start().unwrap();
        site.add_package(&package("bad", "2.0", "Bad Application"))
            .unwrap();
        let shown = format!("{fault:?}");
        site.set_fault("/api/v2/Packages", fault);
        let source = SourceView::add(&console, &site).unwrap();
        let error = source.wait_read().unwrap();
        assert!(
            error.as_ref().is_some_and(|error| error.contains(words)),
            "{shown}: '{words}' is not in {error:?}"
        );
    }
    let good = FeedSite::start().unwrap();
    good.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let source = SourceView::add(&console, &good).unwrap();
    assert_eq!(source.wait_read().unwrap(), None);
    console.wait_missing("good").unwrap();
    let missing = console.missing().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
}

#[test]
fn a_nupkg_that_cannot_be_had_says_why_is_asked_for_rarely_and_holds_up_no_other() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application", "Lost Application"]);
    let site = FeedSite::start().unwrap();
    site.add_package(&package("lost", "2.0", "Lost Application"))
        .unwrap();
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    site.set_fault("/api/v2/package/lost", Fault::Status(404));
    let source = SourceView::add(&console, &site).unwrap();
    console.wait_missing("good").unwrap();
    let seen = source
        .wait("the problem is told", |it| {
            it["problems"].as_array().is_some_and(|all| !all.is_empty())
        })
        .unwrap();
    let problem = &seen["problems"][0];
    assert_eq!(problem["package"], "lost", "{seen}");
    assert!(problem["why"].as_str().unwrap().contains("404"), "{seen}");
    assert!(problem["retry_at"].is_string(), "{seen}");
    assert!(source.page().unwrap().contains("answered 404"));
    let asked = || {
        let requests = site.requests().into_iter();
        requests
            .filter(|it| it.path.starts_with("/api/v2/package/lost"))
            .count()
    };
    assert_eq!(asked(), 1);

    // Another run of fetches, because of another package: the lost one waits for its time.
    enrol_with(&server, &["Late Application"]);
    site.add_package(&package("late", "2.0", "Late Application"))
        .unwrap();
    assert_eq!(source.read_now().unwrap().status, 204);
    console.wait_missing("late").unwrap();
    // A person's word lets it be tried again.
    site.repair();
    assert_eq!(source.read_now().unwrap().status, 204);
    source
        .wait("the problem is over", |it| {
            it["problems"].as_array().is_some_and(Vec::is_empty)
        })
        .unwrap();
    console.wait_missing("lost").unwrap();
    assert!(
        !site
            .requests()
            .iter()
            .any(|request| request.path.contains("never-fetched")),
        "nothing is downloaded before it is approved"
    );
}

#[test]
fn a_nupkg_that_never_ends_holds_up_no_other() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Good Application", "Slow Application"]);
    let site = FeedSite::start().unwrap();
    site.add_package(&package("a-slow", "2.0", "Slow Application"))
        .unwrap();
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    site.set_fault("/api/v2/package/a-slow", Fault::Stalled);
    let source = SourceView::add(&console, &site).unwrap();
    console.wait_missing("good").unwrap();
    let seen = source.get().unwrap();
    assert_eq!(seen["problems"], serde_json::json!([]), "it still goes on");
}

#[test]
fn a_nupkg_without_tls_and_digest_is_taken_from_the_feeds_own_host_alone() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    enrol_with(&server, &["Near Application", "Far Application"]);
    let near = FeedSite::start().unwrap();
    near.add_package(&package("near", "2.0", "Near Application"))
        .unwrap();
    near.set_content_base(&format!("{}package/", near.url()));
    let far = FeedSite::start().unwrap();
    far.add_package(&package("far", "2.0", "Far Application"))
        .unwrap();
    // The same machine by another name, and so another host.
    far.set_content_base(&format!("http://localhost:{}/api/v2/package/", far.port()));
    let near = SourceView::add(&console, &near).unwrap();
    let source = SourceView::add(&console, &far).unwrap();
    let seen = source
        .wait("the problem is told", |it| {
            it["problems"].as_array().is_some_and(|all| !all.is_empty())
        })
        .unwrap();
    let problem = &seen["problems"][0];
    let why = problem["why"].as_str().unwrap();
    assert!(why.contains("without TLS on another host"), "{seen}");
    assert!(problem["retry_at"].is_null(), "{seen}");
    console.wait_missing("near").unwrap();
    assert!(
        far.requests()
            .iter()
            .all(|it| !it.path.starts_with("/api/v2/package")),
        "it was asked for all the same"
    );
    let page = near.page().unwrap();
    assert!(page.contains("read without TLS"), "{page}");
    let shown = near.get().unwrap();
    let protection = shown["source"]["protection"].as_str().unwrap();
    assert!(protection.contains("without TLS"), "{shown}");
}

#[test]
fn entries_that_cannot_be_used_are_shown_with_their_reason() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let site = FeedSite::start().unwrap();
    site.add_package_bytes(&package("odd", "not a version", "Odd"), Vec::new());
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let source = SourceView::add(&console, &site).unwrap();
    assert_eq!(source.wait_read().unwrap(), None);
    let seen = source.get().unwrap();
    assert_eq!(seen["source"]["left_out_count"], 1, "{seen}");
    assert_eq!(seen["left_out"][0]["what"], "odd", "{seen}");
    let why = seen["left_out"][0]["why"].as_str().unwrap();
    assert!(why.contains("not a package version"), "{seen}");
    let page = source.page().unwrap();
    assert!(page.contains("not a package version"), "{page}");
    assert!(console.page("/sources").unwrap().contains("1 left out"));
}
