//! What a scan could not read says nothing of an update that was installed.

use fleetmend_model::inventory::{Inventory, Part, Unread};
use fleetmend_model::status::deploy::DeployStatus;

use crate::clocked::both;
use crate::held::{Fleet, MOMENT, SETTLED, found};

/// The tool's entry could not be read.
fn unread(host: &str) -> Inventory {
    Inventory {
        software: Vec::new(),
        unread: vec![Unread {
            part: Part::Dpkg,
            user: String::new(),
            key: "tool:amd64".to_owned(),
            cause: "access is denied".to_owned(),
        }],
        ..found(host, "1.1", Some("1.2"))
    }
}

both! {
    async fn what_could_not_be_read_is_never_in_vain(site) {
        let names = ["a", "b", "c", "d"];
        let mut fleet = Fleet::new(&site, &names).await;
        for one in 0..3 {
            fleet.install(one, DeployStatus::Completed).await;
        }
        site.live(SETTLED).await;
        for (agent, name) in fleet.agents.iter_mut().zip(names).take(3) {
            agent.send_inventory(&unread(name)).await;
        }
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["unconfirmed", "unconfirmed", "unconfirmed", ""]);
        // It is read again, in two versions.
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        fleet.agents[1].send_inventory(&found("b", "1.2", None)).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["held", "unconfirmed", ""]);
    }

    async fn what_could_not_be_read_after_a_restart_is_never_in_vain(site) {
        let mut fleet = Fleet::new(&site, &["a"]).await;
        let job = fleet.install(0, DeployStatus::NeedsRestart).await;
        fleet.agents[0].reboot();
        assert!(fleet.agents[0].check_in(&[]).await.want_inventory);
        fleet.agents[0].send_inventory(&unread("a")).await;
        let ended = fleet.get(&format!("/api/v1/deploy-jobs/{job}")).await;
        assert_eq!(ended["job"]["cause"], "restarted; what is installed could not be read afterwards");
        assert_eq!(ended["job"]["status"]["ending"], "expired");
        assert_eq!(fleet.plan(fleet.patch).await, [""]);
        assert!(!fleet.agents[0].check_in(&[]).await.want_inventory);
    }
}
