//! The feed of one's own, as clients reach it.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetmend_chocolatey::odata::parse_feed;
use fleetmend_e2e::nupkg::{Nupkg, pushed};
use reqwest::Method;
use serde_json::json;

use crate::site::{Answer, Body, Person, Site};

pub async fn key(site: &Site, person: &Person, name: &str, can_push: bool) -> String {
    let body = json!({ "name": name, "can_push": can_push });
    let answer = person.call(site, "/api/v1/feed/keys", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["secret"].as_str().unwrap().to_owned()
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anyone:{secret}")))
}

async fn read(site: &Site, path: &str, secret: &str) -> Answer {
    let value = basic(secret);
    let headers = [("authorization", value.as_str())];
    site.send(Method::GET, path, &headers, None).await
}

pub fn package(id: &str, version: &str) -> Vec<u8> {
    Nupkg::new(id, version)
        .install_script("Write-Host 'nothing'")
        .build()
        .unwrap()
}

pub async fn push(site: &Site, path: &str, secret: &str, nupkg: &[u8]) -> Answer {
    let (kind, body) = pushed(nupkg);
    let headers = [("x-nuget-apikey", secret), ("content-type", &kind)];
    let body = Some(Body::bytes(body));
    site.send(Method::PUT, path, &headers, body).await
}

fn shown(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let page = parse_feed(answer.text.as_bytes()).unwrap();
    let entries = page.entries.iter();
    entries
        .map(|it| format!("{} {}", it.id, it.version))
        .collect()
}

#[tokio::test]
async fn a_package_that_was_pushed_is_listed_and_downloaded_as_it_was() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    let nupkg = package("acme.tool", "1.2");
    let answer = push(&site, "/feed/v2/", &secret, &nupkg).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let list = "/feed/v2/Packages()?$filter=IsLatestVersion";
    let answer = read(&site, list, &secret).await;
    assert_eq!(shown(&answer), ["acme.tool 1.2"]);
    let page = parse_feed(answer.text.as_bytes()).unwrap();
    let url = page.entries[0].content_url.clone().unwrap();
    let path = url.strip_prefix(site.running().url()).unwrap();
    let value = basic(&secret);
    let whole = site.bytes(path, &[("authorization", &value)]).await;
    assert_eq!((whole.0, whole.1.as_slice()), (200, nupkg.as_slice()));
    let range = [("authorization", value.as_str()), ("range", "bytes=10-19")];
    let part = site.bytes(path, &range).await;
    assert_eq!((part.0, part.1.as_slice()), (206, &nupkg[10..20]));
    let etag = read(&site, path, &secret).await.headers["etag"].clone();
    let headers = [
        ("authorization", value.as_str()),
        ("if-none-match", etag.to_str().unwrap()),
    ];
    assert_eq!(site.bytes(path, &headers).await, (304, Vec::new()));
    // The digest that the entry names is that of the bytes.
    let digest = ring::digest::digest(&ring::digest::SHA512, &nupkg);
    let hash = page.entries[0].package_hash.clone().unwrap();
    assert_eq!(hash.hex, fleetmend_trust::hex(digest.as_ref()));
}

#[tokio::test]
async fn a_version_never_changes_and_hiding_it_takes_nothing_away_from_who_names_it() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    for (version, status) in [("1.0", 201), ("1.0.0", 409), ("1.1", 201)] {
        let answer = push(
            &site,
            "/feed/v2/package",
            &secret,
            &package("acme", version),
        )
        .await;
        assert_eq!(answer.status, status, "{version}: {}", answer.text);
    }
    let headers = [("x-nuget-apikey", secret.as_str())];
    let hidden = site
        .send(Method::DELETE, "/feed/v2/Acme/1.1.0", &headers, None)
        .await;
    assert_eq!(hidden.status, 204, "{}", hidden.text);
    let path = "/feed/v2/package/Acme/1.1.0";
    let latest = "/feed/v2/Packages()?$filter=IsLatestVersion";
    assert_eq!(shown(&read(&site, latest, &secret).await), ["acme 1.0"]);
    assert_eq!(read(&site, path, &secret).await.status, 200);
    let again = site
        .send(Method::DELETE, "/feed/v2/acme/9", &headers, None)
        .await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn without_a_key_nobody_reads_until_the_feed_is_opened_and_nobody_pushes() {
    let (site, person) = Site::signed_in().await;
    let reads = key(&site, &person, "reads", false).await;
    let pushes = key(&site, &person, "pushes", true).await;
    push(&site, "/feed/v2/", &pushes, &package("acme", "1")).await;
    let list = "/feed/v2/Packages()";
    let nobody = site.send(Method::GET, list, &[], None).await;
    assert_eq!(nobody.status, 401);
    assert!(
        nobody.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic")
    );
    assert_eq!(read(&site, list, "wrong").await.status, 401);
    for (path, status) in [
        ("/feed/v2/", 200),
        ("/feed/v2/$metadata", 401),
        ("/feed/v2/nothing", 401),
    ] {
        let answer = site.send(Method::GET, path, &[], None).await;
        assert_eq!(answer.status, status, "{path}");
    }
    assert_eq!(read(&site, list, &reads).await.status, 200);
    // A person's session and an open feed push nothing.
    let nupkg = package("acme", "2");
    assert_eq!(push(&site, "/feed/v2/", &reads, &nupkg).await.status, 403);
    assert_eq!(push(&site, "/feed/v2/", "wrong", &nupkg).await.status, 403);
    let body = json!({ "open": true });
    assert_eq!(
        person
            .call(&site, "/api/v1/feed/readers", &body)
            .await
            .status,
        204
    );
    assert_eq!(site.send(Method::GET, list, &[], None).await.status, 200);
    assert_eq!(push(&site, "/feed/v2/", "wrong", &nupkg).await.status, 403);
    let body = json!({ "open": false });
    assert_eq!(
        person
            .call(&site, "/api/v1/feed/readers", &body)
            .await
            .status,
        204
    );
    let revoked = person
        .post(&site, "/feed/keys/revoke", &[("name", "reads")])
        .await;
    assert_eq!(revoked.status, 303, "{}", revoked.text);
    assert_eq!(read(&site, list, &reads).await.status, 401);
    // No key opens the console, and the secret is kept nowhere.
    let value = basic(&pushes);
    let headers = [
        ("authorization", value.as_str()),
        ("x-nuget-apikey", pushes.as_str()),
    ];
    assert_eq!(
        site.send(Method::GET, "/api/v1/feed", &headers, None)
            .await
            .status,
        401
    );
    let feed = person.get(&site, "/api/v1/feed").await;
    assert!(
        !feed.text.contains(&pushes) && feed.text.contains("\"pushes\""),
        "{}",
        feed.text
    );
    assert!(!person.get(&site, "/feed").await.text.contains(&pushes));
}

#[tokio::test]
async fn what_is_no_package_is_refused_with_the_reason_and_leaves_the_feed_as_it_was() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    let traversal = Nupkg::new("evil", "1.0")
        .file("tools/../../evil.ps1", b"x")
        .build()
        .unwrap();
    let range = Nupkg::new("acme", "1.0")
        .dependency("acme.lib", "1.0 or newer")
        .build()
        .unwrap();
    let dependency = Nupkg::new("acme", "1.0")
        .dependency("acme:[bad", "1.0")
        .build()
        .unwrap();
    for (nupkg, why) in [
        (dependency, "is no package id"),
        (b"not a zip".to_vec(), "not a readable nupkg"),
        (Vec::new(), "not a readable nupkg"),
        (traversal, "evil.ps1"),
        (range, "cannot read the range"),
    ] {
        let answer = push(&site, "/feed/v2/", &secret, &nupkg).await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text);
        assert!(answer.text.contains(why), "{why}: {}", answer.text);
        assert!(answer.text.contains("<error"), "{}", answer.text);
    }
    let headers = [("x-nuget-apikey", secret.as_str())];
    let bare = site
        .send(
            Method::PUT,
            "/feed/v2/",
            &headers,
            Some(Body::bytes(vec![0; 9])),
        )
        .await;
    assert_eq!(bare.status, 400, "{}", bare.text);
    assert!(shown(&read(&site, "/feed/v2/Packages()", &secret).await).is_empty());
    assert_eq!(site.kept_files(), 0, "what is refused is not kept");
    for (path, status) in [
        ("/feed/v2/Packages()?$filter=Colour%20eq%201", 400),
        ("/feed/v2/nothing", 404),
        ("/feed/v2/package/nosuch/1.0", 404),
        ("/feed/v2/Packages(Id='nosuch',Version='1')", 404),
        ("/feed/v2", 200),
        ("/feed/v2/$metadata", 200),
    ] {
        let answer = read(&site, path, &secret).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn documents_are_packed_for_clients_that_take_it_and_packages_are_not() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    let nupkg = package("acme", "1.0");
    push(&site, "/feed/v2/", &secret, &nupkg).await;
    let value = basic(&secret);
    let plain = [("authorization", value.as_str())];
    let packed = [plain[0], ("accept-encoding", "gzip, deflate")];
    let path = "/feed/v2/Packages(Id='acme',Version='1.0.0')";
    let (status, bytes) = site.bytes(path, &packed).await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    let unpacked = site.send(Method::GET, path, &plain, None).await;
    assert_eq!((status, text), (200, unpacked.text));
    assert_eq!(unpacked.headers["vary"], "accept-encoding");
    assert!(!unpacked.headers.contains_key("content-encoding"));
    let download = site.bytes("/feed/v2/package/acme/1.0.0", &packed).await;
    assert_eq!(download, (200, nupkg));
}

#[tokio::test]
async fn an_administrator_sees_what_is_in_the_feed_and_hides_and_shows_it() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    for id in ["acme", "other"] {
        push(&site, "/feed/v2/", &secret, &package(id, "1.0")).await;
    }
    let listed = person.get(&site, "/api/v1/feed/packages?text=ACM").await;
    let items = listed.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    for (field, value) in [
        ("package", json!("acme")),
        ("version", json!("1.0.0")),
        ("provenance", json!("pushed")),
        ("source", json!(null)),
        ("added_by", json!("feed key build")),
        ("listed", json!(true)),
    ] {
        assert_eq!(items[0][field], value, "{field}");
    }
    let list = "/feed/v2/Packages()?$filter=IsLatestVersion";
    for (is_listed, expected) in [("0", &["other 1.0"][..]), ("1", &["acme 1.0", "other 1.0"])] {
        let form = [
            ("package", "acme"),
            ("version", "1.0.0"),
            ("listed", is_listed),
        ];
        let changed = person.post(&site, "/feed/packages/listed", &form).await;
        assert_eq!(changed.status, 303, "{}", changed.text);
        assert_eq!(shown(&read(&site, list, &secret).await), expected);
        let page = person.get(&site, "/feed?text=acme").await.text;
        let button = if is_listed == "0" {
            "Show acme 1.0.0"
        } else {
            "Hide acme 1.0.0"
        };
        assert!(page.contains(button) && !page.contains(">other<"), "{page}");
    }
    let body = json!({ "package": "acme", "version": "9", "listed": false });
    let missing = person
        .call(&site, "/api/v1/feed/packages/listed", &body)
        .await;
    assert_eq!(missing.status, 404, "{}", missing.text);
}

#[tokio::test]
async fn a_package_that_is_too_large_is_refused_and_not_kept() {
    let limit = |config: &mut fleetmend_server::Config| config.policy.push_limit_megabytes = 1;
    let (site, person) = Site::signed_in_with(limit).await;
    let secret = key(&site, &person, "build", true).await;
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(1_000_000)
    .collect();
    let large = Nupkg::new("large", "1.0").file("tools/noise", noise);
    let answer = push(&site, "/feed/v2/", &secret, &large.build().unwrap()).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert!(
        answer.text.contains("1000000 bytes at most"),
        "{}",
        answer.text
    );
    assert_eq!(site.kept_files(), 0);
    let small = package("small", "1.0");
    for (nupkg, status, kept) in [
        (&small, 201, 1),
        (&small, 409, 1),
        (&package("small", "1"), 409, 1),
    ] {
        let answer = push(&site, "/feed/v2/", &secret, nupkg).await;
        assert_eq!(
            (answer.status, site.kept_files()),
            (status, kept),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn what_another_process_changes_reaches_the_feed_and_a_restart_finds_everything() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    push(&site, "/feed/v2/", &secret, &package("acme", "1")).await;
    let site = Site::start_again(site.stop().await, |_| {}).await;
    assert_eq!(
        shown(&read(&site, "/feed/v2/Packages()", &secret).await),
        ["acme 1.0.0"]
    );
}

#[tokio::test]
async fn who_says_who_may_read_is_told_that_it_is_so_and_when_a_server_that_runs_does() {
    let (site, person) = Site::signed_in().await;
    key(&site, &person, "build", true).await;
    let handle = site.running().handle();
    for (is_open, words) in [(true, "everybody"), (false, "only those with a key")] {
        let said = handle.set_feed_open(is_open).await.unwrap();
        assert!(said.starts_with(words), "{said}");
        assert!(said.contains("follows within 5 seconds"), "{said}");
    }
    let said = handle.revoke_feed_key("build").await.unwrap();
    assert!(
        said.contains("'build'") && said.contains("within 5 seconds"),
        "{said}"
    );
}
