//! Why a device is refused is shown to people until the like is taken again.

use std::time::Duration;

use fleetmend_protocol::checkin::CheckIn;
use fleetmend_protocol::paths;
use fleetmend_server::inventory::allowance::BURST;
use serde_json::Value as Json;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::site::Person;

async fn refusal(site: &Clocked, person: &Person, agent: &Agent) -> Json {
    let path = format!("/api/v1/devices/{}", agent.device);
    person.get(&site.site, &path).await.json()["refusal"].take()
}

both! {
    async fn what_is_refused_is_shown_with_its_reason_until_it_is_taken_again(site) {
        let person = site.administrator().await;
        let agent = Agent::enrol(&site.site, "host").await;
        agent.check_in(&[]).await;
        assert_eq!(refusal(&site, &person, &agent).await, Json::Null);

        let old = CheckIn { protocol: 0, epoch: "state1".to_owned(), ..CheckIn::default() };
        assert_eq!(agent.post(paths::CHECKIN, &old).await.status(), 403);
        let it = refusal(&site, &person, &agent).await;
        assert_eq!(it["what"], "checkin", "{it}");
        assert!(it["cause"].as_str().unwrap().contains("protocol 0"), "{it}");
        let page = format!("/devices/{}", agent.device);
        for page in [page.as_str(), "/devices"] {
            let page = person.get(&site.site, page).await.text;
            assert!(page.contains("The server refuses its check-in"), "{page}");
        }
        let lines = site.site.running().handle().summary().await.unwrap();
        assert!(lines.iter().any(|it| it.contains("protocol 0")), "{lines:?}");
        agent.check_in(&[]).await;
        assert_eq!(refusal(&site, &person, &agent).await, Json::Null);

        // A check-in that is taken says nothing of inventories.
        let mut sent = inventory("host");
        for number in 0..=BURST {
            sent.host.os_version = number.to_string();
            agent.post(paths::INVENTORY, &sent).await;
        }
        agent.check_in(&[]).await;
        let it = refusal(&site, &person, &agent).await;
        assert_eq!(it["what"], "inventory", "{it}");
        site.pass(Duration::from_hours(1)).await;
        assert_eq!(agent.post(paths::INVENTORY, &sent).await.status(), 200);
        assert_eq!(refusal(&site, &person, &agent).await, Json::Null);
    }

    async fn a_device_that_was_removed_and_still_asks_is_shown(site) {
        let person = site.administrator().await;
        let agent = Agent::enrol(&site.site, "host").await;
        let body = serde_json::json!({ "devices": [agent.device] });
        let answer = person.call(&site.site, "/api/v1/devices/remove", &body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(agent.post(paths::CHECKIN, &CheckIn::default()).await.status(), 401);
        let it = refusal(&site, &person, &agent).await;
        assert_eq!(it["what"], "certificate", "{it}");
        assert_eq!(it["cause"], "this device is not enrolled any more", "{it}");
    }
}
