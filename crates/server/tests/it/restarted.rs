//! A job that waits for its device's restart ends by what is found after it, and by nothing else.

use fleetmend_model::inventory::{Inventory, Place, Software};
use fleetmend_model::status::deploy::{Change, DeployStatus};
use serde_json::{Value as Json, json};

use crate::agent::inventory;
use crate::handed_out::{handed_out, job};

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

#[tokio::test]
async fn after_the_restart_a_job_is_complete_only_if_its_version_is_found() {
    for (found, number, ending, cause) in [
        (
            Some("1.2"),
            9,
            Json::Null,
            "restarted; version 1.2 was found afterwards",
        ),
        (
            Some("1.3"),
            9,
            Json::Null,
            "restarted; version 1.3 was found afterwards",
        ),
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
