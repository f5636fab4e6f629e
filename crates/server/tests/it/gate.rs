//! When a device may have the order of a job, and what a job says that waits.

use std::time::Duration;

use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, DeviceId, PatchId};
use fleetmend_server::policies::{self, Given};
use fleetmend_store::policies as kept;
use serde_json::{Value as Json, json};

use crate::agent::Agent;
use crate::clocked::{Clocked, both, until};
use crate::facts::say;
use crate::policies::anna;
use crate::seed;
use crate::site::Person;

/// Monday, 21 September 2026, 16:13 in Berlin is when everything begins.
const SATURDAYS: &str = "Sat 26 Sep 02:00–04:00 (Europe/Berlin)";
const NEXT_SATURDAYS: &str = "Sat 3 Oct 02:00–04:00 (Europe/Berlin)";

fn saturdays() -> Json {
    json!({"install_windows": [{"opens": "0 2 * * SAT", "minutes": 120}]})
}

/// Has the policy of all devices set something.
pub async fn set(site: &Clocked, settings: Json) {
    let all = kept::all(site.db()).await.unwrap();
    let rest = all.into_iter().find(|it| it.is_rest).unwrap();
    let given = Given {
        name: rest.what.name,
        is_enabled: true,
        scope: serde_json::from_str(&rest.what.scope).unwrap(),
        settings,
    };
    policies::set(site.app(), rest.id, rest.generation, &given, &anna())
        .await
        .unwrap();
}

/// A device in Berlin.
pub async fn in_berlin(site: &Clocked, name: &str) -> Agent {
    let agent = Agent::enrol(&site.site, name).await;
    say(&agent, |said| said.inventory_digest = agent.digest()).await;
    agent
}

/// A patch that these devices lack, approved.
pub async fn lacked(site: &Clocked, person: &Person, title: &str, devices: &[DeviceId]) -> PatchId {
    let mut tx = site.db().begin().await.unwrap();
    let patch = seed::patch(&mut tx, title, "1.2").await;
    seed::lack(&mut tx, devices, patch, "1.1").await;
    tx.commit().await.unwrap();
    decide(site, person, patch, "approved").await;
    patch
}

async fn decide(site: &Clocked, person: &Person, patch: PatchId, decision: &str) {
    let body = json!({
        "patches": [{"patch": patch, "system_type": "normal"}],
        "decision": decision,
    });
    let answer = person.call(&site.site, "/api/v1/approvals", &body).await;
    assert!(answer.status < 300, "{}", answer.text);
}

/// A fleet of one device that lacks one patch.
struct One {
    site: Clocked,
    person: Person,
    agent: Agent,
    patch: PatchId,
}

impl One {
    async fn with(site: Clocked, settings: Json) -> Self {
        let person = site.administrator().await;
        set(&site, settings).await;
        let agent = in_berlin(&site, "desk-1").await;
        let patch = lacked(&site, &person, "Tool", &[agent.device]).await;
        Self {
            site,
            person,
            agent,
            patch,
        }
    }

    async fn preview(&self, at_any_time: bool) -> Json {
        let body = json!({"patch": self.patch, "at_any_time": at_any_time});
        let path = "/api/v1/deployments/preview";
        let plan = self.person.call(&self.site.site, path, &body).await.json();
        plan["devices"][0].clone()
    }

    async fn deploy(&self, at_any_time: bool) {
        let body = json!({"patch": self.patch, "at_any_time": at_any_time});
        let path = "/api/v1/deployments";
        let made = self.person.call(&self.site.site, path, &body).await;
        assert!(made.json()["deployment"].is_i64(), "{}", made.text);
    }

    async fn jobs(&self) -> Vec<Json> {
        jobs(&self.site, &self.person).await
    }

    /// Waits until the newest job says what comes next.
    async fn next_step(&self, next_step: &str) -> DeployJobId {
        until(&format!("'{next_step}'"), async || {
            let newest = self.jobs().await.into_iter().next()?;
            (newest["next_step"] == next_step).then(|| id(&newest))
        })
        .await
    }

    /// Time passes, and the person signs in again.
    async fn pass(&mut self, time: Duration) {
        self.site.is_idle("hand_out").await;
        self.site.pass(time).await;
        self.person = self.site.administrator_again().await;
    }

    async fn orders(&self) -> usize {
        say(&self.agent, |said| {
            said.inventory_digest = self.agent.digest();
        })
        .await
        .orders
        .len()
    }
}

/// All jobs, the newest first.
pub async fn jobs(site: &Clocked, person: &Person) -> Vec<Json> {
    let listed = person.get(&site.site, "/api/v1/deploy-jobs").await.json();
    listed["items"].as_array().unwrap().clone()
}

pub fn id(job: &Json) -> DeployJobId {
    DeployJobId(job["id"].as_i64().unwrap())
}

const TAKES: &str = "the device takes the order at its next check-in";

both! {
    async fn a_job_waits_for_its_window_says_so_and_goes_out_when_it_opens(site) {
        let mut one = One::with(site, saturdays()).await;
        let plan = one.preview(false).await;
        assert_eq!((&plan["deploys"], &plan["waits_for"]), (&json!(true), &json!(SATURDAYS)));
        assert_eq!(plan["starts_at"], "2026-09-26T00:00:00Z");
        one.deploy(false).await;
        let job = one.next_step(&format!("waits for the window on {SATURDAYS}")).await;
        let shown = one.jobs().await.remove(0);
        assert_eq!(shown["status"]["number"], 3);
        assert_eq!(shown["deadline_at"], "2026-10-03T02:00:00Z", "two windows");
        let page = one.person.get(&one.site.site, &format!("/deployments/{job}")).await.text;
        assert!(page.contains(&format!("waits for the window on {SATURDAYS}")), "{page}");
        assert_eq!(one.orders().await, 0);
        one.pass(Duration::from_hours(4 * 24)).await;
        one.site.round().await;
        one.next_step(&format!("waits for the window on {SATURDAYS}")).await;
        assert_eq!(one.orders().await, 0);
        one.pass(Duration::from_mins(10 * 60 - 13)).await;
        one.site.round().await;
        assert_eq!(one.next_step(TAKES).await, job);
        assert_eq!(one.orders().await, 1);
    }

    async fn a_person_may_choose_that_windows_do_not_count(site) {
        let one = One::with(site, saturdays()).await;
        let plan = one.preview(true).await;
        assert_eq!((&plan["deploys"], &plan["waits_for"]), (&json!(true), &Json::Null));
        one.deploy(true).await;
        one.next_step(TAKES).await;
        assert_eq!(one.orders().await, 1);
    }

    async fn the_page_says_what_waits_and_offers_not_to(site) {
        let one = One::with(site, saturdays()).await;
        let target = format!("{}:normal", one.patch);
        let fields = [("target", target.as_str())];
        let page = one.person.post(&one.site.site, "/deploy/preview", &fields).await.text;
        assert!(page.contains(&format!("waits for the window on {SATURDAYS}")), "{page}");
        assert!(page.contains("At any time instead"), "{page}");
        let fields = [("target", target.as_str()), ("at_any_time", "yes")];
        let page = one.person.post(&one.site.site, "/deploy/preview", &fields).await.text;
        assert!(page.contains("at once") && !page.contains("At any time instead"), "{page}");
        assert!(page.contains(r#"name="at_any_time" value="yes""#), "{page}");
    }

    async fn what_is_decided_while_a_job_waits_ends_it(site) {
        let one = One::with(site, saturdays()).await;
        one.deploy(false).await;
        one.next_step(&format!("waits for the window on {SATURDAYS}")).await;
        decide(&one.site, &one.person, one.patch, "disapproved").await;
        one.next_step("").await;
        let job = one.jobs().await.remove(0);
        assert_eq!(job["status"]["ending"], "cancelled");
        assert_eq!(job["cause"], "disapproved for Normal Systems");
    }

    async fn a_policy_that_changes_counts_at_once_for_what_waits(site) {
        let one = One::with(site, saturdays()).await;
        one.deploy(false).await;
        one.next_step(&format!("waits for the window on {SATURDAYS}")).await;
        set(&one.site, json!({})).await;
        one.next_step(TAKES).await;
        set(&one.site, saturdays()).await;
        one.next_step(&format!("waits for the window on {SATURDAYS}")).await;
        assert_eq!(one.orders().await, 0, "it was taken back: no device had it");
    }

    async fn an_order_that_its_device_did_not_take_waits_for_the_next_window(site) {
        let mut one = One::with(site, saturdays()).await;
        one.pass(Duration::from_hours(4 * 24 + 10)).await;
        one.deploy(false).await;
        one.next_step(TAKES).await;
        one.pass(Duration::from_hours(2)).await;
        assert_eq!(one.orders().await, 0, "the window is over");
        one.site.round().await;
        one.next_step(&format!("waits for the window on {NEXT_SATURDAYS}")).await;
    }

    async fn what_could_not_start_in_its_window_is_posted_again_for_the_next(site) {
        let mut one = One::with(site, saturdays()).await;
        one.pass(Duration::from_hours(4 * 24 + 10)).await;
        one.deploy(false).await;
        let first = one.next_step(TAKES).await;
        assert_eq!(one.orders().await, 1);
        one.pass(Duration::from_hours(2)).await;
        one.agent.report(first, Change::Status { status: DeployStatus::AgentDownloading }).await;
        one.agent.report(first, Change::End { ending: Ending::Expired }).await;
        let second = one.next_step(&format!("waits for the window on {NEXT_SATURDAYS}")).await;
        let jobs = one.jobs().await;
        assert_ne!(first, second);
        assert_eq!(jobs[0]["redeploy_of"], first.0);
        assert_eq!(jobs[1]["status"]["ending"], "expired");
    }

    async fn an_order_has_the_retries_of_its_device_s_policy(site) {
        let settings = json!({"deploy": {"retries": 7, "retry_seconds": 60, "limit_seconds": 600}});
        let one = One::with(site, settings).await;
        one.deploy(false).await;
        one.next_step(TAKES).await;
        let reply = say(&one.agent, |_| {}).await;
        let order = reply.orders[0].order.payload_unverified().unwrap();
        let order: Json = serde_json::from_slice(&order).unwrap();
        let expected = json!({"retries": 7, "retry_seconds": 60, "limit_seconds": 600});
        assert_eq!(order["policy"], expected);
    }

    async fn as_many_devices_install_at_once_as_may(site) {
        let person = site.administrator().await;
        set(&site, json!({"caps": {"devices_at_once": 1}})).await;
        let mut agents = [in_berlin(&site, "desk-1").await, in_berlin(&site, "desk-2").await];
        let devices: Vec<_> = agents.iter().map(|it| it.device).collect();
        let patch = lacked(&site, &person, "Tool", &devices).await;
        person.call(&site.site, "/api/v1/deployments", &json!({"patch": patch})).await;
        let says = async |next_step: &str| {
            until(&format!("one job: '{next_step}'"), async || {
                let all = jobs(&site, &person).await;
                let it = all.into_iter().find(|it| it["next_step"] == next_step)?;
                let device = it["device"].as_i64().unwrap();
                let place = devices.iter().position(|it| it.0 == device).unwrap();
                Some((id(&it), place, it["cause"].as_str().unwrap().to_owned()))
            })
            .await
        };
        let (first, place, _) = says(TAKES).await;
        let (second, _, cause) = says("waits for a free place").await;
        assert_eq!(cause, "waits for a free place: 1 at once, number 1 in the line");
        let agent = &mut agents[place];
        assert_eq!(say(agent, |_| {}).await.orders.len(), 1);
        for status in [
            DeployStatus::AgentDownloading,
            DeployStatus::AgentDownloaded,
            DeployStatus::Started,
            DeployStatus::Completed,
        ] {
            agent.report(first, Change::Status { status }).await;
        }
        site.live(Duration::from_secs(15)).await;
        assert_eq!(says(TAKES).await.0, second);
    }
}
