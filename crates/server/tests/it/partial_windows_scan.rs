//! What a scan of a Windows machine did not read stays as it was seen last, and says so.

use std::time::Duration;

use fleetmend_model::inventory::{
    ChocolateyRecord, Hive, Inventory, Part, Place, Software, Unread,
};
use fleetmend_store::{inventories, software};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::site::Site;

const ANNA: &str = "S-1-5-21-1-2-3-1001";
const BEN: &str = "S-1-5-21-1-2-3-1002";

fn row(place: Place, name: &str) -> Software {
    Software {
        place,
        key: name.to_owned(),
        name: name.to_owned(),
        version: "1.0".to_owned(),
        publisher: "Example".to_owned(),
        product_code: None,
        upgrade_code: None,
    }
}

fn unread(part: Part, user: &str, key: &str, cause: &str) -> Unread {
    Unread {
        part,
        user: user.to_owned(),
        key: key.to_owned(),
        cause: cause.to_owned(),
    }
}

/// A machine with an application, a package of Chocolatey's, and what users have.
fn windows(users: &[(&str, &[&str])], unread: Vec<Unread>) -> Inventory {
    let mut software = vec![row(Place::Machine64, "Tool")];
    let mut hives = Vec::new();
    for (user, has) in users {
        let mut indices = Vec::new();
        for name in *has {
            let row = row(Place::User, name);
            let index = software.iter().position(|it| *it == row);
            indices.push(index.unwrap_or(software.len()) as u32);
            if index.is_none() {
                software.push(row);
            }
        }
        hives.push(Hive {
            user: (*user).to_owned(),
            software: indices,
        });
    }
    Inventory {
        software,
        chocolatey: vec![ChocolateyRecord {
            id: "tool".to_owned(),
            version: "1.0".to_owned(),
            pinned: false,
        }],
        hives,
        unread,
        ..inventory("host")
    }
}

async fn has(site: &Clocked, agent: &Agent) -> Vec<String> {
    let stored = inventories::get(site.db(), agent.device).await.unwrap();
    let stored = stored.unwrap();
    let rows = software::get_many(site.db(), &stored.software).await;
    let mut shown: Vec<String> = rows
        .unwrap()
        .into_iter()
        .map(|it| it.software.name)
        .collect();
    shown.extend(stored.chocolatey.into_iter().map(|it| it.id));
    shown.sort();
    shown
}

both! {
    async fn the_applications_of_a_user_who_is_not_logged_on_stay_until_the_hive_is_read_or_gone(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        let off = |user: &str| unread(Part::User, user, "", "the user is not logged on");
        let first = windows(&[(ANNA, &["App", "Shared"]), (BEN, &["Shared"])], vec![]);
        agent.send_inventory(&first).await;
        let seen = site.now();
        let all = ["App", "Shared", "Tool", "tool"];
        assert_eq!(has(&site, &agent).await, all);

        site.live(Duration::from_hours(24)).await;
        agent.send_inventory(&windows(&[(BEN, &["Shared"])], vec![off(ANNA)])).await;
        assert_eq!(has(&site, &agent).await, all);
        site.live(Duration::from_hours(24)).await;
        agent.send_inventory(&windows(&[], vec![off(ANNA), off(BEN)])).await;
        assert_eq!(has(&site, &agent).await, all);
        let stored = inventories::get(site.db(), agent.device).await.unwrap().unwrap();
        let of = |user: &str| stored.carried.iter().find(|it| it.unread.user == user).unwrap();
        assert_eq!(of(ANNA).seen_at, Some(seen));
        assert!(of(BEN).seen_at > Some(seen));

        // The account is removed: what nobody else has is gone.
        agent.send_inventory(&windows(&[], vec![off(BEN)])).await;
        assert_eq!(has(&site, &agent).await, ["Shared", "Tool", "tool"]);
        agent.send_inventory(&windows(&[(BEN, &[])], vec![])).await;
        assert_eq!(has(&site, &agent).await, ["Tool", "tool"]);
        let stored = inventories::get(site.db(), agent.device).await.unwrap().unwrap();
        assert!(stored.carried.is_empty());
    }

    async fn what_an_older_agent_told_of_users_stays_until_each_of_them_was_read(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        let off = |user: &str| unread(Part::User, user, "", "the user is not logged on");
        let older = Inventory { hives: vec![], ..windows(&[(ANNA, &["App"])], vec![]) };
        agent.send_inventory(&older).await;
        agent.send_inventory(&windows(&[], vec![off(ANNA), off(BEN)])).await;
        assert_eq!(has(&site, &agent).await, ["App", "Tool", "tool"]);
        agent.send_inventory(&windows(&[(ANNA, &[])], vec![off(BEN)])).await;
        assert_eq!(has(&site, &agent).await, ["App", "Tool", "tool"]);
        agent.send_inventory(&windows(&[(ANNA, &[]), (BEN, &[])], vec![])).await;
        assert_eq!(has(&site, &agent).await, ["Tool", "tool"]);
    }

    async fn an_entry_or_a_folder_that_could_not_be_read_clears_nothing(site) {
        let mut agent = Agent::enrol(&site.site, "host").await;
        agent.send_inventory(&windows(&[], vec![])).await;
        for (part, key) in [(Part::Machine64, "TOOL"), (Part::Machine64, "")] {
            let mut partial = windows(&[], vec![unread(part, "", key, "access is denied")]);
            partial.software.clear();
            agent.send_inventory(&partial).await;
            assert_eq!(has(&site, &agent).await, ["Tool", "tool"], "{key}");
        }
        for key in ["Tool", ""] {
            let cause = "the folder cannot be read";
            let mut partial = windows(&[], vec![unread(Part::Chocolatey, "", key, cause)]);
            partial.chocolatey.clear();
            agent.send_inventory(&partial).await;
            assert_eq!(has(&site, &agent).await, ["Tool", "tool"], "{key}");
        }
        // It was read in another version.
        let mut partial = windows(&[], vec![unread(Part::Machine64, "", "", "there are too many")]);
        "2.0".clone_into(&mut partial.software[0].version);
        agent.send_inventory(&partial).await;
        assert_eq!(has(&site, &agent).await, ["Tool", "tool"]);
        let mut full = windows(&[], vec![]);
        full.software.clear();
        agent.send_inventory(&full).await;
        assert_eq!(has(&site, &agent).await, ["tool"]);
    }
}

#[tokio::test]
async fn pages_and_the_api_say_what_was_not_read_and_since_when() {
    let (site, person) = Site::signed_in().await;
    let mut agent = Agent::enrol(&site, "host").await;
    agent
        .send_inventory(&windows(&[(ANNA, &["App"])], vec![]))
        .await;
    let cause = "user anna is not logged on";
    let off = vec![unread(Part::User, ANNA, "", cause)];
    agent.send_inventory(&windows(&[], off)).await;
    let path = format!("/devices/{}", agent.device);
    let page = person.get(&site, &path).await.text;
    assert!(page.contains(cause) && page.contains(ANNA));
    let page = person.get(&site, &format!("{path}/software")).await.text;
    assert_eq!(page.matches(cause).count(), 1);
    let device = person.get(&site, &format!("/api/v1{path}")).await.json();
    let unread = &device["unread"][0];
    assert_eq!(
        (&unread["part"], &unread["applications"]),
        (&"user".into(), &1.into())
    );
    assert!(unread["seen_at"].is_string());
    // What a user has is no gap of the scan: hardly any machine has all of its hives loaded.
    assert_eq!(device["inventory_complete"], true);

    let list = person
        .get(&site, &format!("/api/v1{path}/software"))
        .await
        .json();
    let rows = list["items"].as_array().unwrap();
    let app = rows.iter().find(|it| it["name"] == "App").unwrap();
    let one = format!("{path}/software/{}", app["id"]);
    let explained = person.get(&site, &format!("/api/v1{one}")).await.json();
    assert_eq!(explained["unread"]["cause"], cause);
    let page = person.get(&site, &one).await.text;
    assert!(page.contains(&format!("Not read since: {cause}")));

    let key = vec![unread_key()];
    agent
        .send_inventory(&windows(&[(ANNA, &["App"])], key))
        .await;
    let device = person.get(&site, &format!("/api/v1{path}")).await.json();
    assert_eq!(device["inventory_complete"], false);
    let note = device["inventory_note"].as_str().unwrap();
    assert_eq!(
        note,
        "not all applications of the machine were read (Tool): access is denied"
    );
}

#[tokio::test]
async fn of_much_that_was_not_read_the_first_are_shown_and_how_many_more_there_are() {
    let (site, person) = Site::signed_in().await;
    let mut agent = Agent::enrol(&site, "host").await;
    let (user, cause) = ("u".repeat(500), "c".repeat(500));
    let key = |it: usize| unread(Part::User, &user, &format!("key {it}"), &cause);
    let much = (0..150).map(key).collect();
    agent.send_inventory(&windows(&[], much)).await;
    let path = format!("/devices/{}", agent.device);
    let device = person.get(&site, &format!("/api/v1{path}")).await.json();
    let shown = device["unread"].as_array().unwrap();
    assert_eq!((shown.len(), &device["unread_more"]), (100, &50.into()));
    let length = |field: &str| shown[0][field].as_str().unwrap().chars().count();
    assert_eq!((length("user"), length("cause")), (185, 201));
    let page = person.get(&site, &path).await.text;
    assert!(page.contains("key 99") && !page.contains("key 100"));
    assert!(page.contains("and 50 more"));
}

fn unread_key() -> Unread {
    unread(Part::Machine64, "", "Tool", "access is denied")
}
