//! The lists of missing patches and of how fresh packages are: in the console, the API and commands.

use std::time::Duration;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::inventory::{AvailableUpdate, Inventory, UpdateScan};
use fleetmend_server::{FreshnessQuery, Given, Output, PatchQuery};
use serde_json::Value as Json;

use crate::agent::{Agent, inventory};
use crate::clocked::{both, until};
use crate::offer::{NOBODY, NOTHING, Offer, has_software, missing};
use crate::taught::{device, software};

/// How long inventories are gathered before lists have them.
const COUNT: Duration = Duration::from_secs(11);

fn lacking(host: &str, names: &[String]) -> Inventory {
    let update = |name: &String| AvailableUpdate {
        package: name.clone(),
        architecture: "amd64".to_owned(),
        installed: "1".to_owned(),
        candidate: "2".to_owned(),
        security: false,
        origin: "archive".to_owned(),
    };
    Inventory {
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: Vec::new(),
            updates: names.iter().map(update).collect(),
            withheld: Vec::new(),
        }),
        ..inventory(host)
    }
}

both! {
    async fn patches_are_sorted_by_how_many_lack_them(site) {
        let person = site.administrator().await;
        let (rare, common) = ("a-rare".to_owned(), "common".to_owned());
        for (host, names) in [("a", &[rare, common.clone()][..]), ("b", &[common])] {
            let mut agent = Agent::enrol(&site.site, host).await;
            agent.send_inventory(&lacking(host, names)).await;
        }
        for (query, first) in [("", "a-rare"), ("?sort=affected", "common"), ("?sort=title", "a-rare")] {
            let listed = person.get(&site.site, &format!("/api/v1/missing{query}")).await.json();
            assert_eq!(listed["items"][0]["patch"]["name"], first, "{query}");
            let page = person.get(&site.site, &format!("/missing{query}")).await.text;
            let other = if first == "common" { "a-rare" } else { "common" };
            let place = |name: &str| page.find(&format!("\">{name}</a>")).unwrap();
            assert!(place(first) < place(other), "{query}: {page}");
        }
        for path in ["/api/v1/missing?sort=size", "/missing?sort=size"] {
            assert_eq!(person.get(&site.site, path).await.status, 400, "{path}");
        }
        let handle = site.site.running().handle();
        let query = PatchQuery { sort: Some("affected".to_owned()), ..PatchQuery::default() };
        let lines = handle.list_missing(&query, Output::Json).await.unwrap();
        let first: Json = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(first["patch"]["name"], "common");
        assert_eq!(first["affected"], 2);
        let query = PatchQuery { hostname: Some("B".to_owned()), ..PatchQuery::default() };
        assert_eq!(handle.list_missing(&query, Output::Text).await.unwrap().len(), 1);
        let query = PatchQuery { approval: Some("never".to_owned()), ..PatchQuery::default() };
        let error = handle.list_missing(&query, Output::Text).await.unwrap_err();
        assert_eq!(error.to_string(), "field 'approval': 'never' is not one of its values");
    }

    async fn every_list_says_why_a_patch_cannot_be_deployed(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        has_software(&mut agent, "Some tool").await;
        let folder = tempfile::tempdir().unwrap();
        let package = Nupkg::new("some-tool", "2.0").title("Some tool");
        package.install_script("Invoke-Whatever").build_into(folder.path()).unwrap();
        let handle = site.site.running().handle();
        handle.add_source(&Given::at(folder.path().to_str().unwrap())).await.unwrap();
        let person = site.administrator().await;
        missing(&site, &person, "2.0").await;
        let listed = person.get(&site.site, "/api/v1/missing").await.json();
        let expected = &listed["items"][0];
        assert!(expected["not_deployable"].is_string(), "{expected}");
        let all = PatchQuery::default();
        for lines in [
            handle.list_missing(&all, Output::Json).await.unwrap(),
            handle.list_patch_dates(&all, Output::Json).await.unwrap(),
        ] {
            let shown: Json = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!(shown, *expected);
        }
    }

    async fn commands_show_all_of_a_list_and_not_its_first_page(site) {
        let names: Vec<String> = (0..1_005).map(|number| format!("tool-{number}")).collect();
        Agent::enrol(&site.site, "host").await.send_inventory(&lacking("host", &names)).await;
        let handle = site.site.running().handle();
        let all = PatchQuery::default();
        assert_eq!(handle.list_missing(&all, Output::Text).await.unwrap().len(), 1_005);
        assert_eq!(handle.list_patch_dates(&all, Output::Text).await.unwrap().len(), 1_005);
        let lines = handle.list_device_missing("HOST", &all, Output::Json).await.unwrap();
        assert_eq!(lines.len(), 1_005);
        let query = PatchQuery { title: Some("TOOL-1004".to_owned()), ..all };
        let lines = handle.list_device_missing("host", &query, Output::Text).await.unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(handle.list_device_missing("hos", &query, Output::Text).await.is_err());
    }

    async fn a_devices_page_and_list_have_filters(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        agent.send_inventory(&lacking("host", &["curl".to_owned(), "zip".to_owned()])).await;
        let person = site.administrator().await;
        let id = agent.device;
        let listed = person.get(&site.site, &format!("/api/v1/devices/{id}/missing?title=ZI")).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let page = person.get(&site.site, &format!("/devices/{id}?title=ZI")).await.text;
        assert!(page.contains("Tick zip") && !page.contains("Tick curl"), "{page}");
        let page = person.get(&site.site, &format!("/devices/{id}?held=true")).await.text;
        assert!(page.contains("Nothing that is missing fits the filter."), "{page}");
    }

    async fn packages_that_devices_have_are_listed_with_their_dates_whether_missing_or_not(site) {
        let folder = tempfile::tempdir().unwrap();
        let offer = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        device(&site, "other", &[software("Some tool", "2.0")], &[]).await;
        site.live(COUNT).await;
        let row = until("both devices are counted", async || {
            let listed = offer.person.get(&site.site, "/api/v1/freshness?text=SOME").await.json();
            let row = listed["items"][0].clone();
            (row["devices"] == 2).then_some(row)
        })
        .await;
        assert_eq!(row["package"], "some-tool");
        assert_eq!(row["version"], "2.0");
        assert_eq!(row["title"], "Some tool");
        assert_eq!(row["mirrored"], Json::Null);
        assert!(row["seen"].is_string(), "{row}");
        for (query, expected) in [("?mirrored=true", 0), ("?mirrored=false", 1), ("?published_since=2020-01-01", 0)] {
            let listed = offer.person.get(&site.site, &format!("/api/v1/freshness{query}")).await.json();
            assert_eq!(listed["items"].as_array().unwrap().len(), expected, "{query}");
        }
        let page = offer.person.get(&site.site, "/freshness?sort=devices").await.text;
        assert!(page.contains("<td>2.0</td>") && page.contains("Some tool"), "{page}");
        let handle = site.site.running().handle();
        let query = FreshnessQuery { text: Some("tool".to_owned()), ..FreshnessQuery::default() };
        let lines = handle.list_freshness(&query, Output::Text).await.unwrap();
        assert!(lines[0].starts_with("some-tool\tSome tool\t2.0\t"), "{lines:?}");
        let lines = handle.list_applications(None, Some("SOME"), Output::Text).await.unwrap();
        assert!(!lines.is_empty());
        let lines = handle.list_applications(None, Some("nothing"), Output::Json).await.unwrap();
        assert_eq!(lines, Vec::<String>::new());
        let wrong = offer.person.get(&site.site, "/api/v1/freshness?sort=size").await;
        assert_eq!(wrong.status, 400);
    }

    async fn an_application_leads_to_its_devices_a_page_at_a_time(site) {
        let person = site.administrator().await;
        let mut ids = Vec::new();
        for (host, software) in [
            ("a", vec![software("Tool 1.0", "1.0")]),
            ("b", vec![software("Tool 2.0", "2.0"), software("Tool 1.0", "1.0")]),
            ("c", vec![software("Other", "1.0")]),
            ("d", vec![software("Tool 2.0", "2.0")]),
        ] {
            ids.push(device(&site, host, &software, &[]).await.0);
        }
        site.live(COUNT).await;
        let id = until("they are counted", async || {
            let listed = person.get(&site.site, "/api/v1/applications?text=tool").await.json();
            let row = listed["items"][0].clone();
            (row["devices"] == 3).then(|| row["id"].as_i64().unwrap())
        })
        .await;
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/applications/{id}/devices?limit=2&after={after}");
            let listed = person.get(&site.site, &path).await.json();
            for row in listed["items"].as_array().unwrap() {
                let versions = row["installed"].as_array().unwrap().iter();
                let mut versions: Vec<String> = versions.map(|it| it["version"].as_str().unwrap().to_owned()).collect();
                versions.sort();
                found.push((row["device"].as_i64().unwrap(), versions.join(" ")));
            }
            let Some(next) = listed["next"].as_str() else { break };
            next.clone_into(&mut after);
        }
        let expected = [(ids[0], "1.0"), (ids[1], "1.0 2.0"), (ids[3], "2.0")];
        assert_eq!(found, expected.map(|(id, versions)| (id, versions.to_owned())));
        let page = person.get(&site.site, &format!("/applications/{id}/devices")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("3 devices have it"), "{}", page.text);
        let list = person.get(&site.site, "/applications?text=tool").await.text;
        assert!(list.contains(&format!("href=\"/applications/{id}/devices\">3</a>")), "{list}");
        let handle = site.site.running().handle();
        let id = u32::try_from(id).unwrap();
        assert_eq!(handle.list_application_devices(id, Output::Text).await.unwrap().len(), 3);
        for path in ["/api/v1/applications/99999/devices", "/api/v1/applications/-1/devices", "/applications/99999/devices"] {
            assert_eq!(person.get(&site.site, path).await.status, 404, "{path}");
        }
        let wrong = format!("/api/v1/applications/{id}/devices?after=x");
        assert_eq!(person.get(&site.site, &wrong).await.status, 400);
    }
}
