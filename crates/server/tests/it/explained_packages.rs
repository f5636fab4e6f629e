//! What a package of the machine's own package manager is said to be: that one's word, with its age.

use fleetmend_model::inventory::{HELD, Inventory, Part, Unread, WithheldUpdate};
use fleetmend_store::{inventories, software};
use serde_json::Value as Json;

use crate::agent::Agent;
use crate::partial_scan::scan;
use crate::site::{Person, Site};

async fn explained(site: &Site, person: &Person, agent: &Agent, name: &str) -> Json {
    let path = address(site, agent, name).await;
    person.get(site, &format!("/api/v1{path}")).await.json()
}

async fn address(site: &Site, agent: &Agent, name: &str) -> String {
    let db = site.db().await;
    let stored = inventories::get(&db, agent.device).await.unwrap().unwrap();
    let rows = software::get_many(&db, &stored.software).await.unwrap();
    let row = rows.iter().find(|it| it.software.name == name).unwrap();
    format!("/devices/{}/software/{}", agent.device, row.id)
}

fn withheld(package: &str, why: &str) -> WithheldUpdate {
    WithheldUpdate {
        package: package.to_owned(),
        installed: "1".to_owned(),
        candidate: "2".to_owned(),
        why: why.to_owned(),
    }
}

fn debian(is_complete: bool) -> Inventory {
    let all = ["held", "kept", "offered", "phased", "plain"].map(|it| (it, "1"));
    let mut found = scan(&all, &[("offered", "2")], is_complete);
    found.updates.as_mut().unwrap().withheld = vec![
        withheld("held", HELD),
        withheld("kept", "kept back"),
        withheld("phased", "phased"),
    ];
    found
}

#[tokio::test]
async fn a_package_is_explained_by_its_package_manager_and_by_nothing_else() {
    let (site, person) = Site::signed_in().await;
    let mut agent = Agent::enrol(&site, "host").await;
    agent.send_inventory(&debian(true)).await;
    for (name, state, why) in [
        ("offered", "missing", "apt offers 2"),
        (
            "held",
            "pinned",
            "held in apt on the device: it stays at 1, though 2 is there",
        ),
        (
            "kept",
            "not_missing",
            "apt does not offer 2 to the device: kept back",
        ),
        (
            "phased",
            "not_missing",
            "apt does not offer 2 to the device: phased",
        ),
        ("plain", "current", "apt offers nothing newer"),
    ] {
        let it = explained(&site, &person, &agent, name).await;
        assert_eq!(
            (&it["state"], &it["why"]),
            (&state.into(), &why.into()),
            "{name}"
        );
        assert!(it["scanned_at"].is_string(), "{it}");
        assert!(it["alone"].is_null(), "{it}");
        assert_eq!(
            it["patch"]["version"].as_str(),
            (name == "offered").then_some("2")
        );
        let page = address(&site, &agent, name).await;
        let page = person.get(&site, &page).await.text;
        assert!(page.contains(why), "{page}");
        assert!(
            !page.contains("Unmatched") && !page.contains("Say what it is"),
            "{page}"
        );
        let lines = site.running().handle().explain("host", name).await.unwrap();
        assert!(lines[1].ends_with(why), "{lines:?}");
        assert!(
            lines.iter().any(|it| it.starts_with("  as of ")),
            "{lines:?}"
        );
        assert!(!lines.iter().any(|it| it.contains("alone")), "{lines:?}");
    }

    // The archive is away: what it offered stands, and of the rest nobody can tell.
    let mut away = debian(false);
    away.updates.as_mut().unwrap().updates.clear();
    agent.send_inventory(&away).await;
    for (name, state) in [
        ("offered", "missing"),
        ("held", "pinned"),
        ("plain", "cannot_tell"),
    ] {
        let it = explained(&site, &person, &agent, name).await;
        assert_eq!(it["state"], state, "{it}");
    }

    let mut unread = debian(true);
    unread.software.clear();
    unread.unread = vec![Unread {
        part: Part::Dpkg,
        user: String::new(),
        key: String::new(),
        cause: "the status file cannot be read".to_owned(),
    }];
    agent.send_inventory(&unread).await;
    let it = explained(&site, &person, &agent, "plain").await;
    assert_eq!(it["state"], "cannot_tell", "{it}");
    assert_eq!(
        it["unread"]["cause"], "the status file cannot be read",
        "{it}"
    );
}
