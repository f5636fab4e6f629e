//! A server that was just set up.

use crate::site::Site;

/// Every page that a person can open from the menu, and what it says when there is nothing.
pub const PAGES: [(&str, &str); 13] = [
    ("/devices", "No machine is enrolled yet."),
    ("/missing", "No device lacks a patch, as far as is known."),
    (
        "/freshness",
        "No software of a device is a known package yet.",
    ),
    ("/holds", "No update is held."),
    ("/policies", "There is no other policy yet"),
    ("/deployments", "Nothing was deployed yet."),
    ("/downloads", "No download failed."),
    ("/quarantine", "Nothing is in quarantine."),
    ("/sources", "There is no other source yet."),
    ("/sources/carry", "Nothing was exported or imported yet."),
    ("/feed", "There is no key yet."),
    ("/enrol", "No token was made yet."),
    ("/audit?who=nobody", "No change fits the filter."),
];

/// Own files only, and no frames around a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn every_page_is_there_when_empty_and_says_what_to_do_next() {
    let (site, person) = Site::signed_in().await;
    for (path, sentence) in PAGES {
        let page = person.get(&site, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(sentence), "{path}: {}", page.text);
    }
    let first = person.get(&site, "/").await;
    assert_eq!((first.status, first.location.as_str()), (303, "/devices"));
}

#[tokio::test]
async fn every_page_allows_only_this_servers_own_files_and_none_inline() {
    let (site, person) = Site::signed_in().await;
    let others = ["/login", "/setup", "/devices/1", "/sources/1", "/nothing"];
    for path in PAGES.iter().map(|it| it.0).chain(others) {
        let page = person.get(&site, path).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert_eq!(policy, POLICY, "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        for inline in [
            "<style",
            " style=",
            " onclick=",
            " onsubmit=",
            "javascript:",
            "http://",
        ] {
            assert!(!page.text.contains(inline), "{path} has {inline}");
        }
        for script in page.text.split("<script").skip(1) {
            assert!(
                script.starts_with(" src=\"/assets/"),
                "{path} has an inline script"
            );
        }
    }
}

#[tokio::test]
async fn every_file_that_pages_name_is_there_and_is_not_sent_twice() {
    let (site, person) = Site::signed_in().await;
    let mut named = 0;
    for path in ["/devices", "/setup"] {
        let page = person.get(&site, path).await.text;
        for asset in page.split('"').filter(|it| it.starts_with("/assets/")) {
            named += 1;
            let file = person.get(&site, asset).await;
            assert_eq!(file.status, 200, "{asset}");
            let tag = file.headers["etag"].to_str().unwrap();
            let again = site
                .send(reqwest::Method::GET, asset, &[("if-none-match", tag)], None)
                .await;
            assert_eq!((again.status, again.text.as_str()), (304, ""), "{asset}");
        }
    }
    assert_eq!(named, 6);
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_a_page_or_an_api_error() {
    let (site, person) = Site::signed_in().await;
    for path in [
        "/nothing",
        "/devices/1",
        "/devices/x",
        "/missing/1",
        "/deployments/1",
    ] {
        let page = person.get(&site, path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.text.starts_with("<!doctype html>"),
            "{path}: {}",
            page.text
        );
    }
    for path in [
        "/api/v1/nothing",
        "/api/v1/devices/1",
        "/api/v1/deploy-jobs/1",
    ] {
        let answer = person.get(&site, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error"]["code"], "not_found", "{path}");
    }
}
