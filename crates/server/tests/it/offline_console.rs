//! Offline export and import through the console and the REST API.

use std::time::Duration;

use bytes::Bytes;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_server::catalog::sync;
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_trust::digest_hex;
use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;

use crate::clocked::{Clocked, both, until};
use crate::site::{Answer, Body, NAME, PASSWORD, Person};

/// A server that has read a folder with a package, its administrator, and the folder.
async fn online() -> (Clocked, Person, tempfile::TempDir) {
    let site = Clocked::another().await;
    let folder = tempfile::tempdir().unwrap();
    Nupkg::new("some-tool", "1.0")
        .build_into(folder.path())
        .unwrap();
    let settings = Settings::new(folder.path().to_str().unwrap(), "The folder");
    let mut tx = site.db().begin().await.unwrap();
    let id = sources::insert(&mut tx, SourceKind::Folder, &settings)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sync::sync(site.app(), id).await.unwrap();
    let person = site.administrator().await;
    (site, person, folder)
}

/// Downloads an export through the console.
async fn download(site: &Clocked, person: &Person) -> Vec<u8> {
    let url = format!("{}/sources/carry/export", site.site.running().url());
    let form = [("csrf", person.csrf.as_str()), ("files", "all")];
    let body = form.map(|(name, value)| format!("{name}={}", crate::site::encode(value)));
    let request = site
        .site
        .client()
        .post(url)
        .header("cookie", &person.cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(body.join("&")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(
        kind,
        "attachment; filename=\"fleetmend-catalog-2026-09-21.tar\""
    );
    answer.bytes().await.unwrap().to_vec()
}

/// Uploads a form with a file.
async fn upload(
    site: &Clocked,
    person: &Person,
    fields: &[(&str, &str)],
    file: Option<&[u8]>,
) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head =
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    if let Some(file) = file {
        let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x.tar\"\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    let headers = [
        ("cookie", person.cookie.as_str()),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    let path = "/sources/carry/import";
    site.site
        .send(Method::POST, path, &headers, Some(Body::bytes(body)))
        .await
}

both! {
    async fn a_person_exports_and_imports_in_the_console(site) {
        let (online, exporter, _folder) = online().await;
        let bytes = download(&online, &exporter).await;
        let sha256 = digest_hex(&bytes);
        let listed = until("it is noted", async || {
            let listed = exporter.get(&online.site, "/api/v1/catalog/carried").await.json();
            (!listed["items"][0].is_null()).then_some(listed)
        })
        .await;
        let item = &listed["items"][0];
        assert_eq!((&item["sha256"], &item["direction"]), (&json!(sha256), &json!("export")));
        assert_eq!(item["length"], json!(bytes.len()));
        let page = exporter.get(&online.site, "/sources/carry").await.text;
        assert!(page.contains(&sha256), "{page}");

        let person = site.administrator().await;
        let csrf = ("csrf", person.csrf.as_str());
        let answer = upload(&site, &person, &[csrf], Some(&bytes[..bytes.len() - 1])).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains("ends too early"), "{}", answer.text);
        assert!(answer.text.contains("Nothing was imported"), "{}", answer.text);
        let other = ("sha256", &*digest_hex(b"other"));
        let answer = upload(&site, &person, &[csrf, other], Some(&bytes)).await;
        assert!(answer.status == 400 && answer.text.contains(&sha256), "{}", answer.text);
        for fields in [&[][..], &[("csrf", "forged")]] {
            assert_eq!(upload(&site, &person, fields, Some(&bytes)).await.status, 403);
        }
        let answer = upload(&site, &person, &[csrf], None).await;
        assert!(answer.text.contains("The form has no file"), "{}", answer.text);
        let answer = upload(&site, &person, &[csrf, ("sha256", &sha256)], Some(&bytes)).await;
        assert_eq!(answer.location, "/sources/carry?done=catalog-imported&n=1", "{}", answer.text);
        let page = person.get(&site.site, "/sources/carry").await.text;
        assert!(page.contains("The folder: 1 new or changed"), "{page}");
        let page = person.get(&site.site, "/sources").await.text;
        assert!(page.contains("With the next import") && !page.contains("days old"), "{page}");
        let id = sources::list(site.db()).await.unwrap().into_iter();
        let id = id.filter(|it| it.kind == SourceKind::Imported).map(|it| it.id).next().unwrap();
        site.live(Duration::from_hours(15 * 24)).await;
        let again = site.site.log_in(NAME, PASSWORD).await;
        let person = site.site.person(again.cookie.unwrap()).await;
        for path in ["/sources".to_owned(), format!("/sources/{id}")] {
            let page = person.get(&site.site, &path).await.text;
            assert!(page.contains("What it has is 15 days old"), "{path}: {page}");
        }
        let answer = person.post(&site.site, &format!("/sources/{id}/read"), &[]).await;
        assert!(answer.status == 409 && answer.text.contains("comes with imports"));
    }

    async fn a_form_whose_file_does_not_begin_is_refused_before_it_ends(site) {
        let person = site.administrator().await;
        let headers = [
            ("cookie", person.cookie.as_str()),
            ("content-type", "multipart/form-data; boundary=x"),
        ];
        let field = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"");
        let csrf = format!("{}\r\n\r\n{}\r\n", field("csrf"), person.csrf);
        let older = format!("{csrf}{}\r\n\r\n", field("older"));
        let file = format!("{csrf}{}; filename=\"", field("file"));
        for begin in ["", &older, &file] {
            let mut noise = begin.as_bytes().to_vec();
            noise.resize(80 * 1024, b'-');
            let parts = noise.chunks(8 * 1024).map(Bytes::copy_from_slice);
            let parts: Vec<_> = parts.map(Ok::<_, std::io::Error>).collect();
            // It never ends.
            let body = stream::iter(parts).chain(stream::pending());
            let body = reqwest::Body::wrap_stream(body);
            let path = "/sources/carry/import";
            let answer = site.site.stream(Method::POST, path, &headers, body).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
            let said = "no file within its first 65536 bytes";
            assert!(answer.text.contains(said), "{}", answer.text);
        }
    }

    async fn a_program_exports_and_imports_through_the_api(site) {
        let (online, exporter, _folder) = online().await;
        let export = json!({ "without_files": true });
        let path = "/api/v1/catalog/export";
        let headers = [("cookie", exporter.cookie.as_str()), ("x-csrf-token", exporter.csrf.as_str())];
        let url = format!("{}{path}", online.site.running().url());
        let mut request = online.site.client().post(url).body(export.to_string());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let bytes = answer.bytes().await.unwrap().to_vec();
        assert_eq!(bytes.len(), length);

        let person = site.administrator().await;
        let headers = [("cookie", person.cookie.as_str()), ("x-csrf-token", person.csrf.as_str())];
        let import = async |query: &str, bytes: &[u8]| {
            let path = format!("/api/v1/catalog/import{query}");
            let body = Some(Body::bytes(bytes.to_vec()));
            site.site.send(Method::POST, &path, &headers, body).await
        };
        let damaged = import("", &bytes[512..]).await;
        assert_eq!((damaged.status, &damaged.json()["error"]["code"]), (400, &json!("bad_request")));
        let query = format!("?sha256={}", digest_hex(&bytes));
        let found = import(&query, &bytes).await;
        assert_eq!(found.status, 200, "{}", found.text);
        let found = found.json();
        assert_eq!(found["sha256"], json!(digest_hex(&bytes)));
        assert_eq!(found["sources"][0]["changed"], json!(1));
        let sources = person.get(&site.site, "/api/v1/sources").await.json();
        let kinds: Vec<_> = sources.as_array().unwrap().iter().map(|it| &it["kind"]).collect();
        assert!(kinds.contains(&&json!("imported")), "{sources}");
        // An older one is a conflict.
        online.live(Duration::from_mins(1)).await;
        let newer = download(&online, &exporter).await;
        assert_eq!(import("", &newer).await.status, 200);
        assert_eq!(import("", &bytes).await.status, 409);
        assert_eq!(import("?older=true", &bytes).await.status, 200);
    }
}
