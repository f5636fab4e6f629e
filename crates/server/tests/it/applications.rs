//! What applications are taken for: lists, explanations, and administrators' overrides.

use std::time::Duration;

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{ChocolateyRecord, Software};
use fleetmend_server::{GivenOverride, Output};
use serde_json::{Value as Json, json};

use crate::clocked::{Clocked, both, until};
use crate::site::Person;
use crate::taught::{device, device_with, offer, software};

/// How long inventories are gathered before lists have them.
const COUNT: Duration = Duration::from_secs(11);

async fn get(site: &Clocked, person: &Person, path: &str) -> Json {
    person.get(&site.site, path).await.json()
}

/// `name: devices, state, package` of a list, as soon as it is that.
async fn listed(site: &Clocked, person: &Person, path: &str, expected: &[&str]) {
    let rows = async || {
        let list = get(site, person, path).await;
        let rows = list["items"].as_array().unwrap().iter();
        let text = |it: &Json, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        rows.map(|it| {
            let (name, state) = (text(it, "name"), text(it, "state"));
            let package = text(it, "package");
            format!("{name}: {} {state} {package}", it["devices"])
                .trim_end()
                .to_owned()
        })
        .collect::<Vec<_>>()
    };
    let wait = until("the list is as it should be", async || {
        (rows().await == expected).then_some(())
    });
    let found = tokio::time::timeout(Duration::from_secs(20), wait).await;
    assert!(found.is_ok(), "{path}: {:?}", rows().await);
}

/// Three devices: one application that is clear, one that may be two packages, one that is none.
async fn fleet(site: &Clocked, folder: &std::path::Path) -> Vec<DeviceId> {
    let packages = [
        ("tool", "2.0", "Some tool"),
        ("twin-one", "3.0", "Twin program"),
        ("twin-two", "3.0", "Twin program"),
    ];
    let rows = |version: &str| -> Vec<Software> {
        vec![
            software("Some tool", version),
            software("Twin program", "1.0"),
            software("Unheard of", version),
        ]
    };
    let mut ids = Vec::new();
    for (host, rows) in [
        ("a", rows("1.0")),
        ("b", rows("2.0")),
        ("c", vec![software("Unheard of", "3.0")]),
    ] {
        ids.push(device(site, host, &rows, &[]).await);
    }
    offer(site, folder, &packages).await;
    site.live(COUNT).await;
    ids
}

both! {
    async fn lists_have_each_application_once_with_its_answer_and_the_commonest_first(site) {
        let folder = tempfile::tempdir().unwrap();
        let ids = fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let all = [
            "Unheard of: 3 unmatched",
            "Twin program: 2 review",
            "Some tool: 1 missing tool",
            "Some tool: 1 current tool",
        ];
        listed(&site, &person, "/api/v1/applications", &all).await;
        listed(&site, &person, "/api/v1/applications?state=unmatched", &all[..1]).await;
        listed(&site, &person, "/api/v1/applications?state=review", &all[1..2]).await;
        listed(&site, &person, "/api/v1/applications?text=TOOL", &all[2..]).await;
        // Page by page.
        let first = get(&site, &person, "/api/v1/applications?limit=2").await;
        let after = first["next"].as_str().unwrap().replace('[', "%5B").replace(']', "%5D");
        let path = format!("/api/v1/applications?limit=2&after={after}");
        listed(&site, &person, &path, &all[2..]).await;
        // Each candidate has its evidence.
        let review = get(&site, &person, "/api/v1/applications?state=review").await;
        let candidates = review["items"][0]["candidates"].as_array().unwrap();
        let shown: Vec<_> = candidates.iter().map(|it| (&it["package"], &it["evidence"])).collect();
        assert_eq!(shown, [(&json!("twin-one"), &json!("software_name")), (&json!("twin-two"), &json!("software_name"))]);
        let page = person.get(&site.site, "/applications?state=review").await.text;
        for part in ["Twin program", "twin-one", "twin-two", "fits the package&#39;s own pattern"] {
            assert!(page.contains(part), "{part} is not on {page}");
        }
        let path = format!("/api/v1/devices/{}/software?state=missing", ids[0]);
        let of_device = get(&site, &person, &path).await;
        assert_eq!(of_device["items"][0]["name"], "Some tool");
        assert_eq!(of_device["items"].as_array().unwrap().len(), 1);
        let wrong = person.get(&site.site, "/api/v1/applications?state=odd").await;
        assert_eq!(wrong.status, 400);
    }

    async fn a_name_is_found_in_any_letter_case_and_said_itself_whatever_letters_it_has(site) {
        let rows = [software("ÜBER Office*", "1.0"), software("Über Office 2", "1.0")];
        let id = device(&site, "a", &rows, &[]).await;
        device(&site, "b", &[software("Microsoft Office", "1.0")], &[]).await;
        site.live(COUNT).await;
        let person = site.administrator().await;
        let path = format!("/api/v1/devices/{id}/software?text=%C3%9Cber%20O");
        let both = ["Über Office 2: 1 unmatched", "ÜBER Office*: 1 unmatched"];
        listed(&site, &person, &path, &both).await;
        let page = person.get(&site.site, "/applications?text=office").await.text;
        let said = "name=%C3%9CBER%20Office%5C%2A&";
        assert!(page.contains(said), "{page}");
        let it = json!({"name": r"über office\*", "decision": "excluded"});
        let preview = person.call(&site.site, "/api/v1/overrides/preview", &it).await.json();
        assert_eq!((&preview["applications"], &preview["changed"]), (&json!(1), &json!(1)));
    }

    async fn any_answer_is_explained(site) {
        let folder = tempfile::tempdir().unwrap();
        let ids = fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let path = format!("/api/v1/devices/{}/software", ids[0]);
        let of_device = get(&site, &person, &path).await;
        let id_of = |name: &str| {
            let mut rows = of_device["items"].as_array().unwrap().iter();
            rows.find(|it| it["name"] == name).unwrap()["id"].clone()
        };
        let path = format!("/api/v1/devices/{}/software/{}", ids[0], id_of("Some tool"));
        let told = get(&site, &person, &path).await;
        assert_eq!(
            (&told["state"], &told["found"]["package"], &told["found"]["evidence"]),
            (&json!("missing"), &json!("tool"), &json!("software_name"))
        );
        assert_eq!(told["patch"]["version"], "2.0");
        let why = told["why"].as_str().unwrap();
        assert!(why.contains("its version 1.0 is older than what is on offer"), "{why}");
        let page = format!("/devices/{}/software/{}", ids[0], id_of("Twin program"));
        let page = person.get(&site.site, &page).await.text;
        for part in ["To review", "twin-one", "What it may be", "Say what it is"] {
            assert!(page.contains(part), "{part} is not on {page}");
        }
        let handle = site.site.running().handle();
        let lines = handle.explain("a", "some").await.unwrap().join("\n");
        assert!(lines.contains("Missing: its name 'Some tool'"), "{lines}");
        assert!(lines.contains("missing tool 2.0 since"), "{lines}");
        let lines = handle.explain("A", "twin").await.unwrap().join("\n");
        assert!(lines.contains("may be twin-two: "), "{lines}");
        for (device, name) in [("nobody", "tool"), ("a", "no such thing")] {
            assert!(handle.explain(device, name).await.is_err(), "{device} {name}");
        }
        let elsewhere = format!("/api/v1/devices/{}/software/{}", ids[2], id_of("Some tool"));
        assert_eq!(person.get(&site.site, &elsewhere).await.status, 404);
    }

    async fn an_older_row_beside_an_up_to_date_copy_is_not_missing_and_says_beside_what(site) {
        let folder = tempfile::tempdir().unwrap();
        let left = [software("Some tool", "1.0"), software("Some tool (x64)", "2.0")];
        let both = [software("Some tool (x86)", "1.0"), software("Some tool (x64)", "2.0")];
        let (a, b) = (device(&site, "a", &left, &[]).await, device(&site, "b", &both, &[]).await);
        offer(&site, folder.path(), &[("tool", "2.0", "Some tool")]).await;
        site.live(COUNT).await;
        let person = site.administrator().await;
        let of = |id: DeviceId| format!("/api/v1/devices/{id}/software");
        let (of_a, of_b) = (of(a), of(b));
        let row = "Some tool: 1 not_missing tool";
        listed(&site, &person, &of_a, &[row, "Some tool (x64): 2 current tool"]).await;
        listed(&site, &person, &format!("{of_a}?state=missing"), &[]).await;
        listed(&site, &person, &format!("{of_a}?state=not_missing"), &[row]).await;
        listed(&site, &person, &format!("{of_b}?state=missing"), &["Some tool (x86): 1 missing tool"]).await;
        let beside = "Some tool (x64) 2.0 is on the device as well, and is what is on offer";
        let list = get(&site, &person, &of_a).await;
        assert_eq!(list["items"][0]["why"], beside);
        let id = &list["items"][0]["id"];
        let told = get(&site, &person, &format!("{of_a}/{id}")).await;
        assert_eq!((&told["state"], &told["why"]), (&json!("not_missing"), &json!(beside)));
        assert_eq!(told["alone"]["state"], "missing");
        assert_eq!(told["patch"], Json::Null);
        let page = person.get(&site.site, &format!("/devices/{a}/software/{id}")).await.text;
        for part in ["Not missing here", beside] {
            assert!(page.contains(part), "{part} is not on {page}");
        }
        let handle = site.site.running().handle();
        let lines = handle.explain("a", "some tool").await.unwrap().join("\n");
        assert!(lines.contains(&format!("Not missing here: {beside}")), "{lines}");
        let lines = handle.explain("b", "x86").await.unwrap().join("\n");
        assert!(lines.contains("Missing: its name 'Some tool (x86)'"), "{lines}");
    }

    async fn lines_that_are_packages_of_their_own_are_listed_apart_and_found_by_any_name(site) {
        let folder = tempfile::tempdir().unwrap();
        device(&site, "a", &[software("Some tool 1.0", "1.0"), software("Some tool 1.1", "1.1")], &[])
            .await;
        device(&site, "b", &[software("Some tool 1.0", "1.0"), software("Some tool 2.0", "2.0")], &[])
            .await;
        let packages = [("tool1", "1.9", "Some tool 1"), ("tool2", "2.9", "Some tool 2")];
        offer(&site, folder.path(), &packages).await;
        site.live(COUNT).await;
        let person = site.administrator().await;
        let lines = ["Some tool 1.0: 2 missing tool1", "Some tool 2.0: 1 missing tool2"];
        listed(&site, &person, "/api/v1/applications", &lines).await;
        for text in ["tool%201.1", "TOOL1"] {
            let path = format!("/api/v1/applications?text={text}");
            listed(&site, &person, &path, &lines[..1]).await;
        }
        let page = person.get(&site.site, "/applications").await.text;
        assert!(page.contains("/overrides/new?name=Some%20tool%20%2A&"), "{page}");
    }

    async fn what_a_device_has_pinned_is_shown_as_pinned_and_not_missing(site) {
        let folder = tempfile::tempdir().unwrap();
        let id = device_with(&site, "a", &[software("Some tool", "1.0")], vec![ChocolateyRecord {
            id: "Tool".to_owned(),
            version: "1.0".to_owned(),
            pinned: true,
        }])
        .await;
        offer(&site, folder.path(), &[("tool", "2.0", "Some tool")]).await;
        site.live(COUNT).await;
        let person = site.administrator().await;
        let path = format!("/api/v1/devices/{id}/software?state=pinned");
        listed(&site, &person, &path, &["Some tool: 1 pinned tool"]).await;
        let list = get(&site, &person, &path).await;
        let why = "Chocolatey on the device has Tool pinned: it stays as it is installed, at 1.0";
        assert_eq!(list["items"][0]["why"], why);
        let software = &list["items"][0]["id"];
        let told = get(&site, &person, &format!("/api/v1/devices/{id}/software/{software}")).await;
        assert_eq!((&told["chocolatey_pinned"], &told["state"]), (&json!(true), &json!("pinned")));
        let missing = get(&site, &person, "/api/v1/missing").await;
        assert_eq!(missing["items"], json!([]));
        let page = person.get(&site.site, &format!("/devices/{id}")).await.text;
        assert!(page.contains("pinned in Chocolatey on the device"), "{page}");
    }

    async fn an_override_is_looked_at_made_and_taken_back(site) {
        let folder = tempfile::tempdir().unwrap();
        fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let missing = async |expected: &[&str]| {
            until("what is missing is as it should be", async || {
                let list = get(&site, &person, "/api/v1/missing").await;
                let rows = list["items"].as_array().unwrap().iter();
                let names: Vec<_> = rows.map(|it| it["patch"]["name"].as_str().unwrap()).collect();
                (names == expected).then_some(())
            })
            .await;
        };
        missing(&["tool"]).await;
        let mut it = json!({"name": "twin*", "decision": "is", "package": "Twin-Two"});
        let preview = person.call(&site.site, "/api/v1/overrides/preview", &it).await.json();
        assert_eq!(
            (&preview["applications"], &preview["changed"], &preview["devices"]),
            (&json!(1), &json!(1), &json!(2)),
            "{preview}"
        );
        let change = &preview["changes"][0];
        assert_eq!(
            (&change["state"], &change["new_state"], &change["new_package"]),
            (&json!("review"), &json!("missing"), &json!("twin-two"))
        );
        let turns = json!([{"state": "review", "new_state": "missing", "applications": 1, "devices": 2}]);
        assert_eq!(preview["turns"], turns);
        let path = "/overrides/new?name=twin*&decision=is&package=twin-two";
        let page = person.get(&site.site, path).await.text;
        assert!(page.contains("How many answers change"), "{page}");
        // Nothing was done by looking.
        missing(&["tool"]).await;
        let without_reason = person.call(&site.site, "/api/v1/overrides", &it).await;
        assert_eq!(without_reason.status, 400, "{}", without_reason.text);
        it["reason"] = json!("seen on the machine");
        let made = person.call(&site.site, "/api/v1/overrides", &it).await.json();
        missing(&["tool", "twin-two"]).await;
        let list = "/api/v1/applications?state=review";
        listed(&site, &person, list, &[]).await;
        let audit = person.get(&site.site, "/api/v1/audit").await.text;
        assert!(audit.contains("'twin*' is twin-two: seen on the machine"), "{audit}");
        let page = person.get(&site.site, "/overrides").await.text;
        assert!(page.contains("is twin-two: seen on the machine"), "{page}");
        until("the audit log says which answers changed", async || {
            let audit = get(&site, &person, "/api/v1/audit?action=answers_changed").await;
            let said = "twin-two: 'To review' became 'Missing' for 1 application on 2 devices";
            audit.to_string().contains(said).then_some(())
        })
        .await;

        let path = format!("/api/v1/overrides/{}/removal", made["id"]);
        let preview = get(&site, &person, &path).await;
        assert_eq!(preview["devices"], 2, "{preview}");
        let path = format!("/api/v1/overrides/{}/remove", made["id"]);
        assert_eq!(person.call(&site.site, &path, &json!({})).await.status, 204);
        missing(&["tool"]).await;
        assert_eq!(person.call(&site.site, &path, &json!({})).await.status, 404, "once");
        listed(&site, &person, list, &["Twin program: 2 review"]).await;

        // What is excluded is not missing, and the commands do what the API does.
        let handle = site.site.running().handle();
        let excluded = GivenOverride {
            name: "Some tool",
            decision: "excluded",
            reason: "phased out",
            ..GivenOverride::default()
        };
        let lines = handle.preview_override(&excluded).await.unwrap();
        assert_eq!(lines[0], "it is for 2 applications; the answer changes for 2 on 2 devices");
        handle.add_override(&excluded).await.unwrap();
        // What is in force changes nothing more, whether devices were matched under it yet or not.
        let lines = handle.preview_override(&excluded).await.unwrap();
        assert_eq!(lines[0], "it is for 2 applications; the answer changes for 0 on 0 devices");
        missing(&[]).await;
        listed(&site, &person, "/api/v1/applications?state=excluded", &["Some tool: 2 excluded"]).await;
        assert_eq!(handle.list_overrides(Output::Text).await.unwrap().len(), 1);
        let forbidden = GivenOverride {
            name: "Some tool",
            decision: "is_not",
            package: "tool",
            reason: "it is not",
            ..GivenOverride::default()
        };
        handle.add_override(&forbidden).await.unwrap();
    }

    async fn what_is_pinned_is_missing_only_up_to_its_highest_version(site) {
        let folder = tempfile::tempdir().unwrap();
        fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let handle = site.site.running().handle();
        let pinned = GivenOverride {
            name: "Some tool",
            decision: "pinned",
            highest: "1.5",
            reason: "the licence ends",
            ..GivenOverride::default()
        };
        let lines = handle.preview_override(&pinned).await.unwrap();
        assert_eq!(lines[0], "it is for 2 applications; the answer changes for 1 on 1 device");
        assert_eq!(lines[1], "  missing becomes pinned: 1 application on 1 device");
        assert!(lines[2].ends_with("missing tool becomes pinned tool"), "{lines:?}");
        let it = json!({"name": "Some tool", "decision": "pinned", "highest": "2.0"});
        let preview = person.call(&site.site, "/api/v1/overrides/preview", &it).await.json();
        assert_eq!(preview["changed"], 0, "{preview}");
        handle.add_override(&pinned).await.unwrap();
        let states = ["Some tool: 1 pinned tool"];
        listed(&site, &person, "/api/v1/applications?state=pinned", &states).await;
        let lines = handle.explain("a", "some").await.unwrap().join("\n");
        let said = "said that it stays at 1.5 or below: the licence ends; its name 'Some tool' fits";
        assert!(lines.contains("Pinned: ") && lines.contains(said), "{lines}");
        let list = get(&site, &person, "/api/v1/overrides").await;
        assert_eq!(list["items"][0]["highest"], "1.5");
        let page = person.get(&site.site, "/overrides").await.text;
        assert!(page.contains("stays at 1.5 or below: the licence ends"), "{page}");
        let form = "/overrides/new?name=Some%20tool&decision=pinned&highest=1.5";
        let page = person.get(&site.site, form).await.text;
        assert!(page.contains("Make the override"), "{page}");
        until("nothing is missing", async || {
            let list = get(&site, &person, "/api/v1/missing").await;
            list["items"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_override_that_says_nothing_clear_is_refused_with_what_is_wrong() {
    crate::clocked::on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        fleet(&site, folder.path()).await;
        let person = site.administrator().await;
        let long = "x".repeat(513);
        for (name, decision, package, says) in [
            ("", "is", "tool", "field 'name'"),
            ("*", "is", "tool", "fits any software"),
            ("a*", "excluded", "", "too short"),
            ("x", "is", "gone", "the catalog has no package 'gone'"),
            ("x", "is", "", "the catalog has no package ''"),
            ("x", "perhaps", "tool", "field 'decision'"),
            ("x", "excluded", "tool", "what is excluded is no package"),
            (&long, "excluded", "", "longer than 512 characters"),
            ("x", "pinned", "tool", "what is pinned is no package"),
        ] {
            let it = json!({"name": name, "decision": decision, "package": package});
            let answer = person
                .call(&site.site, "/api/v1/overrides/preview", &it)
                .await;
            assert_eq!(answer.status, 400, "{name} {decision} {package}");
            assert!(answer.text.contains(says), "{says}: {}", answer.text);
        }
        for (decision, highest, says) in [
            ("pinned", "newest", "is not a package version"),
            (
                "excluded",
                "1.0",
                "only what is pinned has a highest version",
            ),
        ] {
            let it = json!({"name": "x", "decision": decision, "highest": highest});
            let answer = person
                .call(&site.site, "/api/v1/overrides/preview", &it)
                .await;
            assert_eq!(answer.status, 400, "{decision} {highest}");
            assert!(answer.text.contains(says), "{says}: {}", answer.text);
        }
        let form = "/overrides/new?name=x&decision=is&package=gone";
        let page = person.get(&site.site, form).await.text;
        assert!(page.contains("the catalog has no package"), "{page}");
        let form = "/overrides/new?name=Some%20tool&decision=excluded";
        let page = person.get(&site.site, form).await.text;
        assert!(page.contains("It is for 2 applications"), "{page}");
        assert!(page.contains("Make the override"), "{page}");
    })
    .await;
}
