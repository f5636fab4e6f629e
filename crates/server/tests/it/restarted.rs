//! A job that waits for its device's restart ends by what is found after it, and by nothing else.

use std::collections::BTreeSet;

use fleetmend_model::DeployJobId;
use fleetmend_model::detection::Detected;
use fleetmend_model::inventory::{Inventory, Place, Software};
use fleetmend_model::status::deploy::{Change, DeployStatus};
use fleetmend_protocol::reports::What;
use fleetmend_store::anomalies;
use serde_json::{Value as Json, json};

use crate::agent::{Agent, inventory};
use crate::handed_out::{handed_out, job};
use crate::site::{Person, Site};

/// The package of the job's patch in a version.
fn with(version: Option<&str>) -> Inventory {
    let software = version.map(|version| Software {
        place: Place::Dpkg,
        key: "Some patch 1.2:1.2".to_owned(),
        name: "Some patch".to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    });
    Inventory {
        software: software.into_iter().collect(),
        ..inventory("host")
    }
}

/// A device that waits for its restart, and the job.
async fn needs_restart() -> (Site, Person, Agent, DeployJobId) {
    let (site, person, mut agent, id) = handed_out().await;
    agent.check_in(&[]).await;
    for status in [
        DeployStatus::AgentDownloading,
        DeployStatus::AgentDownloaded,
        DeployStatus::Started,
        DeployStatus::NeedsRestart,
    ] {
        agent.report(id, Change::Status { status }).await;
    }
    (site, person, agent, id)
}

async fn number(site: &Site, person: &Person, id: DeployJobId) -> Json {
    job(site, person, id).await["job"]["status"]["number"].clone()
}

#[tokio::test]
async fn after_the_restart_a_job_is_complete_only_if_its_version_is_found() {
    for (found, number, ending, cause) in [
        (Some("1.2"), 9, Json::Null, "Machine rebooted"),
        (Some("1.3"), 9, Json::Null, "Machine rebooted"),
        (
            Some("1.1"),
            10,
            json!("expired"),
            "restarted; version 1.1 was found afterwards, and not 1.2",
        ),
        (
            None,
            10,
            json!("expired"),
            "restarted; the software was not found afterwards",
        ),
    ] {
        let (site, person, mut agent, id) = needs_restart().await;
        // The same boot: whatever is found, the restart is due.
        agent.check_in(&[]).await;
        agent.send_inventory(&with(Some("1.2"))).await;
        let waiting = job(&site, &person, id).await;
        assert_eq!(waiting["job"]["status"]["number"], 10, "{found:?}");
        assert_eq!(waiting["job"]["reboot"], "Restart due", "{found:?}");
        agent.reboot();
        assert!(agent.check_in(&[]).await.want_inventory, "{found:?}");
        agent.send_inventory(&with(found)).await;
        let ended = job(&site, &person, id).await;
        assert_eq!(ended["job"]["status"]["number"], number, "{found:?}");
        assert_eq!(ended["job"]["status"]["ending"], ending, "{found:?}");
        assert_eq!(ended["job"]["cause"], cause, "{found:?}");
        assert_eq!(ended["job"]["reboot"], "Machine rebooted", "{found:?}");
        assert!(!agent.check_in(&[]).await.want_inventory, "{found:?}");
    }
}

fn version(version: &str) -> String {
    version.to_owned()
}

#[tokio::test]
async fn what_an_agent_finds_when_it_starts_after_the_restart_ends_the_job_before_any_inventory() {
    let older = version("1.1");
    for (found, number, ending, cause) in [
        (
            Detected::Installed {
                version: version("1.2"),
            },
            9,
            Json::Null,
            "Machine rebooted",
        ),
        (
            Detected::Older { version: older },
            10,
            json!("expired"),
            "restarted; version 1.1 was found afterwards, and not 1.2",
        ),
        (
            Detected::Absent,
            10,
            json!("expired"),
            "restarted; the software was not found afterwards",
        ),
    ] {
        let (site, person, mut agent, id) = needs_restart().await;
        agent.reboot();
        let what = What::AfterRestart {
            job: id,
            boot: agent.boot(),
            found: found.clone(),
        };
        agent.say(what.clone()).await;
        let ended = job(&site, &person, id).await;
        assert_eq!(ended["job"]["status"]["number"], number, "{found:?}");
        assert_eq!(ended["job"]["status"]["ending"], ending, "{found:?}");
        assert_eq!(ended["job"]["cause"], cause, "{found:?}");
        assert_eq!(ended["job"]["reboot"], "Machine rebooted", "{found:?}");
        // Neither the inventory that follows nor the same word again says anything new.
        agent.check_in(&[]).await;
        agent.send_inventory(&with(Some("1.0"))).await;
        agent.say(what).await;
        assert_eq!(
            job(&site, &person, id).await["job"],
            ended["job"],
            "{found:?}"
        );
        let odd = anomalies::of_device(&site.db().await, agent.device).await;
        assert_eq!(odd.unwrap(), [], "{found:?}");
    }
}

#[tokio::test]
async fn the_word_of_a_restart_that_a_job_did_not_wait_for_changes_nothing_and_is_noted() {
    let (site, person, mut agent, id) = needs_restart().await;
    let mut other = Agent::enrol(&site, "other").await;
    let word = |boot: String, job| What::AfterRestart {
        job,
        boot,
        found: Detected::Installed {
            version: version("1.2"),
        },
    };
    // In the boot in which it became due, in none, and from another device.
    let same = agent.boot();
    agent.say(word(same, id)).await;
    agent.say(word(String::new(), id)).await;
    other.say(word(version("later"), id)).await;
    assert_eq!(number(&site, &person, id).await, 10);
    let db = site.db().await;
    let odd = anomalies::of_device(&db, agent.device).await.unwrap();
    assert_eq!(odd.len(), 2, "{odd:?}");
    let odd = anomalies::of_device(&db, other.device).await.unwrap();
    assert_eq!(odd.len(), 1, "{odd:?}");

    // Before it came to 10.
    let (site, person, mut agent, id) = handed_out().await;
    agent.check_in(&[]).await;
    agent.say(word(version("later"), id)).await;
    assert_eq!(number(&site, &person, id).await, 3);
}

#[tokio::test]
async fn the_inventory_of_a_new_boot_is_asked_for_until_it_comes() {
    let (site, person, mut agent, id) = needs_restart().await;
    agent.reboot();
    // It overtakes the first check-in of its boot, and does not say which one that is.
    agent.send_inventory(&with(Some("1.2"))).await;
    assert_eq!(number(&site, &person, id).await, 10);
    for _ in 0..3 {
        assert!(agent.check_in(&[]).await.want_inventory);
    }
    agent.send_inventory(&with(Some("1.2"))).await;
    assert_eq!(number(&site, &person, id).await, 9);
    for _ in 0..2 {
        assert!(!agent.check_in(&[]).await.want_inventory);
    }
}

#[tokio::test]
async fn an_inventory_that_says_its_boot_counts_for_that_one_whatever_check_in_came_before() {
    let (site, person, mut agent, id) = needs_restart().await;
    let before = agent.boot();
    agent.reboot();
    assert!(agent.check_in(&[]).await.want_inventory);
    agent.send_inventory_of(&with(Some("1.2")), &before).await;
    assert_eq!(number(&site, &person, id).await, 10);
    assert!(agent.check_in(&[]).await.want_inventory);

    let (site, person, mut agent, id) = needs_restart().await;
    agent.reboot();
    let after = agent.boot();
    agent.send_inventory_of(&with(Some("1.2")), &after).await;
    assert_eq!(number(&site, &person, id).await, 9);
    assert!(!agent.check_in(&[]).await.want_inventory);
}

#[tokio::test]
async fn devices_check_in_at_intervals_of_their_own_about_the_one_that_is_set() {
    let site = Site::start().await;
    let mut all = BTreeSet::new();
    for number in 0..6 {
        let agent = Agent::enrol(&site, &format!("host-{number}")).await;
        let first = agent.check_in(&[]).await.checkin_seconds;
        assert!((162..=198).contains(&first), "{first}");
        assert_eq!(agent.check_in(&[]).await.checkin_seconds, first);
        all.insert(first);
    }
    assert!(all.len() > 1, "{all:?}");
}
