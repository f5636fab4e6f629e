//! An administrator says which version of its package a registered version is.

use std::time::Duration;

use fleetmend_model::DeviceId;
use fleetmend_server::{GivenOverride, Output};
use serde_json::{Value as Json, json};

use crate::clocked::{Clocked, both, until};
use crate::site::Person;
use crate::taught::{device, offer, software};

/// How long inventories are gathered before lists have them.
const COUNT: Duration = Duration::from_secs(11);
const NAME: &str = "Some runtime";

async fn get(site: &Clocked, person: &Person, path: &str) -> Json {
    person.get(&site.site, path).await.json()
}

/// Three devices with a runtime whose registered versions nobody understands; the first one's number.
async fn fleet(site: &Clocked, folder: &std::path::Path) -> DeviceId {
    let row = |version: &str| [software(NAME, version)];
    let first = device(site, "a", &row("3.11.7150.0"), &[]).await;
    device(site, "b", &row("3.11.7150.0"), &[]).await;
    device(site, "c", &row("3.11.8150.0"), &[]).await;
    offer(site, folder, &[("some-runtime", "3.11.8", NAME)]).await;
    site.live(COUNT).await;
    first
}

/// `registered version: state, on how many devices`, as soon as the list of applications is that.
async fn listed(site: &Clocked, person: &Person, expected: &[&str]) {
    let rows = async || {
        let list = get(site, person, "/api/v1/applications").await;
        let rows = list["items"].as_array().unwrap().iter();
        let row = |it: &Json| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            format!("{}: {}, {}", text("version"), text("state"), it["devices"])
        };
        rows.map(row).collect::<Vec<_>>()
    };
    let wait = until("the list is as it should be", async || {
        (rows().await == expected).then_some(())
    });
    let found = tokio::time::timeout(Duration::from_secs(20), wait).await;
    assert!(found.is_ok(), "{expected:?}: {:?}", rows().await);
}

fn said(registered: &str, version: &str) -> Json {
    json!({
        "decision": "version",
        "package": "Some-Runtime",
        "registered": registered,
        "version": version,
        "reason": "seen on the machine",
    })
}

both! {
    async fn a_registered_version_is_said_to_be_one_of_the_package_previewed_made_and_taken_back(site) {
        let folder = tempfile::tempdir().unwrap();
        let id = fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let not_known = ["3.11.7150.0: cannot_tell, 3"];
        listed(&site, &person, &not_known).await;

        // From the page of what cannot be told to the preview, which does nothing.
        let of_device = format!("/devices/{id}/software");
        let list = get(&site, &person, &format!("/api/v1{of_device}")).await;
        let application = format!("{of_device}/{}", list["items"][0]["id"]);
        let link = "/overrides/new?decision=version&package=some-runtime&registered=3.11.7150.0";
        for path in [application.as_str(), "/applications"] {
            let page = person.get(&site.site, path).await.text;
            let shown = page.replace("&#38;", "&").replace("&amp;", "&");
            assert!(shown.contains(link), "{path}: {page}");
        }
        let page = person.get(&site.site, &format!("{link}&version=3.11.7")).await.text;
        for part in [
            "It is for 2 applications. The answer changes for 1 application on 2 devices.",
            "Patches that devices lack then and not now",
            "some-runtime 3.11.8",
            "Make the override",
        ] {
            assert!(page.contains(part), "{part} is not on {page}");
        }
        let it = said("3.11.7150.0", "3.11.7");
        let preview = person.call(&site.site, "/api/v1/overrides/preview", &it).await.json();
        let turns = json!([{"state": "cannot_tell", "new_state": "missing", "applications": 1, "devices": 2}]);
        assert_eq!(preview["turns"], turns);
        let more = json!([{"package": "some-runtime", "title": NAME, "version": "3.11.8", "devices": 2}]);
        assert_eq!((&preview["more_missing"], &preview["fewer_missing"]), (&more, &json!([])));
        listed(&site, &person, &not_known).await;

        let made = person.call(&site.site, "/api/v1/overrides", &it).await.json();
        listed(&site, &person, &["3.11.7150.0: missing, 2", "3.11.8150.0: cannot_tell, 1"]).await;
        until("it is missing", async || {
            let list = get(&site, &person, "/api/v1/missing").await;
            (list["items"][0]["affected"] == 2).then_some(())
        })
        .await;
        let told = get(&site, &person, &format!("/api/v1{application}")).await;
        let why = told["why"].as_str().unwrap();
        let says = "said that what registers 3.11.7150.0 is version 3.11.7: seen on the machine";
        assert!(why.ends_with(says), "{why}");
        let says = "some-runtime that registers 3.11.7150.0 is version 3.11.7: seen on the machine";
        for path in ["/overrides", "/api/v1/audit"] {
            let page = person.get(&site.site, path).await.text;
            assert!(page.contains(says), "{path}: {page}");
        }
        let kept = get(&site, &person, "/api/v1/overrides").await;
        let kept = &kept["items"][0];
        assert_eq!(
            (&kept["decision"], &kept["package"], &kept["registered"], &kept["version"]),
            (&json!("version"), &json!("some-runtime"), &json!("3.11.7150.0"), &json!("3.11.7"))
        );

        // A second one tells how all of its versions are registered, also after a restart.
        let handle = site.site.running().handle();
        let second = GivenOverride {
            decision: "version",
            package: "some-runtime",
            registered: "3.11.8150.0",
            version: "3.11.8",
            reason: "seen",
            ..GivenOverride::default()
        };
        let lines = handle.preview_override(&second).await.unwrap();
        assert_eq!(lines[1], "  cannot_tell becomes current: 1 application on 1 device");
        handle.add_override(&second).await.unwrap();
        listed(&site, &person, &["3.11.7150.0: missing, 2", "3.11.8150.0: current, 1"]).await;
        assert_eq!(handle.list_overrides(Output::Text).await.unwrap().len(), 2);
        let site = site.restart(Duration::from_secs(60)).await;
        listed(&site, &person, &["3.11.7150.0: missing, 2", "3.11.8150.0: current, 1"]).await;

        let handle = site.site.running().handle();
        let second = handle.list_overrides(Output::Text).await.unwrap()[0].clone();
        let second = second.split('\t').next().unwrap().parse().unwrap();
        handle.remove_override(second).await.unwrap();
        let first = format!("/api/v1/overrides/{}", made["id"]);
        let preview = get(&site, &person, &format!("{first}/removal")).await;
        assert_eq!(preview["fewer_missing"], more);
        let removed = person.call(&site.site, &format!("{first}/remove"), &json!({})).await;
        assert_eq!(removed.status, 204);
        listed(&site, &person, &not_known).await;
        until("nothing is missing", async || {
            let list = get(&site, &person, "/api/v1/missing").await;
            list["items"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_version_that_cannot_be_is_refused_with_what_is_wrong() {
    crate::clocked::on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let with = |key: &str, text: &str| {
            let mut it = said("3.11.7150.0", "3.11.7");
            it[key] = json!(text);
            it
        };
        for (it, says) in [
            (with("package", "gone"), "field 'package': the catalog has no package 'gone'"),
            (
                said("3.11.9150.0", "3.11.7"),
                "field 'registered': no device has some-runtime with the registered version '3.11.9150.0'",
            ),
            (said("", "3.11.7"), "field 'registered': no device has"),
            (
                said("3.11.7150.0", "3.12.0"),
                "field 'version': the package has no version 3.12.0: its newest is 3.11.8",
            ),
            (said("3.11.7150.0", ""), "field 'version': '' is no version of a release"),
            (with("name", "Some runtime"), "field 'name': what a registered version is"),
            (with("publisher", "Acme"), "field 'publisher': what a registered version is"),
            (with("highest", "3.12"), "field 'highest': only what is pinned"),
            (
                json!({"name": "Some runtime", "decision": "excluded", "version": "1.0"}),
                "field 'version': only the decision 'version' has it",
            ),
            (
                json!({"name": "Some runtime", "decision": "is", "package": "some-runtime", "registered": "1.0"}),
                "field 'registered': only the decision 'version' has it",
            ),
        ] {
            let answer = person.call(&site.site, "/api/v1/overrides/preview", &it).await;
            assert_eq!(answer.status, 400, "{it}: {}", answer.text);
            assert!(answer.text.contains(says), "{says}: {}", answer.text);
        }
        let it = said("3.11.7150.0", "3.11.7");
        let made = person.call(&site.site, "/api/v1/overrides", &it).await;
        assert_eq!(made.status, 200, "{}", made.text);
        // What is certain by then; and the page says so as well.
        let says = "its version 3.11.7150.0 is known to be the package";
        let other = said("3.11.7150.0", "3.11.6");
        until("the contrary is refused", async || {
            let answer = person.call(&site.site, "/api/v1/overrides/preview", &other).await;
            (answer.status == 400 && answer.text.contains(says)).then_some(())
        })
        .await;
        let form = "/overrides/new?decision=version&package=some-runtime&registered=3.11.7150.0";
        let page = person.get(&site.site, &format!("{form}&version=3.11.6")).await.text;
        assert!(page.contains(says) && !page.contains("Make the override"), "{page}");
    })
    .await;
}
