//! How old is what is known of a device: as of its last scan, also where that found nothing new.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_protocol::checkin::{CheckIn, ScanFailure};
use fleetmend_server::upkeep;
use fleetmend_store::devices::{self, Device};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::facts::say;

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
