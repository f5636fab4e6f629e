//! Updates that were installed and whose version did not change are not offered again.

use std::time::Duration;

use fleetmend_model::DeployJobId;
use fleetmend_model::detection::Detected;
use fleetmend_model::inventory::{
    AvailableUpdate, Inventory, Place, Software, UnreachableSource, UpdateScan,
};
use fleetmend_model::status::deploy::{Change, DeployStatus};
use fleetmend_protocol::reports::What;
use fleetmend_server::{Output, PatchQuery};
use serde_json::{Value as Json, json};

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::offer::approve;
use crate::site::Person;

/// A device has the tool in a version, and its archive offers another.
pub fn found(host: &str, installed: &str, offered: Option<&str>) -> Inventory {
    let update = |candidate: &str| AvailableUpdate {
        package: "tool".to_owned(),
        architecture: "amd64".to_owned(),
        installed: installed.to_owned(),
        candidate: candidate.to_owned(),
        security: false,
        origin: "archive".to_owned(),
    };
    Inventory {
        software: vec![Software {
            place: Place::Dpkg,
            key: "tool:amd64".to_owned(),
            name: "tool".to_owned(),
            version: installed.to_owned(),
            publisher: String::new(),
            product_code: None,
            upgrade_code: None,
        }],
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: Vec::new(),
            updates: offered.map(update).into_iter().collect(),
            withheld: Vec::new(),
        }),
        ..inventory(host)
    }
}

/// Devices that lack version 1.2 of the tool, which is approved.
pub struct Fleet<'a> {
    site: &'a Clocked,
    person: Person,
    pub agents: Vec<Agent>,
    pub patch: i64,
}

impl<'a> Fleet<'a> {
    pub async fn new(site: &'a Clocked, names: &[&str]) -> Self {
        let mut agents = Vec::new();
        for name in names {
            let mut agent = Agent::enrol(&site.site, name).await;
            agent.check_in(&[]).await;
            agent.send_inventory(&found(name, "1.1", Some("1.2"))).await;
            agents.push(agent);
        }
        let person = site.administrator().await;
        let mut fleet = Self {
            site,
            person,
            agents,
            patch: 0,
        };
        fleet.patch = fleet.patch_to("1.2").await;
        fleet
    }

    pub async fn get(&self, path: &str) -> Json {
        self.person.get(&self.site.site, path).await.json()
    }

    /// The patch to a version, approved.
    async fn patch_to(&self, version: &str) -> i64 {
        let missing = self.get("/api/v1/missing").await;
        let items = missing["items"].as_array().unwrap().iter();
        let mut of_version = items.filter(|it| it["patch"]["version"] == version);
        let patch = of_version.next().unwrap()["patch"]["id"].as_i64().unwrap();
        approve(self.site, &self.person, patch).await;
        patch
    }

    /// What the plan says of each device; empty where it deploys.
    pub async fn plan(&self, patch: i64) -> Vec<String> {
        let path = "/api/v1/deployments/preview";
        let body = json!({ "patch": patch });
        let plan = self.person.call(&self.site.site, path, &body).await.json();
        let devices = plan["devices"].as_array().unwrap().iter();
        let why = |it: &Json| it["reason"]["why"].as_str().unwrap_or_default().to_owned();
        devices.map(why).collect()
    }

    /// Deploys to a device and lets its job come to a status.
    pub async fn install(&mut self, one: usize, status: DeployStatus) -> DeployJobId {
        let device = self.agents[one].device;
        let body = json!({ "patch": self.patch, "devices": [device] });
        let path = "/api/v1/deployments";
        let made = self.person.call(&self.site.site, path, &body).await.json();
        let address = format!("/api/v1/deploy-jobs?deployment={}", made["deployment"]);
        let id = until("its order is made", async || {
            let listed = self.get(&address).await;
            let job = &listed["items"][0];
            (job["status"]["number"] == 3).then(|| DeployJobId(job["id"].as_i64().unwrap()))
        })
        .await;
        let agent = &mut self.agents[one];
        agent.check_in(&[]).await;
        for status in [
            DeployStatus::AgentDownloading,
            DeployStatus::AgentDownloaded,
            DeployStatus::Started,
            status,
        ] {
            agent.report(id, Change::Status { status }).await;
        }
        id
    }

    async fn holds(&self) -> Vec<Json> {
        let listed = self.get("/api/v1/holds").await;
        listed["items"].as_array().unwrap().clone()
    }

    async fn release(&self, hold: &Json, reason: &str) -> u16 {
        let path = format!("/api/v1/holds/{}/release", hold["hold"]["id"]);
        let body = json!({ "reason": reason });
        self.person.call(&self.site.site, &path, &body).await.status
    }
}

pub const MOMENT: Duration = Duration::from_secs(1);
pub const SETTLED: Duration = Duration::from_mins(11);

both! {
    async fn what_changed_nothing_is_held_on_its_device_until_a_person_releases_it(site) {
        let mut fleet = Fleet::new(&site, &["a", "b"]).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["", ""]);
        let job = fleet.install(0, DeployStatus::UnknownError).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["held", ""]);
        let patch = fleet.patch;
        let cause = format!("deploy job {job} installed it; there was no failure, and the version did not change");
        let systems = fleet.get(&format!("/api/v1/missing/{patch}/systems")).await;
        assert_eq!(systems["items"][0]["hold"]["cause"], cause);
        assert_eq!(systems["items"][0]["hold"]["job"], job.0);
        assert_eq!(systems["items"][1]["hold"], Json::Null);
        let missing = fleet.get("/api/v1/missing?held=true").await;
        assert_eq!(missing["items"][0]["held_devices"], 1);
        assert_eq!(missing["items"][0]["held_everywhere"], Json::Null);
        let device = fleet.agents[0].device;
        let of_device = fleet.get(&format!("/api/v1/devices/{device}/missing")).await;
        assert_eq!(of_device["items"][0]["hold"]["everywhere"], false);
        for path in ["/missing".to_owned(), format!("/missing/{patch}"), format!("/devices/{device}"), "/holds".to_owned()] {
            let page = fleet.person.get(&site.site, &path).await.text;
            let says = if path == "/missing" { "1 held" } else { cause.as_str() };
            assert!(page.contains(says), "{path}: {page}");
        }
        let handle = site.site.running().handle();
        let lines = handle.list_device_missing("a", &PatchQuery::default(), Output::Text).await.unwrap();
        assert!(lines[0].contains(&format!("\theld: {cause}\t")), "{lines:?}");
        let held = PatchQuery { held: Some(true), ..PatchQuery::default() };
        let lines = handle.list_missing(&held, Output::Text).await.unwrap();
        assert!(lines[0].ends_with("2\theld on 1"), "{lines:?}");
        assert_eq!(handle.list_holds(Output::Text).await.unwrap().len(), 1);
        let lines = handle.list_holds(Output::Json).await.unwrap();
        let hold: Json = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(hold["hold"]["cause"], cause);

        let again = json!({ "jobs": [job] });
        let refused = fleet.person.call(&site.site, "/api/v1/deploy-jobs/redeploy", &again).await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("Release, on the page Held Updates"), "{}", refused.text);

        let hold = &fleet.holds().await[0];
        assert_eq!((&hold["hostname"], &hold["version"]), (&json!("a"), &json!("1.2")));
        assert_eq!(fleet.release(hold, " ").await, 400);
        assert_eq!(fleet.plan(patch).await, ["held", ""]);
        assert_eq!(fleet.release(hold, "the disk was full").await, 204);
        assert_eq!(fleet.release(hold, "the disk was full").await, 404);
        assert_eq!(fleet.plan(patch).await, ["", ""]);
        let audit = fleet.person.get(&site.site, "/api/v1/audit").await.text;
        assert!(audit.contains("release_hold") && audit.contains("the disk was full"), "{audit}");

        fleet.install(0, DeployStatus::UnknownError).await;
        let hold = &fleet.holds().await[0];
        let id = hold["hold"]["id"].as_i64().unwrap();
        site.site.running().handle().release_hold(id, "").await.expect_err("it says no reason");
        site.site.running().handle().release_hold(id, "another try").await.unwrap();
        assert_eq!(fleet.plan(patch).await, ["", ""]);
    }

    async fn what_was_found_by_its_device_alone_is_held_with_the_next_inventory_and_lifted_by_a_later_one(site) {
        let mut fleet = Fleet::new(&site, &["a"]).await;
        site.live(MOMENT).await;
        fleet.install(0, DeployStatus::Completed).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["unconfirmed"]);
        // Nothing speaks for or against it before an inventory is there.
        site.live(SETTLED).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["unconfirmed"]);
        for _ in 0..2 {
            assert!(fleet.agents[0].check_in(&[]).await.want_inventory);
        }
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        assert!(!fleet.agents[0].check_in(&[]).await.want_inventory);
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["held"]);
        let cause = fleet.holds().await[0]["hold"]["cause"].as_str().unwrap().to_owned();
        assert!(cause.ends_with("still has version 1.1"), "{cause}");

        // Not on offer for a while: it is not offered again afterwards.
        site.live(MOMENT).await;
        fleet.agents[0].send_inventory(&found("a", "1.1", None)).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, Vec::<String>::new());
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["held"]);

        site.live(MOMENT).await;
        fleet.agents[0].send_inventory(&found("a", "1.2", None)).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.holds().await, Vec::<Json>::new());
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        assert_eq!(fleet.plan(fleet.patch).await, [""]);
    }

    async fn a_hold_ends_when_its_software_is_gone_or_at_another_version(site) {
        let mut fleet = Fleet::new(&site, &["a", "b", "c"]).await;
        for one in 0..2 {
            fleet.install(one, DeployStatus::UnknownError).await;
        }
        assert_eq!(fleet.plan(fleet.patch).await, ["held", "held", ""]);
        site.live(SETTLED).await;
        let without = Inventory { software: Vec::new(), ..found("a", "1.1", None) };
        let mut partial = without.clone();
        partial.updates.as_mut().unwrap().unreachable.push(UnreachableSource {
            source: "https://archive.example".to_owned(),
            cause: "it did not answer".to_owned(),
        });
        fleet.agents[0].send_inventory(&partial).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.holds().await.len(), 2);
        fleet.agents[0].send_inventory(&without).await;
        fleet.agents[1].send_inventory(&found("b", "1.1.5", Some("1.2"))).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.holds().await, Vec::<Json>::new());
        assert_eq!(fleet.plan(fleet.patch).await, ["", ""]);
        let audit = fleet.get("/api/v1/audit").await;
        let ends: Vec<_> = audit["items"].as_array().unwrap().iter()
            .filter(|it| it["action"] == "end_hold").map(ToString::to_string).collect();
        for (host, why) in [("a", "the software is gone"), ("b", "another version than when it was held: 1.1.5")] {
            let is_it = |it: &&String| it.contains(&format!(" on {host}\"")) && it.contains(why);
            assert_eq!(ends.iter().filter(is_it).count(), 1, "{ends:?}");
        }
    }

    async fn a_hold_of_what_is_not_on_offer_ends_at_another_version(site) {
        let mut fleet = Fleet::new(&site, &["a"]).await;
        fleet.install(0, DeployStatus::UnknownError).await;
        site.live(SETTLED).await;
        for (version, held) in [("1.1", 1), ("1.1.5", 0)] {
            fleet.agents[0].send_inventory(&found("a", version, None)).await;
            site.live(MOMENT).await;
            assert_eq!(fleet.holds().await.len(), held, "{version}");
        }
    }

    async fn what_the_next_inventory_shows_is_never_held(site) {
        let mut fleet = Fleet::new(&site, &["a"]).await;
        site.live(MOMENT).await;
        fleet.install(0, DeployStatus::Completed).await;
        site.live(MOMENT).await;
        // Its scan had begun before the end.
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["unconfirmed"]);
        fleet.agents[0].send_inventory(&found("a", "1.2", None)).await;
        site.live(SETTLED).await;
        assert_eq!(fleet.holds().await, Vec::<Json>::new());
    }

    async fn what_a_restart_did_not_bring_is_held(site) {
        let mut fleet = Fleet::new(&site, &["a"]).await;
        fleet.install(0, DeployStatus::NeedsRestart).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["job_open"]);
        fleet.agents[0].reboot();
        assert!(fleet.agents[0].check_in(&[]).await.want_inventory);
        fleet.agents[0].send_inventory(&found("a", "1.1", Some("1.2"))).await;
        assert_eq!(fleet.plan(fleet.patch).await, ["held"]);
        let cause = fleet.holds().await[0]["hold"]["cause"].as_str().unwrap().to_owned();
        assert!(cause.ends_with("version 1.1 was found afterwards, and not 1.2"), "{cause}");
    }

    async fn what_a_device_says_at_its_start_after_a_restart_holds_what_that_did_not_bring(site) {
        let mut fleet = Fleet::new(&site, &["a", "b"]).await;
        let found = [
            Detected::Installed { version: "1.2".to_owned() },
            Detected::Older { version: "1.1".to_owned() },
        ];
        for (one, found) in found.into_iter().enumerate() {
            let job = fleet.install(one, DeployStatus::NeedsRestart).await;
            let agent = &mut fleet.agents[one];
            agent.reboot();
            let boot = agent.boot();
            agent.say(What::AfterRestart { job, boot, found }).await;
        }
        // What the server has of the first is from before the restart, and is asked for anew.
        assert_eq!(fleet.plan(fleet.patch).await, ["unconfirmed", "held"]);
        site.live(MOMENT).await;
        assert!(fleet.agents[0].check_in(&[]).await.want_inventory);
        fleet.agents[0].send_inventory(&self::found("a", "1.2", None)).await;
        site.live(SETTLED).await;
        assert_eq!(fleet.holds().await.len(), 1);
    }

    async fn a_version_that_is_in_vain_on_several_devices_is_held_everywhere_and_the_next_one_is_not(site) {
        let mut fleet = Fleet::new(&site, &["a", "b", "c", "d", "e"]).await;
        for one in 0..3 {
            assert_eq!(fleet.plan(fleet.patch).await[4], "", "{one}");
            fleet.install(one, DeployStatus::UnknownError).await;
        }
        let everywhere = ["held", "held", "held", "held_everywhere", "held_everywhere"];
        assert_eq!(fleet.plan(fleet.patch).await, everywhere);
        let cause = "it was installed on 3 machines and the version did not change; on 0 it did";
        let missing = fleet.get("/api/v1/missing").await;
        assert_eq!(missing["items"][0]["held_everywhere"]["cause"], cause);
        for path in ["/missing".to_owned(), format!("/missing/{}", fleet.patch), "/holds?everywhere=true".to_owned()] {
            let page = fleet.person.get(&site.site, &path).await.text;
            assert!(page.contains(cause), "{path}: {page}");
        }
        let lines = site.site.running().handle().list_missing(&PatchQuery::default(), Output::Text).await.unwrap();
        assert!(lines[0].ends_with(&format!("held everywhere: {cause}")), "{lines:?}");

        fleet.agents[4].send_inventory(&found("e", "1.1", Some("1.3"))).await;
        let newer = fleet.patch_to("1.3").await;
        assert_eq!(fleet.plan(newer).await, [""]);

        let held = fleet.get("/api/v1/holds?everywhere=true").await;
        let id = &held["items"][0]["hold"]["id"];
        let done = fleet.person.post(&site.site, &format!("/holds/{id}/release"), &[("reason", "seen"), ("back", "/holds")]).await;
        assert_eq!(done.location, "/holds?done=hold-released&n=1");
        assert_eq!(fleet.plan(fleet.patch).await, ["held", "held", "held", ""]);
        // What was before the release does not count any more.
        site.live(MOMENT).await;
        fleet.install(3, DeployStatus::UnknownError).await;
        assert_eq!(fleet.get("/api/v1/holds?everywhere=true").await["items"], json!([]));
    }

    async fn a_version_is_let_go_everywhere_when_its_devices_have_it(site) {
        let mut fleet = Fleet::new(&site, &["a", "b", "c", "d"]).await;
        for one in 0..3 {
            fleet.install(one, DeployStatus::UnknownError).await;
        }
        assert_eq!(fleet.plan(fleet.patch).await[3], "held_everywhere");
        site.live(MOMENT).await;
        for (one, name) in ["a", "b", "c"].iter().enumerate() {
            fleet.agents[one].send_inventory(&found(name, "1.2", None)).await;
        }
        site.live(MOMENT).await;
        assert_eq!(fleet.plan(fleet.patch).await, [""]);
        assert_eq!(fleet.holds().await, Vec::<Json>::new());
    }
}
