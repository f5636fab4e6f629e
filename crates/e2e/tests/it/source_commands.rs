//! `fleetmend source …` beside a server that runs.

use fleetmend_e2e::feed::FeedSite;

use crate::server_feeds::package;
use crate::server_process::Server;

/// What a command says that must succeed.
fn said(server: &Server, arguments: &[&str]) -> String {
    let output = server.admin(arguments).unwrap();
    output.success().unwrap()
}

/// What a command says that must fail.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.admin(arguments).unwrap();
    assert_ne!(output.code, Some(0), "{output:?}");
    output.stdout + &output.stderr
}

#[test]
fn a_source_is_added_read_changed_and_removed_from_the_command_line() {
    let server = Server::start().unwrap();
    let site = FeedSite::start().unwrap();
    for number in 0..7 {
        let package = package(&format!("p{number}"), "1.0", "Some Application");
        site.add_package(&package).unwrap();
    }
    let added = [
        "source",
        "add",
        &site.url(),
        "--name",
        "Feed",
        "--priority",
        "3",
        "--allow-private",
    ];
    assert!(said(&server, &added).contains("source 1 was added"));
    let read = said(&server, &["source", "read", "Feed"]);
    assert!(read.trim().ends_with("Read: 7 entries"), "{read}");
    let list = said(&server, &["source", "list"]);
    for words in ["priority 3", "7 entries", "last read at", "next read at"] {
        assert!(list.contains(words), "{words}: {list}");
    }
    let off = [
        "source",
        "set",
        "Feed",
        "--switch",
        "off",
        "--per-minute",
        "60",
    ];
    assert!(said(&server, &off).contains("source Feed was changed"));
    let why = refused(&server, &["source", "read", "1"]);
    assert!(why.contains("is switched off"), "{why}");
    let why = refused(&server, &["source", "set", "Feed", "--priority", "1001"]);
    assert!(why.contains("between 0 and 1000"), "{why}");
    let why = refused(&server, &["source", "read", "Fed"]);
    assert!(why.contains("there is no source 'Fed'"), "{why}");
    let why = refused(&server, &["source", "remove-gone", "Feed"]);
    assert!(why.contains("nothing to remove"), "{why}");

    let why = refused(&server, &["source", "remove", "Feed"]);
    for words in ["7 package versions of it are forgotten", "add --yes"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert!(said(&server, &["source", "list"]).contains("Feed"));
    let removed = said(&server, &["source", "remove", "Feed", "--yes"]);
    assert!(removed.contains("source Feed was removed"), "{removed}");
    let list = said(&server, &["source", "list"]);
    assert!(!list.contains(&site.url()), "{list}");
}
