//! Every change needs the session's own word.

use fleetmend_store::audit::{self, AuditFilter};
use fleetmend_store::{Page, devices};
use reqwest::Method;
use serde_json::json;

use crate::seed;
use crate::site::{Site, form_body, json_body};

const FORMS: [&str; 27] = [
    "/logout",
    "/devices/scan",
    "/devices/system-type",
    "/devices/1/remove",
    "/missing/approve",
    "/missing/disapprove",
    "/deploy/preview",
    "/deploy",
    "/deployments/redeploy",
    "/deployments/cancel",
    "/downloads/reset",
    "/quarantine/1/release",
    "/quarantine/1/retry",
    "/sources",
    "/sources/1",
    "/sources/1/login",
    "/sources/1/read",
    "/sources/1/private-hosts",
    "/sources/1/remove",
    "/sources/1/remove-gone",
    "/sources/carry/export",
    "/sources/carry/import",
    "/feed/keys",
    "/feed/keys/revoke",
    "/feed/readers",
    "/feed/packages/listed",
    "/enrol",
];

const CALLS: [&str; 25] = [
    "/api/v1/devices/system-type",
    "/api/v1/devices/remove",
    "/api/v1/scans",
    "/api/v1/approvals",
    "/api/v1/deployments",
    "/api/v1/deployments/preview",
    "/api/v1/deploy-jobs/redeploy",
    "/api/v1/deploy-jobs/1/cancel",
    "/api/v1/downloads/reset",
    "/api/v1/quarantine/1/release",
    "/api/v1/quarantine/1/retry",
    "/api/v1/sources",
    "/api/v1/sources/1",
    "/api/v1/sources/1/remove",
    "/api/v1/sources/1/remove-gone",
    "/api/v1/sources/1/login",
    "/api/v1/sources/1/read",
    "/api/v1/sources/1/private-hosts",
    "/api/v1/catalog/export",
    "/api/v1/catalog/import",
    "/api/v1/enrol-tokens",
    "/api/v1/feed/keys",
    "/api/v1/feed/readers",
    "/api/v1/feed/packages/listed",
    "/api/v1/session",
];

#[tokio::test]
async fn changes_without_the_sessions_word_are_refused_and_do_nothing() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    seed::everything(&db, "text").await;
    let before = audit::list(&db, &AuditFilter::default(), &Page::first(100))
        .await
        .unwrap();
    let cookie = ("cookie", person.cookie.as_str());
    let fields = [
        ("device", "1"),
        ("system_type", "critical"),
        ("target", "1:normal"),
        ("job", "1"),
        ("cancel", "1"),
        ("location", "/srv/packages"),
    ];
    for path in FORMS {
        for word in [None, Some(""), Some("forged")] {
            let mut fields = fields.to_vec();
            fields.extend(word.map(|word| ("csrf", word)));
            let answer = site
                .send(Method::POST, path, &[cookie], Some(form_body(&fields)))
                .await;
            assert_eq!(answer.status, 403, "{path} {word:?}: {}", answer.text);
        }
    }
    for path in CALLS {
        let method = if path.ends_with("/session") {
            Method::DELETE
        } else {
            Method::POST
        };
        for word in ["", "forged"] {
            let headers = [cookie, ("x-csrf-token", word)];
            let answer = site
                .send(method.clone(), path, &headers, Some(json_body(&json!({}))))
                .await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.text);
            assert_eq!(answer.json()["error"]["code"], "csrf", "{path}");
        }
    }
    let after = audit::list(&db, &AuditFilter::default(), &Page::first(100))
        .await
        .unwrap();
    assert_eq!(before, after);
    assert_eq!(
        person.get(&site, "/devices").await.status,
        200,
        "still signed in"
    );
}

#[tokio::test]
async fn the_word_of_one_session_is_not_good_for_another() {
    let (site, person) = Site::signed_in().await;
    let other = site.log_in(crate::site::NAME, crate::site::PASSWORD).await;
    let other = site.person(other.cookie.unwrap()).await;
    let form = form_body(&[("csrf", &other.csrf)]);
    let answer = site
        .send(
            Method::POST,
            "/logout",
            &[("cookie", &person.cookie)],
            Some(form),
        )
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn every_form_and_call_is_for_signed_in_people_only() {
    let site = Site::start().await;
    for path in FORMS {
        let answer = site
            .send(Method::POST, path, &[], Some(form_body(&[])))
            .await;
        assert_eq!(
            (answer.status, answer.location.as_str()),
            (303, "/login?next=%2F"),
            "{path}"
        );
    }
    for path in CALLS.iter().filter(|path| !path.ends_with("/session")) {
        let answer = site
            .send(Method::POST, path, &[], Some(json_body(&json!({}))))
            .await;
        assert_eq!(answer.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_form_goes_back_to_its_page_with_the_filters_and_says_what_was_done() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let seeded = seed::everything(&db, "text").await;
    let id = seeded.device.to_string();
    let fields = [
        ("device", id.as_str()),
        ("system_type", "critical"),
        ("back", "/devices?hostname=te"),
    ];
    let answer = person.post(&site, "/devices/system-type", &fields).await;
    assert_eq!(answer.location, "/devices?hostname=te&done=system-type&n=1");
    let page = person.get(&site, &answer.location).await.text;
    assert!(
        page.contains("The system type of 1 device was set."),
        "{page}"
    );
    let device = devices::get(&db, seeded.device).await.unwrap().unwrap();
    assert_eq!(
        device.system_type,
        fleetmend_model::device::SystemType::Critical
    );
    let elsewhere = [("device", id.as_str()), ("back", "//evil.example")];
    let answer = person.post(&site, "/devices/scan", &elsewhere).await;
    assert_eq!(answer.location, "/devices?done=scan&n=0");
    let nothing = person.post(&site, "/devices/scan", &[]).await;
    assert_eq!(nothing.location, "/devices?done=nothing-chosen&n=0");
}
