//! Package files that are made to do harm, from a feed and from a folder: each is named with what is
//! wrong with it, nothing of it runs or is written anywhere, and the others go on.

use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::hostile_nupkg::{Hostile, every_kind, pretended};
use fleetmend_e2e::work_dir::WorkDir;
use serde_json::json;

use crate::server_feeds::package;
use crate::server_process::Server;
use crate::source_view::{SourceView, enrol_with};

/// Starts a server, and a machine that has all of the applications and a good one.
fn start(all: &[Hostile]) -> Server {
    let server = Server::start().unwrap();
    let mut names: Vec<String> = all
        .iter()
        .map(|it| format!("{} Application", it.id))
        .collect();
    names.push("Good Application".to_owned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    enrol_with(&server, &names);
    server
}

/// Nothing was written where the packages wanted it.
fn assert_untouched(outside: &WorkDir) {
    let found: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn from_a_feed_each_is_a_problem_of_its_package() {
    let outside = WorkDir::new("outside").unwrap();
    let all = every_kind(outside.path().to_str().unwrap()).unwrap();
    let server = start(&all);
    let console = server.console().unwrap();
    let site = FeedSite::start().unwrap();
    for hostile in &all {
        site.add_package_bytes(&pretended(hostile.id), hostile.bytes.clone());
    }
    site.add_package(&package("good", "2.0", "Good Application"))
        .unwrap();
    let source = SourceView::add(&console, &site).unwrap();
    console.wait_missing("good").unwrap();
    let seen = source
        .wait("all problems are told", |it| {
            it["problems"].as_array().map(Vec::len) == Some(all.len())
        })
        .unwrap();
    let page = source.page().unwrap();
    for hostile in &all {
        let problems = seen["problems"].as_array().unwrap();
        let problem = problems.iter().find(|it| it["package"] == hostile.id);
        let why = problem.and_then(|it| it["why"].as_str()).unwrap();
        assert!(why.contains(hostile.words), "{}: {why}", hostile.id);
        assert!(page.contains(hostile.words), "{}: {page}", hostile.id);
    }
    // What the feed says of them is enough to tell that a device lacks them, and no more.
    for hostile in &all {
        let row = console.wait_missing(hostile.id).unwrap();
        let why = row["not_deployable"].as_str().unwrap_or_default();
        assert!(why.contains(hostile.words), "{}: {row}", hostile.id);
    }
    let missing = console.missing().unwrap();
    assert_eq!(missing.len(), all.len() + 1, "{missing:?}");

    // They are not fetched again: their bytes do not change.
    let fetched = |id: &str| {
        let path = format!("/api/v2/package/{id}/");
        let requests = site.requests().into_iter();
        requests.filter(|it| it.path.starts_with(&path)).count()
    };
    for hostile in &all {
        assert_eq!(fetched(hostile.id), 1, "{}", hostile.id);
    }
    assert_untouched(&outside);
}

#[test]
fn from_a_folder_each_is_left_out_of_the_source() {
    let outside = WorkDir::new("outside").unwrap();
    let mut all = every_kind(outside.path().to_str().unwrap()).unwrap();
    // Whatever a file is called, what is in it counts.
    all.retain(|it| it.id != "other");
    let server = start(&all);
    let console = server.console().unwrap();
    let folder = WorkDir::new("source").unwrap();
    for hostile in &all {
        let file = folder.path().join(format!("{}.nupkg", hostile.id));
        std::fs::write(file, &hostile.bytes).unwrap();
    }
    package("good", "2.0", "Good Application")
        .build_into(folder.path())
        .unwrap();
    let body = json!({ "location": folder.path().to_str().unwrap() });
    let source = SourceView::add_with(&console, &body).unwrap();
    console.wait_missing("good").unwrap();
    let seen = source.get().unwrap();
    assert_eq!(seen["source"]["left_out_count"], all.len(), "{seen}");
    let page = source.page().unwrap();
    for hostile in &all {
        let name = format!("{}.nupkg", hostile.id);
        let left_out = seen["left_out"].as_array().unwrap();
        let found = left_out.iter().find(|it| it["what"] == name.as_str());
        let why = found.and_then(|it| it["why"].as_str()).unwrap();
        assert!(why.contains(hostile.words), "{name}: {why}");
        assert!(page.contains(&name), "{name}: {page}");
    }
    let missing = console.missing().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_untouched(&outside);
}
