//! What only a user has whose hive is not read any more: it counts for a while, says since when nobody saw it,
//! and nothing is deployed for it meanwhile.

use std::time::Duration;

use fleetmend_model::device::OsFamily;
use fleetmend_model::inventory::{Hive, Inventory, Part, Place, Unread};
use fleetmend_server::missing::index;
use fleetmend_store::inventories::{self, UNSEEN_AFTER};
use fleetmend_store::missing as stored;
use serde_json::Value as Json;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::offer::{NOBODY, NOTHING, Offer, has_software};
use crate::site::Person;
use crate::taught::software;

const DAY: Duration = Duration::from_hours(24);
const ANNA: &str = "S-1-5-21-1-2-3-1001";

/// A machine whose user has the application, or whose hive is not read.
fn machine(is_read: bool) -> Inventory {
    let mut found = inventory("host");
    found.host.os_family = OsFamily::Windows;
    if is_read {
        let mut row = software("Some tool", "1.0");
        row.place = Place::User;
        found.software.push(row);
        found.hives = vec![Hive {
            user: ANNA.to_owned(),
            software: vec![0],
        }];
    } else {
        found.unread = vec![Unread {
            part: Part::User,
            user: ANNA.to_owned(),
            key: String::new(),
            cause: "the user is not logged on".to_owned(),
        }];
    }
    found
}

async fn explained(site: &Clocked, person: &Person, agent: &Agent) -> Json {
    let held = inventories::get(site.db(), agent.device)
        .await
        .unwrap()
        .unwrap();
    let (device, id) = (agent.device, held.software[0]);
    let path = format!("/api/v1/devices/{device}/software/{id}");
    person.get(&site.site, &path).await.json()
}

async fn lacks(site: &Clocked, agent: &Agent) -> usize {
    let all = stored::stored(site.db(), &[agent.device]).await.unwrap();
    all.get(&agent.device).map_or(0, Vec::len)
}

both! {
    async fn what_a_user_has_who_does_not_log_on_is_neither_missing_for_ever_nor_cleared(site) {
        let folder = tempfile::TempDir::new().unwrap();
        let offer = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        let patch = offer.patch;
        let mut agent = Agent::enrol(&site.site, "another").await;
        agent.send_inventory(&machine(true)).await;
        assert_eq!(lacks(&site, &agent).await, 1);

        // The user logs off: it is missing still, and nothing is deployed for it.
        site.live(DAY).await;
        agent.send_inventory(&machine(false)).await;
        assert_eq!(lacks(&site, &agent).await, 1);
        let offer = Offer::known(&site, site.administrator_again().await, patch);
        let person = &offer.person;
        let it = explained(&site, person, &agent).await;
        assert_eq!(it["state"], "missing", "{it}");
        assert_eq!(it["unread"]["cause"], "the user is not logged on", "{it}");
        offer.deploy().await;
        let path = format!("/api/v1/deploy-jobs?device={}", agent.device);
        let jobs = person.get(&site.site, &path).await.json();
        assert_eq!(jobs["items"].as_array().unwrap().len(), 0, "{jobs}");
        let page = person.post(&site.site, "/deploy/preview", &[
            ("target", &format!("{}:{}", offer.patch, agent.device)),
        ]).await.text;
        assert!(page.contains("hive not read: the user is not logged on"), "{page}");

        // No inventory comes, for nothing changes.
        site.live(UNSEEN_AFTER).await;
        assert_eq!(lacks(&site, &agent).await, 0);
        let person = &site.administrator_again().await;
        let it = explained(&site, person, &agent).await;
        assert_eq!(it["state"], "cannot_tell", "{it}");
        assert!(it["why"].as_str().unwrap().starts_with("not seen since 20"), "{it}");
        let path = format!("/api/v1/devices/{}/software", agent.device);
        let listed = person.get(&site.site, &path).await.json();
        assert_eq!(listed["items"][0]["state"], "cannot_tell", "{listed}");
        index::load(site.app()).await.unwrap();
        let held = inventories::get(site.db(), agent.device).await.unwrap().unwrap();
        assert!(!site.app().fleet().has(agent.device, held.software[0]));
        // So it is in later inventories.
        let mut later = machine(false);
        "11".clone_into(&mut later.host.os_version);
        agent.send_inventory(&later).await;
        assert_eq!(lacks(&site, &agent).await, 0);

        // The user comes back.
        agent.send_inventory(&machine(true)).await;
        assert_eq!(lacks(&site, &agent).await, 1);
        assert_eq!(explained(&site, person, &agent).await["state"], "missing");
        // What the machine has counts whoever logs on.
        let mut whole = Agent::enrol(&site.site, "host").await;
        has_software(&mut whole, "Some tool").await;
        site.live(UNSEEN_AFTER * 2).await;
        assert_eq!(lacks(&site, &whole).await, 1);
    }
}
