//! The REST API.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::seed;
use crate::site::{Site, encode};

#[test]
fn the_openapi_document_is_as_it_was_reviewed() {
    let mut document = serde_json::to_value(fleetmend_server::api::document()).unwrap();
    document["info"]["version"] = "the product's".into();
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn every_documented_endpoint_answers_and_says_so_by_a_verb_and_a_resource() {
    let (site, person) = Site::signed_in().await;
    let document = person.get(&site, "/api/v1/openapi.json").await.json();
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            let verb = id.split('_').next().unwrap();
            let verbs = [
                "get", "list", "create", "delete", "set", "request", "preview", "redeploy",
                "cancel", "remove", "reset", "release", "export", "import", "move", "place",
            ];
            assert!(verbs.contains(&verb) && id.contains('_'), "{id}");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path.replace("{id}", "1");
            let answer = site.send(method.clone(), &path, &[], None).await;
            assert_ne!(answer.status, 405, "{method} {path}");
            let is_unknown = answer.text.contains("there is no such address");
            assert!(!is_unknown, "{method} {path} is documented and not there");
        }
    }
    assert_eq!(ids.len(), 83);
}

#[tokio::test]
async fn lists_are_pages_and_each_goes_on_after_the_one_before() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    for n in 0..5 {
        seed::device(&mut tx, &format!("host-{n}"), "text").await;
    }
    tx.commit().await.unwrap();
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/devices?limit=2&after={}", encode(&after));
        let page = person.get(&site, &path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|it| it["hostname"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    assert_eq!(names, ["host-0", "host-1", "host-2", "host-3", "host-4"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_in_one_shape() {
    let (site, person) = Site::signed_in().await;
    for (path, body, field) in [
        ("/api/v1/scans", json!({"devices": "all"}), "devices"),
        (
            "/api/v1/approvals",
            json!({"patches": [{"patch": "x"}]}),
            "patches[0].patch",
        ),
        (
            "/api/v1/approvals",
            json!({"patches": [], "decision": "maybe"}),
            "decision",
        ),
        ("/api/v1/enrol-tokens", json!({"hours": 0}), "hours"),
        (
            "/api/v1/sources",
            json!({"location": "relative/folder"}),
            "relative/folder",
        ),
    ] {
        let answer = person.call(&site, path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "bad_request");
        assert!(
            error["message"].as_str().unwrap().contains(field),
            "{path}: {error}"
        );
    }
    for path in [
        "/api/v1/devices?system_type=every",
        "/api/v1/devices?after=nonsense",
        "/api/v1/devices?limit=many",
        "/api/v1/devices/x",
        "/api/v1/deploy-jobs?status=14",
    ] {
        let answer = person.get(&site, path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "bad_request", "{path}");
    }
    let unknown = person
        .call(&site, "/api/v1/deployments", &json!({"patch": 99}))
        .await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["code"].clone()),
        (404, json!("not_found"))
    );
}

#[tokio::test]
async fn a_scan_of_a_device_that_is_not_there_is_refused_as_a_whole_and_names_it() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let device = seed::device(&mut tx, "host", "text").await;
    tx.commit().await.unwrap();
    let wanted = json!({"devices": [device, 4711]});
    let answer = person.call(&site, "/api/v1/scans", &wanted).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(answer.json()["error"]["message"], "there is no device 4711");
    let posted = fleetmend_store::scan_jobs::open_of_device(&db, device).await;
    assert_eq!(posted.unwrap(), None);
}

#[tokio::test]
async fn a_patch_is_approved_previewed_deployed_and_cancelled() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let device = seed::device(&mut tx, "host", "text").await;
    let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
    seed::lack(&mut tx, &[device], patch, "1.1").await;
    tx.commit().await.unwrap();

    let missing = person
        .get(&site, "/api/v1/missing?approval=not_approved")
        .await
        .json();
    assert_eq!(missing["items"][0]["patch"]["title"], "Some patch");
    assert_eq!(missing["items"][0]["affected"], 1);
    let address = format!("/api/v1/missing/{patch}/systems");
    let affected = person.get(&site, &address).await.json();
    assert_eq!(affected["items"][0]["missing"]["installed_version"], "1.1");

    let wanted = json!({"patch": patch});
    let preview = person
        .call(&site, "/api/v1/deployments/preview", &wanted)
        .await
        .json();
    assert_eq!(preview["devices"][0]["reason"]["why"], "not_approved");

    let approve = json!({
        "patches": [{"patch": patch, "system_type": "normal"}],
        "decision": "approved",
    });
    assert_eq!(
        person
            .call(&site, "/api/v1/approvals", &approve)
            .await
            .status,
        204
    );
    let made = person
        .call(&site, "/api/v1/deployments", &wanted)
        .await
        .json();
    assert_eq!(made["devices"][0]["deploys"], true);
    let again = person
        .call(&site, "/api/v1/deployments", &wanted)
        .await
        .json();
    assert_eq!(again["deployment"], Json::Null);

    let address = format!("/api/v1/deploy-jobs?deployment={}", made["deployment"]);
    let listed = person.get(&site, &address).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let job = listed["items"][0]["id"].clone();
    let address = format!("/api/v1/deploy-jobs/{job}/cancel");
    assert_eq!(person.call(&site, &address, &json!({})).await.status, 204);
    assert_eq!(person.call(&site, &address, &json!({})).await.status, 409);

    let detail = person
        .get(&site, &format!("/api/v1/deploy-jobs/{job}"))
        .await
        .json();
    assert_eq!(detail["job"]["status"]["ending"], "cancelled");
    assert_eq!(
        detail["transitions"][0]["status"]["label"],
        "Patch deployment job is posted"
    );
    let redeploy = json!({"jobs": [job]});
    let answer = person
        .call(&site, "/api/v1/deploy-jobs/redeploy", &redeploy)
        .await;
    assert_eq!(answer.json()["count"], 1, "{}", answer.text);

    let audit = person.get(&site, "/api/v1/audit").await.json();
    let actions: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["action"].as_str().unwrap())
        .collect();
    for action in [
        "set_password",
        "decide_patch",
        "deploy_patch",
        "cancel_job",
        "redeploy",
    ] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}
