//! How old is what is known of a device: as of its last scan, also where that found nothing new.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_protocol::checkin::{CheckIn, ScanFailure};
use fleetmend_server::missing::age;
use fleetmend_server::{Output, PatchQuery, upkeep};
use fleetmend_store::devices::{self, Device};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::facts::say;
use crate::partial_scan::scan;
use crate::site::Person;

const DAY: Duration = Duration::from_hours(24);

async fn stored(site: &Clocked, agent: &Agent) -> Device {
    devices::get(site.db(), agent.device)
        .await
        .unwrap()
        .unwrap()
}

/// A check-in of an agent whose last scan ended then.
async fn say_scanned(agent: &Agent, at: Millis, failure: Option<&ScanFailure>) {
    let digest = agent.digest();
    let change = |said: &mut CheckIn| {
        said.inventory_digest = digest;
        said.scanned_at = Some(at);
        said.scan_failure = failure.cloned();
    };
    say(agent, change).await;
}

both! {
    async fn a_scan_that_finds_nothing_new_makes_what_is_known_young_again(site) {
        let mut agent = Agent::enrol(&site.site, "a").await;
        agent.send_inventory(&inventory("a")).await;
        let first = site.now();
        say_scanned(&agent, first, None).await;
        site.live(DAY).await;
        let second = site.now();
        say_scanned(&agent, second, None).await;
        upkeep::store_last_seen(site.app()).await.unwrap();
        let device = stored(&site, &agent).await;
        assert_eq!(device.scanned_at, Some(second));
        assert!(device.inventory_at <= Some(first));

        // What comes late, or of another inventory, or from a clock that is ahead.
        site.live(DAY).await;
        say_scanned(&agent, first, None).await;
        let other = |said: &mut CheckIn| {
            said.inventory_digest = Some("ab".to_owned());
            said.scanned_at = Some(Millis(i64::MAX));
        };
        say(&agent, other).await;
        upkeep::store_last_seen(site.app()).await.unwrap();
        assert_eq!(stored(&site, &agent).await.scanned_at, Some(second));
        say_scanned(&agent, Millis(i64::MAX), None).await;
        upkeep::store_last_seen(site.app()).await.unwrap();
        assert_eq!(stored(&site, &agent).await.scanned_at, Some(site.now()));
    }

    async fn that_the_last_scan_failed_is_known_until_one_does_not(site) {
        let mut agent = Agent::enrol(&site.site, "a").await;
        agent.send_inventory(&inventory("a")).await;
        let scanned = site.now();
        say_scanned(&agent, scanned, None).await;
        site.live(DAY).await;
        let failure = ScanFailure {
            at: site.now(),
            cause: "the registry\u{202e} cannot be read".to_owned(),
        };
        say_scanned(&agent, scanned, Some(&failure)).await;
        let device = stored(&site, &agent).await;
        let expected = (failure.at, "the registry  cannot be read".to_owned());
        assert_eq!(device.scan_failure, Some(expected.clone()));
        assert_eq!(device.scanned_at, Some(scanned));
        say_scanned(&agent, scanned, Some(&failure)).await;
        assert_eq!(stored(&site, &agent).await.scan_failure, Some(expected));
        say_scanned(&agent, site.now(), None).await;
        assert_eq!(stored(&site, &agent).await.scan_failure, None);
    }

    async fn an_agent_that_does_not_say_when_it_scanned_is_taken_at_its_reports(site) {
        let mut agent = Agent::enrol(&site.site, "a").await;
        let job = agent.check_in(&[]).await.scans[0];
        site.live(DAY).await;
        agent.scanned(job).await;
        assert!(stored(&site, &agent).await.inventory_at < Some(site.now()));
        upkeep::store_last_seen(site.app()).await.unwrap();
        assert_eq!(stored(&site, &agent).await.scanned_at, Some(site.now()));
    }
}

#[tokio::test]
async fn pages_and_the_api_say_as_of_when_and_that_the_last_scan_failed() {
    let (site, person) = crate::site::Site::signed_in().await;
    let mut agent = Agent::enrol(&site, "host").await;
    agent.send_inventory(&inventory("host")).await;
    let at = site.running().app().now();
    let failure = ScanFailure {
        at,
        cause: "the registry cannot be read".to_owned(),
    };
    say_scanned(&agent, at, Some(&failure)).await;
    let path = format!("/devices/{}", agent.device);
    for path in ["/devices", &path, &format!("{path}/software")] {
        let page = person.get(&site, path).await.text;
        assert!(page.contains("the registry cannot be read"), "{path}");
    }
    let body = person.get(&site, &format!("/api/v1{path}")).await.json();
    assert_eq!(body["scan_failure"]["cause"], "the registry cannot be read");
    assert!(body["scanned_at"].is_string(), "{body}");
}

/// A device that lacks a patch, and a person.
async fn lacking(site: &Clocked) -> (Agent, Person) {
    let person = site.administrator().await;
    let mut agent = Agent::enrol(&site.site, "host").await;
    agent
        .send_inventory(&scan(&[("tool", "1")], &[("tool", "2")], true))
        .await;
    (agent, person)
}

both! {
    async fn lists_of_what_is_missing_say_as_of_when_and_why_there_is_nothing_newer(site) {
        let (agent, person) = lacking(&site).await;
        let at = site.now();
        let failure = ScanFailure { at, cause: "the registry cannot be read".to_owned() };
        say_scanned(&agent, at, Some(&failure)).await;
        let get = async |path: &str| person.get(&site.site, path).await;
        let listed = get("/api/v1/missing").await.json();
        let patch = listed["items"][0]["patch"]["id"].as_i64().unwrap();
        let device = agent.device;
        for path in [format!("devices/{device}/missing"), format!("missing/{patch}/systems")] {
            let listed = get(&format!("/api/v1/{path}")).await.json();
            let row = &listed["items"][0];
            assert!(row["scanned_at"].is_string(), "{path}: {row}");
            assert_eq!(row["scan_failure"]["cause"], "the registry cannot be read", "{path}");
        }
        for path in [format!("/devices/{device}"), format!("/missing/{patch}")] {
            let page = get(&path).await.text;
            let rows = page.split("<tbody>").nth(1).unwrap();
            assert!(rows.contains("the registry cannot be read"), "{path}");
        }
        let query = PatchQuery::default();
        let handle = site.site.running().handle();
        let lines = handle.list_device_missing("host", &query, Output::Text).await.unwrap();
        assert!(lines[0].contains("the registry cannot be read"), "{lines:?}");
    }

    async fn a_patch_says_on_how_many_devices_nobody_looked_for_a_week(site) {
        let (agent, _) = lacking(&site).await;
        let old = async || {
            age::count(site.app()).await.unwrap();
            let person = site.administrator_again().await;
            let listed = person.get(&site.site, "/api/v1/missing").await.json();
            let row = &listed["items"][0];
            (row["affected"].as_u64().unwrap(), row["old_answers"].as_u64().unwrap())
        };
        say_scanned(&agent, site.now(), None).await;
        assert_eq!(old().await, (1, 0));
        site.live(DAY * 6).await;
        assert_eq!(old().await, (1, 0));
        site.live(DAY + DAY).await;
        assert_eq!(old().await, (1, 1));
        let page = site.administrator_again().await.get(&site.site, "/missing").await.text;
        assert!(page.contains("1 not scanned for 7 days"), "{page}");
        let query = PatchQuery::default();
        let handle = site.site.running().handle();
        let lines = handle.list_missing(&query, Output::Text).await.unwrap();
        assert!(lines[0].ends_with("1 not scanned for 7 days"), "{lines:?}");
        say_scanned(&agent, site.now(), None).await;
        upkeep::store_last_seen(site.app()).await.unwrap();
        assert_eq!(old().await, (1, 0));
    }
}
